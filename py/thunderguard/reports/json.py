"""The JSON report: formatVersion 1, described by ``schemas/report.schema.json``.

Keys stand in a fixed order, every list is sorted, an absent value is null, and the text ends with a newline, so two
runs over the same input are byte-equal but for the time in ``generated``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC
from typing import Any, cast

import orjson

from thunderguard import schemas
from thunderguard.model import Finding, JsonObject, LedgerRow, Origin, Problem, Report, Resource, Status
from thunderguard.reports.setting import Clock, utc_now, writable

FORMAT_VERSION = "1"

_TOTALS = {
    "passed": Status.PASSED,
    "violated": Status.VIOLATED,
    "waived": Status.WAIVED,
    "notMatched": Status.NOT_MATCHED,
    "notJudged": Status.NOT_JUDGED,
    "failed": Status.FAILED,
}


def schema() -> JsonObject:
    """Give the JSON schema (draft 2020-12) of the report."""
    return schemas.load("report")


def render(report: Report, *, clock: Clock = utc_now) -> bytes:
    """Write ``report`` as JSON text in UTF-8; ``clock`` gives the time that stands in ``generated``."""
    value = to_json(replace(report, rows=()), clock=clock)
    # The ledger has a row for each object, so that its rows become text one by one; a line each, they can be read.
    head, tail = _text(value, orjson.OPT_INDENT_2).rsplit(b'"objects": []', 1)
    text = io.BytesIO()
    text.write(head + b'"objects": [')
    before = b"\n      "
    for row, stated in _rows(report):
        text.write(before + _text(_row(row, stated)))
        before = b",\n      "
    text.write((b"\n    ]" if before.startswith(b",") else b"]") + tail + b"\n")
    return text.getvalue()


def _text(value: Any, option: int = 0) -> bytes:
    try:
        return orjson.dumps(value, option=option)
    except TypeError:
        # A file name that is not UTF-8 reaches Python with lone surrogates, which JSON text cannot hold.
        return orjson.dumps(writable(value), option=option)


def _rows(report: Report) -> list[tuple[LedgerRow, JsonObject]]:
    """Give the rows that say anything, in order, each with what it states."""
    # Few combinations of statuses occur, and rows share them.
    combinations = {id(row.statuses): row.statuses for row in report.rows}
    order = {
        key: sorted((rule, str(status)) for rule, status in statuses.items()) for key, statuses in combinations.items()
    }
    stated = {key: _stated(statuses) for key, statuses in combinations.items()}
    rows = [row for row in report.rows if stated[id(row.statuses)]]
    rows.sort(key=lambda row: (*_row_order(row), order[id(row.statuses)]))
    return [(row, stated[id(row.statuses)]) for row in rows]


def to_json(report: Report, *, clock: Clock = utc_now) -> JsonObject:
    """Give ``report`` as the JSON value that :func:`render` writes."""
    source, estate, engine = report.source, report.estate, report.engine
    return {
        "formatVersion": FORMAT_VERSION,
        "source": {
            **{key: source.get(key) for key in ("path", "kind", "capturedAt", "clusterVersion")},
            "objects": source.get("objects", 0),
            "leftOut": source.get("leftOut", []),
            **({"charts": source["charts"]} if source.get("charts") else {}),
        },
        "estate": {key: estate.get(key) for key in ("path", "name", "sha256")},
        "engine": {key: engine.get(key) for key in ("name", "version", "policySha256")},
        "generated": clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "failOn": fail_on(report),
        "findings": [finding_value(finding) for finding in sorted(report.findings, key=_finding_order)],
        "ledger": {
            "totals": {rule: totals_value(report.totals[rule]) for rule in sorted(report.totals)},
            "objects": [_row(row, stated) for row, stated in _rows(report)],
        },
        "problems": [problem_value(problem) for problem in sorted(report.problems, key=_problem_order)],
    }


def fail_on(report: Report) -> str:
    """Give the level from which findings fail the run, or ``never``."""
    return "never" if report.fail_on is None else str(report.fail_on)


def comparable(report_json: JsonObject | bytes | str) -> JsonObject:
    """Drop what may differ between two true reports of the same input: the times and the engine.

    Takes a parsed report or its text. What is left of two engines' reports, or of a report and the one that was
    checked in, is equal when they say the same.
    """
    value = report_json if isinstance(report_json, dict) else cast("JsonObject", json.loads(report_json))
    kept = {key: part for key, part in value.items() if key not in {"generated", "engine"}}
    if isinstance(kept.get("source"), dict):
        kept["source"] = {key: part for key, part in kept["source"].items() if key != "capturedAt"}
    return kept


def address(resource: Resource) -> JsonObject:
    """Give an address with null for what is absent."""
    return {
        "apiVersion": resource.apiVersion or None,
        "kind": resource.kind or None,
        "namespace": resource.namespace or None,
        "name": resource.name or None,
    }


def essence(finding: Finding) -> JsonObject:
    """Give a finding as the value that stands where findings are compared: without where it was read."""
    value = finding_value(finding)
    return {key: value[key] for key in ("rule", "level", "resource", "path", "message", "remedy", "fingerprint")}


def finding_value(finding: Finding) -> JsonObject:
    """Give a finding as the value that stands in a report."""
    return {
        "rule": finding.rule,
        "level": str(finding.level),
        "service": finding.service,
        "resource": address(finding.resource),
        "path": finding.path,
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "message": finding.message,
        "remedy": finding.remedy,
        "fingerprint": finding.fingerprint,
        "waived": None if finding.waived is None else asdict(finding.waived),
        "origin": None if finding.origin is None else _origin(finding.origin),
    }


def _origin(origin: Origin) -> JsonObject:
    return {**asdict(origin), "keys": list(origin.keys), "note": origin.note or None}


def _finding_order(finding: Finding) -> tuple[Any, ...]:
    # Beyond the order that all formats share, so that no two different findings ever tie.
    rest = (finding.level, finding.remedy, finding.fingerprint)
    return (finding.sort_key, *map(_or_first, (finding.file, finding.column, finding.service)), *rest)


def _or_first(value: str | int | None) -> tuple[Any, ...]:
    """Order null before every value, the empty text included."""
    return () if value is None else (value,)


def totals_value(counts: Mapping[Status, int]) -> JsonObject:
    """Give the answers of one rule, counted, as the value that stands in a report."""
    return {key: counts.get(status, 0) for key, status in _TOTALS.items()}


def _stated(statuses: Mapping[str, Status]) -> JsonObject:
    """Leave out what does not concern the object: most rules, for most objects."""
    return {rule: str(statuses[rule]) for rule in sorted(statuses) if statuses[rule] != Status.NOT_MATCHED}


def _row(row: LedgerRow, stated: JsonObject) -> JsonObject:
    return {
        "resource": None if row.resource is None else address(row.resource),
        "file": row.file,
        "statuses": stated,
    }


def _row_order(row: LedgerRow) -> tuple[Any, ...]:
    resource = row.resource
    address = () if resource is None else (resource.apiVersion, resource.kind, resource.namespace, resource.name)
    return (address, _or_first(row.file))


def problem_value(problem: Problem) -> JsonObject:
    """Give a problem as the value that stands in a report."""
    return {
        "kind": problem.kind,
        "message": problem.message,
        "file": problem.file,
        "line": problem.line,
        "object": problem.object,
    }


def _problem_order(problem: Problem) -> tuple[Any, ...]:
    return (problem.kind, *map(_or_first, (problem.file, problem.line, problem.object)), problem.message)
