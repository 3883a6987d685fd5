"""Running the suite on engines that agree, differ, cannot be asked, fail, or say nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conformance_bed import ESTATE, TWO, FakeEngine, cases_of, failing, name_of, passing, run

from thunderguard.conformance.cases import Case
from thunderguard.conformance.deviations import Deviation
from thunderguard.conformance.result import Conformance, EngineResult, Result
from thunderguard.engines import DOOR_ENGINES
from thunderguard.errors import EngineError, PolicyError, ToolMissingError, UsageError
from thunderguard.estate import Estate
from thunderguard.model import Outcome, Status

STRAY, HOME = "namespace-boundary/stray", "namespace-boundary/home"
KNOWN = Deviation("it is known", "https://example.org/1")


@pytest.fixture
def cases(tmp_path: Path) -> tuple[Case, ...]:
    return cases_of(tmp_path, TWO)


def results(result: Conformance) -> dict[str, Result]:
    (engine,) = result.engines
    return {one.case.id: one.result for one in engine.results}


def reasons(engine: EngineResult) -> set[str]:
    return {answer.reason for one in engine.results for answer in one.answers}


def test_an_engine_that_agrees(cases: tuple[Case, ...]) -> None:
    result = run(cases)
    assert results(result) == {STRAY: Result.AGREES, HOME: Result.AGREES}
    assert result.engines[0].silences == ()
    assert result.exit_code == 0


def test_an_engine_that_finds_nothing_differs_and_never_fires(cases: tuple[Case, ...]) -> None:
    result = run(cases, judge=lambda outcomes: (passing(one) for one in outcomes))
    assert results(result) == {STRAY: Result.DIFFERS, HOME: Result.AGREES}
    (answer,) = result.engines[0].results[0].answers
    assert answer.expected == (
        "namespace-boundary at v1 shop/ConfigMap/a metadata.namespace",
        "namespace-boundary: violated",
    )
    assert answer.got == ()
    assert [(one.rule, one.never) for one in result.engines[0].silences] == [("namespace-boundary", "fires")]
    assert result.exit_code == 3


@pytest.mark.parametrize("change", ["path", "resource", "rule", "more"])
def test_any_other_finding_differs(cases: tuple[Case, ...], change: str) -> None:
    """A finding at another field, of another version of the kind or of another rule, or one more, is a difference."""

    def changed(outcome: Outcome) -> Outcome:
        if not outcome.findings:
            return outcome
        (found,) = outcome.findings
        other = {
            "path": replace(found, path="metadata.name"),
            "resource": replace(found, resource=replace(found.resource, apiVersion="v2")),
            "rule": replace(found, rule="resource-limits"),
            "more": replace(found, path="spec"),
        }[change]
        return replace(outcome, findings=(found, other) if change == "more" else (other,))

    result = run(cases, judge=lambda outcomes: map(changed, outcomes))
    assert results(result) == {STRAY: Result.DIFFERS, HOME: Result.AGREES}
    assert result.exit_code == 1


def test_leaving_open_what_is_decided_differs(cases: tuple[Case, ...]) -> None:
    def undecided(outcome: Outcome) -> Outcome:
        return replace(outcome, statuses={**outcome.statuses, "resource-limits": Status.NOT_JUDGED})

    result = run(cases, judge=lambda outcomes: map(undecided, outcomes))
    assert result.engines[0].results[1].answers[0].got == ("resource-limits: not judged",)
    assert result.exit_code == 1


def test_a_rule_that_passes_where_none_speaks_differs(tmp_path: Path) -> None:
    found = cases_of(
        tmp_path,
        TWO + "  - name: gone\n    as: [manifest]\n    matched: false\n    findings: []\n"
        "    object: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: thunderline}}\n",
    )
    result = run(found)
    assert results(result)["namespace-boundary/gone"] is Result.DIFFERS
    assert result.engines[0].results[2].answers[0].got == ("namespace-boundary: passed, where nothing matches",)


def test_what_cannot_be_expressed_is_not_asked_and_is_no_pass(cases: tuple[Case, ...]) -> None:
    asked: list[Outcome] = []

    def kept(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
        asked.extend(outcomes)
        return iter(asked)

    result = run(
        cases,
        cannot_express=lambda document: "it knows no shop" if name_of(document) == "shop" else None,
        judge=kept,
    )
    assert results(result) == {STRAY: Result.NOT_EXPRESSIBLE, HOME: Result.AGREES}
    assert len(asked) == 1
    assert "it knows no shop" in reasons(result.engines[0])
    # Nothing shows that the rule fires on this engine.
    assert [one.never for one in result.engines[0].silences] == ["fires"]
    assert result.exit_code == 3


def test_an_engine_that_cannot_be_asked_anything_has_shown_nothing(cases: tuple[Case, ...]) -> None:
    result = run(cases, cannot_express=lambda _: "no")
    assert [one.never for one in result.engines[0].silences] == ["fires", "passes"]
    assert result.exit_code == 3


@pytest.mark.parametrize(
    ("judge", "reason"),
    [
        (lambda outcomes: (failing("it burst") for _ in outcomes), "engine failed: it burst"),
        (lambda _: iter(()), "no answer: it stopped before that document"),
        (lambda outcomes: (replace(one, statuses={}) for one in outcomes), "it does not say how"),
        (lambda outcomes: iter([*outcomes, passing()]), "it gave more answers than it was asked for"),
    ],
)
def test_what_is_no_verdict_is_a_failure(cases: tuple[Case, ...], judge: Any, reason: str) -> None:
    result = run(cases, judge=judge)
    assert set(results(result).values()) == {Result.FAILED}
    assert all(one.startswith(reason) for one in reasons(result.engines[0]))
    assert result.exit_code == 3


def test_an_engine_that_breaks_off_keeps_what_it_said(cases: tuple[Case, ...]) -> None:
    def broken(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
        yield next(outcomes)
        raise EngineError("it was killed")

    result = run(cases, judge=broken)
    assert results(result) == {STRAY: Result.AGREES, HOME: Result.FAILED}
    assert "it was killed" in reasons(result.engines[0])
    assert result.exit_code == 3


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PolicyError("line 3"), "policy does not compile: line 3"),
        (ToolMissingError("no program"), "no program"),
        (EngineError("it does not start"), "it does not start"),
    ],
)
def test_an_engine_that_does_not_open_fails_every_case_and_no_other_engine(
    cases: tuple[Case, ...], error: Exception, reason: str
) -> None:
    def opener(name: str, estate: Estate, _at: date | None) -> FakeEngine:
        if name == "broken":
            raise error
        return FakeEngine(estate)

    result = run(cases, opener=opener, engines=("broken", "fake"))
    broken, fake = result.engines
    assert {one.result for one in broken.results} == {Result.FAILED}
    assert reasons(broken) == {reason}
    assert (broken.version, broken.silences) == ("", ())
    assert {one.result for one in fake.results} == {Result.AGREES}
    assert result.exit_code == 3


def test_a_listed_deviation_is_none_of_the_differences(cases: tuple[Case, ...]) -> None:
    def other(outcome: Outcome) -> Outcome:
        return replace(outcome, findings=tuple(replace(one, path="metadata") for one in outcome.findings))

    listed = {"fake": {STRAY: KNOWN}}
    result = run(cases, deviations=listed, judge=lambda outcomes: map(other, outcomes))
    assert results(result) == {STRAY: Result.DEVIATES, HOME: Result.AGREES}
    assert (result.engines[0].results[0].reason, result.engines[0].results[0].link) == (KNOWN.reason, KNOWN.link)
    assert result.exit_code == 0


def test_a_deviation_that_is_none_any_more_fails_the_run(cases: tuple[Case, ...]) -> None:
    result = run(cases, deviations={"fake": {HOME: KNOWN}, "other": {STRAY: KNOWN}})
    assert results(result) == {STRAY: Result.AGREES, HOME: Result.STALE}
    assert result.exit_code == 1


def test_a_deviation_covers_no_failure(cases: tuple[Case, ...]) -> None:
    result = run(
        cases,
        deviations={"fake": {STRAY: KNOWN}},
        judge=lambda outcomes: (failing("it burst") for _ in outcomes),
    )
    assert results(result)[STRAY] is Result.FAILED
    assert result.exit_code == 3


def test_an_engine_is_opened_once_for_each_estate(tmp_path: Path) -> None:
    second = TWO.partition("\n")[2].replace("name: stray", "name: b").replace("name: home", "name: c")
    other = second.replace("    as:", "    estate: {namespaces: {allowed: [shop]}, services: []}\n    as:")
    found = cases_of(tmp_path, TWO + other)
    opened: list[Estate] = []

    def opener(_name: str, estate: Estate, _at: date | None) -> FakeEngine:
        opened.append(estate)
        return FakeEngine(estate)

    result = run(found, opener=opener)
    assert [estate.data["spec"]["namespaces"]["allowed"] for estate in opened] == [["thunderline"], ["shop"]]
    assert opened[0] is ESTATE
    # Under the other Estate the two are the other way round.
    assert results(result)["namespace-boundary/b"] is Result.DIFFERS
    assert results(result)["namespace-boundary/c"] is Result.DIFFERS


@pytest.mark.parametrize("name", ["reference", *DOOR_ENGINES])
def test_a_case_with_a_day_is_asked_of_every_engine_on_that_day(tmp_path: Path, name: str) -> None:
    found = cases_of(tmp_path, TWO.replace("    as:", '    at: "2026-12-31"\n    as:', 1))
    opened: list[tuple[str, date | None]] = []

    def opener(engine: str, estate: Estate, at: date | None) -> FakeEngine:
        opened.append((engine, at))
        return FakeEngine(estate)

    result = run(found, opener=opener, engines=(name,))
    assert opened == [(name, date(2026, 12, 31)), (name, None)]
    assert results(result) == {STRAY: Result.AGREES, HOME: Result.AGREES}


def test_a_case_with_an_invalid_estate_is_named(tmp_path: Path) -> None:
    found = cases_of(tmp_path, TWO.replace("    as:", "    estate: {resources: {require: [cpu]}}\n    as:", 1))
    with pytest.raises(UsageError, match=r"namespace-boundary.yaml:2: case stray: the estate of the case:1:"):
        run(found)


def test_progress_is_told_for_each_estate(cases: tuple[Case, ...]) -> None:
    from conformance_bed import CATALOGUE

    from thunderguard.conformance.run import run_cases

    seen: list[tuple[str, int, int | None]] = []
    run_cases(
        cases,
        ("reference",),
        estate=ESTATE,
        catalogue=CATALOGUE,
        progress=lambda what, done, total: seen.append((what, done, total)),
    )
    assert seen == [("reference", 2, 2)]
