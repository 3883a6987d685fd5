"""A chart under each of its values files: rendered in parallel, judged one after the other by one engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from thunderguard.audit import exit_code, opener, run_audit
from thunderguard.charts.chartfile import ChartSource, mapping_file
from thunderguard.charts.render import Rendering, render, render_all
from thunderguard.charts.settings import Installation, settings_of
from thunderguard.charts.sources import add_chart_files
from thunderguard.charts.stage import Stage
from thunderguard.errors import ChartError, UsageError
from thunderguard.model import ExitCode, Finding, LedgerRow, Level, Problem, Report, Resource, Status, in_order

if TYPE_CHECKING:
    from datetime import date

    from thunderguard.engines.base import Engine
    from thunderguard.estate import Estate

DEFAULT_VALUES = "values.yaml"
# The heavier answer stands for an object that several values files give different ones about.
_WEIGHT = (Status.NOT_MATCHED, Status.PASSED, Status.NOT_JUDGED, Status.WAIVED, Status.VIOLATED, Status.FAILED)
_NAMED = 3


@dataclass(frozen=True, slots=True)
class ValuesSet:
    """Values files that are used together, in the order of ``helm -f``; none: the chart's own values alone."""

    name: str
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """What came of one set of values: a ``report``, or the ``error`` for which there is none."""

    values: ValuesSet
    report: Report | None = None
    error: ChartError | None = None

    def problem(self, chart: str) -> Problem | None:
        """Give the error as a problem of a report about ``chart``."""
        if self.error is None:
            return None
        told = f"with {self.values.name}: {self.error.told}"
        return Problem("unread", told, self.error.file or chart, self.error.line)


@dataclass(frozen=True, slots=True)
class Matrix:
    """A chart under all its values files, and what was found in its own files (``checks``)."""

    chart: str
    name: str
    version: str
    how: Installation
    columns: tuple[Column, ...]
    checks: tuple[Finding, ...] = ()
    fail_on: Level | None = Level.DENY

    @property
    def judged(self) -> list[Report]:
        """Give the reports of the sets that could be rendered."""
        return [column.report for column in self.columns if column.report is not None]

    @property
    def rules(self) -> list[str]:
        """Give the ids of the rules that were asked, sorted."""
        return sorted({rule for report in self.judged for rule in report.totals})

    @property
    def exit_code(self) -> int:
        """Give the exit code: 3 when a set was not judged whole, 1 when something fails."""
        codes = [exit_code(report) for report in self.judged]
        if len(codes) < len(self.columns) or ExitCode.INCOMPLETE in codes:
            return ExitCode.INCOMPLETE
        failing = self.fail_on is not None and any(check.level.reaches(self.fail_on) for check in self.checks)
        return ExitCode.FINDINGS if failing or ExitCode.FINDINGS in codes else ExitCode.CLEAN


def values_sets(
    chart: ChartSource, *, pairs: Sequence[Sequence[str]] = (), more: Sequence[Path] = ()
) -> list[ValuesSet]:
    """Give the sets of values to try: each values file of ``chart`` alone, ``more`` files, and the declared pairs.

    Values files are those called ``values*.yaml``, those in ``ci`` that chart-testing takes (``*-values.yaml``), and
    the ones in ``examples`` that are no manifests. The files of ``pairs`` are named as they are seen from the chart.
    Raises ChartError for a pair whose file is not there.
    """
    sets = [ValuesSet(DEFAULT_VALUES)]
    sets += [ValuesSet(path.relative_to(chart.folder).as_posix(), (path,)) for path in _found(chart.folder)]
    sets += [ValuesSet(str(path), (path,)) for path in more]
    for pair in [*settings_of(chart).pairs, *pairs]:
        sets.append(ValuesSet(" + ".join(pair), tuple(_named(chart, name) for name in pair if name != DEFAULT_VALUES)))
    return list({one.name: one for one in sets}.values())


def run_matrix(
    chart: ChartSource,
    sets: Sequence[ValuesSet],
    how: Installation,
    *,
    estate: Estate,
    real: bool,
    engine: str = "embedded",
    fail_on: Level | None = Level.DENY,
    rules: Sequence[str] = (),
    at: date | None = None,
    workers: int | None = None,
    checks: Sequence[Finding] = (),
    progress: Callable[[str, int, int | None], None] | None = None,
) -> Matrix:
    """Render ``chart`` with each of ``sets`` and judge it; ``real`` says that its label is its folder.

    Raises ChartError when not one of the sets renders, and what opening an engine raises.
    """

    def rendered(one: ValuesSet) -> Rendering:
        return render(chart, values=one.files, release=how.release, namespace=how.rendered_namespace)

    columns: list[Column] = []
    with opener(estate, engine)() as opened:

        def judged(rendering: Rendering) -> Report:
            return _judged(
                rendering, how, opened, estate, real=real, fail_on=fail_on, rules=rules, at=at, engine=engine
            )

        for one, given in zip(sets, render_all(sets, rendered, workers=workers), strict=True):
            if isinstance(given, ChartError):
                columns.append(Column(one, error=given))
            else:
                columns.append(Column(one, judged(given)))
            if progress is not None:
                progress("judging", len(columns), len(sets))
    matrix = Matrix(chart.label, chart.name, chart.version, how, tuple(columns), tuple(in_order(checks)), fail_on)
    if not matrix.judged:
        raise next(column.error for column in columns if column.error is not None)
    return matrix


def _judged(
    rendering: Rendering,
    how: Installation,
    opened: Engine,
    estate: Estate,
    *,
    real: bool,
    engine: str,
    fail_on: Level | None,
    rules: Sequence[str],
    at: date | None,
) -> Report:
    with Stage() as stage:
        stage.add_rendering(rendering)
        add_chart_files(stage, rendering.chart, real=real)
        report = run_audit(
            stage.paths,
            estate=estate.path,
            engine=engine,
            fail_on=fail_on,
            namespaces=stage.namespaces if how.namespace is not None else None,
            rules=rules,
            complete=False,
            workers=1,
            at=at,
            using=opened,
        )
        return stage.named(report, rendering.chart.label)


def merged(matrix: Matrix) -> Report:
    """Give one report about all sets of values, for the formats that know one.

    A finding stands in it once, with the sets that have it where not all do; an object has the heaviest answer.
    """
    first = matrix.judged[0]
    rows = _rows(matrix.judged)
    totals: dict[str, dict[Status, int]] = {rule: dict.fromkeys(Status, 0) for rule in matrix.rules}
    for row in rows:
        for rule, status in row.statuses.items():
            totals[rule][status] += 1
    return replace(
        first,
        source={**first.source, "objects": sum(1 for row in rows if row.resource is not None)},
        findings=tuple(in_order([*_findings(matrix), *matrix.checks])),
        totals=totals,
        rows=tuple(rows),
        problems=tuple(_problems(matrix)),
        inventory=(),
    )


def _findings(matrix: Matrix) -> Iterator[Finding]:
    sets: dict[tuple[str, str | None, str], list[str]] = {}
    found: dict[tuple[str, str | None, str], Finding] = {}
    for column in matrix.columns:
        for finding in column.report.findings if column.report is not None else ():
            key = (finding.fingerprint, finding.file, finding.message)
            sets.setdefault(key, []).append(column.values.name)
            found.setdefault(key, finding)
    for key, finding in found.items():
        names = list(dict.fromkeys(sets[key]))
        if len(names) == len(matrix.judged):
            yield finding
        else:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            yield replace(finding, message=f"{finding.message} (with {', '.join(names[:_NAMED])}{more})")


def _rows(reports: Iterable[Report]) -> list[LedgerRow]:
    found: dict[tuple[Resource | None, str | None], dict[str, Status]] = {}
    for report in reports:
        for row in report.rows:
            answers = found.setdefault((row.resource, row.file), {})
            for rule, status in row.statuses.items():
                answers[rule] = max(answers.get(rule, status), status, key=_WEIGHT.index)
    return [LedgerRow(resource, file, answers) for (resource, file), answers in found.items()]


def _problems(matrix: Matrix) -> Iterator[Problem]:
    seen: set[Problem] = set()
    for column in matrix.columns:
        if (failed := column.problem(matrix.chart)) is not None:
            yield failed
        for problem in column.report.problems if column.report is not None else ():
            if problem not in seen:
                seen.add(problem)
                yield problem


def _found(folder: Path) -> list[Path]:
    beside = [path for path in sorted(folder.glob("values*.y*ml")) if path.name != DEFAULT_VALUES]
    tested = sorted((folder / "ci").glob("*-values.y*ml"))
    shown = [path for path in sorted((folder / "examples").rglob("*.y*ml")) if _is_values(path)]
    return [path for path in (*beside, *tested, *shown) if path.is_file() and path.suffix in (".yaml", ".yml")]


def _is_values(path: Path) -> bool:
    try:
        return "kind" not in mapping_file(path, str(path))
    except ChartError:
        # Rendering with it says what is wrong with it, unless it is a file of several manifests.
        return "kind:" not in path.read_text(encoding="utf-8", errors="replace")


def _named(chart: ChartSource, name: str) -> Path:
    path = (chart.folder / name).resolve()
    if not path.is_relative_to(chart.folder.resolve()):
        raise ChartError(f"a pair names {name}, which leads out of the chart", hint="name files of the chart")
    if not path.is_file():
        raise ChartError(f"a pair names {name}, which {chart.label} does not have", hint="name files of the chart")
    return path


def pairs_of(texts: Sequence[str]) -> list[list[str]]:
    """Read the values of --pair, names with commas between them. Raises UsageError for fewer than two names."""
    pairs = [[name.strip() for name in text.split(",") if name.strip()] for text in texts]
    for text, pair in zip(texts, pairs, strict=True):
        if len(pair) < 2:
            raise UsageError(f"--pair {text!r} is no pair", hint="name two values files or more, with commas")
    return pairs
