"""What is to be installed at the door builds, by kustomize and by kubectl alike, and is what it says."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from yaml.cyaml import CSafeLoader

from thunderguard.catalogue import load_catalogue
from thunderguard.controlplane.certificates import Authority

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".tools" / "bin"
WAYS = ["kyverno", "native", "opa"]
CATALOGUE = load_catalogue()
LEVELS = {CATALOGUE.rules[rule].level for rule in CATALOGUE.object_rules}
# How many policies there are: Kyverno has one for each rule, and the API server one for the rules of each level.
POLICIES = {"kyverno": len(CATALOGUE.object_rules), "native": len(LEVELS), "opa": 0}


@pytest.fixture(name="tree", scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the examples are made from, with a certificate."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("examples", "policies", "rego"):
        shutil.copytree(ROOT / name, tree / name)
    folder = tree / "out" / "webhook"
    folder.mkdir(parents=True)
    authority = Authority.make()
    (folder / "ca.crt").write_bytes(authority.pair.certificate)
    authority.server("thunderguard-opa.thunderguard.svc").write(folder, "tls")
    return tree


def build(folder: Path, *command: str) -> str:
    program = BIN / command[0]
    assert program.is_file(), "run `make tools`"
    words = [str(program), *command[1:], "--load-restrictor=LoadRestrictionsNone", str(folder)]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(tree: Path, way: str) -> list[dict[str, Any]]:
    text = build(tree / "examples" / "webhook" / way, "kustomize", "build")
    return list(yaml.load_all(text, Loader=CSafeLoader))


def of_kind(found: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in found if one["kind"] == kind}


@pytest.mark.parametrize("way", WAYS)
def test_kustomize_and_kubectl_build_the_same(tree: Path, way: str) -> None:
    folder = tree / "examples" / "webhook" / way
    assert build(folder, "kustomize", "build") == build(folder, "kubectl", "kustomize")


@pytest.mark.parametrize("way", WAYS)
def test_audit_only_builds_too_and_denies_nothing(tree: Path, way: str) -> None:
    text = build(tree / "policies" / "audit-only" / way, "kustomize", "build")
    made = list(yaml.load_all(text, Loader=CSafeLoader))
    actions = [one["spec"]["validationActions"] for one in made if "validationActions" in one.get("spec", {})]
    assert actions == [["Audit"]] * POLICIES[way]
    for one in of_kind(made, "ValidatingWebhookConfiguration").values():
        assert {webhook["failurePolicy"] for webhook in one["webhooks"]} == {"Ignore"}
        paths = {webhook["clientConfig"]["service"]["path"] for webhook in one["webhooks"]}
        assert paths == {"/v0/data/thunderguard/advice"}


def test_native_is_the_policies_their_bindings_and_the_estate(tree: Path) -> None:
    assert Counter(one["kind"] for one in objects(tree, "native")) == {
        "CustomResourceDefinition": 1,
        "Estate": 1,
        "ValidatingAdmissionPolicy": POLICIES["native"],
        "ValidatingAdmissionPolicyBinding": POLICIES["native"],
    }


def test_kyverno_is_the_policies_the_estate_and_the_right_to_read_it(tree: Path) -> None:
    assert Counter(one["kind"] for one in objects(tree, "kyverno")) == {
        "CustomResourceDefinition": 1,
        "Estate": 1,
        "ClusterRole": 1,
        "ValidatingPolicy": POLICIES["kyverno"],
    }
    config: Any = yaml.safe_load((ROOT / "examples" / "webhook" / "kyverno" / "config.yaml").read_text())
    filters = config["data"]["resourceFilters"]
    assert "ReplicaSet" not in filters
    assert "[*/*,kube-system,*]" in filters


def test_opa_is_complete_and_refers_to_itself_alone(tree: Path) -> None:
    found = objects(tree, "opa")
    namespaced = [one for one in found if one["kind"] not in {"Namespace", "ValidatingWebhookConfiguration"}]
    assert {one["metadata"].get("namespace") for one in namespaced} == {"thunderguard"}
    (deployment,) = of_kind(found, "Deployment").values()
    spec = deployment["spec"]["template"]["spec"]
    maps = of_kind(found, "ConfigMap")
    assert {one["configMap"]["name"] for one in spec["volumes"] if "configMap" in one} == maps.keys()
    assert {one["secret"]["secretName"] for one in spec["volumes"] if "secret" in one} == of_kind(
        found, "Secret"
    ).keys()
    assert spec["serviceAccountName"] in of_kind(found, "ServiceAccount")
    (service,) = of_kind(found, "Service").values()
    (budget,) = of_kind(found, "PodDisruptionBudget").values()
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == budget["spec"]["selector"]["matchLabels"] == labels
    policy = next(one for name, one in maps.items() if name.startswith("thunderguard-policy-"))
    for name, text in policy["data"].items():
        (source,) = [*(tree / "rego").rglob(name), *(tree / "examples").rglob(name)]
        assert text == source.read_text(encoding="utf-8")


def test_the_api_server_trusts_the_authority_and_calls_the_service(tree: Path) -> None:
    found = objects(tree, "opa")
    (configuration,) = of_kind(found, "ValidatingWebhookConfiguration").values()
    (service,) = of_kind(found, "Service").values()
    trusted = (tree / "out" / "webhook" / "ca.crt").read_bytes()
    for webhook in configuration["webhooks"]:
        client = webhook["clientConfig"]
        assert base64.b64decode(client["caBundle"]) == trusted
        called = (client["service"]["namespace"], client["service"]["name"])
        assert called == (service["metadata"]["namespace"], service["metadata"]["name"])


def test_opa_runs_as_nobody_with_nothing(tree: Path) -> None:
    (deployment,) = of_kind(objects(tree, "opa"), "Deployment").values()
    spec = deployment["spec"]["template"]["spec"]
    assert deployment["spec"]["replicas"] == 2
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    (container,) = spec["containers"]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert {"requests", "limits"} == container["resources"].keys()
    probes = [container[name]["httpGet"] for name in ("readinessProbe", "livenessProbe")]
    assert probes == [{"path": "/health", "port": "health", "scheme": "HTTPS"}] * 2
