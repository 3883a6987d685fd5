"""Remedies: each is understood from its own words, and does to a set what it says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from replay_bed import SNAPSHOT, ground, judged, reference

from thunderguard.catalogue import load_catalogue
from thunderguard.facts.resources import resource_of
from thunderguard.model import JsonObject, RawFinding
from thunderguard.replay.corpus import read_objects
from thunderguard.replay.judges import Judge
from thunderguard.replay.remedies import MODELLED, Remedies, understood

CATALOGUE = load_catalogue()
REMEDIES = Remedies(ground(), CATALOGUE)
BAD = Path(__file__).parents[2] / "examples" / "bad"


def findings(objects: list[JsonObject]) -> list[RawFinding]:
    return list(Judge("reference", reference()).judge_set(objects).findings.values())


def bad_objects() -> list[JsonObject]:
    read = [obj for path in sorted(BAD.glob("*.yaml")) for obj in yaml.safe_load_all(path.read_text("utf-8"))]
    return [item for obj in read for item in (obj.get("items") or [obj])]


def test_every_violation_is_modelled() -> None:
    asked = (*CATALOGUE.object_rules, *CATALOGUE.estate_rules)
    assert {(rule, key) for rule in asked for key in CATALOGUE.rules[rule].violations} == MODELLED


def test_every_finding_is_understood() -> None:
    for finding in (*findings(read_objects([SNAPSHOT])), *findings(bad_objects())):
        told = understood(finding, CATALOGUE)
        assert told is not None
        known = CATALOGUE.rules[finding.rule].text(told.violation, told.words)
        assert known == (finding.message, finding.remedy)


def test_other_words_are_not_understood() -> None:
    finding = next(one for one in findings(bad_objects()) if one.rule == "image-reference")
    assert understood(replace(finding, message="it is wrong"), CATALOGUE) is None
    assert REMEDIES.follow(replace(finding, remedy="mend it"), bad_objects()) is None


def test_uninstalling_a_release_takes_its_objects_their_pods_and_endpoints() -> None:
    objects = read_objects([SNAPSHOT])
    left = REMEDIES.run("helm uninstall thunder -n cerebros", objects, findings(objects)[0])
    gone = {str(resource_of(obj)) for obj in objects} - {str(resource_of(obj)) for obj in left}
    assert {name.split("/")[1] for name in gone} == {
        "Deployment",
        "ReplicaSet",
        "Pod",
        "Service",
        "Endpoints",
        "Release",
    }
    assert all(name.startswith("cerebros/") for name in gone)


def test_deleting_a_namespace_takes_all_that_is_in_it() -> None:
    objects = read_objects([SNAPSHOT])
    left = REMEDIES.run("kubectl delete namespace thunder", objects, findings(objects)[0])
    gone = [obj for obj in objects if obj not in left]
    assert gone
    assert all(obj["metadata"].get("namespace") == "thunder" or obj["kind"] == "Namespace" for obj in gone)
    assert not any(obj["metadata"].get("namespace") == "thunder" for obj in left)


@pytest.mark.parametrize(
    ("command", "gone"),
    [
        ("kubectl delete deployment a -n n", {"n/Deployment/a"}),
        ("kubectl delete deployment a", set()),
        ("kubectl delete service a -n n", set()),
        ("drop it", {"n/Deployment/b"}),
    ],
)
def test_a_command_removes_what_it_names(command: str, gone: set[str]) -> None:
    objects: list[JsonObject] = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "n"}, "spec": {}}
        for name in ("a", "b")
    ]
    about: Any = judged(objects[1]).findings[0]
    left = REMEDIES.run(command, objects, about)
    assert {str(resource_of(obj)) for obj in objects} - {str(resource_of(obj)) for obj in left} == gone


def test_deploying_a_service_brings_it_home_once() -> None:
    whole = list(ground().samples.whole)
    assert REMEDIES.deploy("mlflow", whole) is whole
    home = ground().samples.home("mlflow")
    assert home is not None
    without = [obj for obj in whole if obj is not home]
    assert REMEDIES.deploy("mlflow", without) == [*without, home]
    parked = [*without, {**home, "spec": {**home["spec"], "replicas": 0}}]
    assert REMEDIES.deploy("mlflow", parked) == [*without, home]


@pytest.mark.parametrize("source", ["snapshot", "bad"])
def test_following_a_remedy_removes_the_finding(source: str) -> None:
    objects = read_objects([SNAPSHOT]) if source == "snapshot" else bad_objects()
    judge = Judge("reference", reference())
    for finding in findings(objects):
        given = REMEDIES.given(finding, objects)
        done = REMEDIES.follow(finding, given)
        assert done is not None, finding
        same = judge.judge_set(done).findings.get(finding.key)
        # A second fault at the same place may show, which is another violation.
        assert same is None or (same.message, same.remedy) != (finding.message, finding.remedy), finding
