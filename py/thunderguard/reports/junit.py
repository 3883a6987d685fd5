"""JUnit XML, which every CI system shows: suites of cases that passed, failed, could not be tried or were left out.

It takes plain values, so that anything that has results can be written.
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
    document = JUnitXml(_plain(name))
    for suite in suites:
        document.add_testsuite(_suite(suite))
    document.update_statistics()  # type: ignore[no-untyped-call]
    data: bytes = document.tostring()  # type: ignore[no-untyped-call]
    return data if data.endswith(b"\n") else data + b"\n"


def _suite(suite: Suite) -> TestSuite:
    written = TestSuite(_plain(suite.name))
    for key, value in suite.properties.items():
        written.add_property(_plain(key), _plain(value))
    for case in suite.cases:
        written.add_testcase(_case(case))
    return written


def _case(case: Case) -> TestCase:
    written = TestCase(_plain(case.name), classname=_plain(case.group), time=round(case.seconds, 3))
    kind = _RESULTS.get(case.outcome)
    if kind is not None:
        result = kind(message=_plain(case.message), type_=str(case.outcome))
        result.text = "\n".join(_plain(line) for line in case.text.splitlines())
        written.result = [result]
    return written


def _plain(text: str) -> str:
    """Write out what XML cannot hold and no reader should see."""
    return safe(text)
