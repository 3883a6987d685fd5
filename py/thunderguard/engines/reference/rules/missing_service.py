"""A required service is there, with as many replicas as it needs."""

from __future__ import annotations

from collections.abc import Iterator

from thunderguard.engines.reference.inventory import Inventory, pods_wanted
from thunderguard.engines.reference.verdict import Violation
from thunderguard.facts.resources import API_VERSION
from thunderguard.model import Resource


def judge(inventory: Inventory) -> Iterator[Violation]:
    """Give every required service that has too few replicas in the allowed namespaces."""
    estate = Resource(API_VERSION, "Estate", "", inventory.contract.name)
    present = [root for root in inventory.roots() if root.is_in_allowed]
    for service in inventory.contract.services:
        if not service.required:
            continue
        path, name = ("spec", "services", service.place), service.name
        replicas = sum(pods_wanted(root) for root in present if name in root.services)
        if replicas == 0:
            yield Violation("absent", path, {"service": name, "home": str(service.home or name)}, name, estate)
        elif service.minimum is not None and replicas < service.minimum:
            args = {"service": name, "replicas": str(replicas), "minimum": str(service.minimum)}
            yield Violation("minimum", path, args, name, estate)
