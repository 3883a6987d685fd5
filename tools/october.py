"""Builds the snapshot of the October estate, ``examples/thunderline/2025-10-08.jsonl``.

    python tools/october.py --write      write the snapshot
    python tools/october.py --check      exit 1 when the file differs from what this builder makes

The audit of October 8, 2025 names releases, namespaces, workloads, some pods and their states. Everything else
in the snapshot is rebuilt here from the shape of the charts involved. Each object says which of the two it is in
the annotation ``thunderguard.dev/provenance``: ``audit`` when its existence and its name stand in the audit,
``inferred`` otherwise. An inferred fact is kept plain: no digest, node address or restart count stands here as
if somebody had measured it.

The output is a pure function of this file: no clock, no randomness. Uids, hashes and addresses are derived from
the names of the objects.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from generated import run
from thunderguard.model import JsonObject
from thunderguard.snapshot import write_snapshot

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "examples" / "thunderline" / "2025-10-08.jsonl"
CAPTURED = "2025-10-08T12:00:00Z"
MASK = "***"
PROVENANCE = "thunderguard.dev/provenance"
# The alphabet of generated names: k8s.io/apimachinery/pkg/util/rand leaves out vowels and look-alikes.
SAFE = "bcdfghjklmnpqrstvwxz2456789"

# The days are the audit's ("INSTALLED"); the times of day are inferred.
K3S_DAY = "2025-09-14T09:00:00Z"
STACK_DAY = "2025-09-16T09:00:00Z"
THUNDER_DAY = "2025-10-01T09:00:00Z"
THUNDERLINE_DAY = "2025-10-04T09:00:00Z"


class Provenance(StrEnum):
    """Where an object comes from."""

    AUDIT = "audit"
    INFERRED = "inferred"


class State(StrEnum):
    """What the container of a pod was doing."""

    RUNNING = "Running"
    CRASHING = "CrashLoopBackOff"
    UNPULLED = "ImagePullBackOff"


@dataclass(frozen=True, slots=True)
class PodPlan:
    """One pod: its ``state``, and its ``name`` when the audit gives it in full."""

    state: State
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Helm:
    """The release that brought an object, and how its chart labels things."""

    release: str
    namespace: str
    chart: str
    version: str
    app_version: str
    created: str

    def labels(self, component: str) -> JsonObject:
        """Give the labels of a top-level object; ``app.kubernetes.io/name`` is the chart's name, not the service's."""
        return {
            **self.selector(component),
            "app.kubernetes.io/managed-by": "Helm",
            "app.kubernetes.io/version": self.app_version,
            "helm.sh/chart": f"{self.chart}-{self.version}",
        }

    def selector(self, component: str) -> JsonObject:
        """Give the labels of a pod template: no chart label there."""
        return {
            "app.kubernetes.io/component": component,
            "app.kubernetes.io/instance": self.release,
            "app.kubernetes.io/name": self.chart,
        }

    def annotations(self) -> JsonObject:
        """Give the annotations by which Helm marks what it owns."""
        return {"meta.helm.sh/release-name": self.release, "meta.helm.sh/release-namespace": self.namespace}


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment with its ReplicaSet and pods."""

    namespace: str
    name: str
    created: str
    container: JsonObject
    labels: JsonObject
    selector: JsonObject
    replicas: int
    pods: Sequence[PodPlan] = ()
    annotations: JsonObject = field(default_factory=dict)
    provenance: Provenance = Provenance.AUDIT
    volumes: Sequence[JsonObject] = ()
    service_account: str | None = None


STACK = Helm("thunder", "cerebros", "thunder-stack", "0.1.0", "0.1.0", STACK_DAY)
THUNDER = Helm("thunderline", "thunder", "thunderhelm", "0.2.0", "2.1.0", THUNDER_DAY)
THUNDERLINE = Helm("thunderline", "thunderline", "thunderhelm", "0.2.0", "2.1.0", THUNDERLINE_DAY)
TRAEFIK = Helm("traefik", "kube-system", "traefik", "34.2.1", "v3.3.2", K3S_DAY)


# ---------------------------------------------------------------------------------------------- derived values


def digest(*parts: str) -> bytes:
    """Give bytes that depend on ``parts`` only."""
    return hashlib.sha256("\x00".join(parts).encode()).digest()


def uid(kind: str, namespace: str, name: str) -> str:
    """Give the uid of an object: in the form of a random one, derived from its address."""
    return str(uuid.UUID(bytes=digest("uid", kind, namespace, name)[:16], version=4))


def safe_text(length: int, *parts: str) -> str:
    """Give ``length`` characters of the alphabet that Kubernetes generates names from."""
    return "".join(SAFE[byte % len(SAFE)] for byte in digest("name", *parts)[:length])


def address(network: str, *parts: str) -> str:
    """Give an address in ``network`` (two octets), derived from ``parts``."""
    octets = digest("address", *parts)
    return f"{network}.{octets[0]}.{octets[1] % 253 + 1}"


# ---------------------------------------------------------------------------------------------- parts of objects


def metadata(
    kind: str,
    namespace: str,
    name: str,
    created: str,
    provenance: Provenance,
    *,
    labels: JsonObject | None = None,
    annotations: JsonObject | None = None,
    owner: JsonObject | None = None,
) -> JsonObject:
    """Give the metadata of an object; ``owner`` is the whole object that controls it."""
    meta: JsonObject = {
        "name": name,
        "uid": uid(kind, namespace, name),
        "creationTimestamp": created,
        "annotations": {**(annotations or {}), PROVENANCE: provenance.value},
    }
    if namespace:
        meta["namespace"] = namespace
    if labels:
        meta["labels"] = labels
    if owner is not None:
        meta["ownerReferences"] = [
            {
                "apiVersion": owner["apiVersion"],
                "kind": owner["kind"],
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]
    return meta


def container(
    name: str,
    image: str,
    *,
    command: Sequence[str] = (),
    args: Sequence[str] = (),
    ports: Sequence[tuple[str, int]] = (),
    env: Sequence[str] = (),
    mounts: Sequence[tuple[str, str]] = (),
    resources: JsonObject | None = None,
    **probes: JsonObject,
) -> JsonObject:
    """Give a container with the fields the API server fills in; values of ``env`` are masked."""
    out: JsonObject = {
        "name": name,
        "image": image,
        "imagePullPolicy": "Always" if image.endswith(":latest") else "IfNotPresent",
        "resources": resources or {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }
    if command:
        out["command"] = list(command)
    if args:
        out["args"] = list(args)
    if ports:
        out["ports"] = [{"name": n, "containerPort": p, "protocol": "TCP"} for n, p in ports]
    if env:
        out["env"] = [{"name": n, "value": MASK} for n in env]
    if mounts:
        out["volumeMounts"] = [{"name": n, "mountPath": p} for n, p in mounts]
    for key, probe in probes.items():
        out[key] = {"failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1, **probe}
    return out


def http_probe(path: str, port: str | int) -> JsonObject:
    """Give the handler of an HTTP probe."""
    return {"httpGet": {"path": path, "port": port, "scheme": "HTTP"}}


def exec_probe(*command: str) -> JsonObject:
    """Give the handler of a probe that runs a command in the container."""
    return {"exec": {"command": list(command)}}


def pod_spec(workload: Workload) -> JsonObject:
    """Give the pod spec of a workload with the API server's defaults."""
    spec: JsonObject = {
        "containers": [workload.container],
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }
    if workload.volumes:
        spec["volumes"] = list(workload.volumes)
    if workload.service_account:
        spec["serviceAccountName"] = spec["serviceAccount"] = workload.service_account
    return spec


def condition(kind: str, ok: bool, at: str, reason: str = "", message: str = "") -> JsonObject:
    """Give one condition of a status."""
    out: JsonObject = {"type": kind, "status": "True" if ok else "False", "lastTransitionTime": at}
    if reason:
        out["reason"] = reason
    if message:
        out["message"] = message
    return out


def pod_status(workload: Workload, plan: PodPlan, name: str) -> JsonObject:
    """Give the status of a pod in the state of ``plan``."""
    cname, image = workload.container["name"], workload.container["image"]
    up = plan.state is State.RUNNING
    status: JsonObject = {"name": cname, "image": image, "imageID": "", "ready": up, "started": up, "restartCount": 0}
    if plan.state is State.RUNNING:
        status["state"] = {"running": {"startedAt": workload.created}}
    elif plan.state is State.CRASHING:
        # One restart is what the state itself proves; the audit gives no count.
        status["restartCount"] = 1
        message = f"back-off restarting failed container={cname} pod={name}_{workload.namespace}"
        status["state"] = {"waiting": {"reason": plan.state.value, "message": message}}
        status["lastState"] = {"terminated": {"exitCode": 1, "reason": "Error"}}
    else:
        message = f'Back-off pulling image "{image}"'
        status["state"] = {"waiting": {"reason": plan.state.value, "message": message}}
    unready = ("ContainersNotReady", f"containers with unready status: [{cname}]") if not up else ("", "")
    return {
        "phase": "Pending" if plan.state is State.UNPULLED else "Running",
        "qosClass": "Burstable" if workload.container["resources"] else "BestEffort",
        "startTime": workload.created,
        "podIP": address("10.42", workload.namespace, name),
        "podIPs": [{"ip": address("10.42", workload.namespace, name)}],
        "conditions": [
            condition("PodScheduled", True, workload.created),
            condition("Initialized", True, workload.created),
            condition("ContainersReady", up, workload.created, *unready),
            condition("Ready", up, workload.created, *unready),
        ],
        "containerStatuses": [status],
    }


# ---------------------------------------------------------------------------------------------- whole objects


def namespace(name: str, created: str, provenance: Provenance) -> JsonObject:
    """Give a Namespace."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": metadata("Namespace", "", name, created, provenance, labels={"kubernetes.io/metadata.name": name}),
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def release(helm: Helm) -> JsonObject:
    """Give the record that stands for the Secret of a Helm release."""
    meta = {"name": helm.release, "namespace": helm.namespace, "annotations": {PROVENANCE: Provenance.AUDIT.value}}
    return {
        "apiVersion": "thunderguard.dev/v1alpha1",
        "kind": "Release",
        "metadata": meta,
        "spec": {
            "chart": {"name": helm.chart, "version": helm.version},
            "revision": 1,
            "status": "deployed",
            "firstDeployed": helm.created,
            "lastDeployed": helm.created,
        },
    }


def deployment(workload: Workload) -> JsonObject:
    """Give the Deployment of a workload."""
    ready = sum(plan.state is State.RUNNING for plan in workload.pods)
    status: JsonObject = {
        "observedGeneration": 1,
        "conditions": [
            condition(
                "Available",
                ready >= workload.replicas,
                workload.created,
                *(
                    ("MinimumReplicasAvailable", "Deployment has minimum availability.")
                    if ready >= workload.replicas
                    else ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
                ),
            )
        ],
    }
    if workload.replicas:
        status |= {"replicas": workload.replicas, "updatedReplicas": workload.replicas}
    if ready:
        status |= {"readyReplicas": ready, "availableReplicas": ready}
    if workload.replicas > ready:
        status["unavailableReplicas"] = workload.replicas - ready
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            **metadata(
                "Deployment",
                workload.namespace,
                workload.name,
                workload.created,
                workload.provenance,
                labels=workload.labels,
                annotations={**workload.annotations, "deployment.kubernetes.io/revision": "1"},
            ),
            "generation": 1,
        },
        "spec": {
            "replicas": workload.replicas,
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
            "selector": {"matchLabels": workload.selector},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {"metadata": {"labels": workload.selector}, "spec": pod_spec(workload)},
        },
        "status": status,
    }


def replica_set(workload: Workload, owner: JsonObject) -> JsonObject:
    """Give the ReplicaSet of a workload; its hash is the audit's where a pod name shows it."""
    named = next((plan.name for plan in workload.pods if plan.name), None)
    pod_hash = named.split("-")[-2] if named else safe_text(10, "hash", workload.namespace, workload.name)
    name = f"{workload.name}-{pod_hash}"
    labels = {**workload.selector, "pod-template-hash": pod_hash}
    ready = sum(plan.state is State.RUNNING for plan in workload.pods)
    status: JsonObject = {"observedGeneration": 1, "replicas": workload.replicas}
    if workload.replicas:
        status["fullyLabeledReplicas"] = workload.replicas
    if ready:
        status |= {"readyReplicas": ready, "availableReplicas": ready}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            **metadata(
                "ReplicaSet",
                workload.namespace,
                name,
                workload.created,
                Provenance.INFERRED,
                labels=labels,
                # The Deployment controller copies the annotations of the Deployment down.
                annotations={
                    **workload.annotations,
                    "deployment.kubernetes.io/desired-replicas": str(workload.replicas),
                    "deployment.kubernetes.io/max-replicas": str(workload.replicas + (workload.replicas + 3) // 4),
                    "deployment.kubernetes.io/revision": "1",
                },
                owner=owner,
            ),
            "generation": 1,
        },
        "spec": {
            "replicas": workload.replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec(workload)},
        },
        "status": status,
    }


def pod(workload: Workload, plan: PodPlan, place: int, owner: JsonObject) -> JsonObject:
    """Give one pod of a workload; ``place`` tells the unnamed pods of one workload apart."""
    own = owner["metadata"]["name"]
    name = plan.name or f"{own}-{safe_text(5, 'pod', workload.namespace, own, str(place))}"
    provenance = Provenance.AUDIT if plan.name else Provenance.INFERRED
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **metadata(
                "Pod",
                workload.namespace,
                name,
                workload.created,
                provenance,
                labels=owner["metadata"]["labels"],
                owner=owner,
            ),
            "generateName": f"{own}-",
        },
        "spec": {
            **pod_spec(workload),
            "enableServiceLinks": True,
            "nodeName": "node",
            "preemptionPolicy": "PreemptLowerPriority",
            "priority": 0,
            "serviceAccount": workload.service_account or "default",
            "serviceAccountName": workload.service_account or "default",
            "tolerations": [
                {"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300}
                for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
            ],
        },
        "status": pod_status(workload, plan, name),
    }


def workload_objects(workload: Workload) -> Iterator[JsonObject]:
    """Give the Deployment, its ReplicaSet and its pods."""
    top = deployment(workload)
    yield top
    middle = replica_set(workload, top)
    yield middle
    for place, plan in enumerate(workload.pods):
        yield pod(workload, plan, place, middle)


def service(
    namespace_name: str,
    name: str,
    created: str,
    ports: Sequence[JsonObject],
    *,
    kind: str = "ClusterIP",
    selector: JsonObject | None = None,
    labels: JsonObject | None = None,
    annotations: JsonObject | None = None,
) -> JsonObject:
    """Give a Service with the API server's defaults."""
    ip = "10.43.0.1" if (namespace_name, name) == ("default", "kubernetes") else address("10.43", namespace_name, name)
    spec: JsonObject = {
        "type": kind,
        "clusterIP": ip,
        "clusterIPs": [ip],
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "ports": list(ports),
        "sessionAffinity": "None",
    }
    if selector:
        spec["selector"] = selector
    if kind == "LoadBalancer":
        spec |= {"allocateLoadBalancerNodePorts": True, "externalTrafficPolicy": "Cluster"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(
            "Service", namespace_name, name, created, Provenance.INFERRED, labels=labels, annotations=annotations
        ),
        "spec": spec,
        "status": {"loadBalancer": {}},
    }


def port(name: str, number: int, target: str | int, protocol: str = "TCP") -> JsonObject:
    """Give one port of a Service."""
    return {"name": name, "port": number, "protocol": protocol, "targetPort": target}


def endpoints(of: JsonObject, pods: Sequence[JsonObject], number: int) -> JsonObject:
    """Give the Endpoints of a Service: ``pods`` behind port ``number``, under the name of its first port."""
    meta, first = of["metadata"], of["spec"]["ports"][0]
    ready: list[JsonObject] = []
    waiting: list[JsonObject] = []
    for one in pods:
        state = one["status"]["containerStatuses"][0]["ready"]
        (ready if state else waiting).append(
            {
                "ip": one["status"]["podIP"],
                "nodeName": "node",
                "targetRef": {
                    "kind": "Pod",
                    "namespace": meta["namespace"],
                    "name": one["metadata"]["name"],
                    "uid": one["metadata"]["uid"],
                },
            }
        )
    subset: JsonObject = {"ports": [{"name": first["name"], "port": number, "protocol": first["protocol"]}]}
    if ready:
        subset["addresses"] = ready
    if waiting:
        subset["notReadyAddresses"] = waiting
    labels = meta.get("labels")
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": metadata(
            "Endpoints", meta["namespace"], meta["name"], meta["creationTimestamp"], Provenance.INFERRED, labels=labels
        ),
        "subsets": [subset],
    }


def config_map(
    namespace_name: str,
    name: str,
    created: str,
    keys: Sequence[str],
    *,
    labels: JsonObject | None = None,
    annotations: JsonObject | None = None,
) -> JsonObject:
    """Give a ConfigMap with its values masked."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(
            "ConfigMap", namespace_name, name, created, Provenance.INFERRED, labels=labels, annotations=annotations
        ),
        "data": dict.fromkeys(keys, MASK),
    }


def service_account(namespace_name: str, name: str, created: str) -> JsonObject:
    """Give a ServiceAccount."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata("ServiceAccount", namespace_name, name, created, Provenance.INFERRED),
    }


# ---------------------------------------------------------------------------------------------- the estate

APP = "thunderline/app:2.1.0"
MLFLOW = "ghcr.io/mlflow/mlflow:v2.14.1"
PYTHON = "python:3.11-slim"
# What the audit lists for cerebros_runner_poc.py; it installs mlflow as a client.
RUNNER_NEEDS = "tensorflow optuna mlflow==2.14.1 numpy fastapi uvicorn"
APP_ENV = ("DATABASE_URL", "SECRET_KEY_BASE", "MLFLOW_TRACKING_URI")

CONTAINERS: dict[str, JsonObject] = {
    "web": container(
        "web",
        APP,
        ports=[("http", 4000)],
        env=("PHX_SERVER", *APP_ENV),
        livenessProbe=http_probe("/health", "http"),
        readinessProbe=http_probe("/", "http"),
    ),
    "worker": container(
        "worker",
        APP,
        env=APP_ENV,
        livenessProbe=exec_probe("/app/bin/thunderline", "pid"),
        readinessProbe=exec_probe("/app/bin/thunderline", "pid"),
    ),
    "mlflow": container(
        "mlflow",
        MLFLOW,
        command=("mlflow", "server", "--host", "0.0.0.0", "--port", "5000"),  # noqa: S104 - text of a manifest
        ports=[("http", 5000)],
        env=("MLFLOW_BACKEND_STORE_URI", "MLFLOW_ARTIFACTS_DESTINATION"),
    ),
    "livebook": container(
        "livebook", "ghcr.io/livebook-dev/livebook:0.12.1", ports=[("http", 8080)], env=("LIVEBOOK_PASSWORD",)
    ),
    "otelcol": container(
        "otelcol",
        "otel/opentelemetry-collector-contrib:0.106.0",
        args=("--config=/etc/otelcol/config.yaml",),
        ports=[("otlp-grpc", 4317), ("otlp-http", 4318)],
        mounts=[("config", "/etc/otelcol")],
    ),
    # The chart knows two ways to bring the runner; each of the two releases shows one of them.
    "cerebros-image": container("cerebros", "thunderline/cerebros-runner:latest", env=("MLFLOW_TRACKING_URI",)),
    "cerebros-script": container(
        "cerebros",
        PYTHON,
        command=("/bin/sh", "-c"),
        args=(f"pip install --no-cache-dir {RUNNER_NEEDS} && exec python /opt/cerebros/cerebros_runner_poc.py",),
        env=("MLFLOW_TRACKING_URI",),
    ),
    "automat0": container("automat0", "thunder/automat0:0.1.0", ports=[("http", 8000)]),
    # thunder-stack has no image of its own for MLflow: a Python image that installs it and then serves.
    "stack-mlflow": container(
        "mlflow",
        PYTHON,
        command=("/bin/sh", "-c"),
        args=("pip install --no-cache-dir mlflow==2.14.1 && mlflow server --host 0.0.0.0 --port 5000",),
        ports=[("http", 5000)],
    ),
}

# What a Service of the chart offers: its port, and the container's port by name.
SERVED = {
    "web": [port("http", 4000, "http")],
    "mlflow": [port("http", 5000, "http")],
    "livebook": [port("http", 8080, "http")],
    "otelcol": [port("otlp-grpc", 4317, "otlp-grpc"), port("otlp-http", 4318, "otlp-http")],
}


def thunderhelm(helm: Helm, component: str, plans: Sequence[PodPlan], shape: str | None = None) -> Workload:
    """Give a component of a thunderhelm release; ``shape`` names its container when it is not the component's."""
    name = f"{helm.release}-thunderhelm-{component}"
    volumes = [{"name": "config", "configMap": {"name": name, "defaultMode": 420}}] if component == "otelcol" else []
    return Workload(
        namespace=helm.namespace,
        name=name,
        created=helm.created,
        container=CONTAINERS[shape or component],
        labels=helm.labels(component),
        selector=helm.selector(component),
        annotations=helm.annotations(),
        replicas=len(plans),
        pods=plans,
        volumes=volumes,
    )


def stack(name: str, component: str, shape: str, pod_name: str) -> Workload:
    """Give a component of the thunder-stack release."""
    return Workload(
        namespace=STACK.namespace,
        name=name,
        created=STACK.created,
        container=CONTAINERS[shape],
        labels=STACK.labels(component),
        selector=STACK.selector(component),
        annotations=STACK.annotations(),
        replicas=1,
        pods=(PodPlan(State.RUNNING, pod_name),),
    )


def platform(name: str, image: str, selector: JsonObject, *, account: str | None = None, **more: Any) -> Workload:
    """Give a workload that k3s itself brings."""
    return Workload(
        namespace="kube-system",
        name=name,
        created=K3S_DAY,
        container=container(name, image, **more),
        labels=selector,
        selector=selector,
        replicas=1,
        pods=(PodPlan(State.RUNNING),),
        provenance=Provenance.INFERRED,
        service_account=account or name,
    )


ESTATE: Sequence[Workload] = (
    stack("mlflow-tracking", "mlflow-tracking", "stack-mlflow", "mlflow-tracking-7b6b9ff9f7-qkczx"),
    stack("thunder-automat0", "automat0", "automat0", "thunder-automat0-757787d7bc-7rcm8"),
    thunderhelm(THUNDER, "mlflow", [PodPlan(State.RUNNING, "thunderline-thunderhelm-mlflow-bd84cddbf-tvc2w")]),
    thunderhelm(THUNDER, "cerebros", [], "cerebros-image"),
    # "CrashLoopBackOff/ImagePullBackOff", and pods in the plural: one pod in each state.
    thunderhelm(THUNDER, "web", [PodPlan(State.CRASHING), PodPlan(State.UNPULLED)]),
    thunderhelm(THUNDER, "worker", [PodPlan(State.CRASHING), PodPlan(State.UNPULLED)]),
    thunderhelm(THUNDERLINE, "cerebros", [], "cerebros-script"),
    thunderhelm(THUNDERLINE, "mlflow", [PodPlan(State.RUNNING, "thunderline-thunderhelm-mlflow-55fc8f8777-gpdhk")]),
    thunderhelm(THUNDERLINE, "otelcol", [PodPlan(State.RUNNING)]),
    thunderhelm(THUNDERLINE, "livebook", [PodPlan(State.CRASHING)]),
    thunderhelm(THUNDERLINE, "web", [PodPlan(State.UNPULLED)]),
    thunderhelm(THUNDERLINE, "worker", [PodPlan(State.UNPULLED)]),
)

TRAEFIK_LABELS = {
    "app.kubernetes.io/instance": "traefik-kube-system",
    "app.kubernetes.io/managed-by": "Helm",
    "app.kubernetes.io/name": "traefik",
    "helm.sh/chart": "traefik-34.2.1",
}
TRAEFIK_SELECTOR = {"app.kubernetes.io/instance": "traefik-kube-system", "app.kubernetes.io/name": "traefik"}

PLATFORM: Sequence[Workload] = (
    platform(
        "coredns",
        "rancher/mirrored-coredns-coredns:1.12.0",
        {"k8s-app": "kube-dns"},
        args=("-conf", "/etc/coredns/Corefile"),
        ports=[("dns-tcp", 53)],
        resources={"limits": {"memory": "170Mi"}, "requests": {"cpu": "100m", "memory": "70Mi"}},
        livenessProbe=http_probe("/health", 8080),
        readinessProbe=http_probe("/ready", 8181),
    ),
    platform(
        "local-path-provisioner",
        "rancher/local-path-provisioner:v0.0.31",
        {"app": "local-path-provisioner"},
        account="local-path-provisioner-service-account",
        command=("local-path-provisioner", "start", "--config", "/etc/config/config.json"),
    ),
    platform(
        "metrics-server",
        "rancher/mirrored-metrics-server:v0.7.2",
        {"k8s-app": "metrics-server"},
        args=("--cert-dir=/tmp", "--secure-port=10250", "--metric-resolution=15s"),
        ports=[("https", 10250)],
        resources={"requests": {"cpu": "100m", "memory": "70Mi"}},
    ),
    Workload(
        namespace="kube-system",
        name="traefik",
        created=K3S_DAY,
        container=container(
            "traefik",
            "rancher/mirrored-library-traefik:3.3.2",
            ports=[("web", 8000), ("websecure", 8443)],
            readinessProbe=http_probe("/ping", 8080),
            livenessProbe=http_probe("/ping", 8080),
        ),
        labels=TRAEFIK_LABELS,
        selector=TRAEFIK_SELECTOR,
        annotations=TRAEFIK.annotations(),
        replicas=1,
        pods=(PodPlan(State.RUNNING),),
        provenance=Provenance.INFERRED,
        service_account="traefik",
    ),
)

NAMESPACES: Sequence[tuple[str, str, Provenance]] = (
    ("cerebros", STACK_DAY, Provenance.AUDIT),
    ("thunder", THUNDER_DAY, Provenance.AUDIT),
    ("thunderline", THUNDERLINE_DAY, Provenance.AUDIT),
    ("kube-system", K3S_DAY, Provenance.AUDIT),
    ("default", K3S_DAY, Provenance.INFERRED),
    ("kube-public", K3S_DAY, Provenance.INFERRED),
    ("kube-node-lease", K3S_DAY, Provenance.INFERRED),
)


def estate_services() -> Iterator[JsonObject]:
    """Give the Services of the three Thunderline releases."""
    for helm in (THUNDER, THUNDERLINE):
        for workload in ESTATE:
            component = workload.selector["app.kubernetes.io/component"]
            if workload.namespace == helm.namespace and component in SERVED:
                yield service(
                    helm.namespace,
                    workload.name,
                    helm.created,
                    SERVED[component],
                    selector=workload.selector,
                    labels=workload.labels,
                    annotations=workload.annotations,
                )
    for name, component, number in (
        ("mlflow-tracking", "mlflow-tracking", 5000),
        ("thunder-automat0", "automat0", 8000),
    ):
        yield service(
            STACK.namespace,
            name,
            STACK.created,
            [port("http", number, "http")],
            selector=STACK.selector(component),
            labels=STACK.labels(component),
            annotations=STACK.annotations(),
        )


def platform_objects() -> Iterator[JsonObject]:
    """Give what k3s brings besides its workloads."""
    dns = [port("dns", 53, 53, "UDP"), port("dns-tcp", 53, 53)]
    yield service(
        "kube-system", "kube-dns", K3S_DAY, dns, selector={"k8s-app": "kube-dns"}, labels={"k8s-app": "kube-dns"}
    )
    yield service(
        "kube-system", "metrics-server", K3S_DAY, [port("https", 443, "https")], selector={"k8s-app": "metrics-server"}
    )
    yield service(
        "kube-system",
        "traefik",
        K3S_DAY,
        [port("web", 80, "web"), port("websecure", 443, "websecure")],
        kind="LoadBalancer",
        selector=TRAEFIK_SELECTOR,
        labels=TRAEFIK_LABELS,
        annotations=TRAEFIK.annotations(),
    )
    kubernetes = service(
        "default",
        "kubernetes",
        K3S_DAY,
        [port("https", 443, 6443)],
        labels={"component": "apiserver", "provider": "kubernetes"},
    )
    yield kubernetes
    yield config_map("kube-system", "coredns", K3S_DAY, ("Corefile", "NodeHosts"))
    yield config_map(
        "kube-system", "local-path-config", K3S_DAY, ("config.json", "helperPod.yaml", "setup", "teardown")
    )
    for name in ("coredns", "local-path-provisioner-service-account", "metrics-server", "traefik"):
        yield service_account("kube-system", name, K3S_DAY)
    yield {
        "apiVersion": "helm.cattle.io/v1",
        "kind": "HelmChart",
        "metadata": metadata("HelmChart", "kube-system", "traefik", K3S_DAY, Provenance.INFERRED),
        "spec": {
            "chart": "https://%{KUBERNETES_API}%/static/charts/traefik-34.2.1.tgz",
            "targetNamespace": "kube-system",
        },
    }


def build_objects() -> list[JsonObject]:
    """Give all objects of the snapshot."""
    objects: list[JsonObject] = []
    for name, created, provenance in NAMESPACES:
        objects.append(namespace(name, created, provenance))
        objects.append(service_account(name, "default", created))
        objects.append(config_map(name, "kube-root-ca.crt", created, ("ca.crt",)))
    objects += [release(helm) for helm in (STACK, THUNDER, THUNDERLINE, TRAEFIK)]
    for workload in (*ESTATE, *PLATFORM):
        objects += workload_objects(workload)
    services = list(estate_services())
    objects += services
    objects += platform_objects()
    for one in services:
        if one["spec"]["ports"][0]["name"] == "http":
            behind = [o for o in objects if o["kind"] == "Pod" and selects(one, o)]
            objects.append(endpoints(one, behind, one["spec"]["ports"][0]["port"]))
    collector = next(w for w in ESTATE if w.name.endswith("-otelcol"))
    objects.append(
        config_map(
            collector.namespace,
            collector.name,
            collector.created,
            ("config.yaml",),
            labels=collector.labels,
            annotations=collector.annotations,
        )
    )
    return objects


def selects(of: JsonObject, one: JsonObject) -> bool:
    """Tell whether the Service ``of`` selects the pod ``one``."""
    if of["metadata"]["namespace"] != one["metadata"]["namespace"]:
        return False
    return set(of["spec"]["selector"].items()) <= set(one["metadata"]["labels"].items())


def render() -> bytes:
    """Give the whole snapshot, as a capture of these objects would have written it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / TARGET.name
        # The audit does not say which version the cluster has.
        write_snapshot(file, build_objects(), captured_at=CAPTURED, cluster_version=None, context=None)
        return file.read_bytes()


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check the snapshot; give 0, or 1 when the check finds a difference."""
    return run("october", ROOT, TARGET, render, argv)


if __name__ == "__main__":
    sys.exit(main())
