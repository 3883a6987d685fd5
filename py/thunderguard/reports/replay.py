"""The result of a replay: for people, a table of properties and engines; for CI, JUnit; for programs, its JSON."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from thunderguard.model import JsonObject
from thunderguard.reports import junit
from thunderguard.reports.terminal import ASCII, Paint, glyphs_for, pad, safe
from thunderguard.reports.text import PLAIN_WIDTH, Look

_AGREES, _DISAGREES, _UNJUDGED = "agrees", "disagrees", "could not judge"
_CHANGED, _NOTHING = "policy changed", "nothing to judge"
_STYLES = {_AGREES: "green", _DISAGREES: "red", _UNJUDGED: "yellow", _CHANGED: "cyan", _NOTHING: "dim"}
_OUTCOMES = {
    _AGREES: junit.Outcome.PASSED,
    _DISAGREES: junit.Outcome.FAILED,
    _UNJUDGED: junit.Outcome.ERROR,
    _CHANGED: junit.Outcome.SKIPPED,
    _NOTHING: junit.Outcome.SKIPPED,
}
_LONGEST_TITLE = 64
_LONGEST_REASON = 500


def render_json(value: JsonObject) -> bytes:
    """Write the JSON value of a result as text."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def render_junit(value: JsonObject) -> bytes:
    """Write the JSON value of a result as JUnit XML: a suite for each property, a case for each engine."""
    known = {"snapshots": " ".join(value["snapshots"]), "seed": str(value["seed"]), "estate": value["estate"]}
    suites = []
    for one in value["properties"]:
        cases = [_case(one["id"], cell) for cell in one["engines"]]
        suites.append(junit.Suite(f"{one['id']}: {one['title']}", cases, known))
    return junit.render("thunderguard replay", suites)


def _case(id_: str, cell: JsonObject) -> junit.Case:
    outcome = _OUTCOMES[cell["state"]]
    message = cell["reason"] or ""
    if cell["state"] == _DISAGREES:
        message = f"{cell['failures']} of {cell['examples']} examples disagree"
    elif cell["state"] in (_NOTHING, _CHANGED):
        message = _first_line(cell["notes"][0] if cell["notes"] else cell["whyNotExpressible"] or cell["state"])
    text = "\n\n".join("\n".join(_counterexample(one)) for one in cell["counterexamples"])
    notes = "\n".join(cell["notes"])
    return junit.Case(cell["engine"], f"replay.{id_}", outcome, message, text or notes, cell["seconds"])


def _counterexample(one: JsonObject) -> Iterator[str]:
    if one["steps"]:
        yield f"after {one['steps']}"
    yield from one["manifest"].splitlines()
    for by, line in _said(one):
        yield f"{by}: {line}"
    yield f"repeat it: {one['command']}"
    if one["kept"]:
        yield f"kept in {one['kept']}"


def _said(one: JsonObject) -> Iterator[tuple[str, str]]:
    """Give what only one of the two outcomes says, with whose it is."""
    for said in one["outcomes"]:
        for line in said["says"] or ["nothing of that"]:
            yield said["by"], line


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def render(value: JsonObject, *, look: Look) -> str:
    """Write the JSON value of a result as text that ends with a newline."""
    return _Text(look).render(value)


class _Text:
    """The lines so far, and how they may look."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._paint = Paint(look.color)
        glyphs = glyphs_for(look.encoding)
        self._lines: list[str] = []
        self._signs = {
            _DISAGREES: glyphs.away,
            _UNJUDGED: glyphs.failing,
            _CHANGED: "~",
            _NOTHING: glyphs.none if glyphs is not ASCII else ".",
        }

    def render(self, value: JsonObject) -> str:
        """Give the whole text."""
        self._line(self._paint(f"Replay of {value['objects']} objects", "bold"))
        for snapshot in value["snapshots"]:
            self._named("snapshot", snapshot)
        self._named("estate", value["estate"])
        for engine in value["engines"]:
            self._named("engine", f"{engine['name']}, {engine['version'] or 'never opened'}")
        self._named("seed", f"{value['seed']}, profile {value['profile']}, {value['examples']} examples")
        self._line()
        self._table(value)
        self._counterexamples(value)
        self._reasons(value)
        self._line()
        colour = {0: "green", 1: "red"}.get(value["exitCode"], "yellow")
        self._line(self._paint(summary(value), colour, "bold"))
        return "\n".join(self._lines) + "\n"

    def _line(self, text: str = "") -> None:
        self._lines.append(text.rstrip())

    def _named(self, word: str, text: str) -> None:
        self._line(f"  {self._paint(pad(word, 8), 'dim')}  {self._safe(text)}")

    def _safe(self, text: object) -> str:
        return safe(str(text), encoding=self._look.encoding)

    def _section(self, title: str) -> None:
        self._line()
        self._line(self._paint(title, "bold"))

    def _table(self, value: JsonObject) -> None:
        table = Table(box=None, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("property", no_wrap=True)
        for engine in value["engines"]:
            table.add_column(self._safe(engine["name"]), justify="right", no_wrap=True)
        for one in value["properties"]:
            title = one["title"] if len(one["title"]) <= _LONGEST_TITLE else f"{one['title'][: _LONGEST_TITLE - 3]}..."
            table.add_row(f"{one['id']}  {title}", *(self._cell(cell) for cell in one["engines"]))
        wide = _console(10_000, color=False)
        width = max(PLAIN_WIDTH, table.__rich_measure__(wide, wide.options).maximum)
        console = _console(width, color=self._look.color)
        console.print(table)
        shown = console.file.getvalue() if isinstance(console.file, io.StringIO) else ""
        for line in shown.splitlines():
            self._line(f"  {line}")
        signs = [f"{sign} {word}" for word, sign in self._signs.items()]
        self._line(f"  {self._paint('   '.join(['n examples agree', *signs]), 'dim')}")

    def _cell(self, cell: JsonObject) -> Text:
        state = cell["state"]
        style = _STYLES[state]
        if state == _AGREES:
            return Text(str(cell["examples"]), style)
        if state == _DISAGREES:
            return Text(f"{self._signs[state]} {cell['failures']} of {cell['examples']}", style)
        if state == _CHANGED:
            return Text(f"{self._signs[state]} {cell['examples']}", style)
        return Text(self._signs[state], style)

    def _counterexamples(self, value: JsonObject) -> None:
        found = [
            (one, cell, example)
            for one in value["properties"]
            for cell in one["engines"]
            for example in cell["counterexamples"]
        ]
        if found:
            self._section(f"Disagreements ({len(found)}), each made small")
        for one, cell, example in found:
            self._line()
            head = f"{one['id']}  {cell['engine']}"
            self._line(f"  {self._paint(head, 'red', 'bold')}  {self._safe(one['title'])}")
            if example["steps"]:
                self._line(f"    {self._paint('after', 'dim')}  {self._safe(example['steps'])}")
            for line in example["manifest"].splitlines():
                self._line(f"      {self._safe(line)}")
            for by, line in _said(example):
                self._line(f"    {self._paint(self._safe(by), 'cyan')}: {self._safe(line)}")
            self._line(f"    {self._paint('repeat', 'dim')}  {self._safe(example['command'])}")
            if example["kept"]:
                self._line(f"    {self._paint('kept', 'dim')}  {self._safe(example['kept'])}")

    def _reasons(self, value: JsonObject) -> None:
        self._grouped(value, "Could not judge", "reason", "yellow")
        self._grouped(value, "Not expressible, so not asked", "whyNotExpressible", "dim")
        notes: dict[str, set[str]] = {}
        for one in value["properties"]:
            for cell in one["engines"]:
                for note in cell["notes"]:
                    notes.setdefault(note, set()).add(cell["engine"])
        if notes or value["withoutSample"]:
            self._section("Notes")
        for note, engines in notes.items():
            first, *rest = note.splitlines()
            self._line(f"  {self._safe(first)}  ({', '.join(sorted(engines))})")
            for line in rest:
                self._line(f"    {self._safe(line)}")
        for entry in value["withoutSample"]:
            self._line(f"  no sample of {self._safe(entry['service'])}: {self._safe(entry['reason'])}")

    def _grouped(self, value: JsonObject, title: str, key: str, colour: str) -> None:
        told: dict[tuple[str, str], list[str]] = {}
        for one in value["properties"]:
            for cell in one["engines"]:
                if cell[key]:
                    told.setdefault((cell["engine"], cell[key]), []).append(one["id"])
        if told:
            self._section(title)
        for (engine, reason), ids in told.items():
            told_short = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}..."
            self._line(f"  {self._paint(self._safe(engine), colour)} ({', '.join(ids)}): {self._safe(told_short)}")


def summary(value: JsonObject) -> str:
    """Give the last line of the text: what came of the properties, and the exit code."""
    states: Counter[Any] = Counter(cell["state"] for one in value["properties"] for cell in one["engines"])
    parts = [
        f"{_count(value['properties'], 'property', 'properties')}, {_count(value['engines'], 'engine', 'engines')}"
    ]
    parts += [f"{states[state]} {state}" for state in _STYLES if states[state]]
    if value["interrupted"]:
        parts.append("interrupted, so this is not all")
    return "; ".join([*parts, f"exit {value['exitCode']}"])


def _count(some: list[Any], one: str, several: str) -> str:
    return f"{len(some)} {one if len(some) == 1 else several}"


def _console(width: int, *, color: bool) -> Console:
    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        legacy_windows=False,
    )
