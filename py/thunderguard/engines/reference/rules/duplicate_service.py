"""A single-instance service runs once; the audit says which instance to keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from thunderguard.engines.reference.inventory import Inventory, is_active
from thunderguard.engines.reference.verdict import Violation

if TYPE_CHECKING:
    from thunderguard.facts.services import Home
    from thunderguard.facts.subject import Subject


def judge(inventory: Inventory) -> Iterator[Violation]:
    """Give every instance but the best of each service with a home."""
    active = [root for root in inventory.roots() if is_active(root)]
    for service in inventory.contract.services:
        home = service.home
        if home is None:
            continue
        instances = [root for root in active if service.name in root.services]
        ranked = sorted((_rank(instance, home), place) for place, instance in enumerate(instances))
        for _, place in ranked[1:]:
            keep, other = instances[ranked[0][1]], instances[place]
            args = {"service": service.name, "count": str(len(ranked)), "keep": str(keep.resource)}
            yield Violation("duplicate", (), {**args, "remove": other.remove}, service.name, other.resource)


def _rank(instance: Subject, home: Home) -> tuple[bool, bool, bool, str, str, str]:
    """Order instances: the one at home first, then by how near they are to it."""
    at_home = (instance.type, instance.namespace, instance.name) == (home.type, home.namespace, home.name)
    address = instance.resource
    away = instance.namespace != home.namespace
    return (not at_home, away, not instance.is_in_allowed, address.namespace, address.kind, address.name)
