"""Objects that run containers: where their pod template stands, which containers it has, how many replicas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from thunderguard.facts.resources import type_of
from thunderguard.facts.values import as_integer, as_list, dig

if TYPE_CHECKING:
    from thunderguard.model import JsonObject
    from thunderguard.paths import Segment

_TEMPLATE = ("spec", "template")

#: Where the pod template of each built-in kind stands. A Pod is its own template.
TEMPLATES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): (),
    ("", "ReplicationController"): _TEMPLATE,
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("apps", "Deployment"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("batch", "Job"): _TEMPLATE,
    ("batch", "CronJob"): ("spec", "jobTemplate", *_TEMPLATE),
}

#: The API group of each built-in kind, for a home, which names a kind alone.
GROUPS: Mapping[str, str] = {kind: group for group, kind in TEMPLATES}

#: The field that keeps pods running, of the kinds that have one.
REPLICAS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "ReplicationController"): ("spec", "replicas"),
    ("apps", "ReplicaSet"): ("spec", "replicas"),
    ("apps", "Deployment"): ("spec", "replicas"),
    ("apps", "StatefulSet"): ("spec", "replicas"),
}

#: The field that says how many pods run at once, of every kind that has one.
PARALLEL: Mapping[tuple[str, str], tuple[str, ...]] = {
    **REPLICAS,
    ("batch", "Job"): ("spec", "parallelism"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "parallelism"),
}

_ONE_AT_A_TIME = {("", "Pod"), ("batch", "Job"), ("batch", "CronJob")}


class Role(StrEnum):
    """What a container is in its pod."""

    CONTAINER = "container"
    INIT = "init"
    SIDECAR = "sidecar"
    EPHEMERAL = "ephemeral"


@dataclass(frozen=True, slots=True)
class Container:
    """One container, with its place: ``path`` leads to it from the root of the object."""

    role: Role
    path: tuple[Segment, ...]
    body: JsonObject

    @property
    def label(self) -> str:
        """Its name, or its place in the list when it has none."""
        name = self.body.get("name")
        return name if isinstance(name, str) else str(self.path[-1])

    @property
    def serves(self) -> bool:
        """Whether it runs as long as its pod, so that it can be a service."""
        return self.role in (Role.CONTAINER, Role.SIDECAR)


def template_path(obj: Any) -> tuple[str, ...] | None:
    """Say where the pod template of ``obj`` stands; None when ``obj`` is not a workload.

    A built-in kind is a workload whatever its shape. Any other kind is one when it has a list of containers where
    a Deployment has it, as Argo Rollouts, Knative Services and OpenKruise kinds do.
    """
    built_in = TEMPLATES.get(type_of(obj))
    if built_in is not None:
        return built_in
    return _TEMPLATE if isinstance(dig(obj, (*_TEMPLATE, "spec", "containers")), list) else None


def containers_of(obj: Any, template: tuple[str, ...]) -> list[Container]:
    """Give the containers of the pod template at ``template``: regular ones, then init, then ephemeral ones."""
    found: list[Container] = []
    for field, role in (("containers", Role.CONTAINER), ("initContainers", Role.INIT)):
        found += _listed(obj, (*template, "spec", field), role)
    return found + _listed(obj, (*template, "spec", "ephemeralContainers"), Role.EPHEMERAL)


def _listed(obj: Any, path: tuple[str, ...], role: Role) -> list[Container]:
    return [
        Container(_role(role, body), (*path, place), body)
        for place, body in enumerate(as_list(dig(obj, path)))
        if isinstance(body, dict)
    ]


def _role(role: Role, body: JsonObject) -> Role:
    # An init container that always restarts keeps running beside the others (KEP-753).
    return Role.SIDECAR if role is Role.INIT and body.get("restartPolicy") == "Always" else role


def replicas_of(obj: Any) -> int | None:
    """Say how many pods ``obj`` keeps; None for a kind that does not say.

    What is absent, or not a whole number from 0 up, is the default of the API server, 1.
    """
    field = REPLICAS.get(type_of(obj))
    if field is None:
        return 1 if type_of(obj) in _ONE_AT_A_TIME else None
    count = as_integer(dig(obj, field))
    return 1 if count is None or count < 0 else count
