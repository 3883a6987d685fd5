"""The reference engine as an engine: documents in, outcomes out, and no JSON value that it cannot take."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from thunderguard.catalogue import load_catalogue
from thunderguard.engines.base import Engine
from thunderguard.engines.reference import ReferenceEngine
from thunderguard.errors import CatalogueError, EstateError
from thunderguard.facts.ownership import identity_of
from thunderguard.facts.shape import shape_problems
from thunderguard.model import Document, EstateRequest, OutcomeKind, Status

HERE = Path(__file__).parent
ESTATE = yaml.safe_load((HERE / "reference_estate.yaml").read_text(encoding="utf-8"))
ENGINE = ReferenceEngine(estate=SimpleNamespace(data=ESTATE), catalogue=load_catalogue())  # type: ignore[arg-type]

_CONTAINER = {
    "name": "c",
    "image": "ghcr.io/mlflow/mlflow:v2.14.1",
    "command": ["mlflow", "server"],
    "args": ["--host", "127.0.0.1"],
    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": 2, "memory": "4Gi"}},
    "readinessProbe": {"httpGet": {"path": "/", "port": 1}},
    "restartPolicy": "Always",
}
_POD_SPEC = {
    "containers": [_CONTAINER, {"name": "r", "image": "runner:latest"}],
    "initContainers": [_CONTAINER],
    "ephemeralContainers": [{"name": "e", "image": "busybox"}],
    "resources": {"limits": {"cpu": "4"}},
}
_METADATA = {
    "name": "mlflow",
    "namespace": "prod",
    "uid": "u",
    "labels": {
        "app.kubernetes.io/component": "web",
        "helm.sh/chart": "old-stack-0.1.0",
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/instance": "rel",
    },
    "annotations": {"meta.helm.sh/release-name": "rel", "meta.helm.sh/release-namespace": "prod"},
}
_OWNER = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "mlflow", "uid": "u", "controller": True}
_TEMPLATE = {"metadata": {"labels": {"helm.sh/chart": "old-stack-0.1.0"}}, "spec": _POD_SPEC}
_STATUS = {
    "name": "c",
    "restartCount": 9,
    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    "lastState": {"terminated": {"reason": "OOMKilled"}},
}
_TARGET = {"kind": "StatefulSet", "name": "web"}
_SPECS: dict[str, Any] = {
    "apps/v1 Deployment": {"replicas": 2, "template": _TEMPLATE},
    "apps/v1 StatefulSet": {"replicas": 0, "template": _TEMPLATE},
    "batch/v1 CronJob": {"jobTemplate": {"spec": {"parallelism": 1, "template": _TEMPLATE}}},
    "argoproj.io/v1alpha1 Rollout": {"template": _TEMPLATE},
    "v1 Pod": _POD_SPEC,
    "autoscaling/v2 HorizontalPodAutoscaler": {"maxReplicas": 9, "scaleTargetRef": _TARGET},
    "argoproj.io/v1alpha1 Application": {"source": {"chart": "old-stack"}, "sources": [{"path": "a/old-stack"}]},
    "argoproj.io/v1alpha1 ApplicationSet": {"template": {"spec": {"sources": [{"path": "a/old-stack"}]}}},
    "helm.toolkit.fluxcd.io/v2 HelmRelease": {"chart": {"spec": {"chart": "old-stack"}}},
    "helm.cattle.io/v1 HelmChart": {"chart": "old-stack"},
    "thunderguard.dev/v1alpha1 Release": {"chart": {"name": "old-stack", "version": "1"}, "status": "deployed"},
    "v1 Namespace": {},
    "v1 ServiceAccount": {},
    "v1 ResourceQuota": {},
}


def _manifests() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for kind, spec in _SPECS.items():
        api_version, kind_ = kind.split()
        found.append({"apiVersion": api_version, "kind": kind_, "metadata": _METADATA, "spec": spec})
    pod = found[4]
    pod["metadata"] = {**_METADATA, "ownerReferences": [_OWNER]}
    pod["status"] = {"containerStatuses": [_STATUS], "initContainerStatuses": [_STATUS]}
    for image in ("runner:1", "automat:1", "nobody:1"):
        name = image.partition(":")[0]
        bare = {"metadata": {"name": name, "namespace": "prod"}, "spec": {"containers": [{"image": image}]}}
        found.append({"apiVersion": "v1", "kind": "Pod", **bare})
    release = {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Release", "spec": {"chart": {"name": "old-stack"}}}
    found.append({**release, "metadata": {"name": "second", "namespace": "dev"}})
    found.append({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "dev"}})
    usage = [{"name": "c", "usage": {"cpu": "7", "memory": "9Gi"}}]
    found.append(
        {"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics", "metadata": _METADATA, "containers": usage}
    )
    found.append({"apiVersion": "v2", "name": "c", "version": "1.0.0", "dependencies": [{"name": "old-stack"}]})
    return [copy.deepcopy(obj) for obj in found]


MANIFESTS = _manifests()


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in entries:
        yield from _places(item, (*path, key))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "x", "a/", ":", "@", "\0", "\u0661", "1e99", "-1", "old-stack-", "é/ü:ö"]),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3), st.just({}), st.just([])), max_size=2),
    st.dictionaries(st.text(max_size=3), st.one_of(st.none(), st.integers(), st.text(max_size=3)), max_size=2),
)


@st.composite
def _mutants(draw: st.DrawFn) -> Any:
    """Draw a real manifest with up to three places dropped, emptied or given another type."""
    obj: Any = {"": copy.deepcopy(draw(st.sampled_from(MANIFESTS)))}
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([place for place in _places(obj) if place]))
        parent = _at(obj, path[:-1])
        if len(path) > 1 and draw(st.booleans()):
            del parent[path[-1]]
        else:
            parent[path[-1]] = draw(ODD_VALUES)
    return obj[""]


JSON_VALUES = st.recursive(
    ODD_VALUES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["apiVersion", "kind", "metadata", "spec", "template", "containers", "name", "labels"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


def _document(obj: Any, index: int = 0) -> Document:
    return Document(index=index, text=json.dumps(obj).encode())


def _judge(*objects: Any) -> Any:
    return list(ENGINE.judge(_document(obj, index) for index, obj in enumerate(objects)))


@settings(max_examples=400, deadline=None)
@given(st.one_of(_mutants(), JSON_VALUES))
def test_no_object_is_too_malformed_to_judge(obj: Any) -> None:
    """Property: whatever JSON a document holds, every rule has a status that fits its findings, and none failed."""
    [outcome] = _judge(obj)
    assert outcome.reason == ""
    found = {finding.rule for finding in outcome.findings}
    assert {rule for rule, status in outcome.statuses.items() if status is Status.VIOLATED} == found
    assert Status.FAILED not in outcome.statuses.values()
    keys = [finding.key for finding in outcome.findings]
    assert keys == sorted(set(keys))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(_mutants(), st.sampled_from(MANIFESTS)), max_size=6))
def test_no_set_is_too_malformed_to_judge(objects: list[Any]) -> None:
    """Property: whatever a set holds, the rules of scope estate answer, each place at most once."""
    outcome = ENGINE.judge_objects(objects)
    keys = [finding.key for finding in outcome.findings]
    assert keys == sorted(set(keys))
    assert Status.FAILED not in outcome.statuses.values()


@settings(max_examples=300, deadline=None)
@given(st.one_of(_mutants(), JSON_VALUES))
def test_shape_and_identity_take_any_object(obj: Any) -> None:
    """Property: shape and ownership never raise, and a problem is one line that names a place."""
    identity_of(obj)
    if isinstance(obj, dict):
        assert all(" is " in problem and "\n" not in problem for problem in shape_problems(obj))


def test_the_manifests_fire_every_rule_and_every_text_is_filled_in() -> None:
    findings = [finding for outcome in _judge(*MANIFESTS) for finding in outcome.findings]
    for objects in (MANIFESTS, []):
        findings += ENGINE.judge_objects(objects).findings
    catalogue = load_catalogue()
    assert {finding.rule for finding in findings} == {*catalogue.object_rules, *catalogue.estate_rules}
    assert [f for f in findings if "{" in f.message + f.remedy or not f.message or not f.remedy] == []


def test_each_document_has_one_outcome_in_order_while_they_stream() -> None:
    seen: list[int] = []

    def stream() -> Iterator[Document]:
        for index, obj in enumerate([{}, MANIFESTS[0], []]):
            seen.append(index)
            yield _document(obj, index)

    outcomes = ENGINE.judge(stream())
    assert next(outcomes).kind is OutcomeKind.NOT_MATCHED
    assert seen == [0]
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.FINDINGS, OutcomeKind.NOT_MATCHED]


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b"[" * 100_000, b"\xff"])
def test_a_document_that_is_not_json_has_no_verdict(text: bytes) -> None:
    document = Document(index=3, text=text, file="a.json")
    [outcome] = ENGINE.judge([document])
    assert outcome.kind is OutcomeKind.ENGINE_FAILED
    assert set(outcome.statuses.values()) == {Status.FAILED}
    outcome = ENGINE.judge_estate(EstateRequest(records=(), documents=lambda: [document]))
    assert outcome.kind is OutcomeKind.ENGINE_FAILED
    assert outcome.reason.startswith("a.json, number 3, is not readable JSON")


def test_escaped_halves_of_characters_are_judged() -> None:
    text = json.dumps(MANIFESTS[0]).replace('"mlflow"', '"\\ud800mlflow"').replace("mlflow/mlflow", "\\udfff")
    [outcome] = ENGINE.judge([Document(index=0, text=text.encode())])
    assert outcome.kind is OutcomeKind.FINDINGS


def test_the_set_is_read_from_the_documents() -> None:
    documents = [_document(obj, index) for index, obj in enumerate(MANIFESTS)]
    outcome = ENGINE.judge_estate(EstateRequest(records=(), documents=lambda: documents))
    assert outcome == ENGINE.judge_objects(MANIFESTS)


def test_it_is_an_engine() -> None:
    with ENGINE as engine:
        assert isinstance(engine, Engine)
        assert (engine.name, engine.needs_documents) == ("reference", True)
        assert len(engine.policy_sha256) == 64
        assert engine.policy_sha256 == engine.policy_sha256


def test_an_estate_with_a_bad_pattern_is_refused() -> None:
    estate = {"spec": {"services": [{"name": "x", "recognise": [{"image": "("}]}]}}
    with pytest.raises(EstateError, match=r"'\('"):
        ReferenceEngine(estate=SimpleNamespace(data=estate), catalogue=load_catalogue())  # type: ignore[arg-type]


def test_a_catalogue_with_another_rule_is_refused() -> None:
    rules = {**load_catalogue().rules, "new-rule": SimpleNamespace(scope="object")}
    with pytest.raises(CatalogueError, match="new-rule"):
        ReferenceEngine(estate=SimpleNamespace(data=ESTATE), catalogue=SimpleNamespace(rules=rules))  # type: ignore[arg-type]
