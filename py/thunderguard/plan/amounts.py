"""The values that an Estate gives to what has none: requests, limits, probes, and the quota of a namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thunderguard.facts.image import parse_image
from thunderguard.facts.quantity import milli
from thunderguard.facts.values import as_integer, as_list, as_object, dig
from thunderguard.facts.workloads import GROUPS, TEMPLATES, containers_of, replicas_of, template_path
from thunderguard.plan.steps import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from thunderguard.facts.contract import Contract
    from thunderguard.facts.subject import Subject
    from thunderguard.facts.workloads import Container
    from thunderguard.model import JsonObject
    from thunderguard.paths import Segment

RESOURCES = ("cpu", "memory")
_UNITS = ("Ti", "Gi", "Mi", "Ki")


def quantity(resource: str, thousandths: int) -> str:
    """Spell an amount in thousandths as people do: ``500m``, ``2``, ``2Gi``."""
    if resource == "cpu":
        return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)
    whole = -(-thousandths // 1000)
    for power, unit in zip(range(4, 0, -1), _UNITS, strict=True):
        if whole and whole % 1024**power == 0:
            return f"{whole // 1024**power}{unit}"
    return str(whole)


def limit_of(contract: Contract, services: Sequence[str], resource: str) -> int | None:
    """Give, in thousandths, the limit that the Estate gives: the smallest ceiling, else what no limit may use."""
    ceilings = [bound.milli for name in services if (bound := contract.service[name].ceiling.get(resource)) is not None]
    if ceilings:
        return min(ceilings)
    threshold = contract.unlimited_usage.get(resource)
    return threshold.milli if threshold else None


def bounded(subject: Subject, container: Container, fields: Sequence[str]) -> list[Change] | None:
    """Give the changes that set ``fields`` (``limits.cpu``) of a container; None when the Estate gives no value.

    A limit is the ceiling of the service, else the amount that the Estate lets a container use without a limit; a
    request is half of the limit.
    """
    changes: dict[tuple[Segment, ...], Change] = {}
    own = as_object(container.body.get("resources"))
    for field in sorted(fields):
        group, _, resource = field.partition(".")
        most = limit_of(subject.contract, subject.services_of(container), resource)
        if most is None:
            return None
        path = (*container.path, "resources")
        given = {name: milli(dig(own, (name, resource))) or 0 for name in ("limits", "requests")}
        # What is asked for already cannot be above the limit; a ceiling goes before both.
        asked = 0 if f"requests.{resource}" in fields or subject.ceiling(container, resource) else given["requests"]
        limit = max(most, asked) if f"limits.{resource}" in fields else given["limits"] or most
        amount = limit if group == "limits" else limit // 2 or limit
        changes[*path, group, resource] = Change((*path, group, resource), quantity(resource, amount))
    return list(changes.values())


def probe(subject: Subject, container: Container, service: str, estate: JsonObject) -> JsonObject | None:
    """Give a probe of the port that the Estate declares for ``service``, else of the container's only port."""
    declared = subject.contract.service[service]
    ports = [
        number
        for entry in as_list(dig(estate, ("spec", "services")))[declared.place : declared.place + 1]
        for port in as_list(dig(entry, ("ports",)))
        if (number := as_integer(dig(port, ("port",)))) is not None
    ]
    if not ports:
        own = [as_integer(dig(port, ("containerPort",))) for port in as_list(container.body.get("ports"))]
        ports = [port for port in own if port is not None] if len(own) == 1 else []
    return {"tcpSocket": {"port": ports[0]}} if ports else None


def digest_of(container: Container, pods: Sequence[JsonObject]) -> str | None:
    """Give the image by the one digest that all ``pods`` run in this container; None without one."""
    image = container.body.get("image")
    found = set()
    for pod in pods:
        for status in as_list(dig(pod, ("status", "containerStatuses"))):
            if dig(status, ("name",)) == container.body.get("name"):
                running = dig(status, ("imageID",))
                found.add(running.partition("@")[2] if isinstance(running, str) else "")
    if len(found) != 1 or not isinstance(image, str):
        return None
    (digest,) = found
    if not digest.startswith("sha256:") or len(digest) != len("sha256:") + 64:
        return None
    return f"{parse_image(image).repository}@{digest}"


def quota(contract: Contract, namespace: str, objects: Sequence[JsonObject]) -> dict[str, str] | None:
    """Give the hard limits of a quota: twice what all services of a namespace may use, or twice what is asked for.

    Twice, because a rollout runs old and new pods together. None when the Estate gives no amounts.
    """
    hard = {}
    for resource in RESOURCES:
        declared = 0
        for service in contract.services:
            if service.home is not None and service.home.namespace != namespace:
                continue
            most = limit_of(contract, (service.name,), resource)
            if most is None:
                return None
            declared += most * max(service.maximum or 1, service.minimum or 1)
        asked = sum(_asked(obj, resource) for obj in objects if dig(obj, ("metadata", "namespace")) == namespace)
        total = 2 * max(declared, asked)
        if not total:
            return None
        hard[f"limits.{resource}"] = quantity(resource, total)
    return hard


def _asked(obj: JsonObject, resource: str) -> int:
    template = template_path(obj)
    references: list[Any] = as_list(dig(obj, ("metadata", "ownerReferences")))
    if template is None or references:
        return 0
    amounts = [milli(dig(one.body, ("resources", "limits", resource))) or 0 for one in containers_of(obj, template)]
    replicas = replicas_of(obj)
    return sum(amounts) * (1 if replicas is None else replicas)


def default_limits(contract: Contract) -> JsonObject | None:
    """Give the item of a LimitRange: half of what the Estate lets a container use without a limit, a quarter asked."""
    most = {resource: limit_of(contract, (), resource) for resource in RESOURCES}
    if any(amount is None for amount in most.values()):
        return None
    return {
        "type": "Container",
        "default": {name: quantity(name, (amount or 0) // 2) for name, amount in most.items()},
        "defaultRequest": {name: quantity(name, (amount or 0) // 4) for name, amount in most.items()},
    }


#: The kinds whose pod template may be changed where it is.
EDITABLE = frozenset(kind for kind in TEMPLATES if kind not in {("", "Pod"), ("batch", "Job")})
#: The groups of the API server itself, whose kinds people name without a group.
OWN_GROUPS = frozenset({*GROUPS.values(), "autoscaling", "policy", "networking.k8s.io", "rbac.authorization.k8s.io"})
