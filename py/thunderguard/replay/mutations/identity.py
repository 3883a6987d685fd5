"""Who an object is: its name, its kind, and copies of it that want to be somebody else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from thunderguard.facts.charts import LABEL
from thunderguard.facts.resources import group_of
from thunderguard.facts.subject import Subject
from thunderguard.facts.values import as_object
from thunderguard.facts.workloads import TEMPLATES
from thunderguard.paths import format_path
from thunderguard.replay.domains import OneOf, Whole
from thunderguard.replay.edit import at, drop, put
from thunderguard.replay.effects import NEUTRAL, OPEN, Effect, Mutated, Promise
from thunderguard.replay.mutations.base import (
    Family,
    at_home,
    countable,
    one_of,
    singleton_places,
    workload,
)
from thunderguard.replay.mutations.images import change_registry
from thunderguard.replay.mutations.placement import NOT_ON_EXEMPT_GROUND, OUTSIDE, moved
from thunderguard.replay.samples import API_VERSIONS

if TYPE_CHECKING:
    from thunderguard.model import JsonObject
    from thunderguard.replay.ground import Ground

FAMILY = Family("identity")
_NAME = OneOf(("renamed", "mlflow", "web-2", "x", "copy.of-it", "Renamed"))
_ENDING = {"Job", "CronJob"}
_KINDS = tuple(API_VERSIONS)


def _home(view: Subject) -> bool:
    return countable(view) and at_home(view)


def _renamed(view: Subject, ground: Ground, obj: JsonObject) -> Mutated | None:
    return moved(view, ground, obj, NEUTRAL) if ground.runs_the_same(view, obj) else None


@FAMILY.add("rename", Promise.EXACT, countable, "singleton-service", name=_NAME)
def rename(view: Subject, ground: Ground, name: str) -> Mutated | None:
    """A workload gets another name."""
    return _renamed(view, ground, put(view.obj, ("metadata", "name"), name))


@FAMILY.add("generate-name", Promise.EXACT, countable, "singleton-service", name=_NAME)
def generate_name(view: Subject, ground: Ground, name: str) -> Mutated | None:
    """A workload lets the API server choose its name."""
    obj = put(drop(view.obj, ("metadata", "name")), ("metadata", "generateName"), f"{name}-")
    return _renamed(view, ground, obj)


def as_kind(view: Subject, api_version: str, kind: str) -> tuple[JsonObject, str, str]:
    """Give a workload as another kind, with where its pod spec was and where it is."""
    template: dict[str, Any] = (
        at(view.obj, view.template)
        if view.template
        else {"metadata": {"labels": view.dig("metadata", "labels")}, "spec": view.dig("spec")}
    )
    target = TEMPLATES.get((group_of(api_version), kind), ("spec", "template"))
    labels = {**as_object(at(template, ("metadata", "labels"))), **as_object(view.dig("metadata", "labels"))}
    metadata = {**as_object(view.dig("metadata")), **({"labels": labels} if labels else {})}
    obj: JsonObject = {"apiVersion": api_version, "kind": kind, "metadata": metadata}
    if target:
        obj = put(obj, target, template)
    else:
        obj["spec"] = at(template, ("spec",))
    return obj, format_path(view.pod_spec), format_path((*target, "spec"))


def _has_other_labels(view: Subject) -> bool:
    """Say whether a chart label would come to stand elsewhere."""
    return bool(view.template) and at(view.obj, (*(view.template or ()), "metadata", "labels", LABEL)) is not None


def turned_into(view: Subject, ground: Ground, api_version: str, kind: str) -> Mutated | None:
    """Give a workload as another kind; None when it would run other services, or too much would change."""
    if _has_other_labels(view) or not isinstance(view.dig(*view.pod_spec, "containers"), list):
        return None
    obj, old, new = as_kind(view, api_version, kind)
    after = ground.view(obj)
    if not ground.careful:
        return Mutated(obj, OPEN)
    particular = [view.contract.service[name] for name in view.services]
    if (view.type == after.type) or not ground.runs_the_same(view, obj):
        return None
    plants, removes = set(singleton_places(after)), {("singleton-service", "")}
    executed = [service for service in particular if service.execution]
    if executed and not view.is_exempt:
        if len(particular) > 1:
            return None
        removes.add(("job-only-service", ""))
        if kind not in executed[0].execution:
            path = format_path(after.containers_running(executed[0].name)[0].path)
            plants.add(("job-only-service", path))
    if any(service.probes for service in particular) and not view.is_exempt:
        if view.resource.kind in _ENDING:
            return None
        if kind in _ENDING and api_version == API_VERSIONS[kind]:
            removes.add(("health-probes", ""))
    return Mutated(obj, Effect(frozenset(plants), frozenset(removes), ((old, new),), frozenset({"singleton-service"})))


@FAMILY.add("change-kind", Promise.EXACT, workload, "singleton-service", "job-only-service", kind=OneOf(_KINDS))
def change_kind(view: Subject, ground: Ground, kind: str) -> Mutated | None:
    """A workload runs its pods as another kind, a custom one among them."""
    return turned_into(view, ground, API_VERSIONS[kind], kind)


@FAMILY.add("change-group", Promise.EXACT, workload, "singleton-service", group=OneOf(("example.com/v1", "apps.x/v1")))
def change_group(view: Subject, ground: Ground, group: str) -> Mutated | None:
    """A workload is of a kind that has the name of a built-in one, in another API group."""
    return turned_into(view, ground, group, "Deployment")


@FAMILY.add(
    "odd-kind",
    Promise.OPEN,
    workload,
    kind=OneOf(("deployment", "DEPLOYMENT", "Deployments", "Pod ", "CronJob\n", "List", "\u0421ronJob", "")),
)
def odd_kind(view: Subject, ground: Ground, kind: str) -> Mutated | None:
    """The kind of a workload is spelled as the API server would not."""
    del ground
    return Mutated(put(view.obj, ("kind",), kind), OPEN)


@FAMILY.add(
    "odd-version",
    Promise.OPEN,
    workload,
    version=OneOf(("apps/v1beta1", "extensions/v1beta1", "v1", "apps", "apps/", "/v1", "APPS/v1", "apps/v1/x", "v2")),
)
def odd_version(view: Subject, ground: Ground, version: str) -> Mutated | None:
    """A workload names another version of its API, or none that there is."""
    del ground
    return Mutated(put(view.obj, ("apiVersion",), version), OPEN)


def _copied(mutated: Mutated | None) -> Mutated | None:
    return None if mutated is None else replace(mutated, stands_beside=True)


@FAMILY.add("clone-elsewhere", Promise.PLANTS, _home, "singleton-service", "namespace-boundary", namespace=Whole())
def clone_elsewhere(view: Subject, ground: Ground, namespace: int) -> Mutated | None:
    """A second instance of a service stands in another namespace, under the name of the first."""
    target = one_of([*ground.elsewhere, *ground.allowed, *ground.exempt], namespace)
    if view.is_exempt or target == view.namespace:
        return None
    effect = NEUTRAL
    if target in ground.exempt:
        effect = Effect(removes=NOT_ON_EXEMPT_GROUND)
    elif target not in ground.allowed:
        effect = Effect(plants=OUTSIDE)
    obj = put(view.obj, ("metadata", "namespace"), target)
    return _copied(moved(view, ground, obj, effect))


@FAMILY.add("clone-renamed", Promise.PLANTS, _home, "singleton-service", name=_NAME)
def clone_renamed(view: Subject, ground: Ground, name: str) -> Mutated | None:
    """A second instance of a service stands beside the first, under another name."""
    return _copied(rename(view, ground, name)) if view.name != name else None


@FAMILY.add("clone-as-kind", Promise.PLANTS, _home, "singleton-service", kind=OneOf(_KINDS))
def clone_as_kind(view: Subject, ground: Ground, kind: str) -> Mutated | None:
    """A second instance of a service is of another kind."""
    return _copied(turned_into(view, ground, API_VERSIONS[kind], kind))


@FAMILY.add(
    "clone-from-registry",
    Promise.PLANTS,
    _home,
    "singleton-service",
    "image-reference",
    name=_NAME,
    registry=OneOf(("mirror.example.com/", "mirror.example.com:5000/")),
)
def clone_from_registry(view: Subject, ground: Ground, name: str, registry: str) -> Mutated | None:
    """A second instance of a service takes its image from another registry."""
    other = rename(view, ground, name)
    if other is None or view.is_exempt:
        return None
    brought = change_registry(ground.view(other.obj), ground, where=0, registry=registry)
    if brought is None:
        return None
    plants, removes = other.effect.plants | brought.effect.plants, other.effect.removes | brought.effect.removes
    return _copied(Mutated(brought.obj, replace(other.effect, plants=plants, removes=removes)))
