"""What a worker gives back: rows that travel whole, and records that leave their names to the rows."""

from __future__ import annotations

import pickle

import orjson
import pytest

from thunderguard.audit.judging import Judged, Task, judge
from thunderguard.catalogue import load_catalogue
from thunderguard.documents import open_source
from thunderguard.engines import open_engine
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import Document

SOURCES = ("examples/bad", "examples/good", "examples/thunderline/2025-10-08.jsonl")


def judged(source: str) -> Judged:
    catalogue = load_catalogue()
    with (
        open_source([source]) as opened,
        open_engine("embedded", estate=load_estate(DEFAULT_ESTATE), catalogue=catalogue) as engine,
    ):
        return judge(opened.shards(1)[0], engine, Task(catalogue.object_rules))


@pytest.mark.parametrize("source", SOURCES)
def test_rows_travel_whole(source: str) -> None:
    rows = judged(source).rows
    assert any(row.identity.controller for row in rows) or source != SOURCES[2]
    assert pickle.loads(pickle.dumps(rows)) == rows  # noqa: S301 - our own bytes


@pytest.mark.parametrize("source", SOURCES)
def test_the_name_in_a_record_is_the_one_in_its_row(source: str) -> None:
    with (
        open_source([source]) as opened,
        open_engine("embedded", estate=load_estate(DEFAULT_ESTATE), catalogue=load_catalogue()) as engine,
    ):
        records = [o.record for o in engine.judge(item for item in opened if isinstance(item, Document))]
    rows = judged(source).rows
    named = [record and record["names"] for record in records]
    assert named == [[row.resource.name] if row.record else None for row in rows]
    assert any(named)
    assert all("names" not in orjson.loads(row.record) for row in rows if row.record)
