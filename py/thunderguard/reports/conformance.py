"""The result of the declared suite: for people, a matrix of rules and engines; for programs, JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import orjson
from rich.text import Text

from thunderguard.conformance.result import Answer, CaseResult, Conformance, EngineResult, Result
from thunderguard.model import JsonObject
from thunderguard.reports.sheet import Row, Sheet, counted
from thunderguard.reports.terminal import ASCII

if TYPE_CHECKING:
    from thunderguard.conformance.cases import Check
    from thunderguard.reports.text import Look

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


class _Text(Sheet):
    """The text, part by part."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        glyphs = self.glyphs
        self._signs = {
            Result.DIFFERS: glyphs.away,
            Result.STALE: "~",
            Result.FAILED: glyphs.failing,
            Result.DEVIATES: glyphs.parked if glyphs is not ASCII else "o",
            Result.NOT_EXPRESSIBLE: glyphs.none,
        }

    def render(self, result: Conformance, *, verbose: bool) -> str:
        numbers = (
            counted(len(result.cases), "case"),
            counted(len(result.rules), "rule"),
            counted(len(result.engines), "engine"),
        )
        self.line(self.paint(f"Conformance: {', '.join(numbers)}", "bold"))
        self.line(f"  {self.paint('estate', 'dim')}  {self.safe(result.estate)}")
        for engine in result.engines:
            version = self.safe(engine.version) or "never opened"
            self.line(f"  {self.paint('engine', 'dim')}  {self.safe(engine.name)}, {version}")
        self.line()
        self._matrix(result)
        self._differences(result, verbose=verbose)
        self._reasons(result)
        self._deviations(result)
        self.ending(_summary(result), result.exit_code)
        return self.text()

    def _matrix(self, result: Conformance) -> None:
        totals = [Counter(one.result for one in engine.results) for engine in result.engines]
        rows: list[Row] = [
            (rule, [self._cell(engine.of_rule(rule)) for engine in result.engines]) for rule in result.rules
        ]
        rows.append((Text("all", "bold"), map(self._cell, totals)))
        legend = ["n agree", *(f"{sign} {word}" for word, sign in self._signs.items())]
        self.table("rule", [engine.name for engine in result.engines], rows, legend)

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
            self.section(f"Differences ({len(found)})")
        for engine, one, answer in found if verbose else found[:_TOLD]:
            self._difference(engine, one, answer, verbose=verbose)
        if len(found) > _TOLD and not verbose:
            self.line(f"  and {len(found) - _TOLD} more; --verbose shows all of them, with their objects")
        stale = [(engine, one) for engine in result.engines for one in engine.results if one.result is Result.STALE]
        if stale:
            self.section("Deviations that are none any more: take them out of the list")
        for engine, one in stale:
            self.line(f"  {self.paint(self.safe(engine.name), 'cyan')}  {one.case.id}  {self.safe(one.case.place)}")

    def _difference(self, engine: EngineResult, one: CaseResult, answer: Answer, *, verbose: bool) -> None:
        name = self.paint(self.safe(engine.name), "cyan")
        self.line(f"  {name}  {one.case.id}  ({answer.check.form})  {self.safe(one.case.place)}")
        if verbose:
            text = orjson.dumps(orjson.loads(answer.check.text), option=orjson.OPT_INDENT_2).decode()
            for line in text.splitlines():
                self.line(f"      {self.safe(line)}")
        for line in answer.expected:
            self.line(f"    {self.paint('expected', 'green')}  {self.safe(line)}")
        for line in answer.got:
            self.line(f"    {self.paint('got', 'red')}       {self.safe(line)}")

    def _reasons(self, result: Conformance) -> None:
        """Print, for each reason, what could not be judged or expressed, and what never fired or passed."""
        silences = [(engine, one) for engine in result.engines for one in engine.silences]
        if silences:
            self.section("Rules that an engine never showed")
        for engine, silence in silences:
            name = self.paint(self.safe(engine.name), "cyan")
            self.line(f"  {name}  {silence.rule} never {silence.never} in these cases")
        for wanted, title in ((Result.FAILED, "Could not be judged"), (Result.NOT_EXPRESSIBLE, "Not expressible")):
            reasons = list(_by_reason(result, wanted))
            if reasons:
                self.section(title)
            for engine_name, reason, checks in reasons:
                name = self.paint(self.safe(engine_name), "cyan")
                cases = sorted({check.case for check in checks})
                more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
                self.line(f"  {name}  {self.safe(reason)}")
                self.line(f"    {counted(len(checks), 'document')}: {cases[0]}{more}")

    def _deviations(self, result: Conformance) -> None:
        found = [(engine, one) for engine in result.engines for one in engine.results if one.result is Result.DEVIATES]
        if found:
            self.section("Listed deviations")
        for engine, one in found:
            self.line(f"  {self.paint(self.safe(engine.name), 'cyan')}  {one.case.id}")
            self.line(f"    {self.safe(one.reason)}")
            self.line(f"    {self.safe(one.link)}")


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
        parts.append(counted(silences, "rule") + " never shown")
    return f"{', '.join(parts)}; exit {result.exit_code}"


_WORDS = {
    Result.AGREES: "agree",
    Result.DIFFERS: "differ",
    Result.STALE: "stale",
    Result.DEVIATES: "listed",
    Result.NOT_EXPRESSIBLE: "not expressible",
    Result.FAILED: "failed",
}


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
