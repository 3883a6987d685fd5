"""Redaction: what is taken out, what stays, and Helm's releases."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from thunderguard.helmrelease import ReleaseUnreadableError, release_record
from thunderguard.masking import mask_text, mask_tokens
from thunderguard.model import JsonObject
from thunderguard.redaction import redact, redact_with_reason

CANARY = "canary7Secret"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("--password=hunter2", "--password=***"),
        (
            "mlflow server --backend-store-uri postgresql://u:p@db:5432/x",
            "mlflow server --backend-store-uri postgresql://u:***@db:5432/x",
        ),
        ("DB_PASSWORD=abc mlflow server", "DB_PASSWORD=*** mlflow server"),
        (
            "pip install mlflow==2.14.1 token==1.0 && run --token abc -x",
            "pip install mlflow==2.14.1 token==1.0 && run --token *** -x",
        ),
        ("--password=$(DB_PASSWORD)", "--password=$(DB_PASSWORD)"),
        ("http://u:p@ss@h/x", "http://u:***@h/x"),
        ("redis://:p/w@h", "redis://:***@h"),
        ("https://registry:443/@scope/pkg", "https://registry:443/@scope/pkg"),
        ("Authorization: Bearer abcdefgh", "Authorization: Bearer ***"),
        ("curl -u me:pw http://x", "curl -u me:*** http://x"),
        ('{"password":"x y"}', '{"password":***}'),
        ('{\\"password\\":\\"x y\\"}', '{\\"password\\":***}'),
        ("ghcr.io/a/token:latest", "ghcr.io/a/token:latest"),
        ("--tokenizer foo --password-file /x", "--tokenizer foo --password-file /x"),
        ("AKIAIOSFODNN7EXAMPLE", "***"),
        ("x@sha256:" + "a1" * 32, "x@sha256:" + "a1" * 32),
        ("deadbeef" * 5, "***"),
        ("eyJhbGciOi.eyJzdWIi.sig", "***"),
        ("export TOKEN='x y'; go", "export TOKEN=***; go"),
        (
            "/usr/local/lib/python3.11/site-packages/Foo/Bar/Baz/Quux.py",
            "/usr/local/lib/python3.11/site-packages/Foo/Bar/Baz/Quux.py",
        ),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "***"),
    ],
)
def test_only_the_secret_part_of_a_text_is_masked(text: str, masked: str) -> None:
    assert mask_text(text) == masked
    assert mask_text(masked) == masked


def test_the_word_behind_an_option_for_a_secret_is_masked() -> None:
    tokens = ["mlflow", "--password", "x", "--token", "$(T)", "-u", "a:b", "--secret", "-v", 1, "server"]
    masked = ["mlflow", "--password", "***", "--token", "$(T)", "-u", "a:***", "--secret", "-v", 1, "server"]
    assert mask_tokens(tokens) == masked
    assert mask_tokens(masked) == masked


def helm(release: Any, kind: str = "Secret", zipped: bool = True) -> JsonObject:
    data = json.dumps(release).encode()
    text = base64.b64encode(gzip.compress(data) if zipped else data)
    if kind == "Secret":
        text = base64.b64encode(text)
    metadata = {"name": "sh.helm.release.v1.web.v3", "namespace": "thunder", "labels": {"owner": "helm"}}
    made: JsonObject = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": {"release": text.decode()}}
    return made | ({"type": "helm.sh/release.v1"} if kind == "Secret" else {})


RELEASE = {
    "name": "web",
    "namespace": "thunder",
    "version": 3,
    "info": {
        "status": "deployed",
        "first_deployed": "2025-10-01T00:00:00Z",
        "last_deployed": "2025-10-04T00:00:00Z",
        "notes": CANARY,
    },
    "chart": {"metadata": {"name": "thunderhelm", "version": "0.2.0"}, "values": {"a": CANARY}},
    "config": {"password": CANARY},
    "manifest": CANARY,
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_a_helm_release_becomes_a_record(kind: str, zipped: bool) -> None:
    record = redact(helm(RELEASE, kind, zipped))
    assert record == {
        "apiVersion": "thunderguard.dev/v1alpha1",
        "kind": "Release",
        "metadata": {"name": "web", "namespace": "thunder"},
        "spec": {
            "chart": {"name": "thunderhelm", "version": "0.2.0"},
            "revision": 3,
            "status": "deployed",
            "firstDeployed": "2025-10-01T00:00:00Z",
            "lastDeployed": "2025-10-04T00:00:00Z",
        },
    }
    assert redact(record) == record


def damaged(data: Any) -> JsonObject:
    return helm(RELEASE) | {"data": data}


def wrapped(data: bytes) -> dict[str, str]:
    return {"release": base64.b64encode(base64.b64encode(data)).decode()}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (damaged(None), "it has no data.release"),
        (damaged({"release": 1}), "it has no data.release"),
        (damaged({"release": "%%"}), "data.release is not base64"),
        (damaged(wrapped(b"\x1f\x8bgarbage")), "the gzip data in data.release is damaged"),
        (damaged(wrapped(gzip.compress(b"x" * 1000)[:-10])), "the gzip data in data.release is cut short"),
        (damaged(wrapped(gzip.compress(b"x" * (65 << 20)))), "data.release unpacks to more than 64 MiB"),
        (damaged(wrapped(b"not json " + CANARY.encode())), "data.release does not hold JSON"),
        (helm([CANARY]), "data.release does not hold a release"),
        (helm({"name": CANARY}), "the release has no name or no chart"),
    ],
)
def test_a_damaged_release_keeps_its_metadata_and_says_why(value: JsonObject, message: str) -> None:
    with pytest.raises(ReleaseUnreadableError) as raised:
        release_record(value)
    assert raised.value.message == message
    kept, reason = redact_with_reason(value)
    assert reason == f"the Helm release cannot be decoded: {message}"
    assert kept == {key: value[key] for key in ("apiVersion", "kind", "type", "metadata")}
    assert redact_with_reason(kept)[0] == kept


CARRIERS: dict[str, JsonObject] = {
    "Secret": {"data": {"a": CANARY}, "stringData": {"b": CANARY}, "type": "Opaque", CANARY: CANARY},
    "ConfigMap": {"data": {"a": CANARY}, "binaryData": {"b": CANARY}},
    "Pod": {
        "metadata": {
            "managedFields": [CANARY],
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": CANARY,
                "example.org/api-token": CANARY,
                "note": f"password: {CANARY}",
            },
        },
        "spec": {
            "containers": [
                {
                    "env": [{"name": "A", "value": CANARY}],
                    "args": ["--password", CANARY, f"--token={CANARY}", f"x://u:{CANARY}@h"],
                    "command": ["sh", "-c", f"TOKEN={CANARY} run --secret {CANARY}"],
                    "livenessProbe": {"httpGet": {"httpHeaders": [{"name": "X", "value": CANARY}]}},
                    "lifecycle": {"preStop": {"exec": {"command": ["curl", "-u", f"a:{CANARY}"]}}},
                }
            ]
        },
        "status": {"message": f"pulling https://u:{CANARY}@registry/x"},
    },
    "Widget": {
        "spec": {
            "password": CANARY,
            "env": {"A": CANARY},
            "command": f"run --token {CANARY}",
            "objects": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": CANARY}}],
        }
    },
}


@pytest.mark.parametrize("kind", CARRIERS)
def test_no_secret_survives_where_secrets_stand(kind: str) -> None:
    value = {"apiVersion": "v1", "kind": kind, **CARRIERS[kind]}
    cleaned = redact(value)
    assert CANARY in json.dumps(value)
    assert CANARY not in json.dumps(cleaned)
    assert redact(cleaned) == cleaned


@pytest.mark.parametrize(
    ("version", "kind", "spec"),
    [
        (
            "argoproj.io/v1alpha1",
            "Application",
            {"source": {"chart": "c", "helm": {"values": CANARY}}, "sources": [{"helm": CANARY}]},
        ),
        (
            "argoproj.io/v1alpha1",
            "ApplicationSet",
            {"template": {"spec": {"source": {"chart": "c", "plugin": CANARY}}}},
        ),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease", {"values": {"a": CANARY}, "chart": {"spec": {"chart": "c"}}}),
        ("helm.cattle.io/v1", "HelmChart", {"valuesContent": CANARY, "set": {"a": CANARY}, "chart": "c"}),
    ],
)
def test_values_of_charts_go_and_charts_stay(version: str, kind: str, spec: JsonObject) -> None:
    cleaned = redact({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}, "spec": spec})
    assert CANARY not in json.dumps(cleaned)
    assert '"chart": "c"' in json.dumps(cleaned)
    assert redact(cleaned) == cleaned


@pytest.mark.parametrize("odd", [None, 1, "x", [], [1], {}, {"a": None}])
def test_objects_of_any_shape_are_redacted_without_failing(odd: Any) -> None:
    for key in ("metadata", "spec", "data", "type", "env", "args", "annotations"):
        for kind in ("Secret", "ConfigMap", "Pod", "HelmChart"):
            for version in ("v1", "helm.cattle.io/v1"):
                value = {"apiVersion": version, "kind": kind, key: odd, "spec2": {key: odd}}
                assert redact(redact(value)) == redact(value)
