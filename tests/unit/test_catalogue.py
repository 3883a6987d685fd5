"""The rule catalogue: its shape, its templates, and what loading it refuses."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from yaml.cyaml import CSafeLoader

from thunderguard import assets
from thunderguard.catalogue import load_catalogue
from thunderguard.errors import CatalogueError
from thunderguard.model import Level, Scope

PATH = assets.root("rego") / "thunderguard" / "catalogue" / "data.yaml"
TEXT = PATH.read_text(encoding="utf-8")
SCHEMA = json.loads(resources.files("thunderguard.schemas").joinpath("catalogue.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA)
CATALOGUE = load_catalogue()

# The words that each rule gives, besides those of the finding's resource.
STANDARD = {"kind", "name", "namespace", "resource"}
ARGS: dict[tuple[str, str], set[str]] = {
    ("waiver", "expired"): {"rule", "subject", "expires", "owner"},
    ("waiver", "unused"): {"rule", "subject"},
    ("waiver", "broad"): {"rule", "subject", "count", "most"},
    ("singleton-service", "away"): {"service", "home", "remove"},
    ("singleton-service", "replicas"): {"service", "replicas", "maximum", "field"},
    ("deprecated-chart", "chart"): {"chart", "reason", "command"},
    ("deprecated-service", "service"): {"service", "reason", "command"},
    ("namespace-boundary", "object"): {"allowed", "remove"},
    ("namespace-boundary", "namespace"): {"allowed"},
    ("resource-limits", "missing"): {"container", "missing"},
    ("resource-limits", "zero"): {"field", "value"},
    ("resource-limits", "unreadable"): {"field", "value"},
    ("resource-limits", "ceiling"): {"field", "value", "service", "ceiling"},
    ("resource-limits", "containers"): {"field"},
    ("job-only-service", "execution"): {"service", "execution", "allowed", "remove"},
    ("image-reference", "missing"): {"container", "field"},
    ("image-reference", "untagged"): {"container", "image", "repository", "field"},
    ("image-reference", "forbidden-tag"): {"container", "image", "repository", "tag", "field"},
    ("image-reference", "repository"): {"image", "service", "allowed"},
    ("image-reference", "version"): {"tag", "service", "rule", "field"},
    ("health-probes", "probe"): {"container", "service", "probe", "field"},
    ("duplicate-service", "duplicate"): {"service", "count", "keep", "remove"},
    ("duplicate-release", "duplicate"): {"chart", "count", "keep"},
    ("missing-service", "absent"): {"service", "home"},
    ("missing-service", "minimum"): {"service", "replicas", "minimum"},
    ("parked-workload", "parked"): {"remove"},
    ("failing-workload", "failing"): {"failures", "pod"},
    ("namespace-quota", "absent"): {"missing"},
    ("runaway-usage", "usage"): {"usage"},
    ("undeclared-workload", "undeclared"): {"remove"},
}


def _catalogue(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "data.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_catalogue_fits_its_schema() -> None:
    assert [str(error) for error in VALIDATOR.iter_errors(yaml.safe_load(TEXT))] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("level", "fatal"),
        ("scope", "cluster"),
        ("since", "soon"),
        ("title", ""),
        ("title", "two\nlines"),
        ("severity", "high"),
        ("complete", False),
        ("complete", True),  # of a rule that one object decides
        ("violations", {}),
        ("violations", {"x": {"message": "m"}}),
        ("violations", {"x": {"message": "m", "remedy": "r", "hint": "h"}}),
    ],
)
def test_the_schema_refuses(field: str, value: Any) -> None:
    data = yaml.safe_load(TEXT)
    data["rules"]["resource-limits"][field] = value
    assert not VALIDATOR.is_valid(data)


def test_no_key_stands_twice() -> None:
    def walk(node: yaml.Node) -> None:
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            assert sorted(set(keys)) == sorted(keys)
            for _, value in node.value:
                walk(value)

    root = yaml.compose(TEXT, Loader=CSafeLoader)
    assert root is not None
    walk(root)


def test_every_rule_has_the_scope_and_level_it_is_known_for() -> None:
    assert len(CATALOGUE.rules) == 17
    assert CATALOGUE.object_rules == tuple(sorted(CATALOGUE.object_rules))
    assert CATALOGUE.estate_rules == tuple(sorted(CATALOGUE.estate_rules))
    assert sorted(CATALOGUE.object_rules + CATALOGUE.estate_rules + CATALOGUE.report_rules) == list(CATALOGUE.rules)
    assert CATALOGUE.rules["singleton-service"].scope is Scope.OBJECT
    assert CATALOGUE.rules["undeclared-workload"].level is Level.INFO
    assert [rule.id for rule in CATALOGUE.rules.values() if rule.complete] == [
        "missing-service",
        "namespace-quota",
        "waiver",
    ]
    assert CATALOGUE.report_rules == ("waiver",)


@pytest.mark.parametrize("rule", CATALOGUE.rules)
def test_templates_use_the_words_that_the_rule_gives_and_only_those(rule: str) -> None:
    assert {key for of, key in ARGS if of == rule} == set(CATALOGUE.rules[rule].violations)
    for key, (message, remedy) in CATALOGUE.rules[rule].violations.items():
        used = set(re.findall(r"\{([^}]*)\}", message + remedy))
        assert used - STANDARD <= ARGS[rule, key]
        assert ARGS[rule, key] <= used, "an argument that no text shows"
        assert message.count("{") == message.count("}")
        text = CATALOGUE.rules[rule].text(key, {word: f"<{word}>" for word in used})
        assert "{" not in "".join(text)


def test_a_word_is_replaced_once_and_not_inside_what_replaced_another() -> None:
    rule = CATALOGUE.rules["namespace-quota"]
    message, remedy = rule.text("absent", {"name": "{missing}", "missing": "a{b}c}"})
    assert message == "namespace {missing} has no a{b}c}"
    assert remedy == "apply a a{b}c} to namespace {missing}"


def test_a_missing_word_or_violation_is_an_error() -> None:
    rule = CATALOGUE.rules["namespace-quota"]
    with pytest.raises(CatalogueError, match=r"namespace-quota gives no argument for \{missing\}"):
        rule.text("absent", {"name": "x"})
    with pytest.raises(CatalogueError, match="namespace-quota has no violation 'gone'"):
        rule.text("gone", {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "rules: 5",
        "rules: {a: {}}",
        "rules: {a: 5}",
        "{",
        TEXT.replace("level: deny", "level: fatal", 1),
        TEXT.replace("scope: object", "scope: all", 1),
        TEXT.replace("    remedy:", "    cure:"),
    ],
)
def test_a_damaged_catalogue_is_an_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    path = _catalogue(tmp_path, text)
    with pytest.raises(CatalogueError, match=re.escape(str(path))):
        load_catalogue(path)


def test_a_catalogue_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="is damaged"):
        load_catalogue(tmp_path / "none.yaml")
