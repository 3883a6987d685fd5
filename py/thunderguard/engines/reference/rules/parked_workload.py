"""Nothing is left scaled to zero."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from thunderguard.engines.reference.verdict import Violation
from thunderguard.facts.workloads import REPLICAS, replicas_of

if TYPE_CHECKING:
    from thunderguard.engines.reference.inventory import Inventory


def judge(inventory: Inventory) -> Iterator[Violation]:
    """Give every workload that asks for no replicas."""
    for root in inventory.roots():
        field = REPLICAS.get(root.type)
        if field and replicas_of(root.obj) == 0 and not root.is_exempt:
            service = next(iter(root.services), None)
            yield Violation("parked", field, {"remove": root.remove}, service, root.resource)
