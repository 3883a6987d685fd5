"""The decoder of Rego verdicts takes nothing on trust."""

from __future__ import annotations

from typing import Any

import pytest

from thunderguard.engines.base import digest, failure, outcome_kind
from thunderguard.engines.verdict import decode_inventory_verdict, decode_verdict
from thunderguard.model import Level, OutcomeKind, RawFinding, Resource, Status

RULES = ("a", "b")
RESOURCE = {"apiVersion": "v1", "kind": "Pod", "namespace": "n", "name": "x"}


def finding(**changes: Any) -> dict[str, Any]:
    return {
        "rule": "a",
        "level": "deny",
        "service": None,
        "resource": RESOURCE,
        "path": "spec",
        "message": "m",
        "remedy": "r",
        "file": None,
    } | changes


def verdict(**changes: Any) -> dict[str, Any]:
    return {"findings": [finding()], "statuses": {"a": "violated", "b": "passed"}, "record": {"k": 1}} | changes


def test_a_verdict_becomes_an_outcome() -> None:
    outcome = decode_verdict(verdict(), RULES)
    assert outcome.kind is OutcomeKind.FINDINGS
    assert outcome.findings == (RawFinding("a", Resource("v1", "Pod", "n", "x"), "spec", Level.DENY, None, "m", "r"),)
    assert outcome.statuses == {"a": Status.VIOLATED, "b": Status.PASSED}
    assert outcome.record == {"k": 1}
    assert outcome.reason == ""


def test_findings_are_sorted_and_one_a_place() -> None:
    said = [finding(path="z"), finding(path="b", service="s"), finding(path="b"), finding(path="b")]
    outcome = decode_verdict(verdict(findings=said), RULES)
    assert [(f.path, f.service) for f in outcome.findings] == [("b", None), ("z", None)]


@pytest.mark.parametrize(
    ("statuses", "kind"),
    [
        ({"a": "passed", "b": "not matched"}, OutcomeKind.PASS),
        ({"a": "not matched", "b": "not matched"}, OutcomeKind.NOT_MATCHED),
        ({"a": "not judged", "b": "not matched"}, OutcomeKind.NOT_MATCHED),
        ({"a": "not judged", "b": "passed"}, OutcomeKind.PASS),
    ],
)
def test_only_a_rule_that_passed_makes_a_pass(statuses: dict[str, str], kind: OutcomeKind) -> None:
    assert decode_verdict({"findings": [], "statuses": statuses, "record": None}, RULES).kind is kind


def test_no_verdict_is_no_answer() -> None:
    for outcome in (decode_verdict(None, RULES), decode_inventory_verdict(None, RULES)):
        assert outcome.kind is OutcomeKind.NO_ANSWER
        assert outcome.statuses == dict.fromkeys(RULES, Status.FAILED)
        assert outcome.reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("<undefined>", "no list of findings"),
        ([], "no list of findings"),
        ({}, "no list of findings"),
        (verdict(findings={}), "no list of findings"),
        (verdict(findings=[1]), "a finding is 1"),
        (verdict(findings=[finding(rule="z")]), "'z'"),
        (verdict(findings=[finding(rule=None)]), "None"),
        (verdict(findings=[finding(rule=["a"])]), "['a']"),
        (verdict(findings=[finding(level="fatal")]), "'fatal'"),
        (verdict(findings=[finding(level=["deny"])]), "['deny']"),
        (verdict(findings=[finding(service=3)]), "service 3"),
        (verdict(findings=[finding(path=None)]), "lacks its path"),
        (verdict(findings=[finding(message=None)]), "lacks its path, message"),
        (verdict(findings=[finding(remedy=1)]), "remedy"),
        (verdict(findings=[finding(resource=None)]), "names the resource None"),
        (verdict(findings=[finding(resource=RESOURCE | {"name": None})]), "names the resource"),
        (verdict(findings=[finding(resource={"kind": "Pod"})]), "names the resource"),
        (verdict(statuses=None), "no statuses"),
        (verdict(statuses={"a": "violated"}), "lack ['b']"),
        (verdict(statuses={"a": "violated", "b": "passed", "c": "passed"}), "name ['c']"),
        (verdict(statuses={"a": "violated", "b": "failed"}), "status of b is 'failed'"),
        (verdict(statuses={"a": "violated", "b": True}), "status of b is True"),
        (verdict(statuses={"a": "violated", "b": ["x"]}), "status of b is"),
        (verdict(statuses={"a": "passed", "b": "passed"}), "beside violated []"),
        (verdict(findings=[]), "findings of [] stand beside violated ['a']"),
        (verdict(record=[1]), "the record is [1]"),
    ],
)
def test_what_is_no_verdict_is_a_failure_that_says_why(value: Any, reason: str) -> None:
    outcome = decode_verdict(value, RULES)
    assert outcome.kind is OutcomeKind.ENGINE_FAILED
    assert reason in outcome.reason
    assert outcome.findings == ()
    assert outcome.statuses == dict.fromkeys(RULES, Status.FAILED)


def test_an_inventory_verdict_asks_every_rule() -> None:
    outcome = decode_inventory_verdict({"findings": [finding()]}, RULES)
    assert (outcome.kind, outcome.statuses) == (OutcomeKind.FINDINGS, {"a": Status.VIOLATED, "b": Status.PASSED})
    assert decode_inventory_verdict({"findings": []}, RULES).kind is OutcomeKind.PASS
    assert decode_inventory_verdict({"findings": [finding(rule="z")]}, RULES).kind is OutcomeKind.ENGINE_FAILED
    assert decode_inventory_verdict({"findings": None}, RULES).kind is OutcomeKind.ENGINE_FAILED


def test_a_failure_fails_every_rule() -> None:
    outcome = failure(OutcomeKind.ENGINE_FAILED, "why", RULES)
    assert outcome.statuses == dict.fromkeys(RULES, Status.FAILED)
    assert outcome_kind((), outcome.statuses) is not OutcomeKind.PASS


def test_a_digest_depends_on_names_contents_and_their_borders() -> None:
    one = digest({"a": b"1", "b": b"2"})
    assert one == digest({"b": b"2", "a": b"1"})
    different = [{"a": b"2", "b": b"1"}, {"a": b"12"}, {"a": b"1b2"}, {"a": b"1"}, {"c": b"1", "b": b"2"}]
    assert len({one, *(digest(files) for files in different)}) == 6
