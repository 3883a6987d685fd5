"""Admission asks the same questions as an audit, and however damaged a request is, every engine answers it alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties.test_embedded_vs_opa import ESTATE, MANY, SNAPSHOT, damaged, damages
from review_table import TABLE
from thunderguard.admission import review
from thunderguard.catalogue import load_catalogue
from thunderguard.compare import differences
from thunderguard.engines import Engine, EngineOptions, open_engine
from thunderguard.engines.pins import find_program
from thunderguard.errors import ToolMissingError
from thunderguard.estate import load_estate
from thunderguard.model import Document, Outcome, Status

OCTOBER: list[dict[str, Any]] = [json.loads(line) for line in SNAPSHOT.read_text().splitlines()[1:]]
REVIEWS: list[dict[str, Any]] = [asked.review for asked in TABLE.values()]
NAMES = ("reference", "embedded", "opa")

objects = st.builds(damaged, st.sampled_from(OCTOBER), damages())
reviews = st.builds(
    lambda asked, changes: {**damaged(asked, changes), "apiVersion": asked["apiVersion"], "kind": asked["kind"]},
    st.sampled_from(REVIEWS),
    damages(),
)
updates = st.builds(
    lambda obj, old, new: review(damaged(obj, new), operation="UPDATE", old=damaged(obj, old)),
    st.sampled_from(OCTOBER),
    damages(),
    damages(),
)


@pytest.fixture(scope="module")
def engines() -> Iterator[dict[str, Engine]]:
    try:
        find_program("opa", EngineOptions())
    except ToolMissingError:
        pytest.fail("run `make tools`")
    estate, catalogue = load_estate(ESTATE), load_catalogue()
    opened = {name: open_engine(name, estate=estate, catalogue=catalogue) for name in NAMES}
    yield opened
    for engine in opened.values():
        engine.close()


def written(values: list[Any]) -> list[Document]:
    return [Document(index=n, text=json.dumps(value).encode()) for n, value in enumerate(values)]


def is_object(value: Any) -> bool:
    """Say whether readers would take a damaged object for one."""
    return isinstance(value.get("kind"), str) and isinstance(value.get("apiVersion"), str) and "metadata" in value


def said(outcome: Outcome) -> tuple[Any, ...]:
    return outcome.kind, outcome.findings, dict(outcome.statuses)


@pytest.mark.parametrize("name", NAMES)
@MANY
@given(values=st.lists(objects, min_size=1, max_size=40))
def test_a_request_to_create_has_the_verdict_of_the_manifest(
    engines: dict[str, Engine], name: str, values: list[dict[str, Any]]
) -> None:
    """For every object, what an engine says of a person's request to create it is what it says of its manifest.

    What is no Kubernetes object has no verdict as a manifest, and none of the rules speaks about it as a request.
    """
    engine = engines[name]
    manifests, requests = engine.judge(written(values)), engine.judge(written([review(value) for value in values]))
    for value, manifest, request in zip(values, manifests, requests, strict=True):
        if is_object(value) and isinstance(value["metadata"], dict):
            assert said(request) == said(manifest), json.dumps(value)
        else:
            assert set(request.statuses.values()) == {Status.NOT_MATCHED}, json.dumps(value)


@MANY
@given(values=st.lists(st.one_of(reviews, updates), min_size=1, max_size=40))
def test_every_engine_answers_a_damaged_request_alike(engines: dict[str, Engine], values: list[dict[str, Any]]) -> None:
    """For every AdmissionReview, whatever stands in it, all engines give the verdict of the reference."""
    documents = written(values)
    outcomes = {name: list(engine.judge(documents)) for name, engine in engines.items()}
    for name in NAMES[1:]:
        sides = ("reference", outcomes["reference"]), (name, outcomes[name])
        found = list(differences(documents, *sides))
        assert not found, str(found[0])


@MANY
@given(obj=objects, changes=damages(), rest=damages())
def test_an_update_is_a_clean_up_or_judged_as_a_manifest(
    engines: dict[str, Engine], obj: dict[str, Any], changes: list[Any], rest: list[Any]
) -> None:
    """For every update, either no rule has a say in it, or its verdict is that of the new manifest."""
    new = damaged(damaged(obj, changes), rest)
    asked, manifest = engines["reference"].judge(written([review(new, operation="UPDATE", old=obj), new]))
    assert set(asked.statuses.values()) == {Status.NOT_MATCHED} or said(asked) == said(manifest)
