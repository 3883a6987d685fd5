"""Loading cases and deviations: what is taken, and what is refused with its file and line."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest
from conformance_bed import CATALOGUE, ESTATE, RULES, TWO, cases_of

from thunderguard.admission import PERSON
from thunderguard.conformance.cases import Form
from thunderguard.conformance.deviations import load_deviations
from thunderguard.conformance.estates import changed_estate
from thunderguard.conformance.load import load_cases
from thunderguard.engines import ENGINE_NAMES
from thunderguard.errors import UsageError
from thunderguard.model import Resource

CASES = Path(__file__).parents[1] / "cases"
POD = "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop}}"


def one(folder: Path, body: str) -> object:
    """Load a file with one case of ``body``, whose lines are indented by four."""
    return cases_of(folder, f"namespace-boundary:\n  - name: one\n{body}")


def test_every_object_rule_has_cases_with_findings_and_without() -> None:
    cases = load_cases(CASES, RULES)
    for rule in RULES:
        mine = [case for case in cases if case.rule == rule]
        assert len(mine) >= 25, rule
        assert any(rule in {one.rule for one in case.findings} for case in mine)
        assert any(not case.findings for case in mine)


def test_a_case_names_no_engine() -> None:
    for path in CASES.rglob("*.yaml"):
        if path.name != "deviations.yaml":
            words = set(path.read_text(encoding="utf-8").lower().replace(":", " ").split())
            assert not words & set(ENGINE_NAMES), path


def test_the_defaults(tmp_path: Path) -> None:
    (case,) = cases_of(
        tmp_path, f"namespace-boundary:\n  - name: a\n    object: {POD}\n    findings: [{{path: metadata.namespace}}]\n"
    )
    assert (case.id, case.line, case.estate) == ("namespace-boundary/a", 2, "{}")
    assert case.place == f"{tmp_path / 'namespace-boundary.yaml'}:2"
    manifest, request = case.checks()
    assert (manifest.form, request.form) == (Form.MANIFEST, Form.REQUEST)
    key = ("namespace-boundary", Resource("v1", "Pod", "shop", "a"), "metadata.namespace")
    assert manifest.findings == request.findings == {key}
    assert manifest.violated == {"namespace-boundary"}
    asked = orjson.loads(request.text)["request"]
    assert (asked["operation"], asked["userInfo"]["username"], asked["oldObject"]) == ("CREATE", PERSON, None)
    assert asked["object"] == orjson.loads(manifest.text)


def test_a_finding_is_about_the_objects_that_it_names(tmp_path: Path) -> None:
    (case,) = cases_of(
        tmp_path,
        "namespace-boundary:\n"
        "  - name: a\n"
        "    as: [manifest]\n"
        "    objects:\n"
        f"      - {POD}\n"
        "      - {apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: shop}}\n"
        "    findings:\n"
        "      - {path: metadata.name, resource: {kind: Pod, name: a}}\n"
        "      - {path: metadata.namespace}\n",
    )
    paths = [{path for _, _, path in check.findings} for check in case.checks()]
    assert paths == [{"metadata.name", "metadata.namespace"}, {"metadata.namespace"}]


def test_a_deletion_asks_about_what_was(tmp_path: Path) -> None:
    (case,) = cases_of(
        tmp_path, f"namespace-boundary:\n  - name: a\n    operation: DELETE\n    object: {POD}\n    findings: []\n"
    )
    (check,) = case.checks()
    asked = orjson.loads(check.text)["request"]
    assert (check.form, asked["object"], asked["oldObject"]["kind"]) == (Form.REQUEST, None, "Pod")


def test_a_scale_is_about_its_workload(tmp_path: Path) -> None:
    (case,) = cases_of(
        tmp_path,
        "singleton-service:\n"
        "  - name: a\n"
        "    operation: UPDATE\n"
        "    subresource: scale\n"
        "    scales: {apiVersion: apps/v1, kind: StatefulSet}\n"
        "    oldObject: {apiVersion: autoscaling/v1, kind: Scale, metadata: {name: b, namespace: shop}}\n"
        "    object: {apiVersion: autoscaling/v1, kind: Scale, metadata: {name: b, namespace: shop}}\n"
        "    findings: [{path: spec.replicas}]\n",
        name="singleton-service.yaml",
    )
    (check,) = case.checks()
    assert {resource for _, resource, _ in check.findings} == {Resource("apps/v1", "StatefulSet", "shop", "b")}
    asked = orjson.loads(check.text)["request"]
    assert asked["resource"] == {"group": "apps", "version": "v1", "resource": "statefulsets"}
    assert (asked["kind"]["kind"], asked["subResource"]) == ("Scale", "scale")


def test_regressions_stand_beside_the_cases_of_their_rule(tmp_path: Path) -> None:
    (tmp_path / "regressions").mkdir()
    kept = TWO.replace("stray", "kept-1").replace("home", "kept-2")
    (tmp_path / "regressions" / "namespace-boundary.yaml").write_text(kept, encoding="utf-8")
    names = [case.name for case in cases_of(tmp_path, TWO)]
    assert names == ["stray", "home", "kept-1", "kept-2"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[a]\n", 1, "is not of type"),
        ("a: [\n", 2, "not YAML"),
        ("", None, "has 0 documents"),
        ("a: 1\n---\na: 2\n", None, "has 2 documents"),
        ("missing-service:\n  - {name: a, object: {a: b}, findings: []}\n", 1, "no rule that one object decides"),
        ("resource-limits:\n  - {name: a, object: {a: b}, findings: []}\n", 1, "stand in a file resource-limits.yaml"),
        ("namespace-boundary:\n  - {name: a, object: {a: b}}\n", 2, '"findings" is a required property'),
        ("namespace-boundary:\n  - {name: A b, object: {a: b}, findings: []}\n", 2, "does not match"),
        ("namespace-boundary:\n  - {name: a, findings: []}\n", 2, "is not valid under any"),
        ("namespace-boundary:\n  - name: a\n    objekt: {a: b}\n    findings: []\n", 2, "objekt"),
        ("namespace-boundary:\n  - name: a\n    name: b\n", 3, "name stands here a second time"),
        ("namespace-boundary:\n  - name: a\n    ? [b]\n    : c\n", 3, "unhashable key"),
        (TWO.replace("name: home", "name: stray"), 7, "stands at"),
    ],
)
def test_what_is_no_file_of_cases_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int | None, message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        cases_of(tmp_path, text)
    place = f"{tmp_path / 'namespace-boundary.yaml'}" + (f":{line}: " if line else " ")
    assert raised.value.message.startswith(place)
    assert message in raised.value.message


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        (f"    object: {POD}\n    findings: [{{path: 'a['}}]\n", 4, "not a field path"),
        (
            f"    object: {POD}\n    findings:\n      - {{path: a, rule: resource-limit}}\n",
            5,
            "did you mean resource-limits?",
        ),
        (f"    object: {POD}\n    findings:\n      - {{path: a, resource: {{kind: Job}}}}\n", 5, "none of the objects"),
        (f"    object: {POD}\n    findings: [{{path: a}}, {{path: a}}]\n", 4, "stands here twice"),
        (f"    object: {POD}\n    operation: UPDATE\n    findings: []\n", 2, "oldObject goes with UPDATE"),
        (f"    object: {POD}\n    oldObject: {POD}\n    findings: []\n", 4, "oldObject goes with UPDATE"),
        (f"    object: {POD}\n    subresource: scale\n    findings: []\n", 2, "scales goes with scale"),
        (
            f"    object: {POD}\n    user: {{username: b}}\n    as: [manifest]\n    findings: []\n",
            5,
            "a request and nothing else",
        ),
        (f"    object: {POD}\n    findings: []\n    unjudged: [namespace-boundary]\n", 5, "add as: [manifest]"),
        (f"    object: {POD}\n    as: [manifest]\n    findings: []\n    unjudged: [nonsense]\n", 6, "no rule that one"),
        (f"    object: {POD}\n    findings: [{{path: a}}]\n    matched: false\n", 4, "has no findings"),
        (
            "    object: {apiVersion: v2, name: a, version: 1.0.0}\n    findings: []\n",
            2,
            "nobody requests a Chart.yaml",
        ),
        (
            f"    object: {POD}\n    as: [manifest]\n    findings: [{{path: a}}]\n    unjudged: [namespace-boundary]\n",
            6,
            "has findings or leaves it open",
        ),
    ],
)
def test_a_case_that_contradicts_itself_is_refused_with_its_line(
    tmp_path: Path, body: str, line: int, message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        one(tmp_path, body)
    assert f"namespace-boundary.yaml:{line}: case one: " in raised.value.message
    assert message in raised.value.message


def test_no_cases_at_all_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no cases"):
        load_cases(tmp_path, RULES)
    with pytest.raises(UsageError, match="is not a directory"):
        load_cases(tmp_path / "none", RULES)


def test_a_date_is_text_and_numbers_are_numbers(tmp_path: Path) -> None:
    (case,) = cases_of(
        tmp_path,
        "namespace-boundary:\n"
        "  - name: a\n"
        "    object: {apiVersion: v1, kind: Pod, metadata: {a: 2025-10-08, b: 1.5, c: 'on'}}\n"
        "    findings: []\n",
    )
    assert case.objects[0]["metadata"] == {"a": "2025-10-08", "b": 1.5, "c": "on"}


def test_the_estate_of_a_case_has_other_fields(tmp_path: Path) -> None:
    changes = json.dumps({"namespaces": {"allowed": ["shop"]}, "services": [], "deprecated": None})
    estate = changed_estate(ESTATE, changes, where="here", folder=tmp_path)
    assert estate.data["spec"]["namespaces"] == {"allowed": ["shop"]}
    assert "deprecated" not in estate.data["spec"]
    assert estate.data["spec"]["images"] == ESTATE.data["spec"]["images"]
    assert changed_estate(ESTATE, "{}", where="here", folder=tmp_path) is ESTATE


def test_an_estate_that_is_none_is_told_by_its_case(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^here: the estate of the case:1:.*home is in an allowed namespace"):
        changed_estate(ESTATE, '{"namespaces": {"allowed": ["shop"]}}', where="here", folder=tmp_path)


def deviations(folder: Path, text: str) -> object:
    (folder / "deviations.yaml").write_text(text, encoding="utf-8")
    return load_deviations(folder, engines=("opa",), cases=("a/b",))


def test_deviations(tmp_path: Path) -> None:
    assert load_deviations(tmp_path, engines=(), cases=()) == {}
    assert deviations(tmp_path, "deviations: {}\n") == {}
    found = deviations(tmp_path, "deviations: {opa: {a/b: {reason: it is\n  so, link: 'https://x'}}}\n")
    assert isinstance(found, dict)
    assert found["opa"]["a/b"].reason == "it is so"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {}\n", "the one key is deviations"),
        ("deviations: []\n", "the one key is deviations"),
        ("deviations: {opo: {}}\n", "no engine is called 'opo'"),
        ("deviations: {opa: []}\n", "are a mapping of cases"),
        ("deviations: {opa: {a/c: {}}}\n", "no case is called 'a/c'"),
        ("deviations: {opa: {a/b: {reason: x}}}\n", "has a reason and a link"),
        ("deviations: {opa: {a/b: {reason: '', link: 'https://x'}}}\n", "has a reason and a link"),
        ("deviations: {opa: {a/b: {reason: x, link: http://x}}}\n", "begins with https://"),
    ],
)
def test_a_deviation_without_reason_link_or_case_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        deviations(tmp_path, text)
    assert raised.value.message.startswith(f"{tmp_path / 'deviations.yaml'}:1: ")


def test_the_project_has_a_reason_for_each_of_its_deviations() -> None:
    ids = {case.id for case in load_cases(CASES, CATALOGUE.object_rules)}
    load_deviations(CASES, engines=ENGINE_NAMES, cases=ids)
