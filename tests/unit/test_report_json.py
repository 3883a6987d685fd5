"""The JSON report: its format, its schema and its being the same every time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_values import NOON, check_golden, deployment, finding, october, report, reports

from thunderguard.model import LedgerRow, Problem, Report, Resource, Status
from thunderguard.reports.json import comparable, render, schema, to_json
from thunderguard.reports.setting import utc_now

VALIDATOR = jsonschema_rs.Draft202012Validator(schema())


def written(value: Report) -> Any:
    return json.loads(render(value, clock=lambda: NOON))


def test_a_full_report_is_the_golden_file() -> None:
    check_golden("report.json", render(october(), clock=lambda: NOON).decode())


def test_the_golden_report_is_valid() -> None:
    VALIDATOR.validate(written(october()))


@given(reports)
def test_any_report_is_valid(value: Report) -> None:
    """The JSON text of any report is one UTF-8 document that the schema accepts and that ends with a newline.

    Control characters and file names that are not UTF-8 are no exception.
    """
    text = render(value, clock=lambda: NOON)
    assert text.endswith(b"}\n")
    VALIDATOR.validate(json.loads(text))


@given(reports, st.randoms(use_true_random=False))
def test_the_order_in_which_a_report_was_gathered_does_not_show(value: Report, random: Any) -> None:
    """Findings, ledger rows, problems and totals in any order give the same bytes."""
    shuffled = replace(
        value,
        findings=tuple(random.sample(value.findings, len(value.findings))),
        rows=tuple(random.sample(value.rows, len(value.rows))),
        problems=tuple(random.sample(value.problems, len(value.problems))),
        totals=dict(random.sample(list(value.totals.items()), len(value.totals))),
    )
    assert render(shuffled, clock=lambda: NOON) == render(value, clock=lambda: NOON)


def test_keys_stand_in_the_order_of_the_schema() -> None:
    value, rules = written(october()), schema()
    assert list(value) == list(rules["properties"]) == rules["required"]
    for key in ("source", "estate", "engine", "ledger"):
        # A source names its charts where there are any.
        assert list(value[key]) == [name for name in rules["properties"][key]["properties"] if name != "charts"]
    for name, one in (
        ("finding", value["findings"][0]),
        ("resource", value["findings"][0]["resource"]),
        ("row", value["ledger"]["objects"][0]),
        ("totals", value["ledger"]["totals"]["singleton-service"]),
        ("problem", value["problems"][0]),
    ):
        properties = list(rules["$defs"][name]["properties"])
        assert list(one) == properties
        # A baseline that was written before these keys were there is one all the same.
        assert rules["$defs"][name]["required"] == [key for key in properties if key not in {"waived", "origin"}]


def test_everything_in_the_schema_is_described() -> None:
    def undescribed(value: Any, where: str) -> list[str]:
        if not isinstance(value, dict):
            return []
        found = [
            f"{where}.{name}"
            for name, one in (value.get("properties") or {}).items()
            if "description" not in one and "$ref" not in one
        ]
        for key, one in value.items():
            found += undescribed(one, f"{where}.{key}")
        return found

    assert undescribed(schema(), "$") == []


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("formatVersion", "2"),
        ("failOn", "error"),
        ("generated", "yesterday"),
        ("findings", [{}]),
        ("ledger", {"totals": {}, "objects": [{"resource": None, "file": None, "statuses": {"r": "not matched"}}]}),
        ("problems", [{"kind": "odd", "message": "", "file": None, "line": None, "object": None}]),
        ("extra", 1),
    ],
)
def test_the_schema_refuses(change: str, value: Any) -> None:
    assert not VALIDATOR.is_valid({**written(october()), change: value})


def test_absent_parts_are_null() -> None:
    value = written(report(finding("rule", Resource("v1", "Namespace", "", "thunder"))))
    assert value["findings"][0]["resource"] == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "namespace": None,
        "name": "thunder",
    }
    assert value["findings"][0]["service"] is None
    assert value["findings"][0]["line"] is None


def test_the_ledger_leaves_out_what_was_not_matched() -> None:
    web, api = deployment("thunderline", "web"), deployment("thunderline", "api")
    rows = (
        LedgerRow(web, None, {"b": Status.NOT_JUDGED, "a": Status.PASSED, "c": Status.NOT_MATCHED}),
        LedgerRow(api, None, {"a": Status.NOT_MATCHED}),
    )
    objects = written(report(rows=rows))["ledger"]["objects"]
    assert [one["resource"]["name"] for one in objects] == ["web"]
    assert list(objects[0]["statuses"].items()) == [("a", "passed"), ("b", "not judged")]


def test_totals_name_every_status() -> None:
    assert written(report())["ledger"]["totals"]["singleton-service"] == {
        "passed": 1,
        "violated": 0,
        "waived": 0,
        "notMatched": 3,
        "notJudged": 0,
        "failed": 0,
    }


def test_a_file_name_that_is_not_utf8_is_written_out() -> None:
    value = written(report(finding("rule", deployment("a", "b"), file="caf\udce9.yaml")))
    assert value["findings"][0]["file"] == "caf\\udce9.yaml"


def test_generated_is_the_time_of_the_clock_in_utc() -> None:
    east = datetime(2025, 10, 8, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    assert to_json(report(), clock=lambda: east)["generated"] == "2025-10-08T12:00:00Z"
    assert utc_now().tzinfo is UTC


def test_comparable_drops_times_and_engine_and_nothing_else() -> None:
    first, later = october(), replace(october(), engine={"name": "opa", "version": "1", "policySha256": None})
    later = replace(later, source={**later.source, "capturedAt": "2026-01-01T00:00:00Z"})
    one, other = render(first, clock=lambda: NOON), render(later)
    assert one != other
    assert comparable(one) == comparable(other.decode()) == comparable(json.loads(other))
    changed = replace(first, problems=(*first.problems, Problem("unread", "more")))
    assert comparable(render(changed)) != comparable(one)
    assert set(written(first)) - set(comparable(one)) == {"generated", "engine"}
