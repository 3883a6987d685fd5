"""The result of the declared suite: for people, a matrix of rules and engines; for programs, JSON."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from thunderguard.conformance.result import Answer, CaseResult, Conformance, EngineResult, Result
from thunderguard.model import JsonObject
from thunderguard.reports.terminal import ASCII, Glyphs, Paint, glyphs_for, safe
from thunderguard.reports.text import PLAIN_WIDTH, Look

if TYPE_CHECKING:
    from thunderguard.conformance.cases import Check

FORMAT_VERSION = "1"

# How many differences are told in a line each without --verbose.
_TOLD = 20

_STYLES = {
    Result.AGREES: "green",
    Result.DEVIATES: "yellow",
    Result.NOT_EXPRESSIBLE: "dim",
    Result.STALE: "red",
    Result.DIFFERS: "red",
    Result.FAILED: "yellow",
}


def render(result: Conformance, *, look: Look, verbose: bool = False) -> str:
    """Give the result as text that ends with a newline; ``verbose`` shows every difference whole."""
    return _Text(look).render(result, verbose=verbose)


class _Text:
    """The lines so far, and how they may look."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._paint = Paint(look.color)
        self._glyphs: Glyphs = glyphs_for(look.encoding)
        self._lines: list[str] = []
        glyphs = self._glyphs
        self._signs = {
            Result.DIFFERS: glyphs.away,
            Result.STALE: "~",
            Result.FAILED: glyphs.failing,
            Result.DEVIATES: glyphs.parked if glyphs is not ASCII else "o",
            Result.NOT_EXPRESSIBLE: glyphs.none,
        }

    def render(self, result: Conformance, *, verbose: bool) -> str:
        numbers = (
            _count(len(result.cases), "case"),
            _count(len(result.rules), "rule"),
            _count(len(result.engines), "engine"),
        )
        self._line(self._paint(f"Conformance: {', '.join(numbers)}", "bold"))
        self._line(f"  {self._paint('estate', 'dim')}  {self._safe(result.estate)}")
        for engine in result.engines:
            version = self._safe(engine.version) or "never opened"
            self._line(f"  {self._paint('engine', 'dim')}  {self._safe(engine.name)}, {version}")
        self._line()
        self._matrix(result)
        self._differences(result, verbose=verbose)
        self._reasons(result)
        self._deviations(result)
        self._line()
        colour = {0: "green", 1: "red"}.get(result.exit_code, "yellow")
        self._line(self._paint(_summary(result), colour, "bold"))
        return "\n".join(self._lines) + "\n"

    def _line(self, text: str = "") -> None:
        self._lines.append(text.rstrip())

    def _section(self, title: str) -> None:
        self._line()
        self._line(self._paint(title, "bold"))

    def _safe(self, text: object) -> str:
        return safe(str(text), encoding=self._look.encoding)

    def _matrix(self, result: Conformance) -> None:
        table = Table(box=None, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("rule", no_wrap=True)
        for engine in result.engines:
            table.add_column(self._safe(engine.name), justify="right", no_wrap=True)
        for rule in result.rules:
            table.add_row(rule, *(self._cell(engine.of_rule(rule)) for engine in result.engines))
        totals = [Counter(one.result for one in engine.results) for engine in result.engines]
        table.add_row(Text("all", "bold"), *(self._cell(total) for total in totals))
        width = max(PLAIN_WIDTH, table.__rich_measure__(_console(10_000, color=False), _options()).maximum)
        console = _console(width, color=self._look.color)
        console.print(table)
        shown = console.file.getvalue() if isinstance(console.file, io.StringIO) else ""
        for line in shown.splitlines():
            self._line(f"  {line}")
        signs = [f"{sign} {word}" for word, sign in self._signs.items()]
        self._line(f"  {self._paint('   '.join(['n agree', *signs]), 'dim')}")

    def _cell(self, counts: Counter[Result]) -> Text:
        cell = Text(str(counts[Result.AGREES]), _STYLES[Result.AGREES] if counts[Result.AGREES] else "dim")
        for result, sign in self._signs.items():
            if counts[result]:
                cell.append(f" {sign}{counts[result]}", _STYLES[result])
        return cell

    def _differences(self, result: Conformance, *, verbose: bool) -> None:
        found = [
            (engine, one, answer)
            for engine in result.engines
            for one in engine.results
            if one.result is Result.DIFFERS
            for answer in one.answers
            if answer.result is Result.DIFFERS
        ]
        if found:
            self._section(f"Differences ({len(found)})")
        for engine, one, answer in found if verbose else found[:_TOLD]:
            self._difference(engine, one, answer, verbose=verbose)
        if len(found) > _TOLD and not verbose:
            self._line(f"  and {len(found) - _TOLD} more; --verbose shows all of them, with their objects")
        stale = [(engine, one) for engine in result.engines for one in engine.results if one.result is Result.STALE]
        if stale:
            self._section("Deviations that are none any more: take them out of the list")
        for engine, one in stale:
            self._line(f"  {self._paint(self._safe(engine.name), 'cyan')}  {one.case.id}  {self._safe(one.case.place)}")

    def _difference(self, engine: EngineResult, one: CaseResult, answer: Answer, *, verbose: bool) -> None:
        name = self._paint(self._safe(engine.name), "cyan")
        self._line(f"  {name}  {one.case.id}  ({answer.check.form})  {self._safe(one.case.place)}")
        if verbose:
            text = orjson.dumps(orjson.loads(answer.check.text), option=orjson.OPT_INDENT_2).decode()
            for line in text.splitlines():
                self._line(f"      {self._safe(line)}")
        for line in answer.expected:
            self._line(f"    {self._paint('expected', 'green')}  {self._safe(line)}")
        for line in answer.got:
            self._line(f"    {self._paint('got', 'red')}       {self._safe(line)}")

    def _reasons(self, result: Conformance) -> None:
        """Print, for each reason, what could not be judged or expressed, and what never fired or passed."""
        silences = [(engine, one) for engine in result.engines for one in engine.silences]
        if silences:
            self._section("Rules that an engine never showed")
        for engine, silence in silences:
            name = self._paint(self._safe(engine.name), "cyan")
            self._line(f"  {name}  {silence.rule} never {silence.never} in these cases")
        for wanted, title in ((Result.FAILED, "Could not be judged"), (Result.NOT_EXPRESSIBLE, "Not expressible")):
            reasons = list(_by_reason(result, wanted))
            if reasons:
                self._section(title)
            for engine_name, reason, checks in reasons:
                name = self._paint(self._safe(engine_name), "cyan")
                cases = sorted({check.case for check in checks})
                more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
                self._line(f"  {name}  {self._safe(reason)}")
                self._line(f"    {_count(len(checks), 'document')}: {cases[0]}{more}")

    def _deviations(self, result: Conformance) -> None:
        found = [(engine, one) for engine in result.engines for one in engine.results if one.result is Result.DEVIATES]
        if found:
            self._section("Listed deviations")
        for engine, one in found:
            self._line(f"  {self._paint(self._safe(engine.name), 'cyan')}  {one.case.id}")
            self._line(f"    {self._safe(one.reason)}")
            self._line(f"    {self._safe(one.link)}")


def _console(width: int, *, color: bool) -> Console:
    return Console(
        file=io.StringIO(),
        width=width,
        color_system="standard" if color else None,
        force_terminal=color,
        no_color=not color,
        legacy_windows=False,
        highlight=False,
    )


def _options() -> Any:
    return _console(10_000, color=False).options


def _by_reason(result: Conformance, wanted: Result) -> Iterator[tuple[str, str, list[Check]]]:
    """Give (engine, reason, checks) of the answers that are ``wanted``, the most frequent reason first."""
    for engine in result.engines:
        checks: dict[str, list[Check]] = {}
        for one in engine.results:
            for answer in one.answers:
                if answer.result is wanted:
                    checks.setdefault(answer.reason, []).append(answer.check)
        for reason, members in sorted(checks.items(), key=lambda entry: (-len(entry[1]), entry[0])):
            yield engine.name, reason, members


def _summary(result: Conformance) -> str:
    counts = result.counts
    parts = [f"{counts[one]} {_WORDS[one]}" for one in _WORDS if counts[one] or one is Result.AGREES]
    silences = sum(len(engine.silences) for engine in result.engines)
    if silences:
        parts.append(_count(silences, "rule") + " never shown")
    return f"{', '.join(parts)}; exit {result.exit_code}"


_WORDS = {
    Result.AGREES: "agree",
    Result.DIFFERS: "differ",
    Result.STALE: "stale",
    Result.DEVIATES: "listed",
    Result.NOT_EXPRESSIBLE: "not expressible",
    Result.FAILED: "failed",
}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def to_json(result: Conformance) -> bytes:
    """Give the result as JSON text: counts for each engine and rule, and every case that is no plain agreement."""
    value = {
        "formatVersion": FORMAT_VERSION,
        "estate": result.estate,
        "cases": len(result.cases),
        "rules": list(result.rules),
        "engines": [_engine(engine, result.rules) for engine in result.engines],
        "exitCode": result.exit_code,
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"


def _engine(engine: EngineResult, rules: Sequence[str]) -> JsonObject:
    return {
        "name": engine.name,
        "version": engine.version or None,
        "matrix": {rule: {str(key): number for key, number in sorted(engine.of_rule(rule).items())} for rule in rules},
        "neverShown": [{"rule": one.rule, "never": one.never} for one in engine.silences],
        "cases": [_case(one) for one in engine.results if one.result is not Result.AGREES or _partly(one)],
    }


def _partly(one: CaseResult) -> bool:
    return any(answer.result is not Result.AGREES for answer in one.answers)


def _case(one: CaseResult) -> JsonObject:
    return {
        "id": one.case.id,
        "file": one.case.file,
        "line": one.case.line,
        "result": str(one.result),
        "reason": one.reason or None,
        "link": one.link or None,
        "checks": [
            {
                "form": str(answer.check.form),
                "result": str(answer.result),
                "reason": answer.reason or None,
                "expected": list(answer.expected),
                "got": list(answer.got),
                "document": orjson.loads(answer.check.text),
            }
            for answer in one.answers
            if answer.result is not Result.AGREES
        ],
    }
