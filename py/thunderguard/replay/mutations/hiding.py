"""Places where a service, or what it needs, is easily overlooked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from thunderguard.facts.image import normalise, parse_image
from thunderguard.facts.subject import Subject
from thunderguard.paths import Segment
from thunderguard.replay.domains import OneOf, Whole
from thunderguard.replay.edit import ABSENT, drop, give, put
from thunderguard.replay.effects import OPEN, Effect, Mutated, Promise
from thunderguard.replay.ground import placed
from thunderguard.replay.mutations.base import (
    Family,
    any_object,
    countable,
    judged_workload,
    listed,
    one_of,
    singleton_places,
    workload,
)
from thunderguard.replay.mutations.identity import turned_into
from thunderguard.replay.samples import API_VERSIONS, PLAIN_IMAGE

if TYPE_CHECKING:
    from thunderguard.model import JsonObject
    from thunderguard.replay.ground import Ground

FAMILY = Family("hiding")
_SERVICE = Whole()


def _added(view: Subject, field: str, container: JsonObject) -> tuple[JsonObject, tuple[Segment, ...]] | None:
    """Add a container at the end of a list of the pod spec."""
    known = listed(view, field)
    if known is None or view.dig(*view.pod_spec) is None or not listed(view, "containers"):
        return None
    path = (*view.pod_spec, field)
    return put(view.obj, path, [*known, container]), (*path, len(known))


def _portable(ground: Ground, service: int) -> tuple[str, JsonObject] | None:
    """Choose a service that is recognised wherever it runs, and give a container of it under another name."""
    name = one_of(ground.portable, service)
    container = None if name is None else ground.samples.portable(name)
    return None if name is None or container is None else (name, {**container, "name": "hidden"})


def _serving(view: Subject, ground: Ground, service: int, field: str, **more: str) -> Mutated | None:
    """Run a service as a further container, with ``more`` fields, in a list of the pod spec."""
    chosen = _portable(ground, service)
    added = None if chosen is None else _added(view, field, {**chosen[1], **more})
    if chosen is None or added is None:
        return None
    effect = _served(view, ground, *added, chosen[0])
    return None if effect is None else Mutated(added[0], effect)


def _served(view: Subject, ground: Ground, obj: JsonObject, path: tuple[Segment, ...], service: str) -> Effect | None:
    """Give the effect of a further container at ``path`` that is ``service`` and nothing else; None when it is not."""
    if not ground.careful:
        return OPEN
    if service in view.services:
        return None
    after = ground.view(obj)
    new = next((c for c in after.containers if c.path == path), None)
    if new is None or after.services_of(new) != (service,) or after.services != sorted([*view.services, service]):
        return None
    if after.deprecated_services != view.deprecated_services:
        return None
    if any(view.contract.service[name].execution for name in after.services):
        return None
    before, now = singleton_places(view), singleton_places(after)
    touches = frozenset({"singleton-service", "health-probes"})
    return Effect(now - before, before - now, touches=touches)


@FAMILY.add("hide-in-container", Promise.PLANTS, countable, "singleton-service", service=_SERVICE)
def hide_in_container(view: Subject, ground: Ground, service: int) -> Mutated | None:
    """A service with a home runs as a further container of another workload."""
    return _serving(view, ground, service, "containers")


@FAMILY.add("hide-in-sidecar", Promise.PLANTS, countable, "singleton-service", service=_SERVICE)
def hide_in_sidecar(view: Subject, ground: Ground, service: int) -> Mutated | None:
    """A service with a home runs as a restartable init container of another workload."""
    return _serving(view, ground, service, "initContainers", restartPolicy="Always")


@FAMILY.add(
    "hide-in-init-container", Promise.NEUTRAL, countable, service=_SERVICE, policy=OneOf((ABSENT, "Never", None))
)
def hide_in_init_container(view: Subject, ground: Ground, service: int, policy: str | None) -> Mutated | None:
    """The container of a service becomes an init container, which ends before its pod serves anything."""
    chosen = _portable(ground, service)
    added = None if chosen is None else _added(view, "initContainers", give(chosen[1], ("restartPolicy",), policy))
    return None if added is None else Mutated(added[0])


@FAMILY.add("hide-in-ephemeral-container", Promise.NEUTRAL, countable, service=_SERVICE)
def hide_in_ephemeral_container(view: Subject, ground: Ground, service: int) -> Mutated | None:
    """The container of a service becomes an ephemeral one, which is for looking around."""
    chosen = _portable(ground, service)
    added = None if chosen is None else _added(view, "ephemeralContainers", drop(chosen[1], ("resources",)))
    return None if added is None else Mutated(added[0])


@FAMILY.add(
    "hide-in-shell-line",
    Promise.PLANTS,
    countable,
    "singleton-service",
    "image-reference",
    service=_SERVICE,
    line=OneOf(("{}", "sleep 1; {}", "exec {}", "true && {} &", "cd /srv\n{}\n", "X=1 {}", "({})")),
    split=OneOf((False, True)),
)
def hide_in_shell_line(view: Subject, ground: Ground, service: int, line: str, split: bool) -> Mutated | None:
    """A service runs from a line of shell in an image that is not its own."""
    known = [s for s in ground.homed if ground.samples.command(s) is not None]
    chosen = one_of(known, service)
    if chosen is None:
        return None
    text = line.format(ground.samples.command(chosen))
    words = {"command": ["/bin/sh", "-c"], "args": [text]} if split else {"command": ["sh", "-c", text]}
    probes = {probe: {"exec": {"command": ["true"]}} for probe in chosen.probes}
    body = ground.samples.bounded({"name": "hidden", "image": PLAIN_IMAGE, **words, **probes}, (chosen,))
    added = _added(view, "containers", body)
    effect = None if added is None else _served(view, ground, *added, chosen.name)
    if added is None or effect is None:
        return None
    image = parse_image(PLAIN_IMAGE)
    refused = bool(chosen.repositories) and normalise(image.repository) not in chosen.repositories
    refused = refused or (chosen.tag is not None and not chosen.tag.found_in(image.tag))
    if refused and not view.is_exempt:
        effect = replace(effect, plants=effect.plants | placed("image-reference", *added[1], "image"))
    return Mutated(added[0], effect)


@FAMILY.add("hide-in-cron-job", Promise.EXACT, workload, "singleton-service", "job-only-service")
def hide_in_cron_job(view: Subject, ground: Ground) -> Mutated | None:
    """A workload becomes a CronJob, whose pod template lies deeper."""
    return turned_into(view, ground, API_VERSIONS["CronJob"], "CronJob")


@FAMILY.add(
    "hide-in-custom-kind",
    Promise.EXACT,
    workload,
    "singleton-service",
    "job-only-service",
    kind=OneOf(("argoproj.io/v1alpha1 Rollout", "serving.knative.dev/v1 Service", "apps.kruise.io/v1alpha1 CloneSet")),
)
def hide_in_custom_kind(view: Subject, ground: Ground, kind: str) -> Mutated | None:
    """A workload becomes a custom kind with a pod template where a Deployment has it."""
    api_version, _, name = kind.partition(" ")
    return turned_into(view, ground, api_version, name)


@FAMILY.add("hide-in-list", Promise.NEUTRAL, any_object, depth=OneOf((1, 2, 3)), kind=OneOf((False, True)))
def hide_in_list(view: Subject, ground: Ground, depth: int, kind: bool) -> Mutated | None:
    """An object stands in a List, perhaps in one of its own kind, perhaps in a List of Lists."""
    del ground
    obj: JsonObject = view.obj
    for level in range(depth):
        own = kind and level == 0 and isinstance(obj.get("apiVersion"), str) and not obj["kind"].endswith("List")
        named = (
            {"apiVersion": obj["apiVersion"], "kind": f"{obj['kind']}List"}
            if own
            else {"apiVersion": "v1", "kind": "List"}
        )
        obj = {**named, "items": [obj]}
    return Mutated(obj)


@FAMILY.add(
    "run-deprecated", Promise.PLANTS, countable, "deprecated-service", service=_SERVICE, sidecar=OneOf((False, True))
)
def run_deprecated(view: Subject, ground: Ground, service: int, sidecar: bool) -> Mutated | None:
    """A deprecated service runs as a further container, or as a sidecar."""
    chosen = one_of(ground.contract.deprecated_services, service)
    container = None if chosen is None else ground.samples.deprecated(chosen)
    if chosen is None or container is None or (ground.careful and chosen.name in view.deprecated_services):
        return None
    field, more = ("initContainers", {"restartPolicy": "Always"}) if sidecar else ("containers", {})
    added = _added(view, field, {**container, "name": "hidden", **more})
    if added is None:
        return None
    if not ground.careful:
        return Mutated(added[0], OPEN)
    after = ground.view(added[0])
    expected = sorted([*view.deprecated_services, chosen.name])
    if after.services != view.services or after.deprecated_services != expected:
        return None
    new = after.containers_running(chosen.name)[0]
    if new.path != added[1] or after.services_of(new):
        return None
    return Mutated(added[0], Effect(placed("deprecated-service", *added[1])))


@FAMILY.add("add-unbounded", Promise.PLANTS, judged_workload, "resource-limits", initial=OneOf((True, False)))
def add_unbounded(view: Subject, ground: Ground, initial: bool) -> Mutated | None:
    """A further container, or an init container, comes without requests and limits."""
    if not ground.contract.required_resources or view.dig(*view.pod_spec, "resources"):
        return None
    body: JsonObject = {"name": "unbounded", "image": PLAIN_IMAGE}
    added = _added(view, "initContainers" if initial else "containers", body)
    if added is None:
        return None
    if not ground.careful:
        return Mutated(added[0], OPEN)
    after = ground.view(added[0])
    if after.services != view.services or after.deprecated_services != view.deprecated_services:
        return None
    new = next(c for c in after.containers if c.path == added[1])
    if after.services_of(new):
        return None
    return Mutated(added[0], Effect(placed("resource-limits", *added[1], "resources")))
