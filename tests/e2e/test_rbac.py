"""The permissions that are shipped are enough for a capture, and none of them is too much."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bed.cluster import ROOT, Cluster
from thunderguard.capture import Options, capture, connect
from thunderguard.capture.requests import Requests
from thunderguard.controlplane.certificates import kubeconfig
from thunderguard.controlplane.processes import wait

RBAC = ROOT / "examples" / "live" / "rbac.yaml"
OBJECTS: list[dict[str, Any]] = list(yaml.safe_load_all(RBAC.read_text(encoding="utf-8")))
RULES: list[dict[str, Any]] = [rule for one in OBJECTS if one["kind"] == "ClusterRole" for rule in one["rules"]]
# Groups whose kinds a cluster has only when something was installed.
CUSTOM = [rule["apiGroups"][0] for rule in RULES if rule["resources"] == ["*"]]
NAMESPACE = "kube-system"


def definition(group: str, plural: str, kind: str) -> dict[str, Any]:
    """Give the smallest definition of a custom kind."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            # Groups of Kubernetes itself ask for it.
            "annotations": {"api-approved.kubernetes.io": "unapproved, a stand-in for tests"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [version],
        },
    }


@pytest.fixture(name="quiet", scope="module")
def start(own_cluster: Callable[[], Cluster]) -> Cluster:
    """A cluster with every group that the permissions name, whose kinds nobody else changes."""
    cluster = own_cluster()
    made = [definition(group, "things", "Thing") for group in CUSTOM]
    made.append(definition("metrics.k8s.io", "pods", "PodMetrics"))
    cluster.apply(*made, *OBJECTS)
    names = [f"crd/{one['metadata']['name']}" for one in made]
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)

    def served() -> bool:
        # Established is said a little earlier than the kind is served.
        return all(cluster.kubectl("get", one["metadata"]["name"], "-A", check=False) == "" for one in made)

    wait("the custom kinds", served, seconds=60)
    return cluster


def unread(cluster: Cluster, folder: Path, account: str, **options: Any) -> list[dict[str, str]]:
    """Capture as a service account of kube-system, and give what could not be read."""
    client = cluster.authority.service_account(NAMESPACE, account)
    file = cluster.kubeconfig_of(folder / "kubeconfig", client)
    header = capture(folder / "snapshot.jsonl", connect(kubeconfig=file), Options(**options))
    told: list[dict[str, str]] = header["unread"]
    return told


def without(place: int, resource: str) -> tuple[str, list[dict[str, Any]]]:
    """Give a service account that has all the permissions but one, and what makes it so."""
    name = f"without-{place}"
    rules = copy.deepcopy(RULES)
    rules[place]["resources"].remove(resource)
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [rule for rule in rules if rule["resources"]],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}],
    }
    return name, [role, binding]


def each() -> Iterator[tuple[int, str, str]]:
    for place, rule in enumerate(RULES):
        for resource in rule["resources"]:
            yield place, rule["apiGroups"][0], resource


def test_they_are_for_listing_and_for_nothing_else() -> None:
    assert {verb for rule in RULES for verb in rule["verbs"]} == {"list"}
    assert all(set(rule) == {"apiGroups", "resources", "verbs"} for rule in RULES)


def test_they_are_enough(quiet: Cluster, tmp_path: Path) -> None:
    assert unread(quiet, tmp_path, "thunderguard-capture") == []


def test_without_the_part_for_secrets_it_goes_without_helm_secrets(quiet: Cluster, tmp_path: Path) -> None:
    place = next(place for place, rule in enumerate(RULES) if rule["resources"] == ["secrets"])
    name, made = without(place, "secrets")
    quiet.apply(*made)
    wait("the permissions", lambda: unread(quiet, tmp_path, name, helm_secrets=False) == [], seconds=30)
    told = [one["what"] for one in unread(quiet, tmp_path, name)]
    assert told == ["Helm releases in secrets", "secrets"]


def test_each_is_needed(quiet: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever single permission is taken away, the capture misses something and says what.

    Every list is asked for by a capture with all of them. A rule at a time is then taken away on the server for real;
    within a rule the resources differ by nothing but their name.
    """
    asked: set[tuple[str, str]] = set()
    get = Requests.get

    def spied(self: Requests, path: str, query: Any = None, **options: Any) -> Any:
        if query is not None:
            parts = path.strip("/").split("/")
            asked.add((parts[1] if parts[0] == "apis" else "", parts[-1]))
        return get(self, path, query, **options)

    monkeypatch.setattr(Requests, "get", spied)
    assert unread(quiet, tmp_path, "thunderguard-capture") == []
    needed = {(group, resource) for _, group, resource in each() if resource != "*"}
    assert {one for one in asked if one[0] not in CUSTOM} == needed
    assert {group for group, _ in asked} >= set(CUSTOM)

    taken = {place: (group, resource) for place, group, resource in each()}
    accounts = {place: without(place, resource) for place, (_, resource) in taken.items()}
    quiet.apply(*(one for _, made in accounts.values() for one in made))
    for place, (group, resource) in taken.items():
        name = "things" if resource == "*" else resource
        missing = f"{name}.{group}" if group else name
        expected = {missing, "Helm releases in secrets"} if missing == "secrets" else {missing}

        def told(account: str = accounts[place][0], wanted: set[str] = expected) -> bool:
            return {one["what"] for one in unread(quiet, tmp_path, account)} == wanted

        wait(f"a capture that misses {missing}", told, seconds=30)


def test_a_token_of_the_account_is_enough_for_a_live_audit(
    quiet: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from thunderguard.cli import main

    token = quiet.kubectl("create", "token", "thunderguard-capture", "-n", NAMESPACE, "--duration=1h").strip()
    file = tmp_path / "kubeconfig"
    authority = quiet.authority.pair.certificate
    kubeconfig(file, server=quiet.server, authority=authority, client=None, token=token, name="token")
    with pytest.raises(SystemExit) as stopped:
        main(["audit", "--kubeconfig", str(file), "--format", "json", "--fail-on", "never"])
    assert stopped.value.code == 0
    assert json.loads(capsys.readouterr().out)["source"]["path"] == "context token"
