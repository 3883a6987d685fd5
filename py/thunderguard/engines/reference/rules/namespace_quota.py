"""An allowed namespace has a quota and default limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from thunderguard.engines.reference.verdict import Violation, listed
from thunderguard.model import Resource

if TYPE_CHECKING:
    from thunderguard.engines.reference.inventory import Inventory

_WANTED = ("LimitRange", "ResourceQuota")


def judge(inventory: Inventory) -> Iterator[Violation]:
    """Give every allowed namespace that lacks one of the two."""
    bounded = {kind: {subject.namespace for subject in inventory.of_type("", kind)} for kind in _WANTED}
    for namespace in sorted(inventory.contract.namespaces.allowed):
        missing = [kind for kind in _WANTED if namespace not in bounded[kind]]
        if missing:
            resource = Resource("v1", "Namespace", "", namespace)
            yield Violation("absent", ("metadata", "name"), {"missing": listed(missing)}, None, resource)
