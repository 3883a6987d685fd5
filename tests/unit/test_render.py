"""The rendered policies: current, complete, and in the catalogue's words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from thunderguard.catalogue import load_catalogue
from thunderguard.errors import PolicyError
from thunderguard.render import differences, rendered, write

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
