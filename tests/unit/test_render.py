"""The rendered policies: current, complete, and in the catalogue's words."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from thunderguard.catalogue import load_catalogue
from thunderguard.errors import PolicyError
from thunderguard.facts.waivers import Waiver
from thunderguard.model import Level
from thunderguard.render import differences, rendered, write
from thunderguard.render.bodies import Variable
from thunderguard.render.together import own
from thunderguard.render.union import Union, inlined, read_once

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = load_catalogue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))


def test_what_stands_in_the_repository_is_current() -> None:
    assert list(differences(ROOT / "policies", rendered(ROOT / "policies", CATALOGUE))) == []


def test_a_touched_body_is_told_by_the_files_it_makes(folder: Path) -> None:
    body = folder / "health-probes" / "body.cel.yaml"
    body.write_text(body.read_text().replace("readinessProbe", "startupProbe"))
    stale = list(differences(folder, rendered(folder, CATALOGUE)))
    ways = ("kyverno", "native")
    assert stale == [*(f"health-probes/{way}.yaml" for way in ways), *(f"{way}/policies.yaml" for way in ways)]
    assert write(folder, rendered(folder, CATALOGUE)) == stale
    assert list(differences(folder, rendered(folder, CATALOGUE))) == []


def test_rules_cases_and_policies_are_one_set() -> None:
    """Each object rule has a body, a Rego package and cases; a rule of scope estate has no twin."""
    bodies = {path.parent.name for path in (ROOT / "policies").glob("*/body.cel.yaml")}
    rego = {path.name for path in (ROOT / "rego/thunderguard/rules").iterdir() if path.is_dir()}
    cases = {path.stem for path in (ROOT / "tests/cases").glob("*.yaml")} - {"deviations"}
    assert bodies == rego == cases == set(CATALOGUE.object_rules)


@pytest.mark.parametrize("rule", CATALOGUE.object_rules)
def test_every_violation_has_the_words_of_the_catalogue(rule: str) -> None:
    for way in ("kyverno", "native"):
        policy = next(yaml.safe_load_all((ROOT / "policies" / rule / f"{way}.yaml").read_text()))
        text = " ".join(variable["expression"] for variable in policy["spec"]["variables"])
        for message, remedy in CATALOGUE.rules[rule].violations.values():
            for words in (message, remedy):
                pieces = [part.split("}")[-1].strip() for part in words.split("{")]
                assert all(piece in text for piece in pieces), (way, words)
        assert len(policy["spec"]["validations"]) == 1


def installed(folder: Path, **options: Any) -> dict[str, dict[str, Any]]:
    """Give the native policies and bindings that are installed, by kind and name."""
    documents = yaml.safe_load_all(rendered(folder, CATALOGUE, **options)["native/policies.yaml"])
    return {f"{one['kind']} {one['metadata']['name']}": one for one in documents}


def test_the_native_policies_that_are_installed_are_one_for_each_level() -> None:
    made = installed(ROOT / "policies")
    levels = sorted({CATALOGUE.rules[rule].level for rule in CATALOGUE.object_rules})
    assert levels == [Level.DENY, Level.WARN]
    for level, actions in (("deny", ["Deny"]), ("warn", ["Warn", "Audit"])):
        policy = made.pop(f"ValidatingAdmissionPolicy thunderguard-{level}")
        binding = made.pop(f"ValidatingAdmissionPolicyBinding thunderguard-{level}")
        assert (binding["spec"]["policyName"], binding["spec"]["validationActions"]) == (
            f"thunderguard-{level}",
            actions,
        )
        names = [variable["name"] for variable in policy["spec"]["variables"]]
        assert len(names) == len(set(names))
        rules = [rule for rule in CATALOGUE.object_rules if own("lines", rule) in names]
        assert rules == [rule for rule in CATALOGUE.object_rules if CATALOGUE.rules[rule].level == level]
        (validation,) = policy["spec"]["validations"]
        assert validation["message"].startswith(f"{', '.join(rules)}: ")
        text = " ".join(variable["expression"] for variable in policy["spec"]["variables"])
        for rule in rules:
            for words in CATALOGUE.rules[rule].violations.values():
                assert all(part.split("}")[-1].strip() in text for word in words for part in word.split("{"))
    assert made == {}


def test_policies_that_are_installed_hold_the_waivers_in_force() -> None:
    waivers = [
        Waiver(rule, ("Deployment", "thunderline", "web"), {}, "why", "who", date(2026, 12, 31))
        for rule in ("resource-limits", "image-reference")
    ]
    policy = installed(ROOT / "policies", waivers=waivers)["ValidatingAdmissionPolicy thunderguard-deny"]
    assert policy["metadata"]["annotations"]["thunderguard.dev/waived"] == (
        "image-reference of thunderline/Deployment/web until 2026-12-31 by who; "
        "resource-limits of thunderline/Deployment/web until 2026-12-31 by who"
    )
    lines = {one["name"]: one["expression"] for one in policy["spec"]["variables"]}
    covered = 'variables.kind == "Deployment" && variables.ownNamespace == "thunderline" && variables.name == "web"'
    for rule in CATALOGUE.object_rules:
        if CATALOGUE.rules[rule].level is Level.DENY:
            waived = rule in {"resource-limits", "image-reference"}
            assert any(covered in text for name, text in lines.items() if rule_of(name) == rule) == waived


def rule_of(variable: str) -> str:
    """Give the rule to whose lines a variable belongs."""
    return next((rule for rule in CATALOGUE.object_rules if variable == own("lines", rule)), "")


def test_variables_that_are_shared_stand_once_and_others_get_a_name_of_their_own() -> None:
    union = Union()
    first = union.add([Variable("a", "object.a"), Variable("b", "variables.a + 1")], "OfFirst")
    second = union.add(
        [Variable("a", "object.a"), Variable("b", "variables.a + 2"), Variable("c", "variables.b")], "OfIt"
    )
    third = union.add([Variable("b", "variables.a + 3")], "OfIt")
    assert first == {"a": "a", "b": "b"}
    assert second == {"a": "a", "b": "bOfIt", "c": "c"}
    assert third == {"b": "bOfIt2"}
    assert union.variables[-2:] == [Variable("c", "variables.bOfIt"), Variable("bOfIt2", "variables.a + 3")]


@pytest.mark.parametrize(
    ("expression", "stays"),
    [
        ("variables.a", False),
        ("variables.a + variables.a", True),
        ("variables.a.map(x, x)", False),
        ("[1].map(x, variables.a)", True),
        ("[1].filter(x, (x == 1)).all(y, size(variables.a) == y)", True),
        ("size([1].map(x, x)) == (1 + variables.a)", False),
        ('["(", ".map("].exists(x, x == ")") && variables.a', False),
        ("has(object.x) ? object.x.exists(y, y in [(1)]) : variables.a", False),
    ],
)
def test_what_is_read_at_one_place_and_once_is_put_there(expression: str, *, stays: bool) -> None:
    variables = [Variable("a", "1 + 1"), Variable("b", expression)]
    assert ("a" in read_once(variables)) is not stays
    chosen = read_once(variables) - {"b"}
    whole = expression if stays else expression.replace("variables.a", "(1 + 1)")
    assert inlined(variables, chosen)[-1] == Variable("b", whole)


def test_a_body_without_a_violation_of_the_catalogue_is_refused(folder: Path) -> None:
    body = folder / "singleton-service" / "body.cel.yaml"
    body.write_text(body.read_text().replace("key: away", "key: astray"))
    with pytest.raises(PolicyError, match="astray, away"):
        rendered(folder, CATALOGUE)


def test_a_variable_that_is_not_there_is_refused(folder: Path) -> None:
    body = folder / "singleton-service" / "body.cel.yaml"
    body.write_text(body.read_text().replace("variables.running", "variables.walking"))
    with pytest.raises(PolicyError, match="the variable walking is read"):
        rendered(folder, CATALOGUE)


def test_the_estate_is_asked_for_by_its_name(folder: Path) -> None:
    files = rendered(folder, CATALOGUE, estate="elsewhere")
    assert '"elsewhere"' in files["resource-limits/kyverno.yaml"]
    binding = list(yaml.safe_load_all(files["resource-limits/native.yaml"]))[1]
    assert binding["spec"]["paramRef"] == {"name": "elsewhere", "parameterNotFoundAction": "Deny"}
