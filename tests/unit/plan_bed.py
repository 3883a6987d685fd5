"""What the tests of the plan share: plans of sets of objects, and what an audit finds after them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import orjson

from thunderguard.audit import opener, run_audit
from thunderguard.engines import Engine
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import Finding, JsonObject
from thunderguard.plan.apply import apply_all
from thunderguard.plan.build import make_plan
from thunderguard.plan.read import read_objects
from thunderguard.plan.steps import Plan

OCTOBER = str(DEFAULT_ESTATE.parent / "2025-10-08.jsonl")


@cache
def estate() -> JsonObject:
    return load_estate(DEFAULT_ESTATE).data


@cache
def _read(path: str) -> tuple[JsonObject, ...]:
    return tuple(read_objects(path))


def objects_of(path: str) -> list[JsonObject]:
    return list(_read(path))


def reread(objects: Sequence[JsonObject]) -> list[JsonObject]:
    """Give ``objects`` as they are read from a file: a List among them is what is in it."""
    with tempfile.TemporaryDirectory() as folder:
        return read_objects(str(_kept(Path(folder), objects)))


def _kept(folder: Path, objects: Sequence[JsonObject]) -> Path:
    path = folder / "objects.json"
    path.write_bytes(orjson.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))
    return path


@cache
def _engine() -> Engine:
    return opener(load_estate(DEFAULT_ESTATE))()


def judged(objects: Sequence[JsonObject]) -> dict[str, Finding]:
    """Audit ``objects`` as if they were a source, and give what is found by fingerprint."""
    with tempfile.TemporaryDirectory() as folder:
        report = run_audit([str(_kept(Path(folder), objects))], workers=1, using=_engine())
    return {one.fingerprint: one for one in report.findings}


def planned(objects: Sequence[JsonObject], source: str = "estate.jsonl") -> Plan:
    return make_plan(objects, list(judged(objects).values()), estate(), source=source, shown={"name": "thunderline"})


def written(plan: Plan, objects: Sequence[JsonObject], steps: int | None = None) -> list[JsonObject]:
    """Give ``objects`` after the first ``steps`` of a plan, all of them without a number."""
    return apply_all([step.action for step in plan.steps[:steps] if step.action is not None], objects)


def findings_after(plan: Plan, objects: Sequence[JsonObject], steps: int | None = None) -> dict[str, Finding]:
    return judged(written(plan, objects, steps))
