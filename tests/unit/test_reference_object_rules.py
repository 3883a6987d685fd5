"""The rules of scope object, as the reference engine judges them: firing, passing, not matched, not judged."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from thunderguard.catalogue import load_catalogue
from thunderguard.engines.reference import ReferenceEngine
from thunderguard.model import Level, Outcome, OutcomeKind, RawFinding, Resource

HERE = Path(__file__).parent
ESTATE = yaml.safe_load((HERE / "reference_estate.yaml").read_text(encoding="utf-8"))
ENGINE = ReferenceEngine(estate=SimpleNamespace(data=ESTATE), catalogue=load_catalogue())  # type: ignore[arg-type]

POD_SPEC = "spec.template.spec"
FULL = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
PROBES: dict[str, Any] = {"readinessProbe": {}, "livenessProbe": {}}
MLFLOW = {"name": "m", "image": "ghcr.io/mlflow/mlflow:v2.14.1", "resources": FULL, **PROBES}
OTHER = {"name": "o", "image": "busybox:1.36", "resources": FULL}
RUNNER = {"name": "r", "image": "runner:1", "resources": FULL}


def _workload(
    *containers: Any,
    kind: str = "apps/v1 Deployment",
    name: Any = "x",
    namespace: Any = "prod",
    spec: dict[str, Any] | None = None,
    pod: dict[str, Any] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """Build a workload of containers; ``spec`` and ``pod`` add to its spec and its pod spec."""
    api_version, kind_ = kind.split()
    known = {"name": name, "namespace": namespace, **metadata}
    pod_spec: dict[str, Any] = {"containers": list(containers), **(pod or {})}
    whole = {**pod_spec, **(spec or {})} if kind_ == "Pod" else {"template": {"spec": pod_spec}, **(spec or {})}
    if kind_ == "CronJob":
        whole = {"jobTemplate": {"spec": {"template": {"spec": pod_spec}, **(spec or {})}}}
    return {
        "apiVersion": api_version,
        "kind": kind_,
        "metadata": {key: value for key, value in known.items() if value is not None},
        "spec": whole,
    }


def _judge(obj: Any) -> Outcome:
    return ENGINE.judge_object(obj)


def _paths(rule: str, obj: Any) -> list[str]:
    return [finding.path for finding in _judge(obj).findings if finding.rule == rule]


def _status(rule: str, obj: Any) -> str:
    return str(_judge(obj).statuses[rule])


def _texts(rule: str, obj: Any) -> list[tuple[str, str]]:
    return [(finding.message, finding.remedy) for finding in _judge(obj).findings if finding.rule == rule]


# --- singleton-service


def test_a_service_away_from_home_is_one_whole_finding() -> None:
    outcome = _judge(_workload(OTHER, MLFLOW, name="copy", namespace="data"))
    assert outcome.kind is OutcomeKind.FINDINGS
    assert outcome.findings == (
        RawFinding(
            rule="singleton-service",
            resource=Resource("apps/v1", "Deployment", "data", "copy"),
            path=f"{POD_SPEC}.containers[1]",
            level=Level.DENY,
            service="mlflow",
            message="mlflow runs as data/Deployment/copy, away from its home Deployment prod/mlflow",
            remedy="kubectl delete deployment copy -n data, once Deployment prod/mlflow serves",
        ),
    )


HOME: dict[str, Any] = {"name": "mlflow"}


@pytest.mark.parametrize(
    ("obj", "status", "paths"),
    [
        (_workload(MLFLOW, **HOME), "passed", []),
        (_workload(MLFLOW, **HOME, spec={"replicas": 1}), "passed", []),
        (_workload(MLFLOW, **HOME, spec={"replicas": 1.0}), "passed", []),
        (_workload(MLFLOW, **HOME, spec={"replicas": None}), "passed", []),
        (_workload(MLFLOW, **HOME, spec={"replicas": 0}), "passed", []),
        (_workload(MLFLOW, **HOME, spec={"replicas": 2}), "violated", ["spec.replicas"]),
        (_workload(MLFLOW, **HOME, spec={"replicas": -1}), "violated", ["spec.replicas"]),
        (_workload(MLFLOW, **HOME, spec={"replicas": "1"}), "violated", ["spec.replicas"]),
        (_workload(MLFLOW, **HOME, spec={"replicas": True}), "violated", ["spec.replicas"]),
        (_workload(MLFLOW, **HOME, spec={"replicas": 0.5}), "violated", ["spec.replicas"]),
        (_workload(MLFLOW, **HOME, namespace=None), "not judged", []),
        (_workload(MLFLOW, **HOME, namespace=None, spec={"replicas": 2}), "violated", ["spec.replicas"]),
        (_workload(MLFLOW, name="copy", namespace=None), "violated", [f"{POD_SPEC}.containers[0]"]),
        (_workload(MLFLOW, name=None, generateName="mlflow"), "violated", [f"{POD_SPEC}.containers[0]"]),
        (_workload(MLFLOW, **HOME, namespace="kube-system"), "violated", [f"{POD_SPEC}.containers[0]"]),
        (_workload(MLFLOW, **HOME, kind="apps/v1 StatefulSet"), "violated", [f"{POD_SPEC}.containers[0]"]),
        (_workload(MLFLOW, **HOME, kind="example.com/v1 Deployment"), "violated", [f"{POD_SPEC}.containers[0]"]),
        (_workload(MLFLOW, **HOME, kind="v1 Pod"), "violated", ["spec.containers[0]"]),
        (_workload(OTHER, pod={"initContainers": [MLFLOW]}), "not matched", []),
        (
            _workload(OTHER, pod={"initContainers": [{**MLFLOW, "restartPolicy": "Always"}]}),
            "violated",
            [f"{POD_SPEC}.initContainers[0]"],
        ),
        (_workload(OTHER), "not matched", []),
        (_workload(RUNNER), "not matched", []),
        (_workload({"image": "free"}, name="free", spec={"replicas": "many"}), "passed", []),
        (_workload({"image": "free"}, {"image": "mlflow"}, name="free"), "violated", [f"{POD_SPEC}.containers[1]"]),
    ],
)
def test_where_a_service_with_a_home_may_be(obj: Any, status: str, paths: list[str]) -> None:
    assert _status("singleton-service", obj) == status
    assert _paths("singleton-service", obj) == paths


def test_a_cron_job_is_bounded_by_its_parallelism() -> None:
    obj = _workload({"image": "batch:1"}, kind="batch/v1 CronJob", namespace="data", name="batch")
    assert _status("singleton-service", obj) == "passed"
    obj["spec"]["jobTemplate"]["spec"]["parallelism"] = 3
    assert _texts("singleton-service", obj) == [
        ("batch asks for 3 replicas; its maximum is 2", "set spec.jobTemplate.spec.parallelism to 2 or less")
    ]


def test_two_services_at_one_place_are_one_finding_of_the_first() -> None:
    both = {"image": "mlflow:v1"}
    obj = _workload(both, name="y", labels={"app.kubernetes.io/component": "web"})
    found = [f for f in _judge(obj).findings if f.rule == "singleton-service"]
    assert [(f.path, f.service) for f in found] == [(f"{POD_SPEC}.containers[0]", "mlflow")]


def _autoscaler(maximum: Any, kind: str = "StatefulSet", name: Any = "web", namespace: str = "prod") -> dict[str, Any]:
    spec = {"scaleTargetRef": {"kind": kind, "name": name}, "maxReplicas": maximum}
    metadata = {"name": "h", **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("obj", "status"),
    [
        (_autoscaler(3), "passed"),
        (_autoscaler(4), "violated"),
        (_autoscaler(None), "violated"),
        (_autoscaler("3"), "violated"),
        (_autoscaler(-1), "violated"),
        (_autoscaler(3, namespace=""), "passed"),
        (_autoscaler(4, namespace=""), "violated"),
        (_autoscaler(4, namespace="data"), "not matched"),
        (_autoscaler(4, kind="Deployment"), "not matched"),
        (_autoscaler(4, name=["web"]), "not matched"),
        (_autoscaler(4, kind="Deployment", name="free"), "passed"),
    ],
)
def test_an_autoscaler_stays_within_the_maximum(obj: Any, status: str) -> None:
    assert _status("singleton-service", obj) == status
    assert _paths("singleton-service", obj) == (["spec.maxReplicas"] if status == "violated" else [])


def test_an_autoscaler_without_a_maximum_says_null() -> None:
    assert _texts("singleton-service", _autoscaler(None)) == [
        ("web asks for null replicas; its maximum is 3", "set spec.maxReplicas to 3 or less")
    ]


# --- deprecated-chart

CHART_LABEL = {"helm.sh/chart": "old-stack-0.1.0"}


def _kind(kind: str, spec: Any, **metadata: Any) -> dict[str, Any]:
    api_version, kind_ = kind.split()
    return {"apiVersion": api_version, "kind": kind_, "metadata": {"name": "a", **metadata}, "spec": spec}


def _chart(name: str, *dependencies: Any) -> dict[str, Any]:
    return {"apiVersion": "v2", "name": name, "version": "1.0.0", "dependencies": list(dependencies)}


LABEL_PATH = 'metadata.labels["helm.sh/chart"]'
ARGO = "argoproj.io/v1alpha1"


@pytest.mark.parametrize(
    ("obj", "paths"),
    [
        (_kind("v1 Service", {}, labels=CHART_LABEL), [LABEL_PATH]),
        (_kind("v1 Service", {}, labels=CHART_LABEL, namespace="kube-system"), [LABEL_PATH]),
        (_kind("v1 Service", {}, labels={"helm.sh/chart": "new-0.1.0"}), []),
        (_chart("old-stack"), ["name"]),
        (_chart("x", {"name": "y"}, 5, {"name": "old-stack", "alias": "z"}), ["dependencies[2].name"]),
        (_kind(f"{ARGO} Application", {"source": {"chart": "old-stack"}}), ["spec.source.chart"]),
        (
            _kind(
                f"{ARGO} Application",
                {"source": {"path": "charts/old-stack/"}, "sources": [{}, {"chart": "old-stack"}]},
            ),
            ["spec.source.path", "spec.sources[1].chart"],
        ),
        (
            _kind(f"{ARGO} ApplicationSet", {"template": {"spec": {"source": {"path": "old-stack"}}}}),
            ["spec.template.spec.source.path"],
        ),
        (
            _kind("helm.toolkit.fluxcd.io/v2 HelmRelease", {"chart": {"spec": {"chart": "./charts/old-stack"}}}),
            ["spec.chart.spec.chart"],
        ),
        (_kind("source.toolkit.fluxcd.io/v1 HelmChart", {"chart": "old-stack"}), ["spec.chart"]),
        (_kind("source.toolkit.fluxcd.io/v1 OCIRepository", {"url": "oci://x/old-stack:0.1.0"}), ["spec.url"]),
        (_kind("helm.cattle.io/v1 HelmChart", {"chart": "https://x/old-stack-0.1.0.tgz"}), ["spec.chart"]),
        (_kind("helm.cattle.io/v1 HelmChart", {"chart": "traefik"}), []),
        (_kind("helm.cattle.io/v1 HelmChart", None), []),
        (_kind("thunderguard.dev/v1alpha1 Release", {"chart": {"name": "old-stack"}}), ["spec.chart.name"]),
        (
            _kind("thunderguard.dev/v1alpha1 Release", {"chart": {"name": "old-stack"}, "status": "failed"}),
            ["spec.chart.name"],
        ),
    ],
)
def test_where_a_deprecated_chart_is_found(obj: Any, paths: list[str]) -> None:
    assert _paths("deprecated-chart", obj) == paths
    assert _status("deprecated-chart", obj) == ("violated" if paths else "passed")


@pytest.mark.parametrize(
    "obj",
    [
        _kind("v1 Service", {}),
        _kind("v1 Service", {}, labels={"helm.sh/chart": ["old-stack"]}),
        _kind("thunderguard.dev/v1alpha1 Release", {"chart": {"name": "old-stack"}, "status": "uninstalled"}),
        _kind("x/v1 HelmChart", {"chart": "old-stack"}),
        _kind("x/v1 Y", {"template": {"metadata": {"labels": CHART_LABEL}}}),
    ],
)
def test_what_names_no_chart_is_not_matched(obj: Any) -> None:
    assert _status("deprecated-chart", obj) == "not matched"


def test_the_label_of_the_template_counts_only_when_the_object_has_none() -> None:
    obj = _workload(OTHER)
    obj["spec"]["template"]["metadata"] = {"labels": CHART_LABEL}
    assert _paths("deprecated-chart", obj) == ['spec.template.metadata.labels["helm.sh/chart"]']
    obj["metadata"]["labels"] = {"helm.sh/chart": "other-1.0.0"}
    assert _paths("deprecated-chart", obj) == ['spec.template.metadata.labels["helm.sh/chart"]']
    obj["metadata"]["labels"] = CHART_LABEL
    assert _paths("deprecated-chart", obj) == [LABEL_PATH]


def test_the_command_against_a_chart_is_the_most_exact_one_known() -> None:
    release = _kind("thunderguard.dev/v1alpha1 Release", {"chart": {"name": "old-stack"}}, namespace="dev")
    helm = {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "rel"}
    service = _kind("v1 Service", {}, labels={**CHART_LABEL, **helm}, namespace="prod")
    texts = [_texts("deprecated-chart", obj) for obj in (release, service, _chart("old-stack"))]
    assert texts == [
        [("dev/Release/a comes from the deprecated chart old-stack: absorbed", "helm uninstall a -n dev")],
        [("prod/Service/a comes from the deprecated chart old-stack: absorbed", "helm uninstall rel -n prod")],
        [("Chart/old-stack comes from the deprecated chart old-stack: absorbed", "drop old-stack")],
    ]


# --- deprecated-service


def test_a_deprecated_service_is_found_wherever_it_runs() -> None:
    automat = {"name": "a", "image": "x/automat:1", "resources": FULL}
    obj = _workload(OTHER, automat, automat, namespace="kube-system")
    assert _paths("deprecated-service", obj) == [f"{POD_SPEC}.containers[1]"]
    [finding] = [f for f in _judge(obj).findings if f.rule == "deprecated-service"]
    assert (finding.service, finding.remedy) == ("automat", "drop automat")
    helm = {"meta.helm.sh/release-name": "rel", "meta.helm.sh/release-namespace": "ops"}
    obj["metadata"]["annotations"] = helm
    assert _texts("deprecated-service", obj)[0][1] == "helm uninstall rel -n ops"
    assert _status("deprecated-service", _workload(OTHER)) == "passed"
    assert _status("deprecated-service", _kind("v1 Service", {})) == "not matched"


# --- namespace-boundary


@pytest.mark.parametrize(
    ("obj", "status"),
    [
        (_kind("v1 Service", {}, namespace="prod"), "passed"),
        (_kind("v1 Service", {}, namespace="dev"), "violated"),
        (_kind("v1 Service", {}, namespace="kube-system"), "not matched"),
        (_kind("v1 Service", {}), "not judged"),
        (_kind("v1 Service", {}, namespace=""), "not judged"),
        (_kind("v1 Service", {}, namespace=5), "not judged"),
        (_kind("v1 Node", {}), "not matched"),
        (_kind("example.com/v1 Thing", {}), "not matched"),
        (_kind("example.com/v1 Thing", {}, namespace="dev"), "violated"),
        (_kind("rbac.authorization.k8s.io/v1 ClusterRole", {}), "not matched"),
        (_kind("v1 Namespace", {}), "violated"),
        (_kind("thunderguard.dev/v1alpha1 Release", {}, namespace="dev"), "not matched"),
        (_kind("metrics.k8s.io/v1beta1 PodMetrics", {}, namespace="dev"), "not matched"),
        (_kind("v1 Event", {}, namespace="dev"), "not matched"),
        (_kind("events.k8s.io/v1 Event", {}, namespace="dev"), "not matched"),
        (_kind("coordination.k8s.io/v1 Lease", {}, namespace="dev"), "not matched"),
        (_kind("discovery.k8s.io/v1 EndpointSlice", {}, namespace="dev"), "not matched"),
        (_kind("v1 Endpoints", {}, namespace="dev"), "not matched"),
        (_kind("apps/v1 ControllerRevision", {}, namespace="dev"), "not matched"),
        (_kind("example.com/v1 Lease", {}, namespace="dev"), "violated"),
        ({**_kind("v1 Secret", {}, namespace="dev"), "type": "helm.sh/release.v1"}, "not matched"),
        ({**_kind("v1 Secret", {}, namespace="dev"), "type": "Opaque"}, "violated"),
        (_kind("v1 ServiceAccount", {}, name="default", namespace="dev"), "not matched"),
        (_kind("v1 ServiceAccount", {}, name="other", namespace="dev"), "violated"),
        (_kind("v1 ConfigMap", {}, name="kube-root-ca.crt", namespace="dev"), "not matched"),
        (_kind("v1 Service", {}, name="kubernetes", namespace="default"), "not matched"),
        (_kind("v1 Service", {}, name="kubernetes", namespace="dev"), "violated"),
        (_workload(OTHER, namespace=None), "not judged"),
        (_workload(OTHER, namespace=None, kind="argoproj.io/v1 Rollout"), "not judged"),
        (_chart("x"), "not matched"),
        ({}, "not matched"),
    ],
)
def test_what_stands_inside_the_boundary(obj: Any, status: str) -> None:
    assert _status("namespace-boundary", obj) == status
    if status == "violated":
        path = "metadata.name" if obj["kind"] == "Namespace" else "metadata.namespace"
        assert _paths("namespace-boundary", obj) == [path]


@pytest.mark.parametrize(
    ("name", "status"),
    [("prod", "passed"), ("kube-system", "not matched"), ("default", "not matched"), ("dev", "violated")],
)
def test_a_namespace_is_one_of_the_estate(name: str, status: str) -> None:
    assert _status("namespace-boundary", _kind("v1 Namespace", {}, name=name)) == status


def test_the_boundary_names_what_is_allowed() -> None:
    assert _texts("namespace-boundary", _kind("v1 Service", {}, namespace="dev")) == [
        (
            "Service a is in namespace dev; allowed: data, prod",
            "kubectl delete service a -n dev, or deploy it to data, prod",
        )
    ]
    assert _texts("namespace-boundary", _kind("v1 Namespace", {}, name="dev")) == [
        (
            "namespace dev is not part of the estate; allowed: data, prod",
            "kubectl delete namespace dev, once nothing in it is needed",
        )
    ]


# --- resource-limits

AT = f"{POD_SPEC}.containers[0].resources"
POD_AT = f"{POD_SPEC}.resources"


def _limited(resources: Any, pod: Any = None, image: str = "busybox:1.36") -> dict[str, Any]:
    more = {} if pod is None else {"resources": pod}
    return _workload({"name": "c", "image": image, "resources": resources}, name="q", pod=more)


def _without(path: str, resources: dict[str, Any] = FULL) -> dict[str, Any]:
    half, name = path.split(".")
    return {**resources, half: {key: value for key, value in resources[half].items() if key != name}}


@pytest.mark.parametrize(
    ("obj", "paths"),
    [
        (_limited(FULL), []),
        (_limited({"limits": FULL["limits"]}), []),
        (_limited({"requests": FULL["requests"]}), [AT]),
        (_limited(_without("requests.cpu")), []),
        (_limited(_without("limits.cpu")), [AT]),
        (_limited({"requests": {**FULL["requests"], "cpu": None}, "limits": FULL["limits"]}), []),
        (_limited(None), [AT]),
        (_limited({}), [AT]),
        (_limited("big"), [AT]),
        (_limited({"limits": "big"}), [AT]),
        (_limited(None, FULL), []),
        (_limited(None, {"limits": FULL["limits"]}), []),
        (_limited(None, {"requests": FULL["requests"]}), [AT]),
        (_limited({"limits": {**FULL["limits"], "cpu": "0"}}), [f"{AT}.limits.cpu"]),
        (_limited({"limits": {**FULL["limits"], "cpu": 0}}), [f"{AT}.limits.cpu"]),
        (_limited({"limits": {**FULL["limits"], "cpu": "lots"}}), [f"{AT}.limits.cpu"]),
        (_limited({"limits": {**FULL["limits"], "cpu": "-1"}}), [f"{AT}.limits.cpu"]),
        (_limited({"limits": {**FULL["limits"], "cpu": {}}}), [f"{AT}.limits.cpu"]),
        (_limited({"limits": {**FULL["limits"], "cpu": ""}}), [f"{AT}.limits.cpu"]),
        (
            _limited(FULL, {"limits": {"cpu": "0", "memory": "x", "disk": "x"}}),
            [f"{POD_AT}.limits.cpu", f"{POD_AT}.limits.memory"],
        ),
        (_limited({"limits": {"cpu": "0"}}), [AT, f"{AT}.limits.cpu"]),
    ],
)
def test_what_a_container_must_bound(obj: Any, paths: list[str]) -> None:
    assert _paths("resource-limits", obj) == paths
    assert _status("resource-limits", obj) == ("violated" if paths else "passed")


@pytest.mark.parametrize(
    ("pod", "paths"),
    [
        ({"containers": None}, [f"{POD_SPEC}.containers"]),
        ({"containers": []}, [f"{POD_SPEC}.containers"]),
        ({"containers": {}}, [f"{POD_SPEC}.containers"]),
        ({"containers": "x"}, [f"{POD_SPEC}.containers"]),
        ({"containers": [None, OTHER, 5]}, [f"{POD_SPEC}.containers[0]", f"{POD_SPEC}.containers[2]"]),
        ({"initContainers": None}, []),
        ({"initContainers": []}, []),
        ({"initContainers": {}}, [f"{POD_SPEC}.initContainers"]),
        ({"initContainers": [5]}, [f"{POD_SPEC}.initContainers[0]"]),
        ({"initContainers": [{"name": "i"}]}, [f"{POD_SPEC}.initContainers[0].resources"]),
        ({"ephemeralContainers": [{"name": "e"}]}, []),
    ],
)
def test_a_list_of_containers_is_a_list_of_containers(pod: Any, paths: list[str]) -> None:
    assert _paths("resource-limits", _workload(OTHER, pod=pod)) == paths


def test_a_list_that_is_none_is_named() -> None:
    assert _texts("resource-limits", _workload()) == [
        (
            f"{POD_SPEC}.containers holds no list of containers, so nothing in it is bounded",
            f"write {POD_SPEC}.containers as a list of containers",
        )
    ]


@pytest.mark.parametrize(
    ("obj", "path"),
    [
        ({"apiVersion": "apps/v1", "kind": "Deployment"}, f"{POD_SPEC}.containers"),
        ({"apiVersion": "apps/v1", "kind": "Deployment", "spec": 5}, f"{POD_SPEC}.containers"),
        ({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": []}}, f"{POD_SPEC}.containers"),
        ({"apiVersion": "v1", "kind": "Pod", "spec": None}, "spec.containers"),
        ({"apiVersion": "batch/v1", "kind": "CronJob"}, "spec.jobTemplate.spec.template.spec.containers"),
    ],
)
def test_a_workload_without_a_pod_spec_bounds_nothing(obj: Any, path: str) -> None:
    assert _paths("resource-limits", obj) == [path]


def _runner(resources: Any, pod: Any = None, *, twice: bool = False) -> dict[str, Any]:
    container = {"name": "r", "image": "runner:1", "resources": resources}
    more = {} if pod is None else {"resources": pod}
    return _workload(*[container] * (2 if twice else 1), kind="batch/v1 Job", pod=more)


@pytest.mark.parametrize(
    ("obj", "paths"),
    [
        (_runner({"limits": {"cpu": "2", "memory": "4Gi"}}), []),
        (_runner({"limits": {"cpu": "2001m", "memory": "4Gi"}}), [f"{AT}.limits.cpu"]),
        (_runner({"limits": {"cpu": 2.001, "memory": "4.1Gi"}}), [f"{AT}.limits.cpu", f"{AT}.limits.memory"]),
        (_runner({"limits": FULL["limits"], "requests": {"cpu": "3", "memory": "1"}}), [f"{AT}.requests.cpu"]),
        (_runner(None, {"limits": {"cpu": "3", "memory": "1Gi"}}), [f"{POD_AT}.limits.cpu"]),
        (_runner(None, {"limits": {"cpu": "3", "memory": "1Gi"}}, twice=True), [f"{POD_AT}.limits.cpu"]),
        (_runner(FULL, {"limits": {"cpu": "3", "memory": "1Gi"}}), []),
        (_runner(None, {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "3"}}), []),
    ],
)
def test_a_service_stays_under_its_ceiling(obj: Any, paths: list[str]) -> None:
    assert _paths("resource-limits", obj) == paths


def test_resource_limits_says_what_and_where() -> None:
    obj = _workload(
        {"image": "runner:1", "resources": {"limits": {"cpu": "3", "memory": "0"}, "requests": {"cpu": [1]}}},
        {"image": "busybox:1"},
        kind="v1 Pod",
    )
    found = [(f.path, f.service, f.message, f.remedy) for f in _judge(obj).findings if f.rule == "resource-limits"]
    here = "spec.containers[0].resources"
    everything = "limits.cpu, limits.memory, requests.cpu, requests.memory"
    assert found == [
        (
            f"{here}.limits.cpu",
            "runner",
            f"{here}.limits.cpu is 3, above the ceiling of runner, 2000m",
            f"set {here}.limits.cpu to 2000m or less",
        ),
        (
            f"{here}.limits.memory",
            None,
            f"{here}.limits.memory is 0, which is no bound at all",
            f"give {here}.limits.memory a value above zero",
        ),
        (
            f"{here}.requests.cpu",
            None,
            f"{here}.requests.cpu is an array, which is not a Kubernetes quantity",
            f"write {here}.requests.cpu as a quantity, such as 500m or 2Gi",
        ),
        (
            "spec.containers[1].resources",
            None,
            f"container 1 sets no {everything}",
            f"set {everything} in the resources of container 1",
        ),
    ]


# --- job-only-service


@pytest.mark.parametrize(
    ("obj", "paths"),
    [
        (_workload(RUNNER), [f"{POD_SPEC}.containers[0]"]),
        (_workload(OTHER, RUNNER), [f"{POD_SPEC}.containers[1]"]),
        (_workload(RUNNER, kind="batch/v1 Job"), []),
        (_workload(RUNNER, kind="batch/v1 CronJob"), []),
        (_workload(MLFLOW, RUNNER), []),
        (_workload(RUNNER, labels={"app.kubernetes.io/component": "web"}), [f"{POD_SPEC}.containers[0]"]),
        (_workload(RUNNER, OTHER, labels={"app.kubernetes.io/component": "web"}), [f"{POD_SPEC}.containers[0]"]),
        (
            _workload(OTHER, pod={"initContainers": [{**RUNNER, "restartPolicy": "Always"}]}),
            [f"{POD_SPEC}.initContainers[0]"],
        ),
        (_workload(MLFLOW, pod={"initContainers": [{**RUNNER, "restartPolicy": "Always"}]}), []),
        (_workload(RUNNER, pod={"initContainers": [MLFLOW]}), [f"{POD_SPEC}.containers[0]"]),
        (_workload(RUNNER, kind="argoproj.io/v1 Rollout"), [f"{POD_SPEC}.containers[0]"]),
    ],
)
def test_how_a_service_may_run(obj: Any, paths: list[str]) -> None:
    assert _paths("job-only-service", obj) == paths
    assert _status("job-only-service", obj) == ("violated" if paths else "passed")


def test_how_a_service_may_run_is_said() -> None:
    assert _texts("job-only-service", _workload(RUNNER)) == [
        (
            "runner runs as Deployment; it may run as CronJob, Job, Sidecar",
            "run runner as CronJob, Job, Sidecar; kubectl delete deployment x -n prod",
        )
    ]


@pytest.mark.parametrize("obj", [_workload(MLFLOW), _workload(OTHER), _workload(RUNNER, namespace="kube-system")])
def test_a_service_that_names_no_kinds_may_run_as_any(obj: Any) -> None:
    assert _status("job-only-service", obj) == "not matched"


# --- image-reference


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("busybox:1.36", None),
        ("busybox@sha256:ab", None),
        ("busybox:latest@sha256:ab", None),
        ("busybox", "image busybox of container c has neither tag nor digest"),
        ("host:5000/busybox", "image host:5000/busybox of container c has neither tag nor digest"),
        ("busybox:", "image busybox: of container c has neither tag nor digest"),
        ("busybox:latest", "image busybox:latest of container c has the moving tag latest"),
        ("", "container c names no image"),
        (None, "container c names no image"),
        (5, "container c names no image"),
        ("ghcr.io/mlflow/mlflow:v1", None),
        ("docker.io/ghcr.io/mlflow/mlflow:v1", None),
        ("x/mlflow:v1", "image x/mlflow:v1 of mlflow is not from ghcr.io/mlflow/mlflow"),
        ("ghcr.io/mlflow/mlflow:1", "tag 1 of mlflow does not match ^v[0-9]+"),
        ("ghcr.io/mlflow/mlflow@sha256:ab", None),
        ("x/mlflow:main", "image x/mlflow:main of container c has the moving tag main"),
    ],
)
def test_what_an_image_may_be(image: Any, message: str | None) -> None:
    obj = _workload({"name": "c", "image": image, "resources": FULL}, namespace="prod", name="mlflow")
    assert [text for text, _ in _texts("image-reference", obj)] == ([message] if message else [])
    assert _paths("image-reference", obj) == ([f"{POD_SPEC}.containers[0].image"] if message else [])


def test_the_remedy_for_an_image_names_its_repository() -> None:
    assert _texts("image-reference", _workload({"name": "c", "image": "a.io/b:main"}))[0][1] == (
        f"name a version in {POD_SPEC}.containers[0].image, such as a.io/b:1.2.3"
    )


def test_containers_of_every_role_have_an_image() -> None:
    bad = {"name": "b", "image": "b"}
    pod = {"initContainers": [bad, {**bad, "restartPolicy": "Always"}], "ephemeralContainers": [bad, 5]}
    assert _paths("image-reference", _workload(bad, None, pod=pod)) == [
        f"{POD_SPEC}.containers[0].image",
        f"{POD_SPEC}.ephemeralContainers[0].image",
        f"{POD_SPEC}.initContainers[0].image",
        f"{POD_SPEC}.initContainers[1].image",
    ]
    assert _status("image-reference", _workload(bad, namespace="kube-system")) == "not matched"


# --- health-probes


def test_a_service_that_declares_probes_has_them() -> None:
    bare = {**MLFLOW, "readinessProbe": None, "livenessProbe": [1]}
    assert _status("health-probes", _workload(MLFLOW, **HOME)) == "passed"
    assert _paths("health-probes", _workload(bare, **HOME)) == [
        f"{POD_SPEC}.containers[0].livenessProbe",
        f"{POD_SPEC}.containers[0].readinessProbe",
    ]
    assert _paths("health-probes", _workload(bare, MLFLOW, **HOME)) == []
    assert _paths("health-probes", _workload({"image": "w:1"}, name="web")) == [
        f"{POD_SPEC}.containers[0].readinessProbe"
    ]
    assert _texts("health-probes", _workload({"image": "w:1"}, name="web")) == [
        (
            "container 0 of web has no readinessProbe",
            f"add {POD_SPEC}.containers[0].readinessProbe to container 0",
        )
    ]


@pytest.mark.parametrize(
    "obj",
    [
        _workload({"image": "mlflow:v1"}, kind="batch/v1 Job"),
        _workload({"image": "mlflow:v1"}, kind="batch/v1 CronJob"),
        _workload({"image": "mlflow:v1"}, namespace="kube-system"),
        _workload(RUNNER),
        _workload(OTHER),
        _kind("v1 Service", {}, name="web"),
    ],
)
def test_what_is_not_asked_for_its_health(obj: Any) -> None:
    assert _status("health-probes", obj) == "not matched"


# --- outcomes


def test_a_good_workload_passes_every_rule_that_speaks_about_it() -> None:
    outcome = _judge(_workload(MLFLOW, **HOME))
    assert outcome.kind is OutcomeKind.PASS
    assert {rule: str(status) for rule, status in outcome.statuses.items()} == {
        "deprecated-chart": "not matched",
        "deprecated-service": "passed",
        "health-probes": "passed",
        "image-reference": "passed",
        "job-only-service": "not matched",
        "namespace-boundary": "passed",
        "resource-limits": "passed",
        "singleton-service": "passed",
    }


@pytest.mark.parametrize("obj", [{}, [], None, 5, "x", {"kind": "Node", "apiVersion": "v1"}])
def test_what_no_rule_speaks_about_is_not_a_pass(obj: Any) -> None:
    outcome = _judge(obj)
    assert outcome.kind is OutcomeKind.NOT_MATCHED
    assert {str(status) for status in outcome.statuses.values()} == {"not matched"}
