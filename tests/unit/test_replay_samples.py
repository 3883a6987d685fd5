"""What an Estate alone gives: whole estates that break nothing, and texts in which its patterns are found."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from replay_bed import estate, ground, judged, places, reference

from thunderguard.facts.services import Pattern
from thunderguard.model import Status
from thunderguard.replay.ground import Ground
from thunderguard.replay.patterns import texts


@pytest.mark.parametrize("name", ["thunderline", "testland"])
def test_every_sample_breaks_no_rule(name: str) -> None:
    samples = ground(name).samples
    assert not samples.missing
    for obj in (*samples.whole, *samples.loose):
        assert not places(judged(obj, name)), obj


@pytest.mark.parametrize("name", ["thunderline", "testland"])
def test_the_whole_estate_breaks_no_rule_about_sets(name: str) -> None:
    outcome = reference(name).judge_objects(ground(name).samples.whole)
    assert not outcome.findings
    assert set(outcome.statuses.values()) == {Status.PASSED}


@pytest.mark.parametrize("name", ["thunderline", "testland"])
def test_every_service_is_at_home(name: str) -> None:
    made = ground(name)
    for service in made.contract.services:
        home = made.samples.home(service.name)
        assert home is not None
        assert made.view(home).services == [service.name]


def test_a_service_that_nothing_can_be_made_of_is_told() -> None:
    other: dict[str, Any] = copy.deepcopy(estate("testland"))
    other["spec"]["services"][3]["recognise"] = [{"image": r"^\pL{70}[^\x00-\x{10FFFF}]$"}]
    made = Ground.of(other)
    assert set(made.samples.missing) == {"batch"}
    assert made.samples.home("batch") is None
    assert made.samples.portable("batch") is None
    assert made.samples.home("free") is not None


@pytest.mark.parametrize(
    "pattern",
    [
        "^app$",
        "^mlflow(-(server|tracking))?$",
        r"(^|[ \t\n;&|/('\"])mlflow([ \t]|\\\n)+(server|ui)($|[ \t\n;&|)'\"])",
        "^v?[0-9]+[.][0-9]+[.][0-9]+([-+][0-9A-Za-z.-]+)?$",
        "[^a-z]{2}.x+?",
        r"\d\s\w",
        "a|b|",
        "x{2,4}",
        "",
    ],
)
def test_a_text_is_found_for_a_pattern(pattern: str) -> None:
    compiled = Pattern.of(pattern)
    assert compiled is not None
    found = texts(compiled, fits=lambda _: True, wanted=3)
    assert found
    assert all(compiled.found_in(text) for text in found)
    assert found == texts(compiled, fits=lambda _: True, wanted=3)


def test_a_pattern_that_python_does_not_read_has_no_text() -> None:
    compiled = Pattern.of(r"\pL")
    assert compiled is not None
    assert texts(compiled) == []


def test_amounts_stay_below_a_ceiling() -> None:
    other: dict[str, Any] = copy.deepcopy(estate("testland"))
    other["spec"]["services"][2]["ceiling"] = {"cpu": "10m", "memory": "1Mi"}
    made = Ground.of(other)
    runner = made.contract.service["runner"]
    assert made.samples.amounts((runner,)) == {"cpu": "10m", "memory": "1Mi"}
    assert made.samples.amounts() == {"cpu": "100m", "memory": "64Mi"}
