"""Measured use stays within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from thunderguard.engines.reference.verdict import Violation
from thunderguard.facts.quantity import milli
from thunderguard.facts.values import as_list, dig, value_text

if TYPE_CHECKING:
    from thunderguard.engines.reference.inventory import Inventory
    from thunderguard.facts.subject import Subject
    from thunderguard.facts.workloads import Container
    from thunderguard.model import Resource


def judge(inventory: Inventory) -> Iterator[Violation]:
    """Give every root that has a pod which uses more than a ceiling, or much without a limit."""
    pods: dict[tuple[str, str], tuple[Subject, Subject]] = {}
    for pod, root in inventory.pods():
        pods.setdefault((pod.namespace, pod.resource.name), (pod, root))
    found: dict[Resource, set[str]] = {}
    for metrics in inventory.of_type("metrics.k8s.io", "PodMetrics"):
        joined = pods.get((metrics.namespace, metrics.resource.name))
        if joined and not joined[0].is_exempt:
            found.setdefault(joined[1].resource, set()).update(_excesses(metrics, joined[0]))
    for resource, texts in found.items():
        if texts:
            yield Violation("usage", ("status",), {"usage": "; ".join(sorted(texts))}, None, resource)


def _excesses(metrics: Subject, pod: Subject) -> Iterator[str]:
    for place, measured in enumerate(as_list(metrics.dig("containers"))):
        name = dig(measured, ("name",))
        container = next((c for c in pod.containers if isinstance(name, str) and c.body.get("name") == name), None)
        for resource in ("cpu", "memory"):
            usage = dig(measured, ("usage", resource))
            excess = _excess(pod, container, resource, milli(usage) or 0)
            if excess:
                label = name if isinstance(name, str) else str(place)
                yield f"{pod.resource.name}/{label} {resource} {value_text(usage)}, {excess}"


def _excess(pod: Subject, container: Container | None, resource: str, used: int) -> str | None:
    ceiling = pod.ceiling(container, resource) if container else None
    if ceiling and used > ceiling[1].milli:
        return f"ceiling {ceiling[1].text}"
    threshold = pod.contract.unlimited_usage.get(resource)
    if threshold and used > threshold.milli and not _has_limit(pod, container, resource):
        return "no limit"
    return None


def _has_limit(pod: Subject, container: Container | None, resource: str) -> bool:
    places: list[Any] = [pod.dig(*pod.pod_spec, "resources"), container.body.get("resources") if container else None]
    return any(dig(resources, ("limits", resource)) is not None for resources in places)
