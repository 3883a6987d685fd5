"""A chart under each of its values files, for people and as JSON: rules in rows, sets of values in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from rich.text import Text

from thunderguard.model import Finding, JsonObject, Level, Problem, Report, Status
from thunderguard.reports.json import finding_value, problem_value, totals_value
from thunderguard.reports.setting import writable
from thunderguard.reports.sheet import Row, Sheet, counted

if TYPE_CHECKING:
    from thunderguard.reports.text import Look

FORMAT_VERSION = "1"
_STYLES = {Level.DENY: "red", Level.WARN: "yellow", Level.INFO: "cyan"}


@dataclass(frozen=True, slots=True)
class ValuesColumn:
    """One set of values: its name and files as the user knows them, and the report, or why there is none."""

    name: str
    files: Sequence[str]
    report: Report | None = None
    error: Problem | None = None

    def counts(self) -> dict[Level, int]:
        """Give how many findings there are of each level, waived ones left out."""
        found = [one for one in self.report.findings if one.waived is None] if self.report is not None else []
        return {level: sum(one.level is level for one in found) for level in Level}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartResult:
    """All that is shown about a chart. ``levels`` and ``titles`` are those of the rules.

    ``checks`` are findings in the chart's own files, which are about no object.
    """

    chart: str
    name: str
    version: str
    release: str
    namespace: str | None
    columns: Sequence[ValuesColumn]
    checks: Sequence[Finding]
    fail_on: Level | None
    exit_code: int
    levels: Mapping[str, Level]
    titles: Mapping[str, str]

    @property
    def rules(self) -> list[str]:
        """Give the ids of the rules that were asked, sorted."""
        return sorted({rule for one in self.columns if one.report is not None for rule in one.report.totals})


def render(result: ChartResult, *, look: Look) -> str:
    """Give ``result`` as text that ends with a newline."""
    return _Text(look).render(result)


class _Text(Sheet):
    def render(self, result: ChartResult) -> str:
        named = f"{result.name} {result.version} under {counted(len(result.columns), 'set')} of values"
        self.line(self.paint(self.safe(f"Chart {named}"), "bold"))
        self._fact("chart", result.chart)
        self._fact("release", f"{result.release} in namespace {result.namespace or '(unknown: not judged)'}")
        self.section("Values")
        for number, column in enumerate(result.columns, 1):
            self.line(f"  {number:>2}  {self.safe(column.name)}  {self.paint(self._told(column), 'dim')}")
        self.line()
        self._matrix(result)
        self._findings(result)
        self._problems(result)
        if result.checks:
            self.section("The chart's own files")
        for check in result.checks:
            self._heading(result, check.rule)
            self._finding(check, [])
        self.ending(_summary(result), result.exit_code)
        return self.text()

    def _fact(self, name: str, value: str) -> None:
        self.line(f"  {self.paint(f'{name:<8}', 'dim')}  {self.safe(value)}")

    def _told(self, column: ValuesColumn) -> str:
        if column.report is None:
            return "does not render"
        numbers = [f"{number} {level}" for level, number in column.counts().items() if number]
        return f"{counted(column.report.source['objects'], 'object')}, {', '.join(numbers) or 'no findings'}"

    def _matrix(self, result: ChartResult) -> None:
        rows: list[Row] = [
            (self.safe(rule), [self._cell(result, column, rule) for column in result.columns]) for rule in result.rules
        ]
        legend = ["n findings", f"{self.glyphs.none} none", "- about nothing", "? not judged", "x does not render"]
        self.table("rule", [str(number) for number, _ in enumerate(result.columns, 1)], rows, legend)

    def _cell(self, result: ChartResult, column: ValuesColumn, rule: str) -> Text:
        if column.report is None:
            return Text("x", "yellow")
        totals = column.report.totals.get(rule, {})
        found = sum(one.rule == rule and one.waived is None for one in column.report.findings)
        if found:
            return Text(str(found), _STYLES[result.levels.get(rule, Level.DENY)])
        if totals.get(Status.FAILED) or totals.get(Status.NOT_JUDGED):
            return Text("?", "yellow")
        return Text(self.glyphs.none, "green") if totals.get(Status.PASSED) else Text("-", "dim")

    def _findings(self, result: ChartResult) -> None:
        found: dict[str, dict[Finding, list[int]]] = {}
        for number, column in enumerate(result.columns, 1):
            for finding in column.report.findings if column.report is not None else ():
                if finding.waived is None:
                    found.setdefault(finding.rule, {}).setdefault(finding, []).append(number)
        weights = list(Level)
        for rule in sorted(found, key=lambda rule: (weights.index(result.levels.get(rule, Level.DENY)), rule)):
            self.line()
            self._heading(result, rule)
            for finding, numbers in sorted(found[rule].items(), key=lambda entry: entry[0].sort_key):
                self._finding(finding, [] if len(numbers) == len(result.columns) else numbers)

    def _heading(self, result: ChartResult, rule: str) -> None:
        level = result.levels.get(rule, Level.DENY)
        title = self.safe(result.titles.get(rule, ""))
        self.line(f"{self.paint(str(level), _STYLES[level], 'bold')}  {self.paint(rule, 'bold')}  {title}")

    def _finding(self, finding: Finding, numbers: Sequence[int]) -> None:
        place = finding.file or ""
        if place and finding.line:
            place = f"{place}:{finding.line}"
        only = f"values {', '.join(map(str, numbers))}" if numbers else ""
        head = [str(finding.resource), finding.path, place, only]
        self.line(f"  {self.safe('  '.join(part for part in head if part))}")
        self.line(f"    {self.safe(finding.message)}")
        self.line(self.paint(f"    {self.glyphs.arrow} {self.safe(finding.remedy)}", "dim"))

    def _problems(self, result: ChartResult) -> None:
        told = [
            (column.name, problem)
            for column in result.columns
            for problem in ([column.error] if column.error else column.report.problems if column.report else ())
        ]
        if told:
            self.section("Not everything was judged")
        for name, problem in told:
            place = problem.file or ""
            if problem.line:
                place = f"{place}:{problem.line}"
            self.line(f"  {self.paint(self.safe(name), 'yellow')}  {self.safe(place)}")
            self.line(f"    {self.safe(problem.message)}")


def _summary(result: ChartResult) -> str:
    levels = {level: sum(column.counts()[level] for column in result.columns) for level in Level}
    for check in result.checks:
        levels[check.level] += 1
    clean = sum(column.report is not None and not any(column.counts().values()) for column in result.columns)
    parts = [
        ", ".join(f"{number} {level}" for level, number in levels.items()),
        f"{clean} of {counted(len(result.columns), 'set')} of values clean",
        f"exit {result.exit_code}",
    ]
    return "; ".join(parts)


def to_json(result: ChartResult) -> bytes:
    """Give ``result`` as JSON text, as ``charts.schema.json`` describes it."""
    value: JsonObject = {
        "formatVersion": FORMAT_VERSION,
        "chart": {"path": result.chart, "name": result.name, "version": result.version},
        "release": result.release,
        "namespace": result.namespace,
        "failOn": "never" if result.fail_on is None else str(result.fail_on),
        "rules": [{"id": rule, "level": str(result.levels.get(rule, Level.DENY))} for rule in result.rules],
        "values": [_column(column, result.rules) for column in result.columns],
        "checks": [finding_value(check) for check in result.checks],
        "exitCode": result.exit_code,
    }
    return orjson.dumps(writable(value), option=orjson.OPT_INDENT_2) + b"\n"


def _column(column: ValuesColumn, rules: Sequence[str]) -> JsonObject:
    report = column.report
    return {
        "name": column.name,
        "files": list(column.files),
        "objects": None if report is None else report.source["objects"],
        "error": None if column.error is None else problem_value(column.error),
        "rules": {}
        if report is None
        else {rule: totals_value(report.totals[rule]) for rule in rules if rule in report.totals},
        "findings": [] if report is None else [finding_value(one) for one in report.findings],
        "problems": [] if report is None else [problem_value(one) for one in report.problems],
    }
