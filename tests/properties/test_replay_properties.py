"""The properties of the replay, each on the embedded engine and the reference, and what its strategies promise."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_bed import SNAPSHOT, corpus, ground, judged, places, replayed

from thunderguard.errors import UsageError
from thunderguard.replay import State
from thunderguard.replay.cases import Played, texts_of
from thunderguard.replay.effects import Promise
from thunderguard.replay.forms import as_list, as_stream, as_yaml
from thunderguard.replay.mutations import MUTATIONS
from thunderguard.replay.properties import PROPERTIES
from thunderguard.replay.strategies import drawn_from, estate_objects, played_cases

FEW = settings(max_examples=60, deadline=None)


@pytest.mark.parametrize("id_", PROPERTIES)
def test_a_property_holds_of_the_october_estate(id_: str) -> None:
    """Every property of the replay holds, always of the same examples."""
    result = replayed("embedded", "reference", properties=(id_,), examples=200, profile="ci")
    for _, name, cell in result.each():
        shown = "\n".join(f"{one.manifest}{one.mismatch}\n{one.command}" for one in cell.counterexamples)
        assert cell.state is State.AGREES, f"{name}: {cell.reason}\n{shown}"
        assert cell.examples


known = drawn_from(corpus(), wanted=lambda mutation: mutation.promise is not Promise.OPEN, most=4)
anything = drawn_from(corpus(), most=4)


@FEW
@given(known)
def test_mutations_promise_what_the_reference_finds(played: Played) -> None:
    """For any chain of mutations whose effect is known: what is found afterwards is what they say together."""
    (text,) = texts_of(played.after)
    after, before = judged(json.loads(text)), judged(played.before)
    assert places(after) == played.expected(places(before))


@FEW
@given(anything)
def test_forms_are_read_as_what_was_written(played: Played) -> None:
    """For any object: read from YAML, a stream or a List it is the JSON value that it was."""
    (text, *more) = texts_of(played.after) or [b""]
    if more or not text or "items" in played.after:
        return
    value = orjson.loads(text)
    for form in (as_yaml, as_stream, as_list):
        read = form(value)
        assert not read or orjson.loads(read[0]) == value


@FEW
@given(estate_objects(SNAPSHOT))
def test_objects_are_json(obj: Any) -> None:
    """For any object drawn: it is a JSON object, and its text has one reading."""
    assert isinstance(obj, dict)
    assert json.loads(orjson.dumps(obj)) == json.loads(json.dumps(obj))


@FEW
@given(played_cases(SNAPSHOT, mutations=("drop-tag", "forbid-tag"), least=1, most=1))
def test_only_the_mutations_named_are_used(played: Played) -> None:
    """For any object drawn with two mutations named: it is changed by one of them."""
    assert {step.mutation for step in played.case.steps} <= {"drop-tag", "forbid-tag"}
    assert any(rule == "image-reference" for rule, _ in played.effects[0].plants)


@FEW
@given(estate_objects(mutations=()), st.data())
def test_without_a_snapshot_objects_come_from_the_estate(obj: Any, data: st.DataObject) -> None:
    """For any object drawn without snapshot and mutations: it is one that the Estate gives, and breaks nothing."""
    assert obj in (*ground().samples.whole, *ground().samples.loose)
    assert not judged(obj).findings
    name = data.draw(st.sampled_from(sorted(MUTATIONS)))
    arguments = data.draw(MUTATIONS[name].arguments())
    assert set(arguments) == set(MUTATIONS[name].domains)


def test_a_mutation_that_there_is_not_is_told() -> None:
    with pytest.raises(UsageError, match="no mutation is called 'guess'"):
        estate_objects(mutations=("guess",))
