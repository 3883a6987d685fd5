"""The ways of OPA and Kyverno without their servers: what is installed, and how answers are read."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from fake_plane import FakeApi, FakePlane

from thunderguard.catalogue import load_catalogue
from thunderguard.controlplane.api import Answer
from thunderguard.controlplane.certificates import Authority
from thunderguard.engines.base import EngineOptions
from thunderguard.engines.kyvernocli.policies import Variant, load_policies
from thunderguard.engines.pins import pinned
from thunderguard.engines.sources import load_sources
from thunderguard.engines.webhook import kyverno as kyverno_way
from thunderguard.engines.webhook.kyverno import KyvernoWay
from thunderguard.engines.webhook.kyvernoserver import installation, readiness
from thunderguard.engines.webhook.opa import OpaWay
from thunderguard.engines.webhook.opaserver import ENVIRONMENT, OpaFiles, arguments, configuration
from thunderguard.engines.webhook.way import DoorError, Said
from thunderguard.model import JsonObject, OutcomeKind

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "webhook" / "opa"
CATALOGUE = load_catalogue()
LIMITS = "resource-limits: spec.containers[0].resources: container a sets no limits.cpu. set limits.cpu"
HOME = "singleton-service: spec.containers[0]: mlflow runs as a/Pod/b, away from its home. kubectl delete pod b -n a"
PROBES = "health-probes: spec.containers[0].livenessProbe: container a of mlflow has no livenessProbe. add one"


def shipped(name: str, kind: str) -> JsonObject:
    documents = yaml.safe_load_all((EXAMPLE / name).read_text(encoding="utf-8"))
    found: JsonObject = next(document for document in documents if document["kind"] == kind)
    return found


def said(message: str = "", *warnings: str, status: int = 403, annotations: dict[str, str] | None = None) -> Said:
    body = {"kind": "Status", "message": message} if message else {"kind": "Pod"}
    return Said(Answer(status if message else 201, body, warnings), annotations or {})


# ---------------------------------------------------------------------------------------------- OPA


def test_the_engine_starts_opa_as_the_example_does() -> None:
    (container,) = shipped("server.yaml", "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["args"] == arguments("", "0.0.0.0:8443", "0.0.0.0:8282")
    assert {one["name"]: one["value"] for one in container["env"]} == ENVIRONMENT
    assert container["image"] == f"openpolicyagent/opa:{pinned('opa')}-static"


def test_the_example_ships_every_policy_and_no_test() -> None:
    kustomization: Any = yaml.safe_load((EXAMPLE / "kustomization.yaml").read_text(encoding="utf-8"))
    made = {one["name"]: one["files"] for one in kustomization["configMapGenerator"]}
    sources = load_sources(ROOT / "rego")
    assert made["thunderguard-policy"] == [
        "authz.rego",
        *(f"../../../rego/{name}" for name in sorted(sources.policies)),
    ]
    # A key of a ConfigMap is the last part of the path.
    keys = [name.rpartition("/")[2] for name in made["thunderguard-policy"]]
    assert len(keys) == len(set(keys))
    assert sources.data.keys() == {"thunderguard"}
    assert sources.data["thunderguard"].keys() == {"catalogue"}


def test_the_loopback_variant_differs_in_where_it_asks_alone() -> None:
    made = configuration(4711, Authority.make())
    original: Any = yaml.safe_load((ROOT / "policies" / "opa" / "webhook.yaml").read_text(encoding="utf-8"))
    for webhook, other in zip(made["webhooks"], original["webhooks"], strict=True):
        client, service = webhook.pop("clientConfig"), other.pop("clientConfig")["service"]
        assert client.keys() == {"url", "caBundle"}
        assert client["url"] == f"https://127.0.0.1:4711{service['path']}"
    assert made == original


def test_what_the_webhook_asks_about() -> None:
    webhook: Any = yaml.safe_load((ROOT / "policies" / "opa" / "webhook.yaml").read_text(encoding="utf-8"))
    closed, platform = webhook["webhooks"]
    assert (closed["failurePolicy"], platform["failurePolicy"]) == ("Fail", "Ignore")
    assert [one["sideEffects"] for one in (closed, platform)] == ["None", "None"]
    spared, asked = (one["namespaceSelector"]["matchExpressions"][0] for one in (closed, platform))
    assert (spared["operator"], spared["values"]) == ("NotIn", ["kube-system", "thunderguard"])
    assert (asked["operator"], asked["values"]) == ("In", ["kube-system"])
    rules = closed["rules"]
    assert rules == platform["rules"]
    assert all(rule["operations"] == ["CREATE", "UPDATE"] for rule in rules)
    matched = {name for rule in rules for name in rule["resources"]}
    assert matched == {"*", "*/scale", "pods/ephemeralcontainers", "pods/resize"}
    assert {one["name"] for one in closed["matchConditions"]} == {
        "is-not-left-out",
        "is-not-going",
        "is-not-made-for-an-owner",
        "may-break-a-rule",
    }


def test_the_files_of_a_server_come_and_go(tmp_path: Path) -> None:
    files = OpaFiles(tmp_path / "opa", load_sources(ROOT / "rego"), Authority.make())
    estate = tmp_path / "opa" / "data" / "estate" / "estate.yaml"
    assert not estate.exists()
    files.use({"spec": {"a": 1}})
    link = estate.lstat().st_ino, estate.lstat().st_mtime_ns
    files.use({"spec": {"a": 2}})
    assert yaml.safe_load(estate.read_text()) == {"spec": {"a": 2}}
    # What is listed stays as it is: a server that lists the folder now finds the one Estate or the other.
    assert (estate.lstat().st_ino, estate.lstat().st_mtime_ns) == link
    assert len(list(estate.parent.iterdir())) == 3
    files.use(None)
    assert [one for one in estate.parent.iterdir() if not one.name.startswith(".")] == []
    assert len(list(estate.parent.iterdir())) == 2


def test_a_server_is_told_a_day_beside_the_estate_and_else_nothing_of_the_time(tmp_path: Path) -> None:
    files = OpaFiles(tmp_path / "opa", load_sources(ROOT / "rego"), Authority.make())
    day = tmp_path / "opa" / "data" / "today.yaml"
    link = day.lstat().st_ino
    assert yaml.safe_load(day.read_text()) == {}
    for at in (date(2026, 12, 31), date(2027, 1, 1)):
        files.use({"spec": {}}, at)
        assert yaml.safe_load(day.read_text()) == {"clock": {"at": at.isoformat()}}
    files.use({"spec": {}})
    assert yaml.safe_load(day.read_text()) == {}
    files.use(None)
    assert yaml.safe_load(day.read_text()) == {}
    # The name is always listed, and read after the Estate: who has read the new one has yet to read the day.
    assert day.lstat().st_ino == link
    assert sorted(one.name for one in day.parent.iterdir()) == ["data.json", "estate", day.name]


@pytest.fixture
def opa() -> OpaWay:
    way = OpaWay()
    way._rules = re.compile(rf"^({'|'.join(map(re.escape, CATALOGUE.object_rules))}): ", re.MULTILINE)
    way._webhooks = frozenset({"opa.thunderguard.dev", "platform.opa.thunderguard.dev"})
    return way


def denied_by_opa(text: str) -> str:
    return f'admission webhook "opa.thunderguard.dev" denied the request: {text}'


def test_a_denial_by_opa_has_every_rule(opa: OpaWay) -> None:
    rules = "health-probes,image-reference,resource-limits,singleton-service"
    answer = said(
        denied_by_opa(f"{LIMITS}\n{HOME}\nand more of it\n{HOME}"),
        PROBES,
        "v1 Old is deprecated",
        annotations={"opa.thunderguard.dev/rules": rules},
    )
    verdict = opa.verdict(answer)
    assert verdict.lines == {
        "resource-limits": LIMITS,
        "singleton-service": f"{HOME}\nand more of it | {HOME}",
        "health-probes": PROBES,
    }
    assert verdict.spoken == set(rules.split(","))


def test_what_opa_lets_in_passes_the_rules_that_speak(opa: OpaWay) -> None:
    verdict = opa.verdict(said(annotations={"platform.opa.thunderguard.dev/rules": "resource-limits"}))
    assert (dict(verdict.lines), set(verdict.spoken)) == ({}, {"resource-limits"})
    # It may have been left out by a condition: then nobody speaks, and nothing passes.
    assert opa.verdict(said()).spoken == set()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            said('failed calling webhook "opa.thunderguard.dev": connection refused', status=500),
            "failed calling webhook",
        ),
        (said(denied_by_opa("thunderguard cannot judge: there is no Estate; load it as data.estate")), "no Estate"),
        (said('admission webhook "other.example.org" denied the request: no'), "other.example.org"),
        (said(denied_by_opa(LIMITS)), "speaks about nothing"),
        (
            said(
                annotations={
                    "failed-open.validating.webhook.admission.k8s.io/round_0_index_0": "platform.opa.thunderguard.dev"
                }
            ),
            "gives no answer",
        ),
    ],
)
def test_what_is_no_verdict_of_opa(opa: OpaWay, answer: Said, reason: str) -> None:
    with pytest.raises(DoorError, match=reason):
        opa.verdict(answer)


# ---------------------------------------------------------------------------------------------- Kyverno


@pytest.fixture
def kyverno() -> KyvernoWay:
    way = KyvernoWay()
    policies = load_policies(
        EngineOptions(policies_dir=ROOT / "policies"), CATALOGUE.object_rules, "kyverno.yaml", kyverno_way.KIND
    )
    way._by_name = {policy.name: policy for policy in policies.by_rule.values()}
    way._actions = {one.rule: frozenset(one.policy["spec"]["validationActions"]) for one in policies.by_rule.values()}
    return way


def test_the_clock_of_kyverno_is_the_day_that_stands_with_the_estate_or_its_own() -> None:
    policies = load_policies(EngineOptions(), CATALOGUE.object_rules, "kyverno.yaml", kyverno_way.KIND)
    for policy in policies.by_rule.values():
        told = kyverno_way._told(policy)
        was, now = (
            {one["name"]: one["expression"] for one in read.variables(Variant.PLACED)} for read in (policy, told)
        )
        assert {name for name in was if was[name] != now[name]} == {"now"}
        assert now["now"].endswith(f" : {was['now']}")
        assert {**told.policy, "spec": {**told.policy["spec"], "variables": []}} == {
            **policy.policy,
            "spec": {**policy.policy["spec"], "variables": []},
        }


def test_the_day_that_kyverno_is_told_comes_and_goes_with_the_estate(kyverno: KyvernoWay) -> None:
    plane = FakePlane(lambda _: said())
    kyverno._plane, kyverno._estates = cast("Any", plane), {"thunderline"}

    def told(api: FakeApi) -> object:
        return api.named("thunderline")["metadata"]["annotations"]

    kyverno.use({"spec": {}}, date(2026, 12, 31))
    assert told(plane.back) == {"thunderguard.dev/moment": "2026-12-31T12:00:00Z"}
    kyverno.use({"spec": {}})
    assert told(plane.back) == {}


def warning(text: str) -> str:
    return f"Policy thunderguard-{text.partition(':')[0]} failed: {text}"


def told(rule: str, word: str) -> str:
    return f"Policy told-thunderguard-{rule} failed: {word}"


def denied_by_kyverno(text: str) -> str:
    rule = text.partition(":")[0]
    webhook = f"vpol.validate.kyverno.svc-fail-finegrained-thunderguard-{rule}"
    return f'admission webhook "{webhook}" denied the request: {warning(text)}'


def test_what_kyverno_denies_is_in_its_warnings_whole(kyverno: KyvernoWay) -> None:
    warnings = [
        warning(LIMITS),
        warning(HOME),
        warning(PROBES),
        "v1 Old is deprecated",
        told("image-reference", "nothing"),
    ]
    found = [told(rule, "found") for rule in ("resource-limits", "singleton-service", "health-probes")]
    verdict = kyverno.verdict(said(denied_by_kyverno(HOME), *warnings, *found))
    assert verdict.lines == {"resource-limits": LIMITS, "singleton-service": HOME, "health-probes": PROBES}
    assert verdict.spoken == {"resource-limits", "singleton-service", "health-probes", "image-reference"}


def test_what_kyverno_lets_in_passes_the_rules_that_speak(kyverno: KyvernoWay) -> None:
    verdict = kyverno.verdict(
        said("", warning(PROBES), told("health-probes", "found"), told("resource-limits", "nothing"))
    )
    assert (dict(verdict.lines), set(verdict.spoken)) == (
        {"health-probes": PROBES},
        {"health-probes", "resource-limits"},
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (said("failed calling webhook: context deadline exceeded", status=500), "failed calling webhook"),
        (said("", warning(LIMITS), told("resource-limits", "found")), "it is admitted"),
        (said(denied_by_kyverno(LIMITS), warning(LIMITS)), "not all in force"),
        (said(denied_by_kyverno(LIMITS), told("resource-limits", "found")), "finds found"),
        (said(denied_by_kyverno(LIMITS), warning(LIMITS), told("resource-limits", "nothing")), "finds nothing"),
        (said(denied_by_kyverno(LIMITS)), "is denied by thunderguard-resource-limits"),
        (said("", "Policy thunderguard-resource-limits error: no such key"), "cannot be evaluated: no such key"),
        (said('admission webhook "other.example.org" denied the request: no'), "other.example.org"),
    ],
)
def test_what_is_no_verdict_of_kyverno(kyverno: KyvernoWay, answer: Said, reason: str) -> None:
    with pytest.raises(DoorError, match=reason):
        kyverno.verdict(answer)


def test_a_policy_that_does_not_compile_is_told_so(kyverno: KyvernoWay) -> None:
    words = "Policy thunderguard-resource-limits error: failed to compile policy"
    denial = f'admission webhook "vpol.validate.kyverno.svc-fail-x" denied the request: {words}'
    with pytest.raises(DoorError) as caught:
        kyverno.verdict(said(denial))
    assert caught.value.kind is OutcomeKind.POLICY_DOES_NOT_COMPILE


def test_a_kind_that_kyverno_has_not_heard_of_is_asked_about_again(kyverno: KyvernoWay) -> None:
    words = "resource rollouts not found in group argoproj.io/v1alpha1"
    with pytest.raises(DoorError, match="rollouts") as caught:
        kyverno.verdict(said(f'admission webhook "vpol.validate.kyverno.svc-fail-x" denied the request: {words}'))
    assert caught.value.is_passing


def test_readiness_is_what_kyverno_says() -> None:
    condition = {"type": "WebhookConfigured", "status": "False", "message": "it does not compile"}
    assert readiness(None) == (False, "")
    assert readiness({"status": {"conditionStatus": {"ready": True, "conditions": []}}}) == (True, "")
    seen = readiness({"status": {"conditionStatus": {"ready": False, "conditions": [condition]}}})
    assert seen == (False, "WebhookConfigured: it does not compile")


def test_the_installation_is_what_the_controller_needs(tmp_path: Path) -> None:
    file = tmp_path / "install.yaml"
    objects = [
        ("Namespace", "kyverno"),
        ("CustomResourceDefinition", "validatingpolicies.policies.kyverno.io"),
        ("CustomResourceDefinition", "things.example.org"),
        ("ServiceAccount", "kyverno-admission-controller"),
        ("ServiceAccount", "kyverno-cleanup-controller"),
        ("ClusterRole", "kyverno:admission-controller:core"),
        ("Deployment", "kyverno-admission-controller"),
    ]
    file.write_text("---\n" + "---\n".join(f"kind: {kind}\nmetadata:\n  name: {name}\n" for kind, name in objects))
    assert [one["metadata"]["name"] for one in installation(file)] == [
        "kyverno",
        "validatingpolicies.policies.kyverno.io",
        "kyverno-admission-controller",
        "kyverno:admission-controller:core",
    ]
