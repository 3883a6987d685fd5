"""What the picture needs to know of the records that the rules of scope estate were judged on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from thunderguard.model import JsonObject, Resource


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload that no other workload of the set owns."""

    resource: Resource
    services: tuple[str, ...]
    deprecated: tuple[str, ...]
    parked: bool
    failing: bool


@dataclass(frozen=True, slots=True)
class Release:
    """A Helm release. ``chart`` is the name of its chart, with the version where the record has one."""

    resource: Resource
    chart: str


def workloads(records: Iterable[JsonObject]) -> tuple[Workload, ...]:
    """Give the root workloads of ``records``, sorted; the failures of a pod count for its root."""
    roots: dict[Resource, JsonObject] = {}
    failing: set[Resource] = set()
    for record in records:
        resource = _resource(record.get("resource"))
        if resource is None or record.get("type") != "workload":
            continue
        root = _resource(record.get("root"))
        if record.get("failures"):
            failing.add(root or resource)
        if root is None:
            roots[resource] = record
    return tuple(
        Workload(
            resource=resource,
            services=_names(record.get("services")),
            deprecated=_names(record.get("deprecated")),
            parked=_is_zero(record.get("replicas")),
            failing=resource in failing,
        )
        for resource, record in sorted(roots.items(), key=lambda item: item[0])
    )


def releases(records: Iterable[JsonObject]) -> tuple[Release, ...]:
    """Give the Helm releases of ``records``, sorted by namespace and name."""
    found: dict[Resource, str] = {}
    for record in records:
        resource = _resource(record.get("resource"))
        if resource is not None and record.get("type") == "release":
            found[resource] = _chart(record)
    return tuple(
        Release(resource=resource, chart=chart)
        for resource, chart in sorted(found.items(), key=lambda item: (item[0].namespace, item[0].name))
    )


def _resource(value: Any) -> Resource | None:
    if not isinstance(value, Mapping):
        return None
    part = {key: value.get(key) or "" for key in ("apiVersion", "kind", "namespace", "name")}
    return Resource(**{key: text if isinstance(text, str) else "" for key, text in part.items()})


def _names(value: Any) -> tuple[str, ...]:
    return tuple(sorted({name for name in value if isinstance(name, str)})) if isinstance(value, list | tuple) else ()


def _is_zero(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value == 0


def _chart(record: Mapping[str, Any]) -> str:
    release = record.get("release")
    parts = [release.get("chart"), release.get("version")] if isinstance(release, Mapping) else []
    return "-".join(part for part in parts if isinstance(part, str) and part)
