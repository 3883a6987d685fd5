"""JUnit XML, which every CI system shows: suites of cases that passed, failed, could not be tried or were left out.

It takes plain values, so that anything that has results can be written; what XML cannot hold is written out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from thunderguard.reports.terminal import safe


class Outcome(StrEnum):
    """What came of a case. A case that was left out says why; it is no pass."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Case:
    """One case. ``message`` is the line that says what is wrong, ``text`` the rest."""

    name: str
    group: str
    outcome: Outcome
    message: str = ""
    text: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases under one name, with what is known of all of them."""

    name: str
    cases: Sequence[Case]
    properties: Mapping[str, str] = field(default_factory=dict)


_RESULTS = {Outcome.FAILED: Failure, Outcome.ERROR: Error, Outcome.SKIPPED: Skipped}


def render(name: str, suites: Sequence[Suite]) -> bytes:
    """Write ``suites`` as one XML document in UTF-8."""
    document = JUnitXml(safe(name))
    for suite in suites:
        document.add_testsuite(_suite(suite))
    document.update_statistics()  # type: ignore[no-untyped-call]  # junitparser has types, but not here
    data: bytes = document.tostring()  # type: ignore[no-untyped-call]  # nor here
    return data if data.endswith(b"\n") else data + b"\n"


def _suite(suite: Suite) -> TestSuite:
    written = TestSuite(safe(suite.name))
    for key, value in suite.properties.items():
        written.add_property(safe(key), safe(value))
    for case in suite.cases:
        written.add_testcase(_case(case))
    return written


def _case(case: Case) -> TestCase:
    written = TestCase(safe(case.name), classname=safe(case.group), time=round(case.seconds, 3))
    kind = _RESULTS.get(case.outcome)
    if kind is not None:
        result = kind(message=safe(case.message), type_=str(case.outcome))
        result.text = "\n".join(safe(line) for line in case.text.splitlines())
        written.result = [result]
    return written
