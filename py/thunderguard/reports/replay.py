"""The result of a replay: for people, a table of properties and engines; for CI, JUnit; for programs, its JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson
from rich.text import Text

from thunderguard.model import JsonObject
from thunderguard.reports import junit
from thunderguard.reports.sheet import Sheet, counted
from thunderguard.reports.terminal import ASCII, pad

if TYPE_CHECKING:
    from thunderguard.reports.text import Look

# The words of the states, which a report knows as they stand in its value: it knows nothing of how they come about.
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


class _Text(Sheet):
    """The text, part by part."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        glyphs = self.glyphs
        self._signs = {
            _DISAGREES: glyphs.away,
            _UNJUDGED: glyphs.failing,
            _CHANGED: "~",
            _NOTHING: glyphs.none if glyphs is not ASCII else ".",
        }

    def render(self, value: JsonObject) -> str:
        """Give the whole text."""
        self.line(self.paint(f"Replay of {value['objects']} objects", "bold"))
        for snapshot in value["snapshots"]:
            self._named("snapshot", snapshot)
        self._named("estate", value["estate"])
        for engine in value["engines"]:
            self._named("engine", f"{engine['name']}, {engine['version'] or 'never opened'}")
        self._named("seed", f"{value['seed']}, profile {value['profile']}, {value['examples']} examples")
        self.line()
        self._table(value)
        self._counterexamples(value)
        self._reasons(value)
        self.ending(summary(value), value["exitCode"])
        return self.text()

    def _named(self, word: str, text: str) -> None:
        self.line(f"  {self.paint(pad(word, 8), 'dim')}  {self.safe(text)}")

    def _table(self, value: JsonObject) -> None:
        rows = []
        for one in value["properties"]:
            title = one["title"] if len(one["title"]) <= _LONGEST_TITLE else f"{one['title'][: _LONGEST_TITLE - 3]}..."
            rows.append((f"{one['id']}  {title}", [self._cell(cell) for cell in one["engines"]]))
        legend = ["n examples agree", *(f"{sign} {word}" for word, sign in self._signs.items())]
        self.table("property", [engine["name"] for engine in value["engines"]], rows, legend)

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
            self.section(f"Disagreements ({len(found)}), each made small")
        for one, cell, example in found:
            self.line()
            head = f"{one['id']}  {cell['engine']}"
            self.line(f"  {self.paint(head, 'red', 'bold')}  {self.safe(one['title'])}")
            if example["steps"]:
                self.line(f"    {self.paint('after', 'dim')}  {self.safe(example['steps'])}")
            for line in example["manifest"].splitlines():
                self.line(f"      {self.safe(line)}")
            for by, line in _said(example):
                self.line(f"    {self.paint(self.safe(by), 'cyan')}: {self.safe(line)}")
            self.line(f"    {self.paint('repeat', 'dim')}  {self.safe(example['command'])}")
            if example["kept"]:
                self.line(f"    {self.paint('kept', 'dim')}  {self.safe(example['kept'])}")

    def _reasons(self, value: JsonObject) -> None:
        self._grouped(value, "Could not judge", "reason", "yellow")
        self._grouped(value, "Not expressible, so not asked", "whyNotExpressible", "dim")
        notes: dict[str, set[str]] = {}
        for one in value["properties"]:
            for cell in one["engines"]:
                for note in cell["notes"]:
                    notes.setdefault(note, set()).add(cell["engine"])
        if notes or value["withoutSample"]:
            self.section("Notes")
        for note, engines in notes.items():
            first, *rest = note.splitlines()
            self.line(f"  {self.safe(first)}  ({', '.join(sorted(engines))})")
            for line in rest:
                self.line(f"    {self.safe(line)}")
        for entry in value["withoutSample"]:
            self.line(f"  no sample of {self.safe(entry['service'])}: {self.safe(entry['reason'])}")

    def _grouped(self, value: JsonObject, title: str, key: str, colour: str) -> None:
        told: dict[tuple[str, str], list[str]] = {}
        for one in value["properties"]:
            for cell in one["engines"]:
                if cell[key]:
                    told.setdefault((cell["engine"], cell[key]), []).append(one["id"])
        if told:
            self.section(title)
        for (engine, reason), ids in told.items():
            told_short = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}..."
            self.line(f"  {self.paint(self.safe(engine), colour)} ({', '.join(ids)}): {self.safe(told_short)}")


def summary(value: JsonObject) -> str:
    """Give the last line of the text: what came of the properties, and the exit code."""
    states: Counter[Any] = Counter(cell["state"] for one in value["properties"] for cell in one["engines"])
    properties, engines = len(value["properties"]), len(value["engines"])
    parts = [f"{counted(properties, 'property', 'properties')}, {counted(engines, 'engine')}"]
    parts += [f"{states[state]} {state}" for state in _STYLES if states[state]]
    if value["interrupted"]:
        parts.append("interrupted, so this is not all")
    return "; ".join([*parts, f"exit {value['exitCode']}"])
