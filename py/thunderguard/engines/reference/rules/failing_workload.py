"""Pods start and stay up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from thunderguard.engines.reference.verdict import Violation
from thunderguard.facts.values import as_integer, as_list, dig

if TYPE_CHECKING:
    from thunderguard.engines.reference.inventory import Inventory
    from thunderguard.facts.subject import Subject
    from thunderguard.model import Resource

_WAITING = ("CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "OOMKilled")


def judge(inventory: Inventory) -> Iterator[Violation]:
    """Give every root that has a pod with a failing container."""
    found: dict[Resource, tuple[Subject, set[str], set[str]]] = {}
    for pod, root in inventory.pods():
        failures = set(_failures(pod))
        if failures and not pod.is_exempt:
            _, texts, pods = found.setdefault(root.resource, (root, set(), set()))
            texts |= failures
            pods.add(pod.resource.name)
    for resource, (root, texts, pods) in found.items():
        args = {"failures": "; ".join(sorted(texts)), "pod": min(pods)}
        yield Violation("failing", ("status",), args, next(iter(root.services), None), resource)


def _failures(pod: Subject) -> Iterator[str]:
    for field in ("initContainerStatuses", "containerStatuses"):
        for place, status in enumerate(as_list(pod.dig("status", field))):
            reason = _reason(status, pod.contract.restarts)
            if reason:
                name, restarts = dig(status, ("name",)), as_integer(dig(status, ("restartCount",)))
                label = name if isinstance(name, str) else str(place)
                count = f" ({restarts} restarts)" if restarts and restarts > 0 else ""
                yield f"{pod.resource.name}/{label} {reason}{count}"


def _reason(status: Any, threshold: int | None) -> str | None:
    """Say why the container with this ``status`` fails, None when it does not. Statuses are those of the kubelet."""
    waiting = dig(status, ("state", "waiting", "reason"))
    if waiting in _WAITING:
        return str(waiting)
    if any(dig(status, (state, "terminated", "reason")) == "OOMKilled" for state in ("state", "lastState")):
        return "OOMKilled"
    restarts = as_integer(dig(status, ("restartCount",)))
    return "restarts" if threshold is not None and restarts is not None and restarts >= threshold else None
