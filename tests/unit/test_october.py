"""The snapshot of the October estate is what its builder makes, and holds what the audit of October 8, 2025 names."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from thunderguard.redaction import redact
from thunderguard.snapshot import verify
from tool_modules import load_tool

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOT = ROOT / "examples" / "thunderline" / "2025-10-08.jsonl"
PROVENANCE = "thunderguard.dev/provenance"

# (release, namespace) → chart, version, day: the audit's table of releases.
RELEASES = {
    ("thunder", "cerebros"): ("thunder-stack", "0.1.0", "2025-09-16"),
    ("thunderline", "thunderline"): ("thunderhelm", "0.2.0", "2025-10-04"),
    ("thunderline", "thunder"): ("thunderhelm", "0.2.0", "2025-10-01"),
    ("traefik", "kube-system"): ("traefik", "34.2.1", "2025-09-14"),
}
NAMED_PODS = {
    ("cerebros", "mlflow-tracking-7b6b9ff9f7-qkczx"),
    ("cerebros", "thunder-automat0-757787d7bc-7rcm8"),
    ("thunder", "thunderline-thunderhelm-mlflow-bd84cddbf-tvc2w"),
    ("thunderline", "thunderline-thunderhelm-mlflow-55fc8f8777-gpdhk"),
}
# (namespace, Deployment) → the states of its pods. No pods: scaled to 0.
STATES: dict[tuple[str, str], set[str]] = {
    ("cerebros", "mlflow-tracking"): {"Running"},
    ("cerebros", "thunder-automat0"): {"Running"},
    ("thunder", "thunderline-thunderhelm-mlflow"): {"Running"},
    ("thunder", "thunderline-thunderhelm-cerebros"): set(),
    ("thunder", "thunderline-thunderhelm-web"): {"CrashLoopBackOff", "ImagePullBackOff"},
    ("thunder", "thunderline-thunderhelm-worker"): {"CrashLoopBackOff", "ImagePullBackOff"},
    ("thunderline", "thunderline-thunderhelm-cerebros"): set(),
    ("thunderline", "thunderline-thunderhelm-mlflow"): {"Running"},
    ("thunderline", "thunderline-thunderhelm-otelcol"): {"Running"},
    ("thunderline", "thunderline-thunderhelm-livebook"): {"CrashLoopBackOff"},
    ("thunderline", "thunderline-thunderhelm-web"): {"ImagePullBackOff"},
    ("thunderline", "thunderline-thunderhelm-worker"): {"ImagePullBackOff"},
}
SECRET_LIKE = re.compile(
    r"://[^/\s:@]+:[^/\s@]+@"  # a URL with a password
    r"|-----BEGIN|\beyJ[A-Za-z0-9_-]{10,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}"
    r"|(?i:password|passwd|secret|token|api[_-]?key)\s*[=:]\s*\S"
    r"|\b[A-Za-z0-9+/]{48,}={0,2}"  # long base64
)


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    """Give the lines of the snapshot, without their ends."""
    text = SNAPSHOT.read_bytes()
    assert text.endswith(b"\n")
    return text[:-1].split(b"\n")


@pytest.fixture(scope="module")
def header(lines: list[bytes]) -> dict[str, Any]:
    """Give the header."""
    value: dict[str, Any] = json.loads(lines[0])
    return value


@pytest.fixture(scope="module")
def objects(lines: list[bytes]) -> list[dict[str, Any]]:
    """Give the objects."""
    return [json.loads(line) for line in lines[1:]]


def address(one: dict[str, Any]) -> tuple[str, str, str, str]:
    """Give kind, apiVersion, namespace and name: the order of a snapshot."""
    return (one["kind"], one["apiVersion"], one["metadata"].get("namespace", ""), one["metadata"]["name"])


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Give the objects of one kind."""
    return [one for one in objects if one["kind"] == kind]


def controller(one: dict[str, Any]) -> dict[str, Any] | None:
    """Give the controller reference of an object."""
    references: list[dict[str, Any]] = one["metadata"].get("ownerReferences", [])
    return next((reference for reference in references if reference["controller"]), None)


def strings(value: Any) -> Iterator[str]:
    """Give every string of a JSON value but the names of fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def pod_state(pod: dict[str, Any]) -> str:
    """Give the state of a pod as `kubectl get pods` shows it."""
    state = pod["status"]["containerStatuses"][0]["state"]
    reason: str = state["waiting"]["reason"] if "waiting" in state else "Running"
    return reason


def test_the_file_is_what_the_builder_makes() -> None:
    module = load_tool("october")
    assert module.render() == SNAPSHOT.read_bytes(), "run `python tools/october.py --write`"
    assert module.main(["--check"]) == 0


def test_the_check_sees_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = load_tool("october")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "TARGET", tmp_path / "deep" / "october.jsonl")
    assert module.main(["--check"]) == 1
    assert module.main(["--write"]) == 0
    assert module.main(["--check"]) == 0
    module.TARGET.write_bytes(module.TARGET.read_bytes() + b"{}\n")
    assert module.main(["--check"]) == 1
    assert "python tools/october.py --write" in capsys.readouterr().err


def test_the_header_counts_and_hashes_the_rest(
    header: dict[str, Any], lines: list[bytes], objects: list[dict[str, Any]]
) -> None:
    body = SNAPSHOT.read_bytes().partition(b"\n")[2]
    assert header["apiVersion"] == "thunderguard.dev/v1alpha1"
    assert header["kind"] == "SnapshotHeader"
    assert header["formatVersion"] == "1"
    assert header["capturedAt"].startswith("2025-10-08T")
    assert header["unread"] == []
    assert header["objects"] == len(lines) - 1
    assert header["counts"] == dict(Counter(f"{one['apiVersion']}/{one['kind']}" for one in objects))
    assert list(header["counts"]) == sorted(header["counts"])
    assert header["sha256"] == hashlib.sha256(body).hexdigest()


def test_the_reader_finds_the_snapshot_whole() -> None:
    assert verify(SNAPSHOT) == []


def test_a_capture_would_mask_no_more_than_it_does(objects: list[dict[str, Any]]) -> None:
    for one in objects:
        assert redact(one) == one, address(one)


def test_lines_are_compact_sorted_and_without_double(lines: list[bytes], objects: list[dict[str, Any]]) -> None:
    for line, one in zip(lines[1:], objects, strict=True):
        assert line.decode() == json.dumps(one, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    addresses = [address(one) for one in objects]
    assert addresses == sorted(set(addresses))
    uids = [one["metadata"]["uid"] for one in objects if one["kind"] != "Release"]
    assert len(uids) == len(set(uids))


def test_every_release_of_the_audit_is_there(objects: list[dict[str, Any]]) -> None:
    found = {}
    for one in of_kind(objects, "Release"):
        spec = one["spec"]
        assert spec["status"] == "deployed"
        found[(one["metadata"]["name"], one["metadata"]["namespace"])] = (
            spec["chart"]["name"],
            spec["chart"]["version"],
            spec["lastDeployed"][:10],
        )
    assert found == RELEASES


def test_every_namespace_of_the_audit_is_there(objects: list[dict[str, Any]]) -> None:
    names = {one["metadata"]["name"]: one for one in of_kind(objects, "Namespace")}
    named = {name for name, one in names.items() if one["metadata"]["annotations"][PROVENANCE] == "audit"}
    assert named == {"cerebros", "thunder", "thunderline", "kube-system"}
    assert {one["metadata"]["namespace"] for one in objects if "namespace" in one["metadata"]} == set(names)


def test_the_pods_that_the_audit_names_are_exactly_the_ones_marked_so(objects: list[dict[str, Any]]) -> None:
    pods = of_kind(objects, "Pod")
    named = {
        (pod["metadata"]["namespace"], pod["metadata"]["name"])
        for pod in pods
        if pod["metadata"]["annotations"][PROVENANCE] == "audit"
    }
    assert named == NAMED_PODS


def test_every_workload_of_the_audit_is_in_its_state(objects: list[dict[str, Any]]) -> None:
    by_uid = {one["metadata"].get("uid"): one for one in objects}
    states: dict[tuple[str, str], set[str]] = {}
    for one in of_kind(objects, "Deployment"):
        where = (one["metadata"]["namespace"], one["metadata"]["name"])
        if one["metadata"]["annotations"][PROVENANCE] == "audit":
            states[where] = set()
        else:
            assert where[0] == "kube-system"
    pods: Counter[tuple[str, str]] = Counter()
    for pod in of_kind(objects, "Pod"):
        middle = controller(pod)
        assert middle is not None
        top = controller(by_uid[middle["uid"]])
        assert top is not None
        where = (pod["metadata"]["namespace"], top["name"])
        pods[where] += 1
        if where in states:
            states[where].add(pod_state(pod))
    assert states == STATES
    for one in of_kind(objects, "Deployment"):
        where = (one["metadata"]["namespace"], one["metadata"]["name"])
        assert one["spec"]["replicas"] == pods[where]


def test_no_container_of_the_estate_has_resources(objects: list[dict[str, Any]]) -> None:
    for one in of_kind(objects, "Deployment"):
        if one["metadata"]["annotations"][PROVENANCE] == "audit":
            assert [c["resources"] for c in one["spec"]["template"]["spec"]["containers"]] == [{}]


def test_charts_label_what_they_bring_and_not_the_pods(objects: list[dict[str, Any]]) -> None:
    for one in objects:
        labels = one["metadata"].get("labels", {})
        if one["kind"] in {"Pod", "ReplicaSet"}:
            assert "helm.sh/chart" not in labels
        if one["kind"] == "Deployment" and one["metadata"]["annotations"][PROVENANCE] == "audit":
            release = one["metadata"]["annotations"]["meta.helm.sh/release-name"]
            chart, version, _ = RELEASES[(release, one["metadata"]["namespace"])]
            assert labels["helm.sh/chart"] == f"{chart}-{version}"
            assert labels["app.kubernetes.io/name"] == chart
            assert set(one["spec"]["template"]["metadata"]["labels"]) == {
                f"app.kubernetes.io/{key}" for key in ("name", "instance", "component")
            }


def test_every_object_says_where_it_comes_from(objects: list[dict[str, Any]]) -> None:
    for one in objects:
        assert one["metadata"]["annotations"][PROVENANCE] in {"audit", "inferred"}, address(one)


def test_owner_references_resolve(objects: list[dict[str, Any]]) -> None:
    known = {(*address(one), one["metadata"].get("uid")): one for one in objects}
    owned = 0
    for one in objects:
        for reference in one["metadata"].get("ownerReferences", []):
            owner = known[
                (
                    reference["kind"],
                    reference["apiVersion"],
                    one["metadata"]["namespace"],
                    reference["name"],
                    reference["uid"],
                )
            ]
            assert reference["controller"] is True
            assert reference["blockOwnerDeletion"] is True
            selector = owner["spec"]["selector"]["matchLabels"]
            assert selector.items() <= one["metadata"]["labels"].items()
            owned += 1
    assert owned == len(of_kind(objects, "Pod")) + len(of_kind(objects, "ReplicaSet"))


def test_nothing_in_it_looks_like_a_secret(objects: list[dict[str, Any]]) -> None:
    assert not of_kind(objects, "Secret")
    for one in objects:
        assert "managedFields" not in one["metadata"]
        assert "kubectl.kubernetes.io/last-applied-configuration" not in one["metadata"].get("annotations", {})
        for value in strings(one):
            assert SECRET_LIKE.search(value) is None, (address(one), value)
        if one["kind"] == "ConfigMap":
            assert set(one["data"].values()) == {"***"}
        pod_spec = one["spec"] if one["kind"] == "Pod" else one.get("spec", {}).get("template", {}).get("spec", {})
        for container in pod_spec.get("containers", []):
            assert {entry["value"] for entry in container.get("env", [])} <= {"***"}


@pytest.mark.parametrize(
    "value",
    [
        "postgres://app:hunter2@db/thunderline",
        "--password=hunter2",
        "API_KEY: abc",
        "-----BEGIN CERTIFICATE-----",
        "eyJhbGciOiJIUzI1NiJ9",
        "A" * 60 + "==",
    ],
)
def test_the_search_for_secrets_finds_one(value: str) -> None:
    assert SECRET_LIKE.search(value)
