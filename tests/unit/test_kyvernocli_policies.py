"""Reading admission policies, deciding what they are asked about, and the copies that the Kyverno CLI is given."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from admission_bed import FILES, OBJECT_RULES, POLICIES
from thunderguard.engines.base import EngineOptions
from thunderguard.engines.kyverno import KyvernoEngine
from thunderguard.engines.kyvernocli.joined import joined
from thunderguard.engines.kyvernocli.matching import (
    ConstraintError,
    Target,
    check_constraints,
    matches,
    without_subresources,
)
from thunderguard.engines.kyvernocli.policies import NO_SUBJECT, Policies, Variant, load_policies
from thunderguard.engines.kyvernocli.program import Row
from thunderguard.engines.kyvernocli.stubs import definitions
from thunderguard.engines.native import NativeEngine
from thunderguard.errors import PolicyError

FLAVOURS = {"kyverno": KyvernoEngine.flavour, "native": NativeEngine.flavour}
DEPLOYMENT = Target("CREATE", "apps", "v1", "deployments", ({"app": "web"},))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a copy of the small policies, to be damaged."""
    return shutil.copytree(POLICIES, tmp_path / "policies")


def load(name: str, folder: Path = POLICIES, rules: tuple[str, ...] = OBJECT_RULES) -> Policies:
    flavour = FLAVOURS[name]
    return load_policies(EngineOptions(policies_dir=folder), rules, flavour.file, flavour.kind)


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(document) for document in text.split("\n---\n")]


def rule(**changes: Any) -> dict[str, Any]:
    return {
        "resourceRules": [
            {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["*"], **changes}
        ]
    }


@pytest.mark.parametrize(
    ("constraints", "wanted"),
    [
        (rule(), True),
        (rule(apiGroups=["apps"], apiVersions=["v1"], resources=["deployments"]), True),
        (rule(apiGroups=["", "batch"]), False),
        (rule(apiVersions=["v2"]), False),
        (rule(operations=["UPDATE"]), False),
        (rule(operations=["*"]), True),
        (rule(resources=["pods", "deployments"]), True),
        (rule(resources=["deployments/scale"]), False),
        (rule(resources=["*/scale"]), False),
        (rule(resources=["*/*"]), True),
        (rule(resources=["deployments/*"]), True),
        ({**rule(), "objectSelector": {"matchLabels": {"app": "web"}}}, True),
        ({**rule(), "objectSelector": {"matchLabels": {"app": "db"}}}, False),
        ({**rule(), "objectSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}}, True),
        ({**rule(), "objectSelector": {"matchExpressions": [{"key": "b", "operator": "Exists"}]}}, False),
        (
            {**rule(), "objectSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}},
            True,
        ),
        ({**rule(), "objectSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": []}]}}, False),
        ({**rule(), "excludeResourceRules": rule(apiGroups=["apps"])["resourceRules"]}, False),
        ({**rule(), "excludeResourceRules": rule(apiGroups=["batch"])["resourceRules"]}, True),
        ({**rule(), "namespaceSelector": {}, "matchPolicy": "Equivalent"}, True),
    ],
)
def test_constraints_are_decided_as_the_api_server_does(constraints: dict[str, Any], wanted: bool) -> None:
    check_constraints(constraints)
    assert matches(constraints, DEPLOYMENT) is wanted
    assert matches(without_subresources(constraints), DEPLOYMENT) is wanted


@pytest.mark.parametrize(
    ("constraints", "reason"),
    [
        (None, "no resourceRules"),
        ({}, "no resourceRules"),
        ({**rule(), "matchEverything": True}, "matchEverything"),
        ({**rule(), "namespaceSelector": {"matchLabels": {"a": "b"}}}, "namespaceSelector"),
        (rule(resourceNames=["web"]), "resourceNames"),
        (rule(scope="Namespaced"), "scope"),
        (rule(when="now"), "when"),
        ({**rule(), "objectSelector": {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}}, "DoesNotE"),
    ],
)
def test_constraints_that_cannot_be_decided_are_refused(constraints: Any, reason: str) -> None:
    with pytest.raises(ConstraintError, match=reason):
        check_constraints(constraints)


def test_without_subresources_only_what_they_add_is_gone() -> None:
    mixed = rule(resources=["pods", "pods/resize", "*/scale"])
    mixed["resourceRules"].append({**mixed["resourceRules"][0], "resources": ["pods/ephemeralcontainers"]})
    assert without_subresources(mixed) == {**rule(resources=["pods"]), "excludeResourceRules": []}


@pytest.mark.parametrize("name", FLAVOURS)
def test_policies_are_read_by_rule(name: str, folder: Path) -> None:
    policies = load(name, folder)
    assert tuple(policies.by_rule) == OBJECT_RULES
    assert {policy.estates == {"tiny"} for policy in policies.by_rule.values()} == {True}
    assert policies.sha256 == load(name).sha256
    with (folder / "has-team" / FILES[name]).open("a") as file:
        file.write("# other\n")
    assert policies.sha256 != load(name, folder).sha256


@pytest.mark.parametrize("name", FLAVOURS)
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("kind: Validating", "kind: Mutating", "does not hold one"),
        ("apiVersion: ", "apiVersion: x", "does not hold one"),
        ("validations:", "audits:", "no validations"),
        ("  name: has-team", "  title: has-team", "no name"),
        ("resourceRules:", "rules:", "cannot be decided"),
        ("spec:", "spec: [", "not YAML"),
        ("apiVersion:", "--- 7\n---\napiVersion:", "no object"),
    ],
)
def test_a_file_that_is_no_policy_is_named(name: str, old: str, new: str, reason: str, folder: Path) -> None:
    path = folder / "has-team" / FILES[name]
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(PolicyError, match=reason) as caught:
        load(name, folder)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("policyName: has-team", "policyName: other", "another policy"),
        ("policyName: has-team", "policyName: has-team\n  matchResources: {}", "matchResources of its own"),
        ("kind: ValidatingAdmissionPolicyBinding", "kind: Other", "does not hold one"),
    ],
)
def test_a_binding_that_does_not_fit_is_named(old: str, new: str, reason: str, folder: Path) -> None:
    path = folder / "has-team" / "native.yaml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(PolicyError, match=reason):
        load("native", folder)


@pytest.mark.parametrize("name", FLAVOURS)
def test_a_missing_policy_and_two_of_one_name_are_errors(name: str, folder: Path) -> None:
    with pytest.raises(PolicyError, match=r"other.*cannot be read"):
        load(name, folder, (*OBJECT_RULES, "other"))
    shutil.copytree(folder / "has-team", folder / "other")
    with pytest.raises(PolicyError, match="called has-team"):
        load(name, folder, (*OBJECT_RULES, "other"))


@pytest.mark.parametrize("name", FLAVOURS)
def test_a_copy_differs_only_in_what_it_says_more(name: str) -> None:
    policy = load(name).by_rule["has-team"]
    copied, *bindings = documents(policy.copy(Variant.PLACED))
    told = copied["spec"]["validations"].pop()
    assert told == {"expression": "variables.subject == true", "message": NO_SUBJECT}
    assert copied["spec"] == policy.policy["spec"]
    assert [one["spec"]["matchResources"] for one in bindings] == [policy.constraints] * (name == "native")

    unplaced, *_ = documents(policy.copy(Variant.UNPLACED))
    changed = [
        (one, other)
        for one, other in zip(copied["spec"]["variables"], unplaced["spec"]["variables"], strict=True)
        if one != other
    ]
    assert [other for _, other in changed] == [{"name": "ownNamespace", "expression": '""'}]


def test_a_copy_of_a_policy_without_those_variables_is_the_policy() -> None:
    policy = load("kyverno").by_rule["no-latest"]
    copied, *_ = documents(policy.copy(Variant.UNPLACED))
    assert copied["spec"] == policy.policy["spec"]


def alike(folder: Path, name: str) -> Policies:
    """Give two policies that match alike: has-team, and the same with other words and one other variable."""
    shutil.rmtree(folder / "no-latest")
    shutil.copytree(folder / "has-team", folder / "no-latest")
    path = folder / "no-latest" / FILES[name]
    text = path.read_text().replace("has-team", "no-latest").replace('object.kind != "Secret"', 'object.kind == "Pod"')
    path.write_text(text)
    return load(name, folder)


@pytest.mark.parametrize("name", FLAVOURS)
def test_policies_that_match_alike_are_joined_and_share_their_variables(name: str, folder: Path) -> None:
    (one,) = joined(alike(folder, name).by_rule.values())
    copied, *bindings = documents(one.copy(Variant.PLACED))
    names = [variable["name"] for variable in copied["spec"]["variables"]]
    assert names == ["estate", "ownNamespace", "resource", "team", "subject", "found", "subject2", "found2"]
    assert "variables.subject2" in copied["spec"]["variables"][-1]["expression"]
    assert [validation["expression"] for validation in copied["spec"]["validations"]] == ["false"]
    assert copied["metadata"]["name"] == one.name
    assert [binding["spec"]["policyName"] for binding in bindings] == [one.name] * (name == "native")


@pytest.mark.parametrize("name", FLAVOURS)
def test_the_conditions_of_joined_policies_are_part_of_their_answers(name: str, folder: Path) -> None:
    alike(folder, name)
    conditions = {"has-team": ("true", "has(object.spec)"), "no-latest": ("true",)}
    for rule_id, told in conditions.items():
        path = folder / rule_id / FILES[name]
        lines = "".join(f"    - name: c{n}\n      expression: '{one}'\n" for n, one in enumerate(told))
        path.write_text(path.read_text().replace("  variables:", f"  matchConditions:\n{lines}  variables:", 1))
    (one,) = joined(load(name, folder).by_rule.values())
    copied, *_ = documents(one.copy(Variant.PLACED))
    met = [variable for variable in copied["spec"]["variables"] if variable["name"].startswith("met")]
    assert [variable["expression"] for variable in met] == ["true", "has(object.spec)"]
    assert copied["spec"]["matchConditions"] == []
    (validation,) = copied["spec"]["validations"]
    assert validation["messageExpression"].count(NO_SUBJECT) == 4


@pytest.mark.parametrize("name", FLAVOURS)
def test_policies_that_match_otherwise_stay_apart(name: str) -> None:
    policies = load(name).by_rule
    apart = joined(policies.values())
    assert [one.name for one in apart] == ["has-team", "no-latest"]
    assert [one.copy(Variant.PLACED) for one in apart] == [p.copy(Variant.PLACED) for p in policies.values()]
    row = Row("has-team", "0", "pass", "success")
    assert apart[0].told_apart(row) == [row]


def test_a_joined_answer_is_told_apart_or_not_believed(folder: Path) -> None:
    (one,) = joined(alike(folder, "kyverno").by_rule.values())
    row = Row(one.name, "0", "fail", f"pass\x1f{NO_SUBJECT}")
    assert one.told_apart(row) == [Row("has-team", "0", "pass", "pass"), Row("no-latest", "0", "fail", NO_SUBJECT)]
    assert one.told_apart(Row(one.name, "0", "skip", "skip")) == [
        Row("has-team", "0", "skip", ""),
        Row("no-latest", "0", "skip", ""),
    ]
    for message in ("pass", "pass\x1fpass\x1fpass", "\x1fpass", "failed expression: false"):
        assert one.told_apart(Row(one.name, "0", "fail", message)) is None
    for result in ("error", "pass", "warn"):
        assert one.told_apart(Row(one.name, "0", result, "pass\x1fpass")) is None


def test_only_kinds_that_are_not_built_in_are_defined() -> None:
    asked = [("", "v1", "Pod"), ("apps", "v1", "Deployment"), ("apps", "v1beta1", "Deployment"), ("a.b", "v1", "Kind")]
    told = documents(definitions(asked))
    assert [(one["spec"]["group"], one["spec"]["names"]["plural"]) for one in told] == [
        ("a.b", "kinds"),
        ("apps", "deployments"),
        ("thunderguard.dev", "estates"),
    ]
