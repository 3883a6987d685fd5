"""Capture against a small API server on loopback that shows what real ones do on bad days."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fake_api import Asked, FakeAPI, Object, Said, Ticking, kubeconfig, serving
from helm_storage import stored
from thunderguard.capture import Connection, Options, capture, connect
from thunderguard.capture.requests import Clock
from thunderguard.errors import ClusterError
from thunderguard.model import JsonObject
from thunderguard.snapshot import read_header, verify


def thing(kind: str, name: str, namespace: str | None = "thunderline", **more: Any) -> Object:
    api = "apps/v1" if kind == "Deployment" else "v1"
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": {**metadata, **more.pop("metadata", {})}, **more}


SMALL = [thing("Namespace", "thunderline", None), *(thing("Pod", f"p{number}") for number in range(5))]


def connected(api: FakeAPI, folder: Path) -> Connection:
    return connect(kubeconfig=kubeconfig(folder / "config", api.url))


def captured(
    api: FakeAPI, folder: Path, ticks: Ticking | None = None, **options: Any
) -> tuple[JsonObject, list[JsonObject]]:
    """Capture ``api`` and give the header and the objects."""
    path = folder / "snapshot.jsonl"
    ticks = ticks or Ticking()
    clock = Clock(ticks.now, ticks.sleep, lambda: 1.0)
    with serving(api):
        header = capture(path, connected(api, folder), Options(**options), clock=clock)
    assert read_header(path) == header
    assert verify(path) == []
    return header, [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[1:]]


def names(objects: list[JsonObject], kind: str) -> list[str]:
    return [one["metadata"]["name"] for one in objects if one["kind"] == kind]


def once(when: str, said: Said, times: int = 1) -> Any:
    """Give a habit: ``said`` in answer to the first ``times`` requests for ``when``."""
    left = [times]

    def habit(asked: Asked) -> Said | None:
        if asked.resource == when and left[0]:
            left[0] -= 1
            return said
        return None

    return habit


def test_every_object_is_captured_with_its_kind_and_version(tmp_path: Path) -> None:
    objects = [*SMALL, thing("Deployment", "web", spec={"replicas": 2})]
    api = FakeAPI(objects)
    header, found = captured(api, tmp_path)
    assert header["counts"] == {"apps/v1/Deployment": 1, "v1/Namespace": 1, "v1/Pod": 5}
    assert header["unread"] == []
    assert header["clusterVersion"] == "v1.37.2"
    assert next(one for one in found if one["kind"] == "Deployment")["spec"] == {"replicas": 2}
    assert {one.authorization for one in api.asked} == {"Bearer a-token"}


def test_a_list_is_read_page_by_page(tmp_path: Path) -> None:
    many = [thing("Pod", f"p{number:04}") for number in range(620)]
    api = FakeAPI(many)
    _, found = captured(api, tmp_path)
    assert names(found, "Pod") == [one["metadata"]["name"] for one in many]
    pages = [one for one in api.asked if one.resource == "pods"]
    assert [one.query.get("continue") for one in pages] == [None, "250", "500"]
    assert {one.query["limit"] for one in pages} == {"250"}


def test_a_list_that_expired_is_read_again_and_gives_nothing_twice(tmp_path: Path) -> None:
    def habit(asked: Asked) -> Said | None:
        if asked.query.get("continue") == "500":
            told.append(asked)
            return Said(410) if len(told) == 1 else None
        return None

    told: list[Asked] = []
    many = [thing("Pod", f"p{number:04}") for number in range(620)]
    header, found = captured(FakeAPI(many, habit=habit), tmp_path)
    assert names(found, "Pod") == [one["metadata"]["name"] for one in many]
    assert header["unread"] == []
    assert len(told) == 2


def test_a_list_that_expires_for_ever_is_told(tmp_path: Path) -> None:
    def habit(asked: Asked) -> Said | None:
        return Said(410) if "continue" in asked.query else None

    many = [thing("Pod", f"p{number:04}") for number in range(300)]
    header, found = captured(FakeAPI(many, habit=habit), tmp_path)
    assert len(names(found, "Pod")) == 250
    (told,) = header["unread"]
    assert told["what"] == "pods"
    assert told["reason"].endswith("(410 Gone) after 250 objects")


def test_a_busy_server_is_asked_again_when_it_says_so(tmp_path: Path) -> None:
    clock = Ticking()
    habit = once("pods", Said(429, headers={"Retry-After": "7"}))
    header, found = captured(FakeAPI(SMALL, habit=habit), tmp_path, clock)
    assert len(names(found, "Pod")) == 5
    assert header["unread"] == []
    assert clock.slept == [7.0]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_failing_server_is_asked_again_ever_later(tmp_path: Path, status: int) -> None:
    clock = Ticking()
    header, _ = captured(FakeAPI(SMALL, habit=once("pods", Said(status), 3)), tmp_path, clock)
    assert header["unread"] == []
    assert clock.slept == [0.5, 1.0, 2.0]


def test_waiting_is_scattered_over_half_of_the_time(tmp_path: Path) -> None:
    ticks = Ticking()
    with serving(FakeAPI(SMALL, habit=once("pods", Said(503)))) as api:
        clock = Clock(ticks.now, ticks.sleep, lambda: 0.0)
        capture(tmp_path / "s.jsonl", connected(api, tmp_path), Options(), clock=clock)
    assert ticks.slept == [0.25]


def test_what_fails_for_too_long_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    header, found = captured(FakeAPI(SMALL, habit=once("pods", Said(503), 1000)), tmp_path, timeout=20.0)
    assert header["unread"] == [{"what": "pods", "reason": "503 Service Unavailable"}]
    assert [one["kind"] for one in found] == ["Namespace"]


def test_a_connection_that_breaks_is_made_anew(tmp_path: Path) -> None:
    cut = Said(body=b'{"items": [', headers={"Content-Length": "900", "Connection": "close"})
    header, found = captured(FakeAPI(SMALL, habit=once("pods", cut)), tmp_path)
    assert header["unread"] == []
    assert len(names(found, "Pod")) == 5


def test_an_answer_that_drips_is_not_waited_for(tmp_path: Path) -> None:
    drip = Said(body=b" " * 1000 + b"{}", pause=0.05)
    with serving(FakeAPI(SMALL, habit=once("pods", drip))) as api:
        header = capture(tmp_path / "s.jsonl", connected(api, tmp_path), Options(timeout=0.5))
    assert header["unread"] == [{"what": "pods", "reason": "there was no answer in time"}]


def test_silence_is_told(tmp_path: Path) -> None:
    with serving(FakeAPI(SMALL, habit=once("pods", Said(pause=60, body=b"x")))) as api:
        header = capture(tmp_path / "s.jsonl", connected(api, tmp_path), Options(timeout=0.3))
    assert header["unread"] == [{"what": "pods", "reason": "there was no answer in time"}]


def test_what_is_forbidden_is_told_in_our_own_words(tmp_path: Path) -> None:
    allowed = {("", "namespaces"), ("", "pods"), ("apps", "deployments")}
    header, found = captured(FakeAPI(SMALL, allowed=allowed), tmp_path)
    assert len(found) == 6
    assert {one["reason"] for one in header["unread"]} == {"403 Forbidden"}
    assert [one["what"] for one in header["unread"]] == [
        "Helm releases in configmaps",
        "Helm releases in secrets",
        "configmaps",
        "secrets",
        "services",
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "the answer is not JSON"),
        (b"[]", "the answer is no Kubernetes object"),
        (b'{"items": 3}', "the answer is no list"),
        (b'{"items": [3]}', "the answer holds something that is no object"),
    ],
)
def test_an_answer_that_is_no_list_is_told(tmp_path: Path, body: bytes, reason: str) -> None:
    header, _ = captured(FakeAPI(SMALL, habit=once("pods", Said(body=body))), tmp_path)
    assert header["unread"] == [{"what": "pods", "reason": reason}]


def test_a_list_without_items_is_empty(tmp_path: Path) -> None:
    header, found = captured(FakeAPI(SMALL, habit=once("pods", Said(body={"items": None}))), tmp_path)
    assert header["unread"] == []
    assert [one["kind"] for one in found] == ["Namespace"]


def test_a_group_that_does_not_answer_is_told(tmp_path: Path) -> None:
    groups = {"apps/v1": {"deployments": "Deployment"}, "metrics.k8s.io/v1beta1": {"pods": "PodMetrics"}}

    def habit(asked: Asked) -> Said | None:
        return Said(503) if asked.path == "/apis/metrics.k8s.io/v1beta1" else None

    header, _ = captured(FakeAPI(SMALL, groups=groups, habit=habit), tmp_path)
    told = [{"what": "kinds of metrics.k8s.io/v1beta1", "reason": "503 Service Unavailable"}]
    assert header["unread"] == told


def test_without_groups_the_core_is_read_and_it_is_told(tmp_path: Path) -> None:
    header, found = captured(FakeAPI(SMALL, habit=once("apis", Said(404))), tmp_path)
    assert header["unread"] == [{"what": "API groups", "reason": "404 Not Found"}]
    assert len(found) == 6


def test_a_kind_is_read_once_in_the_version_that_the_server_prefers(tmp_path: Path) -> None:
    groups = {"apps/v1": {"deployments": "Deployment"}, "apps/v1beta1": {"deployments": "Deployment", "old": "Old"}}
    api = FakeAPI([thing("Deployment", "web")], groups=groups)
    header, _ = captured(api, tmp_path)
    assert header["counts"] == {"apps/v1/Deployment": 1}
    assert [one.path for one in api.asked if one.path.count("/") == 4] == [
        "/apis/apps/v1/deployments",
        "/apis/apps/v1beta1/old",
    ]


def test_custom_kinds_with_pod_templates_and_measurements_are_read(tmp_path: Path) -> None:
    groups = {"argoproj.io/v1alpha1": {"rollouts": "Rollout"}, "metrics.k8s.io/v1beta1": {"pods": "PodMetrics"}}
    spec = {"template": {"spec": {"containers": [{"name": "a", "image": "a:1"}]}}}
    objects = [
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "r"}, "spec": spec},
        {"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics", "metadata": {"name": "m"}, "containers": []},
    ]
    _, found = captured(FakeAPI(objects, groups=groups), tmp_path)
    assert found == objects[::-1]


def test_what_no_rule_reads_is_left_out_and_said(tmp_path: Path) -> None:
    api = FakeAPI([*SMALL, thing("Event", "e"), thing("Node", "n", None)])
    header, found = captured(api, tmp_path)
    assert {one["kind"] for one in found} == {"Namespace", "Pod"}
    assert [one["what"] for one in header["leftOut"]] == ["events", "nodes"]
    assert not [one for one in api.asked if one.resource in ("events", "nodes")]


def test_data_of_secrets_and_config_maps_is_not_even_asked_for(tmp_path: Path) -> None:
    api = FakeAPI([thing("Secret", "s", data={"a": "b"}), thing("ConfigMap", "c", data={"a": "b"})])
    _, found = captured(api, tmp_path)
    assert [{*one} for one in found] == [{"apiVersion", "kind", "metadata"}] * 2
    assert [one["kind"] for one in found] == ["ConfigMap", "Secret"]
    whole = [one for one in api.asked if one.resource in ("secrets", "configmaps") and "as=" not in one.accept]
    selectors = [one.query.get("fieldSelector") or one.query.get("labelSelector") for one in whole]
    assert selectors == ["owner=helm", "type=helm.sh/release.v1"]


def test_the_newest_revision_of_a_release_stands_for_it(tmp_path: Path) -> None:
    revisions = [stored("thunderline", "thunder", number, status="superseded") for number in (1, 2, 10)]
    objects = [
        stored("thunderline", "thunder", 11, status="failed"),
        *revisions,
        stored("thunderline", "thunderline", 3),
        stored("other", "cerebros", 2, driver="ConfigMap", chart="thunder-stack"),
    ]
    header, found = captured(FakeAPI(objects), tmp_path)
    assert header["unread"] == []
    assert [
        (one["metadata"]["namespace"], one["metadata"]["name"], one["spec"]["revision"], one["spec"]["status"])
        for one in found
    ] == [
        ("cerebros", "other", 2, "deployed"),
        ("thunder", "thunderline", 11, "failed"),
        ("thunderline", "thunderline", 3, "deployed"),
    ]
    assert {one["kind"] for one in found} == {"Release"}


def test_a_damaged_release_is_told_and_the_revision_before_it_stands(tmp_path: Path) -> None:
    objects = [stored("web", "thunder", 1), stored("web", "thunder", 2, damaged=True)]
    header, found = captured(FakeAPI(objects), tmp_path)
    (told,) = header["unread"]
    assert told["what"] == "thunder/Secret/sh.helm.release.v1.web.v2"
    assert told["reason"].startswith("the Helm release cannot be decoded: ")
    assert [one["kind"] for one in found] == ["Release", "Secret"]
    assert "data" not in found[1]


def test_damage_to_a_revision_that_is_history_does_not_matter(tmp_path: Path) -> None:
    objects = [stored("web", "thunder", 1, damaged=True), stored("web", "thunder", 2)]
    header, found = captured(FakeAPI(objects), tmp_path)
    assert header["unread"] == []
    assert [one["kind"] for one in found] == ["Release"]


def test_without_helm_secrets_no_secret_is_asked_for(tmp_path: Path) -> None:
    api = FakeAPI([*SMALL, stored("web", "thunder"), thing("Secret", "s")])
    header, found = captured(api, tmp_path, helm_secrets=False)
    assert {one["kind"] for one in found} == {"Namespace", "Pod"}
    assert {"what": "secrets", "reason": "asked for: no Secret is read"} in header["leftOut"]
    assert header["unread"] == []
    assert not [one for one in api.asked if one.resource == "secrets"]


def test_a_capture_of_some_namespaces_reads_nothing_else_and_says_so(tmp_path: Path) -> None:
    api = FakeAPI([*SMALL, thing("Pod", "far", "elsewhere"), thing("Deployment", "web", "thunder")])
    header, found = captured(api, tmp_path, namespaces=("thunder", "thunderline"))
    assert {one["metadata"]["name"] for one in found} == {"web", *(f"p{number}" for number in range(5))}
    (told,) = header["unread"]
    assert told["what"] == "everything outside the namespaces thunder, thunderline"
    lists = [one.path for one in api.asked if one.query.get("limit")]
    assert lists
    assert all("/namespaces/thunder" in path for path in lists)


def test_progress_is_told_kind_by_kind(tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    with serving(FakeAPI(SMALL)) as api:
        capture(tmp_path / "s.jsonl", connected(api, tmp_path), Options(), progress=lambda *one: told.append(one))
    assert [done for _, done, _ in told] == list(range(len(told)))
    assert {(what, total) for what, _, total in told} == {("reading the cluster", len(told) - 1)}


def test_a_cluster_that_gives_nothing_leaves_an_older_snapshot_alone(tmp_path: Path) -> None:
    file = tmp_path / "s.jsonl"
    file.write_text("older")
    refused = pytest.raises(ClusterError, match=r"context here of .*config: nothing could be read .*403 Forbidden")
    with serving(FakeAPI(SMALL, allowed=set())) as api, refused:
        capture(file, connected(api, tmp_path), Options())
    assert file.read_text() == "older"


def test_an_interrupted_capture_leaves_nothing_behind(tmp_path: Path) -> None:
    def habit(asked: Asked) -> Said | None:
        if asked.resource == "services":
            raise_in_main.append(True)
        return None

    def interrupted(*_: object) -> None:
        if raise_in_main:
            raise KeyboardInterrupt

    raise_in_main: list[bool] = []
    folder = tmp_path / "out"
    folder.mkdir()
    with serving(FakeAPI(SMALL, habit=habit)) as api, pytest.raises(KeyboardInterrupt):
        capture(folder / "s.jsonl", connected(api, tmp_path), Options(), progress=interrupted)
    assert list(folder.iterdir()) == []
