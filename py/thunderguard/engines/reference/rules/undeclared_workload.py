"""Every workload is one the Estate names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from thunderguard.engines.reference.verdict import Violation

if TYPE_CHECKING:
    from thunderguard.engines.reference.inventory import Inventory


def judge(inventory: Inventory) -> Iterator[Violation]:
    """Give every workload of an allowed namespace that runs no service the Estate names."""
    for root in inventory.roots():
        if root.is_in_allowed and not root.services and not root.deprecated_services:
            yield Violation("undeclared", ("metadata", "name"), {"remove": root.remove}, None, root.resource)
