"""What the native way reads from an answer, and which answers it does not take for a verdict."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
from fake_plane import FakeApi, FakePlane

from thunderguard import assets
from thunderguard.catalogue import load_catalogue
from thunderguard.controlplane.api import Answer
from thunderguard.engines.base import EngineOptions
from thunderguard.engines.webhook.native import COPY, FILE, Bound, NativeWay, copied, fits, load
from thunderguard.engines.webhook.probe import RULE, Probe
from thunderguard.engines.webhook.way import DoorError, Said, Verdict
from thunderguard.errors import PolicyError
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import JsonObject, OutcomeKind

DENY = "thunderguard-deny"
WARN = "thunderguard-warn"
CATALOGUE = load_catalogue()
RULES = CATALOGUE.object_rules
SHIPPED = assets.root("policies") / FILE


@pytest.fixture
def way() -> NativeWay:
    made = NativeWay()
    made.bound = (
        Bound(DENY, ("image-reference", "resource-limits"), frozenset({"Deny"})),
        Bound(WARN, ("health-probes",), frozenset({"Warn", "Audit"})),
    )
    return made


def told(**found: str) -> dict[str, str]:
    """Give annotations in which every rule speaks, and some find what is given by their names."""
    annotations = {f"{COPY}/{rule}": "nothing" for rule in ("image-reference", "resource-limits", "health-probes")}
    return annotations | {f"{COPY}/{key.replace('_', '-')}": text for key, text in found.items()}


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


def test_a_rule_that_is_not_asked_or_has_no_subject_does_not_speak(way: NativeWay) -> None:
    annotations = told()
    del annotations[f"{COPY}/image-reference"]
    assert way.verdict(Said(ADMITTED, annotations)).spoken == {"health-probes", "resource-limits"}


def test_an_object_that_is_there_already_was_admitted(way: NativeWay) -> None:
    late = Answer(409, {"kind": "Status", "reason": "AlreadyExists", "message": "it exists"})
    assert way.verdict(Said(late, told())).lines == {}


def test_a_denial_has_what_every_rule_finds(way: NativeWay) -> None:
    said = Said(denial(DENY, "image: x | limits: y"), told(resource_limits="limits: y", image_reference="image: x"))
    assert way.verdict(said).lines == {"resource-limits": "limits: y", "image-reference": "image: x"}


def test_a_warning_is_a_finding_and_no_denial(way: NativeWay) -> None:
    said = Said(Answer(201, {}, (warning(WARN, "z"), "deprecated")), told(health_probes="z"))
    assert way.verdict(said).lines == {"health-probes": "z"}


def test_what_has_no_room_in_a_denial_is_told_all_the_same(way: NativeWay) -> None:
    said = Said(denial(DENY, "image: x | and more"), told(resource_limits="limits: y", image_reference="image: x"))
    assert way.verdict(said).lines == {"resource-limits": "limits: y", "image-reference": "image: x"}


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ("a | b", True),
        (" a | b\n", True),
        ("a", True),
        ("a | and more", True),
        ("", False),
        (" | and more", False),
        ("b | and more", False),
        ("a | b | c", False),
        ("b | a", False),
    ],
)
def test_a_text_fits_that_says_it_all_or_begins_to(text: str, is_told: bool) -> None:
    assert (
        fits(text, {"resource-limits": "b", "image-reference": "a"}, ("image-reference", "resource-limits")) is is_told
    )


@pytest.mark.parametrize(
    ("answer", "annotations", "why"),
    [
        (ADMITTED, told(resource_limits="y"), "admitted, though thunderguard-deny fails"),
        (ADMITTED, told(health_probes="z"), "thunderguard-warn warns of another thing"),
        (Answer(201, {}, (warning(WARN, "z"),)), told(), "thunderguard-warn warns of another thing"),
        (denial(DENY, "y"), told(), "denied by thunderguard-deny: y"),
        (denial(DENY, "other"), told(resource_limits="y"), "denied by thunderguard-deny: other"),
        (denial("strange", "y"), told(resource_limits="y"), "denied by strange"),
        (denial(WARN, "z"), told(health_probes="z"), "denied by thunderguard-warn"),
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
        way.verdict(Said(denial(DENY, "compilation error: undeclared reference"), told()))
    assert caught.value.kind is OutcomeKind.POLICY_DOES_NOT_COMPILE


def test_the_copy_denies_nothing_and_is_asked_what_its_originals_are() -> None:
    policies, _ = load(SHIPPED, RULES)
    policy, binding = copied(policies, "yes")
    spec: Mapping[str, Any] = policy["spec"]
    assert not spec.keys() & {"validations", "matchConditions"}
    assert [one["key"] for one in spec["auditAnnotations"]] == ["asked", *(r for one in policies for r in one.rules)]
    assert binding["spec"]["validationActions"] == ["Audit"]
    assert binding["spec"]["policyName"] == policy["metadata"]["name"] == COPY
    every = " ".join(variable["expression"] for variable in spec["variables"])
    for read in policies:
        original = read.policy["spec"]
        assert all(rule in spec["matchConstraints"]["resourceRules"] for rule in read.matched)
        assert all(f"({condition['expression']})" in every for condition in original["matchConditions"])
        assert binding["spec"]["paramRef"] == read.binding["spec"]["paramRef"]
        assert spec["paramKind"] == original["paramKind"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("linesOfResourceLimits", "linesOfOthers"), "does not hold each rule once"),
        (lambda text: text.partition("---")[0], "does not hold each rule once"),
        (
            lambda text: text.replace("policyName: thunderguard-warn", "policyName: other"),
            "does not hold each rule once",
        ),
        (lambda text: f"{text}\n---\na: [", "is not YAML"),
    ],
)
def test_a_file_that_is_not_all_policies_is_refused(tmp_path: Path, change: Callable[[str], str], why: str) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text(change(SHIPPED.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(PolicyError, match=why):
        load(file, RULES)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        load(tmp_path / "policies.yaml", RULES)


def test_policies_that_differ_in_what_they_exclude_have_no_copy() -> None:
    first, second = load(SHIPPED, RULES)[0]
    second.policy["spec"]["matchConstraints"]["excludeResourceRules"] = []
    with pytest.raises(PolicyError, match="differ in what they exclude"):
        copied([first, second], "yes")


# ---------------------------------------------------------------------------------------------- waivers

LAST_DAY, DAY_AFTER = date(2026, 12, 31), date(2027, 1, 1)
POLICIES = "validatingadmissionpolicies"


def waiving(name: str = "api", expires: date = LAST_DAY) -> JsonObject:
    """Give the Estate with a waiver of resource-limits for the Deployment ``name``."""
    waiver = {
        "rule": "resource-limits",
        "resource": {"kind": "Deployment", "namespace": "thunderline", "name": name},
        "reason": "sizes are being measured",
        "owner": "ops",
        "expires": expires.isoformat(),
    }
    data = load_estate(DEFAULT_ESTATE).data
    return {**data, "spec": {**data["spec"], "waivers": [waiver]}}


def asked_by_the_newest(api: FakeApi) -> Said:
    annotations = api.named(COPY, POLICIES)["spec"]["auditAnnotations"]
    (asked,) = [one["valueExpression"] for one in annotations if one["key"] == "asked"]
    return Said(Answer(201, {}), {f"{COPY}/asked": json.loads(asked)})


@pytest.fixture
def plane() -> FakePlane:
    return FakePlane(asked_by_the_newest)


def opened(plane: FakePlane, policies: Path | None = None) -> NativeWay:
    way = NativeWay()
    way.open(cast("Any", plane), CATALOGUE, EngineOptions(policies_dir=policies))
    return way


def waives(plane: FakePlane, name: str = "api") -> list[bool]:
    """Say whether the policy that denies, its annotation and the copy hold the waiver for ``name``."""
    policy, copy = plane.back.named(DENY, POLICIES), plane.back.named(COPY, POLICIES)
    return [
        f'variables.name == "{name}"' in json.dumps(policy["spec"]).replace('\\"', '"'),
        f"Deployment/{name} until" in policy["metadata"]["annotations"].get("thunderguard.dev/waived", ""),
        f'variables.name == "{name}"' in json.dumps(copy["spec"]).replace('\\"', '"'),
    ]


def test_a_waiver_is_in_the_policies_up_to_its_last_day(plane: FakePlane) -> None:
    way = opened(plane)
    shipped = plane.back.objects.copy()
    way.use(waiving(), LAST_DAY)
    assert waives(plane) == [True, True, True]
    way.use(waiving(), DAY_AFTER)
    assert waives(plane) == [False, False, False]
    assert {path: plane.back.objects[path] for path in shipped} == shipped


def test_without_a_day_it_is_the_present_one(plane: FakePlane) -> None:
    way = opened(plane)
    way.use(waiving(expires=date(2001, 1, 1)))
    assert waives(plane) == [False, False, False]
    way.use(waiving(expires=date(2999, 12, 31)))
    assert waives(plane) == [True, True, True]


def test_policies_are_exchanged_only_for_other_waivers(plane: FakePlane) -> None:
    way = opened(plane)
    count = len(plane.back.applied)
    way.use(load_estate(DEFAULT_ESTATE).data, LAST_DAY)
    way.use(waiving(), DAY_AFTER)
    assert len(plane.back.applied) == count
    way.use(waiving(), LAST_DAY)
    assert plane.back.applied[-2].endswith(COPY)
    count = len(plane.back.applied)
    way.use(waiving(), date(2026, 1, 1))
    assert len(plane.back.applied) == count
    way.use(waiving("web"), LAST_DAY)
    assert len(plane.back.applied) > count
    assert (waives(plane), waives(plane, "web")) == ([False] * 3, [True] * 3)


def test_policies_that_are_refused_are_put_there_the_next_time(plane: FakePlane) -> None:
    way = opened(plane)
    way.use(waiving(), DAY_AFTER)
    plane.back.refused = COPY
    with pytest.raises(PolicyError, match="does not compile"):
        way.use(waiving(), LAST_DAY)
    plane.back.refused = None
    # By then the originals have the waiver, and their copy does not.
    assert waives(plane) == [True, True, False]
    way.use(waiving(), DAY_AFTER)
    assert waives(plane) == [False, False, False]


def test_no_waiver_is_written_into_policies_that_are_not_what_is_rendered(plane: FakePlane, tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    shutil.copytree(assets.root("policies"), folder)
    file = folder / FILE
    file.write_text(file.read_text(encoding="utf-8").replace("sets no ", "lacks "), encoding="utf-8")
    way = opened(plane, folder)
    way.use(waiving(), DAY_AFTER)
    with pytest.raises(PolicyError, match="it is not what is rendered"):
        way.use(waiving(), LAST_DAY)


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
