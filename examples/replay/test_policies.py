"""What a team wants of its own objects and policies, whatever happens to the objects."""

# ruff: noqa: S101 - a test asserts

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from thunderguard.catalogue import load_catalogue
from thunderguard.engines import Engine, open_engine
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import Document, OutcomeKind
from thunderguard.replay.cases import Played, texts_of
from thunderguard.replay.strategies import estate_objects, played_cases

SNAPSHOT = DEFAULT_ESTATE.parent / "2025-10-08.jsonl"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """Open the engine under test once; any other name of ``thunderguard audit --engine`` does as well."""
    with open_engine("embedded", estate=load_estate(DEFAULT_ESTATE), catalogue=load_catalogue()) as opened:
        yield opened


def judged(engine: Engine, obj: Any) -> list[Any]:
    """Judge an object; one that stands in a List is judged by itself."""
    return list(engine.judge(Document(place, text) for place, text in enumerate(texts_of(obj))))


def test_every_object_has_an_answer(estate_object: Any, engine: Engine) -> None:
    """The plugin draws the object; the engine is a fixture."""
    for outcome in judged(engine, estate_object):
        assert outcome.kind in (OutcomeKind.PASS, OutcomeKind.FINDINGS, OutcomeKind.NOT_MATCHED), outcome.reason


@settings(max_examples=50)
def test_a_finding_names_the_object(estate_object: Any, engine: Engine) -> None:
    """Settings of Hypothesis stand above the test, as ever."""
    for outcome in judged(engine, estate_object):
        for finding in outcome.findings:
            assert finding.resource.kind or finding.resource.apiVersion
            assert finding.message


@given(estate_objects(SNAPSHOT, mutations=()))
def test_names_are_names(obj: Any) -> None:
    """A strategy of one's own, with objects as they were captured."""
    name = obj["name"] if "kind" not in obj else obj["metadata"]["name"]
    assert 0 < len(name) <= 253


@given(played_cases(SNAPSHOT, mutations=("forbid-tag", "drop-tag"), least=1, most=1))
def test_an_image_without_a_version_is_found(engine: Engine, played: Played) -> None:
    """A mutation says what it plants, and an engine has to find it."""
    (outcome,) = judged(engine, played.after)
    found = {(finding.rule, finding.path) for finding in outcome.findings}
    for effect in played.effects:
        assert effect.plants <= found
