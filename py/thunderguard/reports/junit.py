"""JUnit XML, which every CI system shows: suites of cases that passed, failed, could not be tried or were left out.

:func:`render` takes plain values, so that anything that has results can be written; what XML cannot hold is written
out. :func:`render_report` writes the report of an audit with it: a suite a rule, a case an object that it judged.

Jenkins' xUnit plugin skips a whole file that its schema does not allow, so nothing is written that others alone read:
no file and line of a case (they stand in its text), and no number of skipped cases over all suites.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from thunderguard.model import Finding, LedgerRow, Problem, Report, Resource, Status, in_order
from thunderguard.reports.setting import Setting
from thunderguard.reports.terminal import safe

#: Up to so many passes are cases of their own; where there are more, each suite counts its passes in a property, since
#: CI systems cut files off (GitLab.com reads no more than 500,000 cases) and show such a list to nobody.
MOST_PASSES = 5000

_SOURCE = ("path", "kind", "capturedAt", "clusterVersion")


class Outcome(StrEnum):
    """What came of a case. A case that was left out says why; it is no pass."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Case:
    """One case. ``message`` is the line that says what is wrong, ``text`` the rest; ``file`` parts like names."""

    name: str
    group: str
    outcome: Outcome
    message: str = ""
    text: str = ""
    seconds: float = 0.0
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases under one name, with what is known of all of them."""

    name: str
    cases: Sequence[Case]
    properties: Mapping[str, str] = field(default_factory=dict)


_STATED = {
    Status.PASSED: (Outcome.PASSED, ""),
    Status.NOT_JUDGED: (Outcome.SKIPPED, "not judged: the source does not say enough"),
    Status.FAILED: (Outcome.ERROR, "the engine gave no verdict"),
}

_RESULTS = {Outcome.FAILED: Failure, Outcome.ERROR: Error, Outcome.SKIPPED: Skipped}


def render(name: str, suites: Sequence[Suite]) -> bytes:
    """Write ``suites`` as one XML document in UTF-8."""
    document = JUnitXml(safe(name))
    for suite in suites:
        document.add_testsuite(_suite(suite))
    document.update_statistics()  # type: ignore[no-untyped-call]  # junitparser has types, but not here
    del document._elem.attrib["skipped"]  # the library leaves none out
    data: bytes = document.tostring()  # type: ignore[no-untyped-call]  # nor here
    return data if data.endswith(b"\n") else data + b"\n"


def _suite(suite: Suite) -> TestSuite:
    written = TestSuite(safe(suite.name))
    for key, value in suite.properties.items():
        written.add_property(safe(key), safe(value))
    # One by one, each would have all of them counted anew.
    written.add_testcases([_case(case) for case in suite.cases])
    return written


def _case(case: Case) -> TestCase:
    written = TestCase(safe(case.name), classname=safe(case.group), time=round(case.seconds, 3))
    kind = _RESULTS.get(case.outcome)
    if kind is not None:
        result = kind(message=safe(case.message), type_=str(case.outcome))
        result.text = "\n".join(safe(line) for line in case.text.splitlines())
        written.result = [result]
    return written


def render_report(report: Report, setting: Setting) -> bytes:
    """Write ``report``: a suite for each rule and one for what could not be read or judged.

    What makes the audit end with 1 is a failure and what makes it end with 3 is an error, so that CI is red when the
    audit is. A finding that fails nothing (waived, below --fail-on, in the baseline) is skipped and says why, and so
    is what was not judged. Passes beyond :data:`MOST_PASSES` are only counted.
    """
    by_rule: dict[str, list[Finding]] = defaultdict(list)
    for finding in in_order(report.findings):
        by_rule[finding.rule].append(finding)
    others = _others(report.rows)
    passes = sum(case.outcome is Outcome.PASSED for cases in others.values() for case in cases)
    suites = []
    for rule in sorted({*report.totals, *by_rule, *others}):
        cases = _distinct([*_violated(rule, by_rule.get(rule, ()), report), *others.get(rule, ())])
        properties = {"title": setting.title(rule)}
        if passes > MOST_PASSES:
            properties["passed"] = str(sum(case.outcome is Outcome.PASSED for case in cases))
            cases = [case for case in cases if case.outcome is not Outcome.PASSED]
        suites.append(Suite(rule, cases, properties))
    if report.problems:
        about = {key: str(report.source[key]) for key in _SOURCE if report.source.get(key)}
        suites.append(Suite("problems", [_problem(problem) for problem in report.problems], about))
    return render("thunderguard", suites)


def _distinct(cases: Sequence[Case]) -> list[Case]:
    """Add the file to names that several cases have: of cases with one name, GitLab shows the first."""
    names = Counter(case.name for case in cases)
    return [
        replace(case, name=f"{case.name} in {case.file}") if names[case.name] > 1 and case.file is not None else case
        for case in cases
    ]


def _violated(rule: str, findings: Iterable[Finding], report: Report) -> list[Case]:
    """Give a case for each object, with all that ``rule`` found in it."""
    objects: dict[tuple[Resource, str | None], list[Finding]] = defaultdict(list)
    for finding in findings:
        objects[finding.resource, finding.file].append(finding)
    return [_failed(rule, resource, found, report) for (resource, _), found in objects.items()]


def _failed(rule: str, resource: Resource, findings: Sequence[Finding], report: Report) -> Case:
    failing = [finding for finding in findings if not _spared(finding, report)]
    first = (failing or findings)[0]
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    why = "" if failing else f"{_spared(first, report)}: "
    lines = []
    for finding in findings:
        spared = _spared(finding, report)
        lines.append(f"{finding.level}: {safe(finding.message)}{f' ({safe(spared)})' if spared else ''}")
        place = _place(finding.file, finding.line, finding.column)
        lines += [f"  at: {safe(one)}" for one in (finding.path, place) if one]
        if finding.remedy:
            lines.append(f"  remedy: {safe(finding.remedy)}")
    return Case(
        name=str(resource),
        group=rule,
        outcome=Outcome.FAILED if failing else Outcome.SKIPPED,
        message=f"{why}{first.message}{more}",
        text="\n".join(lines),
        file=first.file,
    )


def _spared(finding: Finding, report: Report) -> str:
    """Say why ``finding`` fails nothing; the empty text when it does fail."""
    if (waived := finding.waived) is not None:
        return f"waived until {waived.expires} by {waived.owner}: {waived.reason}"
    if not report.is_new(finding):
        return "known to the baseline"
    if report.fail_on is None:
        return "nothing fails this run"
    return "" if finding.level.reaches(report.fail_on) else f"{finding.level}, below --fail-on {report.fail_on}"


def _others(rows: Iterable[LedgerRow]) -> dict[str, list[Case]]:
    """Give the cases by rule of all that is no finding."""
    cases: dict[str, list[Case]] = defaultdict(list)
    for row in rows:
        name = "the whole set" if row.resource is None else str(row.resource)
        for rule, status in row.statuses.items():
            if status in _STATED:
                outcome, message = _STATED[status]
                cases[rule].append(Case(name, rule, outcome, message, _at(row.file), file=row.file))
    for group in cases.values():
        group.sort(key=lambda case: (case.outcome, case.name, case.file or ""))
    return cases


def _problem(problem: Problem) -> Case:
    name = problem.object or problem.file or problem.kind
    message = f"{problem.kind}: {problem.message}"
    return Case(name, "problems", Outcome.ERROR, message, _at(problem.file, problem.line))


def _at(file: str | None, line: int | None = None) -> str:
    place = _place(file, line)
    return f"at: {safe(place)}" if place else ""


def _place(file: str | None, *numbers: int | None) -> str:
    if file is None:
        return ""
    return ":".join(str(part) for part in (file, *numbers) if part is not None)
