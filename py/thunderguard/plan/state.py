"""The modelled set at one moment, and what breaks the contract in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from thunderguard.facts.resources import resource_of

if TYPE_CHECKING:
    from thunderguard.model import JsonObject, Resource
    from thunderguard.plan.steps import Found


@dataclass
class State:
    """Objects, and what is found in them by fingerprint."""

    objects: list[JsonObject]
    found: dict[str, Found]

    @cached_property
    def _places(self) -> dict[Resource, JsonObject]:
        places: dict[Resource, JsonObject] = {}
        for obj in self.objects:
            places.setdefault(resource_of(obj), obj)
        return places

    @cached_property
    def duplicates(self) -> frozenset[tuple[Resource, str | None]]:
        """The instances of services that are one too many."""
        found = self.found.values()
        return frozenset((one.resource, one.service) for one in found if one.rule == "duplicate-service")

    def at(self, resource: Resource) -> JsonObject | None:
        """Give the object at an address; None when there is none."""
        return self._places.get(resource)
