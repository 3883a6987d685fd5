"""The embedded engine and OPA give the same verdict about every object, however damaged.

Objects come from the examples and the October snapshot; each is damaged in a few places at once. The two engines get
the same text, and all of the two verdicts is compared: findings with words and remedies, statuses and records.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thunderguard.catalogue import load_catalogue
from thunderguard.engines import Engine, EngineOptions, open_engine
from thunderguard.engines.pins import find_program
from thunderguard.errors import ToolMissingError
from thunderguard.estate import load_estate
from thunderguard.model import Document, EstateRequest, Outcome, OutcomeKind
from thunderguard.paths import Segment, format_path

ROOT = Path(__file__).parents[2]
ESTATE = ROOT / "examples" / "thunderline" / "estate.yaml"
SNAPSHOT = ROOT / "examples" / "thunderline" / "2025-10-08.jsonl"

MANY = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

# What stands in the place of a value: each JSON type, and texts that mean something somewhere.
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -3,
    2,
    1.5,
    1e21,
    12345678901234567890,
    9007199254740993,
    "",
    " ",
    "x",
    "0",
    "1",
    "250m",
    "3Gi",
    "-1",
    "1e3",
    "1.5",
    ".5",
    "5.",
    "+2",
    "0x10",
    "1 Gi",
    "99999999999999999",
    "latest",
    "a/b:c@sha256:d",
    "mlflow",
    "ghcr.io/mlflow/mlflow:v2.0.0",
    "kube-system",
    "thunderline",
    "default",
    "Deployment",
    "CronJob",
    "apps/v1",
    "é\n\t\u0000\u2028\U0001f600",
    'quo"te\\',
    "{name}",
    "%v%s",
    [],
    {},
    [[]],
    [{}],
    ["x", 1, None, {"a": []}],
    {"cpu": "1", "memory": 2},
    {"name": "x"},
    {"containers": [{"name": "c", "image": "postgres"}]},
)


@dataclass(frozen=True)
class Damage:
    """One change: at the place chosen by ``where``, the value is dropped, or ``value`` is put there or added there."""

    where: int
    how: str
    value: Any


def damages() -> st.SearchStrategy[list[Damage]]:
    one = st.builds(Damage, st.integers(0, 2**12), st.sampled_from(["put", "drop", "add"]), st.sampled_from(VALUES))
    return st.lists(one, max_size=4)


def places(value: Any, path: tuple[Segment, ...] = ()) -> Iterator[tuple[Segment, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def damaged(obj: dict[str, Any], changes: list[Damage]) -> dict[str, Any]:
    obj = copy.deepcopy(obj)
    for change in changes:
        found = list(places(obj))
        if not found:
            break
        *folders, last = found[change.where % len(found)]
        holder: Any = obj
        for folder in folders:
            holder = holder[folder]
        if change.how == "drop":
            del holder[last]
        elif change.how == "put" or not isinstance(holder[last], (dict, list)):
            holder[last] = copy.deepcopy(change.value)
        elif isinstance(holder[last], list):
            holder[last].append(copy.deepcopy(change.value))
        else:
            holder[last]["namespace"] = copy.deepcopy(change.value)
    return obj


def pool() -> list[dict[str, Any]]:
    objects: list[Any] = [json.loads(line) for line in SNAPSHOT.read_text().splitlines()[1:]]
    for folder in ("good", "bad"):
        for path in sorted((ROOT / "examples" / folder).glob("*.yaml")):
            objects += yaml.safe_load_all(path.read_text())
    # Readers unpack a List, so that no engine is ever given one.
    unpacked = [item for obj in objects for item in ((obj or {}).get("items") or [obj])]
    return [obj for obj in unpacked if isinstance(obj, dict)]


POOL = pool()
objects = st.builds(damaged, st.sampled_from(POOL), damages())


@pytest.fixture(scope="module")
def engines() -> Iterator[tuple[Engine, Engine]]:
    try:
        find_program("opa", EngineOptions())
    except ToolMissingError:
        pytest.fail("run `make tools`")
    estate, catalogue = load_estate(ESTATE), load_catalogue()
    with (
        open_engine("embedded", estate=estate, catalogue=catalogue) as embedded,
        open_engine("opa", estate=estate, catalogue=catalogue) as opa,
    ):
        yield embedded, opa


def written(values: list[dict[str, Any]]) -> list[Document]:
    return [Document(index=n, text=json.dumps(value).encode()) for n, value in enumerate(values)]


def difference(one: Outcome, other: Outcome, about: Any) -> str:
    """Say where two outcomes differ, "" when they do not. A reason is for people, and each engine has its own."""
    parts = [
        f"{name}: embedded {getattr(one, name)!r}, OPA {getattr(other, name)!r}"
        for name in ("kind", "findings", "statuses", "record")
        if getattr(one, name) != getattr(other, name)
    ]
    if one.kind is OutcomeKind.ENGINE_FAILED or other.kind is OutcomeKind.ENGINE_FAILED:
        parts.append(f"reasons: embedded {one.reason!r}, OPA {other.reason!r}")
    return f"{json.dumps(about)}\n" + "\n".join(parts) if parts else ""


@MANY
@given(values=st.lists(objects, min_size=1, max_size=40))
def test_one_object_has_one_verdict(engines: tuple[Engine, Engine], values: list[dict[str, Any]]) -> None:
    """For every object, damaged or not, both engines give the same verdict, and neither fails."""
    embedded, opa = engines
    docs = written(values)
    pairs = zip(embedded.judge(docs), opa.judge(docs), values, strict=True)
    found = [text for one, other, value in pairs if (text := difference(one, other, value))]
    assert not found, found[0]


@MANY
@given(values=st.lists(objects, min_size=1, max_size=60), owners=st.lists(st.integers(0, 59), max_size=10))
def test_one_set_has_one_verdict(
    engines: tuple[Engine, Engine], values: list[dict[str, Any]], owners: list[int]
) -> None:
    """For every set of records, some owned by others, both engines find the same about the set."""
    embedded, opa = engines
    records = [outcome.record for outcome in embedded.judge(written(values)) if outcome.record is not None]
    for place, owner in enumerate(owners):
        if place < len(records):
            root = records[owner % len(records)]
            address = {**root["resource"], "name": root["names"][0]}
            records[place] = {**records[place], "root": address}
    request = EstateRequest(records=[json.dumps(record).encode() for record in records], documents=lambda: ())
    text = difference(embedded.judge_estate(request), opa.judge_estate(request), records)
    assert not text, text


@pytest.mark.parametrize("batch", range(0, len(POOL), 25))
def test_every_place_of_every_example_may_be_damaged(engines: tuple[Engine, Engine], batch: int) -> None:
    """Every field of some objects, dropped, emptied and retyped one at a time, leads to no difference."""
    embedded, opa = engines
    base = POOL[batch]
    values: list[dict[str, Any]] = []
    for where, path in enumerate(places(base)):
        assert format_path(path)
        values.append(damaged(base, [Damage(where, "drop", None)]))
        kinds: tuple[Any, ...] = (None, 7, "x", [], {})
        values += [damaged(base, [Damage(where, "put", value)]) for value in kinds]
    docs = written(values)
    pairs = zip(embedded.judge(docs), opa.judge(docs), values, strict=True)
    found = [text for one, other, value in pairs if (text := difference(one, other, value))]
    assert not found, found[0]


def test_a_difference_would_be_seen(engines: tuple[Engine, Engine]) -> None:
    """The comparison itself notices a changed level, status, record or kind."""
    embedded, _ = engines
    outcome = next(outcome for outcome in embedded.judge(written(POOL)) if outcome.findings and outcome.record)
    changed = [
        replace(outcome, findings=outcome.findings[1:]),
        replace(outcome, findings=(replace(outcome.findings[0], message="other"), *outcome.findings[1:])),
        replace(outcome, statuses={}),
        replace(outcome, record={}),
        replace(outcome, kind=OutcomeKind.PASS),
    ]
    assert all(difference(outcome, other, {}) for other in changed)
    assert not difference(outcome, outcome, {})
