"""What the native way reads from an answer, and which answers it does not take for a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from thunderguard.catalogue import load_catalogue
from thunderguard.controlplane.api import Answer
from thunderguard.engines.base import EngineOptions
from thunderguard.engines.kyvernocli.policies import load_policies
from thunderguard.engines.webhook.native import FILE, KIND, Bound, NativeWay, copied
from thunderguard.engines.webhook.probe import RULE, Probe
from thunderguard.engines.webhook.way import DoorError, Said, Verdict
from thunderguard.model import OutcomeKind

LIMITS = "thunderguard-resource-limits"
PROBES = "thunderguard-health-probes"
IMAGES = "thunderguard-image-reference"


@pytest.fixture
def way() -> NativeWay:
    made = NativeWay()
    made.bound = (
        Bound("resource-limits", LIMITS, frozenset({"Deny"})),
        Bound("image-reference", IMAGES, frozenset({"Deny"})),
        Bound("health-probes", PROBES, frozenset({"Warn", "Audit"})),
    )
    return made


def told(**found: str) -> dict[str, str]:
    """Give annotations in which every policy speaks, and some find what is given by the end of their names."""
    annotations = {f"{name}-told/spoken": "yes" for name in (LIMITS, IMAGES, PROBES)}
    return annotations | {f"thunderguard-{key.replace('_', '-')}-told/found": text for key, text in found.items()}


def denial(policy: str, text: str) -> Answer:
    message = (
        f"pods \"a\" is forbidden: ValidatingAdmissionPolicy '{policy}' with binding '{policy}' denied request: {text}"
    )
    return Answer(403, {"kind": "Status", "reason": "Forbidden", "message": message})


def warning(policy: str, text: str) -> str:
    return f"Validation failed for ValidatingAdmissionPolicy '{policy}' with binding '{policy}': {text}"


ADMITTED = Answer(201, {"kind": "Pod"})
SPOKEN = frozenset({"resource-limits", "image-reference", "health-probes"})


def test_an_admission_in_which_nobody_finds_anything_is_a_pass(way: NativeWay) -> None:
    assert way.verdict(Said(ADMITTED, told())) == Verdict({}, SPOKEN)


def test_a_policy_that_is_not_asked_or_has_no_subject_does_not_speak(way: NativeWay) -> None:
    annotations = told() | {f"{LIMITS}-told/spoken": "no"}
    del annotations[f"{IMAGES}-told/spoken"]
    assert way.verdict(Said(ADMITTED, annotations)).spoken == {"health-probes"}


def test_an_object_that_is_there_already_was_admitted(way: NativeWay) -> None:
    late = Answer(409, {"kind": "Status", "reason": "AlreadyExists", "message": "it exists"})
    assert way.verdict(Said(late, told())).lines == {}


def test_a_denial_by_one_policy_brings_what_all_of_them_find(way: NativeWay) -> None:
    said = Said(denial(IMAGES, "image: x"), told(resource_limits="limits: y", image_reference="image: x"))
    assert way.verdict(said).lines == {"resource-limits": "limits: y", "image-reference": "image: x"}


def test_a_warning_is_a_finding_and_no_denial(way: NativeWay) -> None:
    said = Said(Answer(201, {}, (warning(PROBES, "z"),)), told(health_probes="z"))
    assert way.verdict(said).lines == {"health-probes": "z"}


@pytest.mark.parametrize(
    ("answer", "annotations", "why"),
    [
        (ADMITTED, told(resource_limits="y"), "admitted, though thunderguard-resource-limits fails"),
        (ADMITTED, told(health_probes="z"), "nothing is told"),
        (denial(LIMITS, "y"), told(), "denied by thunderguard-resource-limits: y"),
        (denial(LIMITS, "other"), told(resource_limits="y"), "denied by thunderguard-resource-limits: other"),
        (denial("strange", "y"), told(resource_limits="y"), "denied by strange"),
        (denial(PROBES, "z"), told(health_probes="z"), "denied by thunderguard-health-probes"),
        (Answer(500, {"kind": "Status", "message": "failed calling webhook"}), told(), "500 failed calling webhook"),
        (Answer(403, None), told(resource_limits="y"), "answers 403"),
    ],
)
def test_an_answer_that_does_not_fit_is_no_verdict(
    way: NativeWay, answer: Answer, annotations: Mapping[str, str], why: str
) -> None:
    with pytest.raises(DoorError, match=why) as caught:
        way.verdict(Said(answer, annotations))
    assert caught.value.kind is OutcomeKind.ENGINE_FAILED


def test_a_policy_that_does_not_compile_says_so(way: NativeWay) -> None:
    with pytest.raises(DoorError, match="compilation error") as caught:
        way.verdict(Said(denial(LIMITS, "compilation error: undeclared reference"), told()))
    assert caught.value.kind is OutcomeKind.POLICY_DOES_NOT_COMPILE


def test_a_copy_denies_nothing_and_says_what_its_original_says() -> None:
    rules = tuple(load_catalogue().object_rules)
    for read in load_policies(EngineOptions(), rules, FILE, KIND).by_rule.values():
        policy, binding = copied(read)
        original: Mapping[str, Any] = read.policy["spec"]
        assert "validations" not in policy["spec"]
        unchanged: Sequence[str] = ("matchConstraints", "matchConditions", "variables", "paramKind", "failurePolicy")
        for key in unchanged:
            assert policy["spec"][key] == original[key]
        found, spoken = policy["spec"]["auditAnnotations"]
        (validation,) = original["validations"]
        assert validation["expression"] in found["valueExpression"]
        assert validation["messageExpression"] in found["valueExpression"]
        assert "variables.subject" in spoken["valueExpression"]
        assert binding["spec"]["validationActions"] == ["Audit"]
        assert binding["spec"]["policyName"] == policy["metadata"]["name"] != read.name
        assert read.binding is not None
        assert binding["spec"]["paramRef"] == read.binding["spec"]["paramRef"]


def test_a_probe_is_seen_by_its_own_name_alone() -> None:
    probe = Probe.make()
    assert probe.name != Probe.make().name
    estate = probe.planted({"spec": {"deprecated": {"services": [{"name": "old"}]}, "services": []}})
    names = [one["name"] for one in estate["spec"]["deprecated"]["services"]]
    assert names == ["old", probe.name]
    assert probe.planted({"spec": {"deprecated": None}})["spec"]["deprecated"]["services"]
    assert probe.is_seen(Verdict({RULE: f"{RULE}: a: {probe.name} is deprecated"}, frozenset()))
    assert not probe.is_seen(Verdict({RULE: f"{RULE}: a: {Probe.make().name} is deprecated"}, frozenset()))
    assert not probe.is_seen(Verdict({}, frozenset({RULE})))
