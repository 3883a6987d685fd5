"""What came of the suite: values only, for the reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from thunderguard.model import ExitCode

if TYPE_CHECKING:
    from thunderguard.conformance.cases import Case, Check


class Result(StrEnum):
    """What one engine makes of one case. Only ``AGREES`` is a pass."""

    AGREES = "agrees"
    DEVIATES = "listed deviation"
    NOT_EXPRESSIBLE = "not expressible"
    STALE = "stale deviation"
    DIFFERS = "differs"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine says to one check.

    ``result`` is one of agrees, not expressible, differs and failed, ``reason`` says why it is the second or the last.
    ``expected`` and ``got`` are what only one side says, a line each.
    """

    check: Check
    result: Result
    reason: str = ""
    expected: tuple[str, ...] = ()
    got: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What an engine makes of a case: its answers, and the reason and link of a deviation that is listed."""

    case: Case
    result: Result
    answers: tuple[Answer, ...]
    reason: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """A rule of which an engine never showed that it fires, or that it passes."""

    rule: str
    never: str


@dataclass(frozen=True, slots=True)
class EngineResult:
    """All that one engine said. ``version`` is empty for an engine that never opened."""

    name: str
    version: str
    results: tuple[CaseResult, ...]
    silences: tuple[Silence, ...]

    def of_rule(self, rule: str) -> Counter[Result]:
        """Count the results of the cases of ``rule``."""
        return count(one for one in self.results if one.case.rule == rule)


@dataclass(frozen=True, slots=True)
class Conformance:
    """The whole run. ``rules`` are those whose cases were run, ``estate`` is the path of the default Estate."""

    estate: str
    rules: tuple[str, ...]
    cases: tuple[Case, ...]
    engines: tuple[EngineResult, ...]

    @property
    def counts(self) -> Mapping[Result, int]:
        """Count the results of all cases on all engines."""
        return count(one for engine in self.engines for one in engine.results)

    @property
    def exit_code(self) -> int:
        """Give 3 when an engine could not judge all it was asked, 1 for differences, else 0."""
        counts = self.counts
        if counts[Result.FAILED] or any(engine.silences for engine in self.engines):
            return ExitCode.INCOMPLETE
        if counts[Result.DIFFERS] or counts[Result.STALE]:
            return ExitCode.FINDINGS
        return ExitCode.CLEAN


def count(results: Iterable[CaseResult]) -> Counter[Result]:
    """Count results by what they are."""
    return Counter(one.result for one in results)
