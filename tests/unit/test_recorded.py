"""Baselines and differences between reports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from report_values import NOON, deployment, finding, october, report, reports

from thunderguard import schemas
from thunderguard.audit import exit_code
from thunderguard.errors import SourceError
from thunderguard.model import Level, Problem, Report
from thunderguard.recorded import Recorded, changes, is_report, read
from thunderguard.reports import changes as written
from thunderguard.reports import json

ONE = finding("resource-limits", deployment("a", "one"))
TWO = finding("resource-limits", deployment("a", "two"))
SCHEMA = schemas.validator("changes")


def _recorded(value: Report) -> Recorded:
    return Recorded.of("now", value)


def test_new_fixed_and_unchanged() -> None:
    found = changes(_recorded(report(ONE)), _recorded(report(TWO, ONE)))
    assert (found.new, found.fixed, found.unchanged, found.unknown) == ((TWO,), (), (ONE,), ())
    found = changes(_recorded(report(TWO, ONE)), _recorded(report(ONE)))
    assert (found.new, found.fixed, found.unchanged, found.unknown) == ((), (TWO,), (ONE,), ())


def test_what_the_other_side_did_not_judge_is_neither_new_nor_fixed() -> None:
    silent = report(problems=(Problem("unread", "forbidden"),))
    assert changes(_recorded(silent), _recorded(report(ONE))).unknown == (ONE,)
    assert changes(_recorded(report(ONE)), _recorded(silent)).unknown == (ONE,)
    other = replace(report(), totals={"singleton-service": {}})
    assert changes(_recorded(other), _recorded(report(ONE))).unknown == (ONE,)


@given(reports, reports)
def test_every_finding_is_in_one_group(before: Report, after: Report) -> None:
    """Each finding of either report is new, fixed, unchanged or not comparable, and the JSON fits its schema."""
    found = changes(_recorded(before), _recorded(after))
    known = {one.fingerprint for one in after.findings}
    assert len(found.new) + len(found.fixed) + len(found.unchanged) + len(found.unknown) == len(after.findings) + len(
        [one for one in before.findings if one.fingerprint not in known]
    )
    SCHEMA.validate(orjson.loads(written.render_json(found, before="a", after="b")))
    assert written.render(found, before="a", after="b").endswith(f"{written.summary(found)}\n")


def test_a_report_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(json.render(october(), clock=lambda: NOON))
    again = read(path)
    assert is_report(path)
    assert set(again.findings) == set(october().findings)
    assert again.incomplete


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a JSON report"),
        ("[]", "has the report format version None"),
        ('{"formatVersion": "2"}', "has the report format version '2'"),
        ('{"formatVersion": "1"}', "is not a report"),
    ],
)
def test_what_is_no_report_is_told(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(SourceError, match=words):
        read(path)
    with pytest.raises(SourceError, match="cannot be read"):
        read(tmp_path / "missing.json")


def test_only_what_is_new_fails() -> None:
    known = replace(report(ONE), known=frozenset({ONE.fingerprint}))
    assert exit_code(known) == 0
    assert exit_code(replace(report(ONE, TWO), known=frozenset({ONE.fingerprint}))) == 1
    assert exit_code(replace(report(ONE), known=frozenset())) == 1
    warned = replace(report(finding("health-probes", deployment("a", "b"), level=Level.WARN)), known=frozenset())
    assert exit_code(warned) == 0
