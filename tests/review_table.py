"""Admission requests with what has to come of each, for every test that asks an engine about them.

The estate is that of the example, ``examples/thunderline/estate.yaml``.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

from thunderguard.admission import review

CONTROLLER = "system:serviceaccount:kube-system:{}"
CONTROLLERS = (
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "job-controller",
    "replicaset-controller",
    "replication-controller",
    "statefulset-controller",
)
HOME = {"kind": "Deployment", "namespace": "thunderline", "name": "mlflow-tracking"}
WEB = "app.kubernetes.io/component"
CHART = "helm.sh/chart"


class Asked(NamedTuple):
    """A request, and the paths by rule that break one; None when no rule has a say in it."""

    review: Any
    found: dict[str, list[str]] | None


def thing(api_version: str, kind: str, name: str = "x", namespace: str = "thunder", **fields: Any) -> dict[str, Any]:
    """Build an object; ``labels``, ``owner`` and ``deleted`` go to its metadata, other fields to itself."""
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    for field, key in (("labels", "labels"), ("deleted", "deletionTimestamp"), ("owners", "ownerReferences")):
        if field in fields:
            metadata[key] = fields.pop(field)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def deployment(image: str = "nginx:1.2.3", *, counts: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Build a Deployment outside of the estate whose one container has no limits; ``counts`` go to its spec."""
    template = {"spec": {"containers": [{"name": "a", "image": image}]}}
    return thing("apps/v1", "Deployment", spec={"template": template, **(counts or {})}, **fields)


def pod(**fields: Any) -> dict[str, Any]:
    """Build a Pod outside of the estate whose one container has no limits."""
    return thing("v1", "Pod", spec={"containers": [{"name": "a", "image": "nginx:1.2.3"}]}, **fields)


def scale(
    before: Any, after: Any, *, name: str = "mlflow-tracking", namespace: str = "thunderline", **target: str
) -> dict[str, Any]:
    """Build the request to scale a workload, by default the home of MLflow; a count of None stands for none."""

    def build(count: Any) -> dict[str, Any]:
        spec = {} if count is None else {"replicas": count}
        return thing("autoscaling/v1", "Scale", name, namespace, spec=spec, status={"replicas": 1})

    asked = {"api_version": "apps/v1", "kind": "Deployment", **target}
    return review(build(after), operation="UPDATE", old=build(before), subresource="scale", **asked)


def update(old: Any, new: Any, **request: Any) -> dict[str, Any]:
    """Build the request to change ``old`` into ``new``."""
    return review(new, operation="UPDATE", old=old, **request)


def changed(base: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Give a review with other fields of its request."""
    base = copy.deepcopy(base)
    base["request"].update(fields)
    return base


def owner(kind: str = "ReplicaSet", *, controller: Any = True) -> dict[str, Any]:
    """Build an owner reference."""
    return {"apiVersion": "apps/v1", "kind": kind, "name": "x", "uid": "u", "controller": controller}


_LIMITS = ["spec.template.spec.containers[0].resources"]
_ELSEWHERE = ["metadata.namespace"]
BAD = {"namespace-boundary": _ELSEWHERE, "resource-limits": _LIMITS}
_BAD_POD = {"namespace-boundary": _ELSEWHERE, "resource-limits": ["spec.containers[0].resources"]}
_TOO_MANY = {"singleton-service": ["spec.replicas"]}
_OLD = thing("apps/v1", "Deployment", spec=deployment()["spec"])


def _operations() -> dict[str, Asked]:
    clean = thing("v1", "ConfigMap", namespace="thunderline")
    return {
        "create": Asked(review(deployment()), BAD),
        "create what is clean": Asked(review(clean), {}),
        "create what is being deleted": Asked(review(deployment(deleted="2025-10-08T00:00:00Z")), BAD),
        "create a namespace": Asked(
            review({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "thunder"}}),
            {"namespace-boundary": ["metadata.name"]},
        ),
        "create in the first version": Asked(
            {**review(deployment()), "apiVersion": "admission.k8s.io/v1beta1"},
            BAD,
        ),
        "delete": Asked(review(None, operation="DELETE", old=deployment()), None),
        "connect": Asked(review(thing("v1", "PodExecOptions"), operation="CONNECT", subresource="exec"), None),
        "evict": Asked(review(thing("policy/v1", "Eviction"), subresource="eviction"), None),
        "bind": Asked(review(thing("v1", "Binding", target={"kind": "Node"}), subresource="binding"), None),
    }


def _updates() -> dict[str, Asked]:
    two = deployment(counts={"replicas": 2})
    none = deployment(counts={"replicas": 0})
    return {
        "update nothing": Asked(update(two, two), None),
        "update the status": Asked(update(two, {**two, "status": {"replicas": 2}}), None),
        "update the status by its subresource": Asked(update(two, deployment("b:2"), subresource="status"), None),
        "update another label": Asked(update(two, deployment(counts={"replicas": 2}, labels={"a": "b"})), None),
        "update an annotation": Asked(
            update(two, {**two, "metadata": {**two["metadata"], "annotations": {"a": "b"}}}), None
        ),
        "update the order of keys": Asked(update(two, {key: two[key] for key in reversed(two)}), None),
        "update to fewer": Asked(update(two, none), None),
        "update to what is the default": Asked(update(two, deployment()), None),
        "update to null": Asked(update(two, deployment(counts={"replicas": None})), None),
        "update from the default to one": Asked(update(deployment(), deployment(counts={"replicas": 1})), None),
        "update to more": Asked(update(two, deployment(counts={"replicas": 3})), BAD),
        "update from none to the default": Asked(update(none, deployment()), BAD),
        "update to a count that is none": Asked(update(two, deployment(counts={"replicas": "1"})), BAD),
        "update from a count that is none": Asked(update(deployment(counts={"replicas": True}), none), BAD),
        "update the image": Asked(update(two, deployment("b:2", counts={"replicas": 1})), BAD),
        "update true to one": Asked(
            update(deployment(counts={"paused": True}), deployment(counts={"paused": 1})),
            BAD,
        ),
        "update 1 to 1.0": Asked(update(deployment(counts={"a": 1}), deployment(counts={"a": 1.0})), None),
        "update a list of another length": Asked(
            update(deployment(counts={"a": [1]}), deployment(counts={"a": [1, 1]})),
            BAD,
        ),
        "update what is being deleted": Asked(update(two, deployment("b:2", deleted="2025-10-08T00:00:00Z")), None),
        "update what is not being deleted": Asked(update(two, deployment("b:2", deleted=None)), BAD),
        "update an object without a spec": Asked(
            update(thing("v1", "ConfigMap", data={"a": "b"}), thing("v1", "ConfigMap", data={"a": "c"})),
            None,
        ),
        "update without an old object": Asked(update(None, deployment()), BAD),
        "update a spec that is null": Asked(
            update(thing("example.org/v1", "Widget", spec=None), thing("example.org/v1", "Widget", spec=None)),
            {"namespace-boundary": _ELSEWHERE},
        ),
        "update a spec that was null": Asked(
            update(thing("example.org/v1", "Widget", spec=None), thing("example.org/v1", "Widget", spec={})),
            {"namespace-boundary": _ELSEWHERE},
        ),
        "update the job's parallelism up": Asked(
            update(_job({"parallelism": 1}), _job({"parallelism": 2})),
            {"namespace-boundary": _ELSEWHERE, "resource-limits": _LIMITS},
        ),
        "update the job's parallelism down": Asked(update(_job({"parallelism": 2}), _job({})), None),
        "update the autoscaler's minimum": Asked(
            update(
                _autoscaler({"minReplicas": 1, "maxReplicas": 3}), _autoscaler({"minReplicas": 2, "maxReplicas": 3})
            ),
            None,
        ),
        "update the autoscaler's maximum": Asked(
            update(_autoscaler({"maxReplicas": 1}), _autoscaler({"maxReplicas": 2})),
            {"singleton-service": ["spec.maxReplicas"]},
        ),
    }


def _labels() -> dict[str, Asked]:
    chart = {"deprecated-chart": ['metadata.labels["helm.sh/chart"]']}
    return {
        "label with a deprecated chart": Asked(
            update(deployment(), deployment(labels={CHART: "thunder-stack-0.1.0"})), {**BAD, **chart}
        ),
        "label with a chart": Asked(update(deployment(), deployment(labels={CHART: "other-0.1.0"})), BAD),
        "unlabel a chart": Asked(update(deployment(labels={CHART: "thunder-stack-0.1.0"}), deployment()), BAD),
        "keep a chart's label": Asked(
            update(
                deployment(labels={CHART: "thunder-stack-0.1.0"}),
                deployment(labels={CHART: "thunder-stack-0.1.0", "a": "b"}),
            ),
            None,
        ),
        "label as a service": Asked(update(deployment(), deployment(labels={WEB: "web"})), BAD),
        "relabel as another service": Asked(
            update(deployment(labels={WEB: "web"}), deployment(labels={WEB: "worker"})), BAD
        ),
        "unlabel a service": Asked(update(deployment(labels={WEB: "web"}), deployment()), BAD),
        "label with no map": Asked(update(deployment(labels="x"), deployment(labels=["y"])), None),
    }


def _job(counts: dict[str, Any]) -> dict[str, Any]:
    return thing("batch/v1", "Job", spec={"template": deployment()["spec"]["template"], **counts})


def _autoscaler(counts: dict[str, Any]) -> dict[str, Any]:
    target = {"kind": HOME["kind"], "name": HOME["name"]}
    return thing(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        namespace=HOME["namespace"],
        spec={"scaleTargetRef": target, **counts},
    )


def _owned() -> dict[str, Asked]:
    mine = pod(owners=[owner()])
    table = {
        f"owned, by the {name}": Asked(review(mine, username=CONTROLLER.format(name)), None) for name in CONTROLLERS
    }
    user = CONTROLLER.format("replicaset-controller")
    return {
        **table,
        "owned, updated by a controller": Asked(
            update(pod(), {**mine, "spec": {"containers": [{"name": "b", "image": "b:1"}]}}, username=user), None
        ),
        "owned, by a person": Asked(review(mine), _BAD_POD),
        "owned, by another service account": Asked(
            review(mine, username="system:serviceaccount:thunder:replicaset-controller"), _BAD_POD
        ),
        "owned, by another controller": Asked(
            review(mine, username=CONTROLLER.format("generic-garbage-collector")), _BAD_POD
        ),
        "owned, by a name that only ends alike": Asked(review(mine, username=f"x{user}"), _BAD_POD),
        "owned, by an administrator": Asked(review(mine, username="system:admin", groups=["system:masters"]), _BAD_POD),
        "owned, by nobody": Asked(changed(review(mine), userInfo=None), _BAD_POD),
        "not owned, by a controller": Asked(review(pod(), username=user), _BAD_POD),
        "owned without a controller": Asked(review(pod(owners=[owner(controller=False)]), username=user), _BAD_POD),
        "owned with a controller that is text": Asked(
            review(pod(owners=[owner(controller="true")]), username=user), _BAD_POD
        ),
        "owned by a second reference": Asked(
            review(pod(owners=[owner(controller=None), "x", owner()]), username=user), None
        ),
        "owners that are no list": Asked(review(pod(owners=owner()), username=user), _BAD_POD),
    }


def _scales() -> dict[str, Asked]:
    database = {"name": "postgres", "kind": "StatefulSet"}
    return {
        "scale up": Asked(scale(1, 2), _TOO_MANY),
        "scale up within": Asked(scale(0, 1), {}),
        "scale up from nothing": Asked(scale(None, 1), {}),
        "scale down": Asked(scale(5, 3), None),
        "scale to nothing": Asked(scale(1, None), None),
        "scale to what it is": Asked(scale(3, 3), None),
        "scale to no number": Asked(scale(1, "1"), _TOO_MANY),
        "scale to a fraction": Asked(scale(1, 1.5), _TOO_MANY),
        "scale a StatefulSet up": Asked(scale(1, 2, **database), _TOO_MANY),
        "scale a ReplicaSet of that name": Asked(scale(1, 2, kind="ReplicaSet"), None),
        "scale a ReplicationController of that name": Asked(
            scale(1, 2, kind="ReplicationController", api_version="v1"), None
        ),
        "scale elsewhere": Asked(scale(1, 2, namespace="thunder"), None),
        "scale another name": Asked(scale(1, 2, name="other"), None),
        "scale another group's kind": Asked(scale(1, 2, api_version="example.org/v1"), None),
        "scale a custom kind": Asked(scale(1, 2, api_version="argoproj.io/v1alpha1", kind="Rollout"), None),
        "scale by an autoscaler": Asked(
            changed(scale(1, 2), userInfo={"username": CONTROLLER.format("horizontal-pod-autoscaler")}), _TOO_MANY
        ),
        "scale with a subresource of the home's name": Asked(changed(scale(1, 2), subResource="Scale"), None),
        "create a scale": Asked(changed(scale(1, 2), operation="CREATE", oldObject=None), _TOO_MANY),
        "delete a scale": Asked(changed(scale(1, 2), operation="DELETE"), None),
    }


def _pods() -> dict[str, Asked]:
    debugged = pod()
    debugged["spec"]["ephemeralContainers"] = [{"name": "debugger", "image": "busybox"}]
    resized = pod()
    resized["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "1"}}
    untagged = {"image-reference": ["spec.ephemeralContainers[0].image"]}
    unlimited = {"resource-limits": _BAD_POD["resource-limits"]}
    return {
        "debug a pod": Asked(update(pod(), debugged, subresource="ephemeralcontainers"), untagged),
        "debug a pod by another update": Asked(update(pod(), debugged), {**_BAD_POD, **untagged}),
        "debug a pod that goes": Asked(
            update(pod(), {**debugged, "metadata": pod(deleted="now")["metadata"]}, subresource="ephemeralcontainers"),
            None,
        ),
        "resize a pod": Asked(update(pod(), resized, subresource="resize"), unlimited),
        "resize a pod to what it is": Asked(update(resized, resized, subresource="resize"), None),
    }


def _malformed() -> dict[str, Asked]:
    good_object = deployment()
    good = review(good_object)
    strange: dict[str, Any] = {
        "null": None,
        "a number": 5,
        "text": "x",
        "true": True,
        "a list": [],
        "empty": {},
        "without apiVersion": {"kind": "Pod", "metadata": {}},
        "without metadata": {"kind": "Pod", "apiVersion": "v1"},
        "with metadata that is a list": {"kind": "Pod", "apiVersion": "v1", "metadata": []},
        "of a kind that is a number": {"kind": 5, "apiVersion": "v1", "metadata": {}},
    }
    table = {
        "no request": Asked({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}, None),
        **{f"request {name}": Asked({**good, "request": value}, None) for name, value in strange.items()},
        **{f"object {name}": Asked(changed(good, object=value), None) for name, value in strange.items()},
        **{
            f"object {name}, updated": Asked(changed(update(good_object, good_object), object=v), None)
            for name, v in strange.items()
        },
        **{
            f"old object {name}": Asked(changed(update(good_object, good_object), oldObject=v), BAD)
            for name, v in strange.items()
        },
        **{f"operation {name}": Asked(changed(good, operation=v), None) for name, v in strange.items()},
        **{f"userInfo {name}": Asked(changed(good, userInfo=v), BAD) for name, v in strange.items()},
        **{f"labels {name}": Asked(review(deployment(labels=v)), BAD) for name, v in strange.items() if v != {}},
        **{
            f"labels {n}, updated": Asked(update(deployment(), deployment("b:2", labels=v)), BAD)
            for n, v in strange.items()
        },
        **{
            f"subresource {name}": Asked(changed(good, subResource=v), None)
            for name, v in strange.items()
            if v is not None
        },
        **{f"scaled resource {name}": Asked(changed(scale(1, 2), resource=v), None) for name, v in strange.items()},
        **{f"scaled to {name}": Asked(scale(1, v), _TOO_MANY) for name, v in strange.items() if v is not None},
        **{f"scale of spec {name}": Asked(_spec_of_scale(v), {}) for name, v in strange.items() if v != {}},
        "subresource null": Asked(changed(good, subResource=None), BAD),
        "spec null": Asked(
            review(thing("apps/v1", "Deployment", spec=None)),
            {"namespace-boundary": _ELSEWHERE, "resource-limits": ["spec.template.spec.containers"]},
        ),
        "no uid": Asked(changed(good, uid=None), BAD),
    }
    return {f"malformed: {name}": asked for name, asked in table.items()}


def _spec_of_scale(spec: Any) -> dict[str, Any]:
    """Scale to something that is no spec, which is taken for a spec that says 0."""
    asked = scale(1, 2)
    asked["request"]["object"]["spec"] = spec
    return asked


TABLE: dict[str, Asked] = {
    **_operations(),
    **_updates(),
    **_labels(),
    **_owned(),
    **_scales(),
    **_pods(),
    **_malformed(),
}
