"""``thunderguard explain``: what decided is read from the facts, and a mistake is told with what is near."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from plan_bed import OCTOBER, estate, judged, objects_of

from thunderguard import schemas
from thunderguard.catalogue import load_catalogue
from thunderguard.engines.reference.rules import ESTATE_RULES, OBJECT_RULES
from thunderguard.explain.examples import examples_of
from thunderguard.explain.trace import Trace
from thunderguard.facts.contract import Contract
from thunderguard.model import JsonObject
from thunderguard.plan.judging import Judging
from thunderguard.plan.read import read_objects
from thunderguard.plan.steps import Found
from tool_modules import load_tool

ROOT = Path(__file__).parents[2]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "thunderguard.cli", "explain", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def judging() -> Judging:
    return Judging(Contract.of(estate()), estate())


def found_in(objects: Sequence[JsonObject], rule: str) -> list[Found]:
    return [one for one in judging().of_set(objects).values() if one.rule == rule]


def traced(objects: Sequence[JsonObject], rule: str, **where: str) -> list[tuple[str, str]]:
    """Trace the one finding of ``rule`` about the object that ``where`` names."""
    (found,) = [
        one
        for one in found_in(objects, rule)
        if all(getattr(one.resource, part) == value for part, value in where.items())
    ]
    return [(clue.topic, clue.text) for clue in Trace(found, objects, judging()).clues()]


# ------------------------------------------------------------------------------------------------ examples


def test_every_rule_that_an_object_or_a_set_breaks_has_examples() -> None:
    """Each fails and passes as it says, judged by the reference."""
    good = read_objects(str(ROOT / "examples" / "good"))
    for rule in (*OBJECT_RULES, *ESTATE_RULES):
        examples = examples_of(rule)
        assert examples is not None, rule
        fails, passes = ([*yaml.safe_load_all(one.text)] for one in (examples.fails, examples.passes))
        assert found_in(fails, rule), rule
        taken = {(one["kind"], one["metadata"]["name"]) for one in passes}
        beside = [one for one in good if (one.get("kind"), one.get("metadata", {}).get("name")) not in taken]
        assert passes, rule
        assert not found_in([*beside, *passes], rule), rule
    assert examples_of("no-rule") is None


def test_the_examples_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert load_tool("rule_examples").main(["--check"]) == 0, capsys.readouterr().err


# ------------------------------------------------------------------------------------------------ traces


def test_how_a_service_was_recognised_is_told_with_the_values() -> None:
    told = traced(objects_of(OCTOBER), "singleton-service", namespace="thunder", name="thunderline-thunderhelm-web")
    (recognised,) = [text for topic, text in told if topic == "recognised"]
    assert recognised == (
        "container web at spec.template.spec.containers[0] is web, by alternative 1 of 2: "
        "image /^app$/ found in app; label app.kubernetes.io/component=web on the object"
    )
    homes = [text for topic, text in told if topic == "home"]
    assert homes[1:] == [
        "its namespace is thunder; the home's is thunderline: no",
        "its name is thunderline-thunderhelm-web; the home's is thunderline-web: no",
    ]
    assert homes[0].endswith(": yes")


def test_owners_are_told_both_ways() -> None:
    objects = objects_of(OCTOBER)
    told = traced(objects, "deprecated-service")
    assert told[0][1] == (
        "cerebros/Deployment/thunder-automat0 speaks for cerebros/Pod/thunder-automat0-757787d7bc-7rcm8, "
        "cerebros/ReplicaSet/thunder-automat0-757787d7bc, which it owns"
    )
    assert ("owner", "the Helm release thunder of namespace cerebros made it") in told
    pods = [one for one in objects if one["metadata"]["name"] == "thunder-automat0-757787d7bc-7rcm8"]
    alone = traced(pods, "deprecated-service")
    assert (
        "its controller ReplicaSet/thunder-automat0-757787d7bc is not in the set, so it is judged itself" in alone[0][1]
    )


def container(**changes: Any) -> JsonObject:
    body = {"name": "run", "image": "thunderline/cerebros-runner:1.0.0", **changes}
    spec = {"template": {"spec": {"containers": [body]}}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j", "namespace": "thunderline"},
        "spec": spec,
    }


def test_a_value_is_told_against_its_ceiling() -> None:
    amounts = {"cpu": "4", "memory": "1Gi"}
    told = traced([container(resources={"limits": amounts})], "resource-limits")
    assert told[-1][1] == (
        "spec.template.spec.containers[0].resources.limits.cpu is 4, above the ceiling 2 (4 > 2); "
        "ceilings: cerebros-runner 2"
    )


def test_where_a_missing_value_was_looked_for_is_told() -> None:
    told = traced([container(resources={"limits": {"cpu": "1"}, "requests": {"memory": "1Gi"}})], "resource-limits")
    values = [text for topic, text in told if topic == "value"]
    assert values == [
        "the Estate requires limits.memory; not set is limits.memory of the container, limits.memory of the pod"
    ]


def test_the_parts_of_an_image_are_told_with_what_each_was_held_against() -> None:
    told = traced([container(image="example.org/cerebros-runner:latest")], "image-reference")
    values = [text for topic, text in told if topic == "value"]
    assert values == [
        "repository example.org/cerebros-runner, tag latest, digest none",
        "tags that the Estate forbids: latest",
        "cerebros-runner comes from python, thunderline/cerebros-runner: no",
    ]


def test_every_instance_is_told_and_which_one_to_keep() -> None:
    told = traced(objects_of(OCTOBER), "duplicate-service", namespace="cerebros")
    assert [text for topic, text in told if topic == "instance"] == [
        "cerebros/Deployment/mlflow-tracking: elsewhere",
        "thunder/Deployment/thunderline-thunderhelm-mlflow: elsewhere",
        "thunderline/Deployment/thunderline-thunderhelm-mlflow: in an allowed namespace (to keep)",
    ]


def test_every_finding_of_what_is_at_hand_has_a_trace_of_its_rule() -> None:
    """For the findings of October and of every bad example: what its rule read is told, not only who it is about."""
    for path in (OCTOBER, str(ROOT / "examples" / "bad")):
        objects = read_objects(path)
        judge = judging()
        for found in judge.of_set(objects).values():
            clues = Trace(found, objects, judge).clues()
            assert clues, found
            if found.rule not in ("deprecated-service", "undeclared-workload"):
                assert [one for one in clues if one.topic not in ("owner", "recognised")], found


def test_a_trace_of_odd_values_is_told_too() -> None:
    """Whatever stands in an object, a trace of what is found in it does not fail."""
    odd: list[Any] = [None, 1, "x", [], {}, [None], {"a": None}]
    for value in odd:
        obj = container(resources=value, readinessProbe=value)
        for field in ("metadata", "spec"):
            objects = [{**obj, field: {**obj[field], "ownerReferences": value, "labels": value, "replicas": value}}]
            judge = judging()
            for found in judge.of_set(objects).values():
                assert Trace(found, objects, judge).clues() is not None
                assert Trace(replace(found, service="gone"), objects, judge).clues() is not None


# ------------------------------------------------------------------------------------------------ the command


def told(*arguments: str | Path) -> JsonObject:
    done = run(*arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    value: JsonObject = json.loads(done.stdout)
    schemas.validator("explain").validate(value)
    return value


def test_a_rule_is_explained_without_a_source() -> None:
    done = run("singleton-service")
    assert done.returncode == 0, done.stderr
    for words in ("A service lives at its one address", "audit  Resource Duplication", "This fails", "This passes"):
        assert words in done.stdout
    value = told("singleton-service")
    assert (value["finding"], value["trace"], value["found"]) == (None, [], None)
    assert value["rule"]["why"] == load_catalogue().rules["singleton-service"].why


def test_a_rule_is_explained_with_what_it_finds_in_a_source() -> None:
    value = told("parked-workload", OCTOBER)
    assert len(value["found"]) == 2


def test_a_finding_is_explained_from_the_beginning_of_its_fingerprint(tmp_path: Path) -> None:
    finding = next(one for one in judged(objects_of(OCTOBER)).values() if one.rule == "deprecated-service")
    value = told(finding.fingerprint[:10], OCTOBER)
    assert value["finding"]["fingerprint"] == finding.fingerprint
    assert any(one["topic"] == "recognised" and "automat0" in one["text"] for one in value["trace"])
    shown = run(finding.fingerprint, OCTOBER).stdout
    assert "What decided" in shown
    assert "image /^(thunder-)?automat0?$/ found in automat0" in shown

    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "thunderguard.cli", "audit", OCTOBER, "--format", "json", "--output", str(report)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    of_report = run(finding.fingerprint, "--report", report)
    assert of_report.returncode == 0, of_report.stderr
    assert "a report does not hold the objects: name the SNAPSHOT" in of_report.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["singleton-servic"], "did you mean singleton-service"),
        (["nothing-like-it-at-all"], "thunderguard rules lists all of them"),
        (["abcd"], "name a SNAPSHOT, or a report with --report FILE"),
        (["0123456789abcdef", OCTOBER], "the nearest there are: 0"),
        (["x\x1b[2J"], "neither a rule nor a fingerprint"),
        (["abcd", "-"], "standard input can be read once"),
        (["abcd", OCTOBER, "--report", "x.json"], "not both"),
        (["abcd", "missing.jsonl"], "missing.jsonl"),
        (["abcd", "--report", "README.md"], "is not a JSON report"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert "\x1b" not in done.stderr


def test_a_beginning_that_several_have_is_told(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    command = [sys.executable, "-m", "thunderguard.cli", "audit", OCTOBER, "--format", "json"]
    report = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=False).stdout)
    for place in range(2):
        report["findings"][place]["fingerprint"] = f"abcd{place}" + "0" * 27
    file.write_text(json.dumps(report), encoding="utf-8")
    done = run("abcd", "--report", file)
    assert done.returncode == 2
    assert f"2 fingerprints begin with abcd: abcd0{'0' * 27}, abcd1" in done.stderr
    assert run("abcd1", "--report", file).returncode == 0
