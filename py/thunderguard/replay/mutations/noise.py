"""What tells nothing about a contract: order, labels of others, defaults, unknown fields, and absence spelled out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from thunderguard.facts.quantity import milli
from thunderguard.facts.subject import Subject
from thunderguard.facts.values import as_object
from thunderguard.facts.workloads import REPLICAS
from thunderguard.paths import Segment, format_path
from thunderguard.replay.domains import OneOf, Whole
from thunderguard.replay.edit import at, put
from thunderguard.replay.effects import Effect, Mutated, Promise
from thunderguard.replay.mutations.base import (
    Family,
    any_object,
    bounded_containers,
    one_of,
    running_the_same,
    workload,
)

if TYPE_CHECKING:
    from thunderguard.model import JsonObject
    from thunderguard.replay.ground import Ground

FAMILY = Family("noise")
_WHERE = Whole()
_ORDERLESS = ("env", "ports", "volumeMounts", "envFrom", "volumes", "tolerations", "imagePullSecrets")


@FAMILY.add("reorder-containers", Promise.NEUTRAL, workload, initial=OneOf((False, True)))
def reorder_containers(view: Subject, ground: Ground, initial: bool) -> Mutated | None:
    """The containers, or the init containers, of a pod stand in another order."""
    del ground
    path = (*view.pod_spec, "initContainers" if initial else "containers")
    listed = view.dig(*path)
    if not isinstance(listed, list) or len(listed) < 2:
        return None
    # Of several containers of one service the first speaks, so then another place is found.
    known = [*view.services, *view.deprecated_services]
    if any(len(view.containers_running(name)) > 1 for name in known):
        return None
    last = len(listed) - 1
    moves = tuple((format_path((*path, place)), format_path((*path, last - place))) for place in range(len(listed)))
    return Mutated(put(view.obj, path, listed[::-1]), Effect(moves=moves))


@FAMILY.add("reorder-lists", Promise.NEUTRAL, workload)
def reorder_lists(view: Subject, ground: Ground) -> Mutated:
    """Variables, ports, mounts, volumes and tolerations stand in another order."""
    del ground
    obj = view.obj
    for path in [view.pod_spec, *(container.path for container in view.containers)]:
        for field in _ORDERLESS:
            listed = at(obj, (*path, field))
            if isinstance(listed, list) and len(listed) > 1:
                obj = put(obj, (*path, field), listed[::-1])
    return Mutated(obj)


@FAMILY.add("reorder-keys", Promise.NEUTRAL, any_object, backwards=OneOf((True, False)))
def reorder_keys(view: Subject, ground: Ground, backwards: bool) -> Mutated:
    """The keys of all mappings stand in another order."""
    del ground
    return Mutated(_reordered(view.obj, backwards))


def _reordered(value: Any, backwards: bool) -> Any:
    if isinstance(value, dict):
        return {key: _reordered(value[key], backwards) for key in sorted(value, reverse=backwards)}
    return [_reordered(item, backwards) for item in value] if isinstance(value, list) else value


@FAMILY.add(
    "add-label",
    Promise.NEUTRAL,
    any_object,
    key=OneOf(("example.com/team", "helm.sh/charts", "chart", "app.kubernetes.io/part-of", "Helm.sh/chart")),
    value=OneOf(("data", "thunder-stack-0.1.0", "", "mlflow")),
    annotation=OneOf((False, True)),
)
def add_label(view: Subject, ground: Ground, key: str, value: str, annotation: bool) -> Mutated | None:
    """An object gets a label, or an annotation, that nobody asks for."""
    field = "annotations" if annotation else "labels"
    known = view.dig("metadata", field)
    if not (known is None or isinstance(known, dict)) or key in as_object(known):
        return None
    obj = put(view.obj, ("metadata", field, key), value)
    return running_the_same(view, ground, obj)


@FAMILY.add("add-bookkeeping", Promise.NEUTRAL, any_object)
def add_bookkeeping(view: Subject, ground: Ground) -> Mutated:
    """An object gets what the API server keeps about it: uid, generation, times, managed fields, status."""
    del ground
    kept: JsonObject = {
        "uid": "00000000-0000-4000-8000-000000000002",
        "resourceVersion": "4711",
        "generation": 3,
        "creationTimestamp": "2025-10-08T12:00:00Z",
        "managedFields": [{"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {}}}],
    }
    metadata = {**kept, **as_object(view.dig("metadata"))}
    return Mutated({"status": {"observedGeneration": 3}, **view.obj, "metadata": metadata})


_POD_DEFAULTS: JsonObject = {
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}
_CONTAINER_DEFAULTS: JsonObject = {
    "imagePullPolicy": "IfNotPresent",
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}


@FAMILY.add("add-defaults", Promise.NEUTRAL, workload)
def add_defaults(view: Subject, ground: Ground) -> Mutated | None:
    """A workload gets what the API server fills in by itself: policies, a replica, protocols of ports."""
    del ground
    if not isinstance(view.dig(*view.pod_spec), dict):
        return None
    obj = put(view.obj, view.pod_spec, {**_POD_DEFAULTS, **view.dig(*view.pod_spec)})
    for container in view.containers:
        body = {**_CONTAINER_DEFAULTS, **container.body}
        if isinstance(ports := body.get("ports"), list):
            body["ports"] = [{"protocol": "TCP", **port} if isinstance(port, dict) else port for port in ports]
        obj = put(obj, container.path, body)
    field = REPLICAS.get(view.type)
    if field and view.dig(*field) is None:
        obj = put(obj, field, 1)
    return Mutated(obj)


@FAMILY.add("default-requests", Promise.NEUTRAL, workload)
def default_requests(view: Subject, ground: Ground) -> Mutated | None:
    """Requests that are absent get the value of the limit of the same name, as the API server does it."""
    del ground
    obj = view.obj
    for container in bounded_containers(view):
        for resource in ("cpu", "memory"):
            limit = at(container.body, ("resources", "limits", resource))
            path = (*container.path, "resources", "requests", resource)
            absent = at(obj, path) is None and isinstance(at(obj, path[:-1]), dict | None)
            if absent and milli(limit) and view.ceiling(container, resource) is None:
                obj = put(obj, path, limit)
    return Mutated(obj)


@FAMILY.add(
    "add-unknown-field",
    Promise.NEUTRAL,
    any_object,
    key=OneOf(("x-notes", "image.tag", "Limits", "containerz", "\u00fcber", "a.b/c")),
    value=OneOf(("latest", {"limits": {"cpu": "0"}}, [{"image": "mlflow"}], None, 1.5)),
    where=_WHERE,
)
def add_unknown_field(view: Subject, ground: Ground, key: str, value: Any, where: int) -> Mutated | None:
    """An object, its spec, its pod or one of its containers gets a field that Kubernetes does not have."""
    del ground
    places: list[Sequence[Segment]] = [(), ("metadata",), *(c.path for c in view.containers)]
    places += [view.pod_spec] if view.is_workload else []
    path = one_of([place for place in places if isinstance(at(view.obj, place), dict)], where)
    return None if path is None or key in at(view.obj, path) else Mutated(put(view.obj, (*path, key), value))


_OPTIONAL: tuple[tuple[str, ...], ...] = (
    ("initContainers",),
    ("ephemeralContainers",),
    ("resources",),
    ("volumes",),
    ("nodeSelector",),
)
_OF_METADATA = (("ownerReferences",), ("labels",), ("annotations",), ("deletionTimestamp",), ("generateName",))
_OF_A_CONTAINER = (
    ("resources",),
    ("resources", "limits"),
    ("resources", "requests"),
    ("resources", "limits", "cpu"),
    ("resources", "requests", "memory"),
    ("command",),
    ("args",),
    ("env",),
    ("restartPolicy",),
    ("readinessProbe",),
    ("lifecycle",),
)
_LISTS = ("initContainers", "ephemeralContainers", "volumes", "ownerReferences", "command", "args", "env")
_MAPPINGS = ("resources", "nodeSelector", "labels", "annotations", "limits", "requests")
_EMPTY: dict[str, Any] = {**{key: [] for key in _LISTS}, **{key: {} for key in _MAPPINGS}}


def _absent(view: Subject, where: int, *, fields: Sequence[str] | None = None) -> tuple[Segment, ...] | None:
    """Choose an optional field that is absent while what holds it is there."""
    places: list[tuple[Segment, ...]] = [("metadata", *field) for field in _OF_METADATA]
    if view.is_workload:
        places += [(*view.pod_spec, *field) for field in _OPTIONAL]
        places += [(*container.path, *field) for container in view.containers for field in _OF_A_CONTAINER]
    found = [
        place
        for place in places
        if isinstance(holder := at(view.obj, place[:-1]), dict)
        and place[-1] not in holder
        and (fields is None or place[-1] in fields)
    ]
    return one_of(found, where)


@FAMILY.add("spell-out-null", Promise.NEUTRAL, any_object, where=_WHERE)
def spell_out_null(view: Subject, ground: Ground, where: int) -> Mutated | None:
    """A field that is absent is there, and null."""
    del ground
    path = _absent(view, where)
    return None if path is None else Mutated(put(view.obj, path, None))


@FAMILY.add("spell-out-empty", Promise.NEUTRAL, any_object, where=_WHERE)
def spell_out_empty(view: Subject, ground: Ground, where: int) -> Mutated | None:
    """A list or mapping that is absent is there, and empty."""
    del ground
    path = _absent(view, where, fields=tuple(_EMPTY))
    return None if path is None else Mutated(put(view.obj, path, _EMPTY[str(path[-1])]))


@FAMILY.add("split-command", Promise.NEUTRAL, workload, where=_WHERE)
def split_command(view: Subject, ground: Ground, where: int) -> Mutated | None:
    """Words of a command stand among its arguments, which comes to the same line."""
    del ground
    container = one_of([c for c in view.containers if isinstance(c.body.get("command"), list)], where)
    if container is None or not isinstance(container.body.get("args"), list | None):
        return None
    words = [*container.body["command"], *(container.body.get("args") or [])]
    cut = where % (len(words) + 1)
    return Mutated(put(view.obj, container.path, {**container.body, "command": words[:cut], "args": words[cut:]}))
