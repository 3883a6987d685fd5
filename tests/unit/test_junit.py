"""JUnit XML: what stands in it, and that any text leaves it what Jenkins' schema allows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junit_schema import SCHEMA, parsed
from junitparser import JUnitXml
from report_values import deployment, finding, report, reports, texts

from thunderguard.catalogue import load_catalogue
from thunderguard.model import LedgerRow, Level, Problem, Report, Status, Waived
from thunderguard.reports.junit import MOST_PASSES, Case, Outcome, Suite, render, render_report
from thunderguard.reports.setting import Setting

CASES = [
    Case("embedded", "replay.a", Outcome.PASSED, seconds=1.23456),
    Case("opa", "replay.a", Outcome.FAILED, "1 of 2", "line 1\nline 2"),
    Case("native", "replay.a", Outcome.ERROR, "killed"),
    Case("kyverno", "replay.a", Outcome.SKIPPED, "not expressible"),
]


def test_every_outcome_has_its_element() -> None:
    root = parsed(render("all", [Suite("a: it holds", CASES, {"seed": "7"})]))
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("4", "1", "1")
    (suite,) = root.findall("testsuite")
    assert suite.get("skipped") == "1"
    assert suite.get("name") == "a: it holds"
    assert [one.attrib for one in suite.iter("property")] == [{"name": "seed", "value": "7"}]
    passed, failed, error, skipped = suite.findall("testcase")
    assert list(passed) == []
    assert passed.get("time") == "1.235"
    assert failed.find("failure").get("message") == "1 of 2"
    assert failed.find("failure").text == "line 1\nline 2"
    assert error.find("error").get("message") == "killed"
    assert skipped.find("skipped").get("message") == "not expressible"


def test_no_suite_is_a_document_all_the_same() -> None:
    assert parsed(render("nothing", [])).tag == "testsuites"


@pytest.mark.parametrize("attribute", ["", ' file="a.yaml"'])
def test_the_schema_forbids_what_it_does_not_name(attribute: str) -> None:
    suite = f'<testsuite name="a" tests="1" failures="0" errors="0"><testcase name="b"{attribute}/></testsuite>'
    assert SCHEMA.is_valid(f"<testsuites>{suite}</testsuites>") == (not attribute)


@given(st.lists(texts, min_size=3, max_size=3), st.sampled_from(Outcome), st.floats(0, 10**7))
def test_any_text_can_be_written(texts: list[str], outcome: Outcome, seconds: float) -> None:
    """For any texts and time: the document is what the schema allows, and has each case."""
    name, message, text = texts
    data = render(name, [Suite(name, [Case(name, name, outcome, message, text, seconds)] * 3, {name: message})])
    root = parsed(data)
    assert len(root.findall("testsuite/testcase")) == 3
    (suite,) = JUnitXml.fromstring(data)
    assert len(list(suite)) == 3


# ---- the report of an audit

SETTING = Setting(rules=load_catalogue().rules, exit_code=1, version="1.2.3")


def audited(value: Report) -> dict[str, list[Any]]:
    root = parsed(render_report(value, SETTING))
    consistent(root)
    return {suite.get("name"): suite.findall("testcase") for suite in root}


def consistent(root: Any) -> None:
    """Check what no schema says: that the numbers of each suite are those of its cases, and that a case has one end."""
    assert root.tag == "testsuites"
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        for tag, number in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.get(number)) == len(suite.findall(f"testcase/{tag}"))
        assert all(case.get("name") is not None and case.get("classname") == suite.get("name") for case in cases)
        assert all(len(case) <= 1 for case in cases)


def kinds(cases: list[Any]) -> list[str]:
    return [case[0].tag if len(case) else "passed" for case in cases]


def test_a_suite_is_a_rule_and_a_case_an_object() -> None:
    home, stray, other = (deployment("thunderline", name) for name in ("home", "stray", "other"))
    found = [
        finding("resource-limits", stray, path=path, message=f"{path} is wrong", remedy="mend", file="a.yaml", line=3)
        for path in ("spec.a", "spec.b")
    ]
    rows = tuple(
        LedgerRow(one, "a.yaml", {"resource-limits": status, "namespace-boundary": Status.NOT_MATCHED})
        for one, status in ((home, Status.PASSED), (stray, Status.VIOLATED), (other, Status.NOT_JUDGED))
    )
    rows = (*rows, LedgerRow(None, None, {"resource-limits": Status.FAILED}))
    suites = audited(report(*found, rows=rows))
    assert suites["singleton-service"] == []
    cases = suites["resource-limits"]
    assert kinds(cases) == ["failure", "error", "passed", "skipped"]
    failed, error, passed, skipped = cases
    assert failed.attrib == {
        "name": "thunderline/Deployment/stray",
        "classname": "resource-limits",
        "time": "0.0",
    }
    assert failed[0].get("message") == "spec.a is wrong (and 1 more)"
    assert failed[0].text.splitlines() == [
        "deny: spec.a is wrong",
        "  at: spec.a",
        "  at: a.yaml:3",
        "  remedy: mend",
        "deny: spec.b is wrong",
        "  at: spec.b",
        "  at: a.yaml:3",
        "  remedy: mend",
    ]
    assert error.get("name") == "the whole set"
    assert passed.get("name") == "thunderline/Deployment/home"
    assert "not judged" in skipped[0].get("message")


def test_only_what_fails_the_run_is_a_failure() -> None:
    one, two = finding("a", deployment("x", "y")), finding("b", deployment("x", "y"), level=Level.WARN)
    three = replace(finding("c", deployment("x", "y")), waived=Waived("moving", "ann", "2025-12-31"))
    value = report(one, two, three)

    def told(value: Report) -> dict[str, str]:
        return {name: case[0].get("message") for name, cases in audited(value).items() for case in cases}

    assert told(value) == {
        "a": "it is wrong",
        "b": "warn, below --fail-on deny: it is wrong",
        "c": "waived until 2025-12-31 by ann: moving: it is wrong",
    }
    assert told(replace(value, known=frozenset({one.fingerprint})))["a"] == "known to the baseline: it is wrong"
    assert kinds(audited(replace(value, fail_on=Level.WARN))["b"]) == ["failure"]
    never = audited(replace(value, fail_on=None))
    assert {kind for cases in never.values() for kind in kinds(cases)} == {"skipped"}


def test_one_object_in_two_files_is_two_cases_with_two_names() -> None:
    found = [finding("a", deployment("x", "y"), file=file) for file in ("base.yaml", "overlay.yaml")]
    names = [case.get("name") for case in audited(report(*found))["a"]]
    assert names == ["x/Deployment/y in base.yaml", "x/Deployment/y in overlay.yaml"]


def test_a_problem_is_an_error() -> None:
    suites = audited(report(problems=(Problem("unread", "Secrets: forbidden", "a.yaml", 7),)))
    (case,) = suites["problems"]
    assert (case[0].tag, case[0].get("message"), case[0].text) == (
        "error",
        "unread: Secrets: forbidden",
        "at: a.yaml:7",
    )


def test_many_passes_are_counted() -> None:
    def rows(number: int) -> tuple[LedgerRow, ...]:
        passed = {"resource-limits": Status.PASSED}
        judged = [LedgerRow(deployment("x", str(place)), None, passed) for place in range(number)]
        return (*judged, LedgerRow(deployment("x", "z"), None, {"resource-limits": Status.FAILED}))

    assert len(audited(report(rows=rows(MOST_PASSES)))["resource-limits"]) == MOST_PASSES + 1
    root = parsed(render_report(report(rows=rows(MOST_PASSES + 1)), SETTING))
    (suite,) = [suite for suite in root if suite.get("name") == "resource-limits"]
    assert kinds(suite.findall("testcase")) == ["error"]
    properties = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert properties["passed"] == str(MOST_PASSES + 1)


@given(reports)
def test_any_report_can_be_written_and_read_back(value: Report) -> None:
    """Whatever a report holds: a case fails if, and only if, an object has a finding that fails; junitparser agrees."""
    suites = audited(value)
    failing = {(one.rule, str(one.resource), one.file) for one in value.findings if value.fails(one)}
    failed = [case for cases in suites.values() for case in cases if kinds([case]) == ["failure"]]
    assert len(failed) >= len({(rule, name) for rule, name, _ in failing})
    assert bool(failed) == bool(failing)
    read = JUnitXml.fromstring(render_report(value, SETTING))
    assert [len(list(suite)) for suite in read] == [len(cases) for cases in suites.values()]
