"""The rules of scope estate, as the reference engine judges them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from thunderguard.catalogue import load_catalogue
from thunderguard.engines.reference import ReferenceEngine
from thunderguard.model import Level, RawFinding, Resource

HERE = Path(__file__).parent
ESTATE = yaml.safe_load((HERE / "reference_estate.yaml").read_text(encoding="utf-8"))
ENGINE = ReferenceEngine(estate=SimpleNamespace(data=ESTATE), catalogue=load_catalogue())  # type: ignore[arg-type]


def _obj(kind: str, name: str, namespace: str | None = "prod", **more: Any) -> dict[str, Any]:
    api_version, kind_ = kind.split()
    metadata: dict[str, Any] = {"name": name}
    if namespace is not None:
        metadata["namespace"] = namespace
    metadata |= more.pop("metadata", {})
    return {"apiVersion": api_version, "kind": kind_, "metadata": metadata, **more}


def _run(
    name: str, image: str = "mlflow:v1", namespace: str | None = "prod", kind: str = "apps/v1 Deployment", **more: Any
) -> dict[str, Any]:
    metadata = more.pop("metadata", {})
    spec = {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}, **more}
    return _obj(kind, name, namespace, metadata=metadata, spec=spec)


def _pod(
    name: str, owner: tuple[str, str] | None = None, image: str = "mlflow:v1", resources: Any = None, **more: Any
) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if owner:
        api_version, kind = owner[0].split()
        reference = {"apiVersion": api_version, "kind": kind, "name": owner[1], "controller": True}
        metadata["ownerReferences"] = [reference]
    spec = {"containers": [{"name": "c", "image": image, "resources": resources}], "resources": more.pop("pod", None)}
    return _obj("v1 Pod", name, more.pop("namespace", "prod"), metadata=metadata, spec=spec, **more)


def _found(rule: str, *objects: Any) -> list[tuple[str, str, str | None]]:
    findings = ENGINE.judge_objects(objects).findings
    return [(str(f.resource), f.path, f.service) for f in findings if f.rule == rule]


def _texts(rule: str, *objects: Any) -> list[tuple[str, str]]:
    return [(f.message, f.remedy) for f in ENGINE.judge_objects(objects).findings if f.rule == rule]


DEPLOYMENT = ("apps/v1 Deployment", "mlflow")


# --- duplicate-service


def test_every_instance_but_the_best_is_a_duplicate() -> None:
    outcome = ENGINE.judge_objects([_run("mlflow", namespace="dev"), _run("mlflow"), _run("a"), _pod("p", DEPLOYMENT)])
    found = [finding for finding in outcome.findings if finding.rule == "duplicate-service"]
    text = "mlflow runs 3 times; keep prod/Deployment/mlflow, remove"
    assert found == [
        RawFinding(
            rule="duplicate-service",
            resource=Resource("apps/v1", "Deployment", namespace, name),
            path="",
            level=Level.DENY,
            service="mlflow",
            message=f"{text} {namespace}/Deployment/{name}",
            remedy=f"kubectl delete deployment {name} -n {namespace}",
        )
        for namespace, name in (("dev", "mlflow"), ("prod", "a"))
    ]


@pytest.mark.parametrize(
    ("objects", "others"),
    [
        ([_run("mlflow")], []),
        ([_run("mlflow"), _run("mlflow")], []),
        ([_run("mlflow"), _run("b", replicas=0)], []),
        ([_run("mlflow", replicas=0), _run("b")], []),
        ([_run("mlflow"), _run("b", image="runner:1"), _run("c", image="runner:1")], []),
        ([_run("z"), _run("a", namespace="data")], ["data/Deployment/a"]),
        ([_run("z", namespace="data"), _run("a", namespace="b")], ["b/Deployment/a"]),
        ([_run("b", namespace="kube-system"), _run("a", namespace="zoo")], ["zoo/Deployment/a"]),
        ([_run("a"), _run("a", kind="apps/v1 StatefulSet")], ["prod/StatefulSet/a"]),
        ([_run("b"), _run("a")], ["prod/Deployment/b"]),
        ([_run("mlflow", namespace=None), _run("a")], ["Deployment/mlflow"]),
        ([_run("a"), _pod("p")], ["prod/Pod/p"]),
        ([_run("a", kind="apps/v1 DaemonSet"), _run("b", kind="batch/v1 Job")], ["prod/Job/b"]),
    ],
)
def test_which_instance_is_kept(objects: list[Any], others: list[str]) -> None:
    assert [name for name, _, _ in _found("duplicate-service", *objects)] == others


# --- duplicate-release


def _release(name: str, namespace: str, chart: Any = "helm", status: str = "deployed") -> dict[str, Any]:
    spec = {"chart": {"name": chart, "version": "1.0.0"}, "status": status}
    return _obj("thunderguard.dev/v1alpha1 Release", name, namespace, spec=spec)


def _labelled(name: str, namespace: str | None, chart: str = "helm-1.0.0", release: str = "rel") -> dict[str, Any]:
    labels = {
        "helm.sh/chart": chart,
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/instance": release,
    }
    return _obj("apps/v1 Deployment", name, namespace, metadata={"labels": labels})


@pytest.mark.parametrize(
    ("objects", "others"),
    [
        ([_release("a", "prod")], []),
        ([_release("a", "prod"), _release("a", "dev")], ["dev/Release/a"]),
        ([_release("a", "prod"), _release("b", "data")], ["prod/Release/a"]),
        ([_release("a", "prod"), _release("a", "dev", status="uninstalled")], []),
        ([_release("a", "prod"), _release("a", "dev", status="failed")], ["dev/Release/a"]),
        ([_release("a", "prod"), _release("a", "kube-system")], []),
        ([_release("a", "prod"), _release("a", "dev", chart="other")], []),
        ([_release("a", "prod"), _release("a", "dev", chart=5)], []),
        ([_release("a", "prod"), _release("a", "prod")], []),
        ([_labelled("s", "prod"), _labelled("s", "dev")], ["dev/Release/rel"]),
        ([_labelled("s", "prod"), _labelled("t", "prod", "helm-2.0.0")], []),
        ([_labelled("s", "prod"), _labelled("t", "prod", release="two")], ["prod/Release/two"]),
        ([_labelled("s", "prod"), _labelled("s", None)], []),
        ([_labelled("s", "prod"), _labelled("s", "dev"), _release("x", "prod", status="uninstalled")], []),
        (
            [*(_labelled("s", n) for n in ("prod", "dev")), *(_labelled("t", n, "sub-1.0.0") for n in ("prod", "dev"))],
            ["dev/Release/rel"],
        ),
    ],
)
def test_which_release_is_kept(objects: list[Any], others: list[str]) -> None:
    assert [name for name, _, _ in _found("duplicate-release", *objects)] == others


def test_a_second_release_is_named_with_its_command() -> None:
    outcome = ENGINE.judge_objects([_release("a", "prod"), _release("a", "dev")])
    assert [finding for finding in outcome.findings if finding.rule == "duplicate-release"] == [
        RawFinding(
            rule="duplicate-release",
            resource=Resource("thunderguard.dev/v1alpha1", "Release", "dev", "a"),
            path="spec.chart.name",
            level=Level.DENY,
            message="chart helm is released 2 times; keep a in prod, remove a in dev",
            remedy="helm uninstall a -n dev",
        )
    ]


# --- missing-service


@pytest.mark.parametrize(
    ("objects", "paths"),
    [
        ([], ["spec.services[0]", "spec.services[1]"]),
        ([_run("mlflow"), _run("web", image="w", replicas=2)], []),
        ([_run("mlflow"), _run("web", image="w", replicas=1)], ["spec.services[1]"]),
        ([_run("mlflow"), _run("web", image="w"), _run("web", "w", "data")], []),
        ([_run("mlflow", replicas=0), _run("web", image="w", replicas=2)], ["spec.services[0]"]),
        ([_run("mlflow", namespace="dev"), _run("web", image="w", replicas=2)], ["spec.services[0]"]),
        ([_run("mlflow", namespace=None), _run("web", image="w", replicas=2)], ["spec.services[0]"]),
        ([_run("mlflow", kind="apps/v1 DaemonSet"), _run("web", image="w", replicas=2)], []),
    ],
)
def test_which_required_service_is_missing(objects: list[Any], paths: list[str]) -> None:
    found = _found("missing-service", *objects)
    assert [path for _, path, _ in found] == paths
    assert {name for name, _, _ in found} <= {"Estate/testland"}


def test_a_missing_service_is_named() -> None:
    assert _texts("missing-service", _run("web", image="w")) == [
        (
            "required service mlflow has no instance in an allowed namespace",
            "deploy mlflow as Deployment prod/mlflow",
        ),
        ("service web has 1 replicas; its minimum is 2", "scale web to 2 or more"),
    ]


# --- parked-workload


@pytest.mark.parametrize(
    ("obj", "found"),
    [
        (_run("x", replicas=0), [("prod/Deployment/x", "spec.replicas", "mlflow")]),
        (_run("x", image="y", replicas=0, namespace="dev"), [("dev/Deployment/x", "spec.replicas", None)]),
        (_run("x", replicas=0, kind="apps/v1 ReplicaSet"), [("prod/ReplicaSet/x", "spec.replicas", "mlflow")]),
        (_run("x", replicas=0, namespace="kube-system"), []),
        (_run("x", replicas=1), []),
        (_run("x", replicas=None), []),
        (_run("x", replicas=False), []),
        (_run("x", replicas=0, kind="batch/v1 Job"), []),
        (_run("x", replicas=0, kind="x/v1 Rollout"), []),
    ],
)
def test_which_workload_is_parked(obj: Any, found: list[Any]) -> None:
    assert _found("parked-workload", obj) == found


def test_an_old_replica_set_of_a_deployment_is_not_parked() -> None:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "mlflow", "controller": True}
    old = _run("mlflow-1", kind="apps/v1 ReplicaSet", replicas=0, metadata={"ownerReferences": [reference]})
    assert _found("parked-workload", _run("mlflow"), old) == []
    assert _found("parked-workload", old) == [("prod/ReplicaSet/mlflow-1", "spec.replicas", "mlflow")]


# --- failing-workload


def _status(name: Any = "c", restarts: Any = 0, **state: Any) -> dict[str, Any]:
    return {"name": name, "restartCount": restarts, **state}


def _waiting(reason: Any) -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason}}}


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (_status(), None),
        (_status(**_waiting("ContainerCreating")), None),
        (_status(**_waiting("CrashLoopBackOff")), "p/c CrashLoopBackOff"),
        (_status(restarts=7, **_waiting("CrashLoopBackOff")), "p/c CrashLoopBackOff (7 restarts)"),
        (_status(**_waiting("ImagePullBackOff")), "p/c ImagePullBackOff"),
        (_status(**_waiting("ErrImagePull")), "p/c ErrImagePull"),
        (_status(**_waiting(["ErrImagePull"])), None),
        (_status(state={"terminated": {"reason": "OOMKilled"}}), "p/c OOMKilled"),
        (_status(state={"terminated": {"reason": "Completed"}}), None),
        (_status(restarts=1, lastState={"terminated": {"reason": "OOMKilled"}}), "p/c OOMKilled (1 restarts)"),
        (_status(restarts=4), None),
        (_status(restarts=5), "p/c restarts (5 restarts)"),
        (_status(restarts="5"), None),
        (_status(name=5, **_waiting("ErrImagePull")), "p/0 ErrImagePull"),
        (5, None),
    ],
)
def test_when_a_container_fails(status: Any, failure: str | None) -> None:
    for field in ("initContainerStatuses", "containerStatuses"):
        texts = [text for text, _ in _texts("failing-workload", _pod("p", status={field: [status]}))]
        assert texts == ([f"prod/Pod/p fails: {failure}"] if failure else [])


def test_failing_pods_are_told_once_at_their_root() -> None:
    bad = {"containerStatuses": [_status(**_waiting("CrashLoopBackOff"))]}
    objects = [
        _pod("b", DEPLOYMENT, status=bad),
        _pod("a", DEPLOYMENT, status=bad),
        _pod("0", DEPLOYMENT, status={}),
        _run("mlflow"),
    ]
    assert _found("failing-workload", *objects) == [("prod/Deployment/mlflow", "status", "mlflow")]
    assert _texts("failing-workload", *objects) == [
        (
            "prod/Deployment/mlflow fails: a/c CrashLoopBackOff; b/c CrashLoopBackOff",
            "kubectl describe pod -n prod a, then mend the image, the configuration or the limits it names",
        )
    ]
    assert _found("failing-workload", _pod("p", namespace="kube-system", status=bad)) == []


def test_without_a_threshold_restarts_are_no_failure() -> None:
    estate = {**ESTATE, "spec": {**ESTATE["spec"], "thresholds": {}}}
    engine = ReferenceEngine(estate=SimpleNamespace(data=estate), catalogue=load_catalogue())  # type: ignore[arg-type]
    pod = _pod("p", status={"containerStatuses": [_status(restarts=900)]})
    assert [f for f in engine.judge_objects([pod]).findings if f.rule == "failing-workload"] == []


# --- namespace-quota


def test_every_allowed_namespace_has_both_bounds() -> None:
    quota, limits = _obj("v1 ResourceQuota", "q"), _obj("v1 LimitRange", "l")
    assert _found("namespace-quota", quota, limits, _obj("v1 ResourceQuota", "q", "data")) == [
        ("Namespace/data", "metadata.name", None)
    ]
    assert _texts("namespace-quota", limits, _obj("x/v1 ResourceQuota", "q", "prod")) == [
        ("namespace data has no LimitRange, ResourceQuota", "apply a LimitRange, ResourceQuota to namespace data"),
        ("namespace prod has no ResourceQuota", "apply a ResourceQuota to namespace prod"),
    ]


# --- runaway-usage


def _metrics(name: str, namespace: str = "prod", **usage: Any) -> dict[str, Any]:
    return _obj("metrics.k8s.io/v1beta1 PodMetrics", name, namespace, containers=[{"name": "c", "usage": usage}])


LIMITED = {"limits": {"cpu": "9", "memory": "9Gi"}}


@pytest.mark.parametrize(
    ("pod", "usage", "text"),
    [
        (_pod("p"), {"cpu": "1", "memory": "1Gi"}, "p/c cpu 1, no limit"),
        (_pod("p"), {"cpu": "500m", "memory": "1Gi"}, None),
        (_pod("p"), {"cpu": "500000001n"}, "p/c cpu 500000001n, no limit"),
        (_pod("p"), {"cpu": "1001m"}, "p/c cpu 1001m, ceiling 1"),
        (_pod("p", resources=LIMITED), {"cpu": "7"}, "p/c cpu 7, ceiling 1"),
        (_pod("p", resources=LIMITED), {"cpu": "1"}, None),
        (_pod("p", pod=LIMITED), {"cpu": "1"}, None),
        (_pod("p", image="x", resources=LIMITED), {"cpu": "7"}, None),
        (_pod("p", image="x"), {"cpu": "7", "memory": "2Gi"}, "p/c cpu 7, no limit; p/c memory 2Gi, no limit"),
        (_pod("p", image="x"), {"cpu": "lots"}, None),
        (_pod("other"), {"cpu": "7"}, None),
        (_pod("p", namespace="dev"), {"cpu": "7"}, None),
    ],
)
def test_when_use_is_too_high(pod: Any, usage: Any, text: str | None) -> None:
    texts = [message for message, _ in _texts("runaway-usage", pod, _metrics("p", **usage))]
    assert texts == ([f"prod/Pod/p uses more than it should: {text}"] if text else [])


def test_use_is_told_once_at_the_root() -> None:
    objects = [_metrics("b", cpu="7"), _metrics("a", cpu="7"), _pod("a", DEPLOYMENT), _pod("b", DEPLOYMENT)]
    assert _found("runaway-usage", *objects, _run("mlflow")) == [("prod/Deployment/mlflow", "status", None)]
    assert _texts("runaway-usage", *objects, _run("mlflow")) == [
        (
            "prod/Deployment/mlflow uses more than it should: a/c cpu 7, ceiling 1; b/c cpu 7, ceiling 1",
            "set limits for the containers of prod/Deployment/mlflow, or scale it down",
        )
    ]
    exempt = [_metrics("a", "kube-system", cpu="7"), _pod("a", namespace="kube-system")]
    assert _found("runaway-usage", *exempt) == []


# --- undeclared-workload


@pytest.mark.parametrize(
    ("obj", "found"),
    [
        (_run("x", image="y"), [("prod/Deployment/x", "metadata.name", None)]),
        (_run("x", image="y", kind="x/v1 Rollout"), [("prod/Rollout/x", "metadata.name", None)]),
        (_run("x", image="y", namespace="dev"), []),
        (_run("x", image="y", namespace=None), []),
        (_run("x"), []),
        (_run("x", image="automat:1"), []),
        (_obj("v1 Service", "x"), []),
    ],
)
def test_which_workload_nobody_declared(obj: Any, found: list[Any]) -> None:
    assert _found("undeclared-workload", obj) == found


def test_parked_and_undeclared_workloads_are_named() -> None:
    obj = _run("x", image="y", replicas=0)
    assert _texts("parked-workload", obj) == [
        (
            "prod/Deployment/x is scaled to 0 and still configured",
            "kubectl delete deployment x -n prod, or give it replicas and limits",
        )
    ]
    assert _texts("undeclared-workload", obj) == [
        (
            "prod/Deployment/x is not a service the Estate names",
            "declare it as a service of the Estate, or kubectl delete deployment x -n prod",
        )
    ]


# --- the set as a whole


def test_every_rule_has_a_status_and_an_empty_set_is_judged() -> None:
    statuses = {rule: str(status) for rule, status in ENGINE.judge_objects([]).statuses.items()}
    assert statuses == {
        "duplicate-release": "passed",
        "duplicate-service": "passed",
        "failing-workload": "passed",
        "missing-service": "violated",
        "namespace-quota": "violated",
        "parked-workload": "passed",
        "runaway-usage": "passed",
        "undeclared-workload": "passed",
    }


def test_the_order_of_the_set_does_not_matter() -> None:
    objects = [
        _run("mlflow", namespace="dev"),
        _run("mlflow"),
        _release("a", "prod"),
        _release("a", "dev"),
        _pod("p", DEPLOYMENT, status={"containerStatuses": [_status(**_waiting("ErrImagePull"))]}),
        _metrics("p", cpu="7"),
        _run("x", image="y", replicas=0),
    ]
    assert ENGINE.judge_objects(objects) == ENGINE.judge_objects(objects[::-1])
