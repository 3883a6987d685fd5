"""JUnit XML: what stands in it, and that any text leaves it well-formed."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml

from thunderguard.reports.junit import Case, Outcome, Suite, render

CASES = [
    Case("embedded", "replay.a", Outcome.PASSED, seconds=1.23456),
    Case("opa", "replay.a", Outcome.FAILED, "1 of 2", "line 1\nline 2"),
    Case("native", "replay.a", Outcome.ERROR, "killed"),
    Case("kyverno", "replay.a", Outcome.SKIPPED, "not expressible"),
]


def parsed(data: bytes) -> Any:
    return ET.fromstring(data.decode())  # noqa: S314 - it is ours


def test_every_outcome_has_its_element() -> None:
    root = parsed(render("all", [Suite("a: it holds", CASES, {"seed": "7"})]))
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == ("4", "1", "1", "1")
    (suite,) = root.findall("testsuite")
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


@given(st.lists(st.text(), min_size=3, max_size=3), st.sampled_from(Outcome))
def test_any_text_can_be_written(texts: list[str], outcome: Outcome) -> None:
    """For any texts: the document is well-formed, and has one case of that outcome."""
    name, message, text = texts
    data = render(name, [Suite(name, [Case(name, name, outcome, message, text)], {name or "x": message})])
    root = parsed(data)
    assert len(root.findall("testsuite/testcase")) == 1
    (suite,) = JUnitXml.fromstring(data)
    assert len(list(suite)) == 1
