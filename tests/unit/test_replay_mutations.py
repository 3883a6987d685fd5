"""Each mutation: it changes something, it promises what the reference then finds, and what it makes is JSON."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import orjson
import pytest
from replay_bed import corpus, ground, judged, places

from thunderguard.replay.cases import Case, Step, play, texts_of
from thunderguard.replay.domains import randomness
from thunderguard.replay.effects import Effect, Promise, within
from thunderguard.replay.mutations import FAMILIES, MUTATIONS, Mutation

#: With this Estate no service is known by its command alone.
NEVER_IN_TESTLAND = {"hide-in-shell-line"}
_PICKS = 3


@cache
def applied(mutation: Mutation, estate: str) -> list[tuple[dict[str, Any], Any]]:
    """Give objects that the mutation changed, with what came of it: some of every kind that it is for."""
    found = []
    captured = corpus(estate).objects
    known = [obj for obj in captured if mutation.needs(ground(estate).view(obj))][::5]
    samples = ground(estate).samples
    made = [obj for obj in (*samples.whole, *samples.loose) if mutation.needs(ground(estate).view(obj))]
    for number, obj in enumerate([*known, *made]):
        for pick in range(_PICKS):
            arguments = mutation.pick(randomness(mutation.name, number, pick))
            mutated = mutation.apply(obj, ground(estate), arguments)
            if mutated is not None:
                found.append((obj, mutated))
    return found


@pytest.mark.parametrize("estate", ["thunderline", "testland"])
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_does_what_it_promises(name: str, estate: str) -> None:
    mutation = MUTATIONS[name]
    found = applied(mutation, estate)
    assert found or (estate == "testland" and name in NEVER_IN_TESTLAND)
    outcomes: dict[int, Any] = {}
    for obj, mutated in found:
        if id(obj) not in outcomes:
            outcomes[id(obj)] = judged(obj, estate)
        outcome = outcomes[id(obj)]
        before = places(outcome)
        assert orjson.loads(orjson.dumps(mutated.obj)) == json.loads(json.dumps(mutated.obj))
        if mutation.promise is Promise.OPEN:
            assert mutated.effect.unknown
            continue
        (text,) = texts_of(mutated.obj)
        after = judged(json.loads(text), estate)
        assert places(after) == mutated.effect.expected(before), mutated.obj
        if not mutated.effect.fresh:
            was = outcome.statuses
            changed = {rule for rule, status in after.statuses.items() if status is not was[rule]}
            assert changed <= mutated.effect.rules, mutated.obj


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_leaves_the_object_alone(name: str) -> None:
    for obj in corpus().everything[::9]:
        text = orjson.dumps(obj)
        mutated = MUTATIONS[name].apply(obj, ground(), MUTATIONS[name].pick(randomness(name)))
        assert orjson.dumps(obj) == text
        assert mutated is None or mutated.stands_beside or orjson.dumps(mutated.obj) != text


@pytest.mark.parametrize("name", MUTATIONS)
def test_what_a_mutation_is_not_for_it_does_not_change(name: str) -> None:
    mutation = MUTATIONS[name]
    for obj in corpus().everything[::3]:
        if not mutation.needs(ground().view(obj)):
            assert mutation.apply(obj, ground(), mutation.pick(randomness(name))) is None


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_told_in_one_line(name: str) -> None:
    mutation = MUTATIONS[name]
    assert mutation.doc.endswith(".")
    assert len(mutation.doc) <= 110
    if mutation.promise is Promise.PLANTS:
        assert mutation.rules or mutation.name == "give-probe"


def test_planting_mutations_plant() -> None:
    for mutation in MUTATIONS.values():
        if mutation.promise is Promise.PLANTS:
            assert any(mutated.effect.plants for _, mutated in applied(mutation, "thunderline")), mutation.name
            planted = {rule for _, mutated in applied(mutation, "thunderline") for rule, _ in mutated.effect.plants}
            assert planted == set(mutation.rules), mutation.name


def test_neutral_mutations_are_neutral() -> None:
    for mutation in MUTATIONS.values():
        if mutation.promise is Promise.NEUTRAL:
            assert all(mutated.effect.is_neutral for _, mutated in applied(mutation, "thunderline")), mutation.name


def test_names_are_unique_and_every_family_has_its_mutations() -> None:
    names = [mutation.name for family in FAMILIES for mutation in family.mutations]
    assert len(names) == len(set(names)) == len(MUTATIONS)
    assert all(family.mutations for family in FAMILIES)


def test_careless_ground_changes_the_same_way_and_promises_nothing() -> None:
    obj = ground().samples.home("mlflow")
    assert obj is not None
    for mutation in MUTATIONS.values():
        arguments = mutation.pick(randomness(mutation.name))
        careful = mutation.apply(obj, ground(), arguments)
        careless = mutation.apply(obj, ground().careless, arguments)
        if careful is not None:
            assert careless is not None
            assert careless.obj == careful.obj
            assert careless.effect.unknown


def test_steps_are_played_one_after_the_other() -> None:
    obj = ground().samples.home("web")
    assert obj is not None
    steps = (Step("drop-quantity", {"field": "limits.cpu", "where": 0}), Step("change-kind", {"kind": "StatefulSet"}))
    played = play(Case(obj, steps), ground())
    assert played is not None
    assert len(played.objects) == 3
    assert played.expected(places(judged(obj))) == places(judged(played.after))
    assert play(Case(obj, (*steps, steps[1])), ground()) is None


@pytest.mark.parametrize(
    ("path", "beginning", "is_within"),
    [
        ("spec.replicas", "spec", True),
        ("spec[0]", "spec", True),
        ("spec", "spec", True),
        ("specs.x", "spec", False),
        ("spec", "", True),
        ("", "spec", False),
    ],
)
def test_paths_lead_on_from_others(path: str, beginning: str, is_within: bool) -> None:
    assert within(path, beginning) is is_within


def test_an_effect_removes_moves_and_plants() -> None:
    effect = Effect(
        plants=frozenset({("r", "new")}), removes=frozenset({("r", "a.b")}), moves=(("a[0]", "a[1]"), ("a[1]", "a[0]"))
    )
    before = {("r", "a.b.c"), ("r", "a[0].x"), ("r", "a[1]"), ("s", "a.b")}
    assert effect.expected(before) == {("r", "new"), ("r", "a[1].x"), ("r", "a[0]"), ("s", "a.b")}
    assert Effect(plants=frozenset({("r", "x")}), fresh=True).expected(before) == {("r", "x")}
