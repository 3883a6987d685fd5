"""Running the cases on engines: each opened once for each Estate, all documents in one call."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from thunderguard.conformance.cases import Case, Check
from thunderguard.conformance.deviations import NONE, Deviation, Deviations
from thunderguard.conformance.estates import changed_estate
from thunderguard.conformance.result import Answer, CaseResult, Conformance, EngineResult, Result, Silence
from thunderguard.engines import EngineOptions, open_engine
from thunderguard.engines.base import AsksAhead
from thunderguard.errors import PolicyError, ThunderguardError
from thunderguard.model import Document, Outcome, OutcomeKind, Resource, Status

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.engines import Engine
    from thunderguard.estate import Estate

#: What opens an engine by its name for an Estate and a day (None: today).
Opener: TypeAlias = Callable[[str, "Estate", date | None], "Engine"]
#: What is being done, how much of it is done, and how much there is.
Progress: TypeAlias = Callable[[str, int, int | None], None]

_UNDECIDED = (OutcomeKind.POLICY_DOES_NOT_COMPILE, OutcomeKind.ENGINE_FAILED, OutcomeKind.NO_ANSWER)


class _Group(NamedTuple):
    """What is asked under one Estate on one day."""

    estate: Estate
    at: date | None
    checks: list[Check]


def run_cases(
    cases: Sequence[Case],
    engines: Sequence[str],
    *,
    estate: Estate,
    catalogue: Catalogue,
    deviations: Deviations = NONE,
    opener: Opener | None = None,
    progress: Progress | None = None,
    at: date | None = None,
) -> Conformance:
    """Ask each of ``engines`` about all ``cases``.

    ``estate`` is the one whose fields cases replace, ``at`` the day of those that name none (None: today). Whatever
    goes wrong with an engine is in the results. Raises UsageError for a case whose Estate is invalid.
    """
    rules = tuple(sorted({case.rule for case in cases}))
    opened = opener or partial(_opened, catalogue)
    with tempfile.TemporaryDirectory(prefix="thunderguard-conform-") as folder:
        groups = _groups(cases, estate, at, Path(folder))
        runs = [_Run(name, groups, catalogue.object_rules, opened, progress) for name in engines]
        results = tuple(run.result(cases, rules, deviations.get(run.name, {})) for run in runs)
    return Conformance(estate=str(estate.path), rules=rules, cases=tuple(cases), engines=results)


def _opened(catalogue: Catalogue, name: str, estate: Estate, at: date | None) -> Engine:
    return open_engine(name, estate=estate, catalogue=catalogue, options=EngineOptions(at=at))


def _groups(cases: Sequence[Case], estate: Estate, at: date | None, folder: Path) -> list[_Group]:
    by_estate: dict[tuple[str, date | None], list[Case]] = defaultdict(list)
    for case in cases:
        by_estate[case.estate, case.at or at].append(case)
    return [
        _Group(
            changed_estate(estate, changes, where=f"{members[0].place}: case {members[0].name}", folder=folder),
            day,
            [check for case in members for check in case.checks()],
        )
        for (changes, day), members in by_estate.items()
    ]


class _Run:
    """One engine and all groups; the answers stand with the case they are about."""

    def __init__(
        self,
        name: str,
        groups: Sequence[_Group],
        rules: Sequence[str],
        opener: Opener,
        progress: Progress | None,
    ) -> None:
        self.name = name
        self._version = ""
        self._rules = rules
        self._fired: set[str] = set()
        self._passed: set[str] = set()
        self._answers: dict[str, list[Answer]] = defaultdict(list)
        total = sum(len(group.checks) for group in groups)
        done = 0
        for group in groups:
            for answer in self._group(opener, group):
                self._answers[answer.check.case].append(answer)
            done += len(group.checks)
            if progress is not None:
                progress(name, done, total)

    def _group(self, opener: Opener, group: _Group) -> list[Answer]:
        checks = group.checks
        answers: list[Answer] = []
        left = list(checks)
        try:
            with opener(self.name, group.estate, group.at) as engine:
                self._version = engine.version
                if isinstance(engine, AsksAhead):
                    engine.ask_ahead(Document(place, check.text) for place, check in enumerate(checks))
                asked: list[Check] = []
                documents: list[Document] = []
                for check in checks:
                    document = Document(index=len(answers) + len(asked), text=check.text)
                    reason = engine.cannot_express(document)
                    if reason is not None:
                        answers.append(Answer(check, Result.NOT_EXPRESSIBLE, reason))
                    else:
                        asked.append(check)
                        documents.append(document)
                left = asked.copy()
                for outcome in engine.judge(documents):
                    if not left:
                        raise _TooMany
                    answers.append(self._answer(left.pop(0), outcome))
        except _TooMany:
            return [Answer(check, Result.FAILED, "it gave more answers than it was asked for") for check in checks]
        except PolicyError as error:
            return [*answers, *_failed(left, f"policy does not compile: {error.message}")]
        except ThunderguardError as error:
            return [*answers, *_failed(left, error.message)]
        return [*answers, *_failed(left, "no answer: it stopped before that document")]

    def _answer(self, check: Check, outcome: Outcome) -> Answer:
        failed = _failure(outcome, self._rules)
        if failed:
            return Answer(check, Result.FAILED, failed)
        self._fired |= {rule for rule, status in outcome.statuses.items() if status is Status.VIOLATED}
        self._passed |= {rule for rule, status in outcome.statuses.items() if status is Status.PASSED}
        wanted, said = set(_expected(check)), set(_said(check, outcome))
        if wanted == said:
            return Answer(check, Result.AGREES)
        return Answer(check, Result.DIFFERS, "", tuple(sorted(wanted - said)), tuple(sorted(said - wanted)))

    def result(self, cases: Sequence[Case], rules: Sequence[str], deviations: Mapping[str, Deviation]) -> EngineResult:
        """Give what the engine made of ``cases``."""
        results = tuple(_case_result(case, tuple(self._answers[case.id]), deviations.get(case.id)) for case in cases)
        return EngineResult(self.name, self._version, results, tuple(self._silences(rules)))

    def _silences(self, rules: Sequence[str]) -> Iterator[Silence]:
        if not self._version:
            return  # It never opened, which every case tells.
        for rule in rules:
            if rule not in self._fired:
                yield Silence(rule, "fires")
            if rule not in self._passed:
                yield Silence(rule, "passes")


class _TooMany(Exception):
    """An engine gave an outcome that belongs to no document, so that none can be trusted."""


def _failed(checks: Sequence[Check], reason: str) -> list[Answer]:
    return [Answer(check, Result.FAILED, reason) for check in checks]


def _failure(outcome: Outcome, rules: Sequence[str]) -> str:
    """Say why ``outcome`` is no verdict; empty for one."""
    if outcome.kind in _UNDECIDED:
        return f"{outcome.kind}: {outcome.reason}" if outcome.reason else str(outcome.kind)
    unsaid = [rule for rule in rules if outcome.statuses.get(rule, Status.FAILED) is Status.FAILED]
    return f"it does not say how {', '.join(unsaid)} decided" if unsaid else ""


def _expected(check: Check) -> Iterator[str]:
    for rule, resource, path in check.findings:
        yield _line(rule, resource, path)
    yield from _statuses(check.violated, check.unjudged)


def _said(check: Check, outcome: Outcome) -> Iterator[str]:
    for finding in outcome.findings:
        yield _line(*finding.key)
    by_status = {
        status: {rule for rule, one in outcome.statuses.items() if one is status}
        for status in (Status.VIOLATED, Status.NOT_JUDGED, Status.PASSED)
    }
    yield from _statuses(by_status[Status.VIOLATED], by_status[Status.NOT_JUDGED])
    if not check.matched:
        for rule in by_status[Status.PASSED]:
            yield f"{rule}: passed, where nothing matches"


def _line(rule: str, resource: Resource, path: str) -> str:
    return f"{rule} at {resource.apiVersion} {resource} {path}".rstrip()


def _statuses(violated: set[str] | frozenset[str], unjudged: set[str] | frozenset[str]) -> Iterator[str]:
    for rule in violated:
        yield f"{rule}: violated"
    for rule in unjudged:
        yield f"{rule}: not judged"


_WORST_FIRST = (Result.FAILED, Result.DIFFERS, Result.AGREES, Result.NOT_EXPRESSIBLE)


def _case_result(case: Case, answers: tuple[Answer, ...], deviation: Deviation | None) -> CaseResult:
    results = {answer.result for answer in answers}
    worst = next(one for one in _WORST_FIRST if one in results)
    # What could not be judged is not known to deviate.
    if deviation is None or worst is Result.FAILED:
        return CaseResult(case, worst, answers)
    listed = Result.DEVIATES if worst is Result.DIFFERS else Result.STALE
    return CaseResult(case, listed, answers, deviation.reason, deviation.link)
