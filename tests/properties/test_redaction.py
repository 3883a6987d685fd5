"""Properties of redaction: secrets go, verdicts stay."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from thunderguard.model import JsonObject
from thunderguard.redaction import redact
from thunderguard.snapshot import write_snapshot

CANARY = "q7Canary9"
canaries = st.integers(0, 99).map(lambda number: f"{CANARY}{number:02}")
options = st.sampled_from(
    ["--password", "--db-password", "--token", "--api-key", "--client-secret", "--auth-token", "--access-key"]
)
variables = st.sampled_from(
    ["PASSWORD", "DB_PASSWORD", "API_KEY", "TOKEN", "AWS_SECRET_ACCESS_KEY", "SECRET_KEY_BASE", "pgpassword"]
)
plain_words = st.sampled_from(
    ["mlflow", "server", "--host", "127.0.0.1", "-v", "sh", "-c", "pip install mlflow==2.14.1", "start && wait", "a=b"]
)
secret_words = st.one_of(
    st.builds(lambda option, secret: [option, secret], options, canaries),
    st.builds(lambda option, secret: [f"{option}={secret}"], options, canaries),
    st.builds(lambda variable, secret: [f"{variable}={secret}"], variables, canaries),
    st.builds(lambda variable, secret: [f"export {variable}='{secret} {secret}' && run"], variables, canaries),
    st.builds(lambda secret: [f"--uri=postgres://user:{secret}@db/x"], canaries),
    st.builds(lambda secret: [f'{{"password": "{secret}"}}'], canaries),
)
words = st.lists(st.one_of(plain_words.map(lambda word: [word]), secret_words), max_size=4).map(
    lambda groups: [word for group in groups for word in group]
)
clean_words = st.lists(plain_words, max_size=4)


def container(command: list[str], args: list[str], secret: str) -> JsonObject:
    return {
        "name": "main",
        "image": "ghcr.io/mlflow/mlflow:v2.14.1",
        "command": command,
        "args": args,
        "env": [
            {"name": "A", "value": secret},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ],
        "resources": {"limits": {"cpu": 1, "memory": "1Gi"}},
        "readinessProbe": {"httpGet": {"path": "/", "httpHeaders": [{"name": "Authorization", "value": secret}]}},
    }


def workload(containers: list[JsonObject], secret: str) -> JsonObject:
    labels = {"helm.sh/chart": "web-1.0.0", "app": "web"}
    metadata = {
        "name": "web",
        "namespace": "thunder",
        "labels": labels,
        "uid": "u",
        "annotations": {"x/token": secret, "note": f"password={secret}"},
    }
    template = {
        "metadata": {"labels": labels, "annotations": {"apikey": secret}},
        "spec": {"containers": containers, "initContainers": containers[:1]},
    }
    owners = [{"apiVersion": "v1", "kind": "Node", "name": "n", "controller": True, "uid": "v"}]
    waiting = {
        "containerStatuses": [
            {"restartCount": 3, "state": {"waiting": {"reason": "OOMKilled", "message": f"https://a:{secret}@h"}}}
        ]
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata | {"ownerReferences": owners},
        "spec": {"replicas": 2, "template": template},
        "status": waiting,
    }


def relevant(value: JsonObject) -> JsonObject:
    """Give what rules read, commands apart."""
    kept: Any = copy.deepcopy(value)
    template = kept["spec"]["template"]
    for place in (kept, template):
        del place["metadata"]["annotations"]
    for one in [*template["spec"]["containers"], *template["spec"]["initContainers"]]:
        for key in ("command", "args", "env", "readinessProbe"):
            one.pop(key, None)
    del kept["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
    return dict(kept)


workloads = st.builds(
    workload, st.lists(st.builds(container, words, words, canaries), min_size=1, max_size=3), canaries
)
clean = st.builds(
    workload, st.lists(st.builds(container, clean_words, clean_words, canaries), min_size=1, max_size=3), canaries
)
carriers = st.builds(
    lambda kind, secret: (
        {
            "apiVersion": "v1",
            "kind": kind,
            "metadata": {"name": "s"},
            "data": {"a": secret},
            "stringData": {"b": secret},
        }
        if kind == "Secret"
        else {"apiVersion": "v1", "kind": kind, "metadata": {"name": "s"}, "data": {"a": secret}}
    ),
    st.sampled_from(["Secret", "ConfigMap"]),
    canaries,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(workloads | carriers, max_size=4))
def test_no_planted_secret_reaches_the_file(objects: list[JsonObject]) -> None:
    """For every set of objects: a secret planted where secrets stand is nowhere in the bytes of the snapshot."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "s.jsonl"
        write_snapshot(path, objects, captured_at="2025-10-08T00:00:00Z", cluster_version=None, context=None)
        assert CANARY.encode() not in path.read_bytes()


@settings(max_examples=200)
@given(workloads)
def test_what_rules_read_is_unchanged(value: JsonObject) -> None:
    """For every workload: all that rules read, commands apart, stays as it was; so does the given object."""
    before = json.dumps(value)
    assert relevant(redact(value)) == relevant(value)
    assert json.dumps(value) == before


@settings(max_examples=200)
@given(clean)
def test_commands_without_secrets_are_unchanged(value: JsonObject) -> None:
    """For every workload whose commands hold no secret: each word of them is after redaction what it was."""
    for given_one, kept in zip(
        value["spec"]["template"]["spec"]["containers"],
        redact(value)["spec"]["template"]["spec"]["containers"],
        strict=True,
    ):
        assert (kept["command"], kept["args"]) == (given_one["command"], given_one["args"])


@settings(max_examples=200)
@given(workloads | carriers)
def test_redacting_twice_is_redacting_once(value: JsonObject) -> None:
    """For every object: redaction of what was redacted changes nothing."""
    once = redact(value)
    assert redact(once) == once
