"""The Estate, read once into the form that rules ask questions of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from thunderguard.facts.charts import DeprecatedChart, deprecated_charts_of
from thunderguard.facts.namespaces import Namespaces
from thunderguard.facts.services import (
    Bound,
    DeprecatedService,
    Service,
    bounds_of,
    deprecated_services_of,
    services_of,
)
from thunderguard.facts.values import as_integer, as_list, as_text, dig

if TYPE_CHECKING:
    from thunderguard.model import JsonObject


@dataclass(frozen=True)
class Contract:
    """What an Estate says. Its patterns are compiled here, once."""

    name: str
    namespaces: Namespaces
    services: tuple[Service, ...]
    deprecated_services: tuple[DeprecatedService, ...]
    deprecated_charts: tuple[DeprecatedChart, ...]
    required_resources: tuple[str, ...]
    forbidden_tags: frozenset[str]
    restarts: int | None
    unlimited_usage: Mapping[str, Bound]

    @classmethod
    def of(cls, estate: JsonObject) -> Contract:
        """Read the Estate object, which was validated. Raises EstateError for a pattern that RE2 refuses."""
        return cls(
            name=as_text(dig(estate, ("metadata", "name"))),
            namespaces=Namespaces.of(estate),
            services=services_of(estate),
            deprecated_services=deprecated_services_of(estate),
            deprecated_charts=deprecated_charts_of(estate),
            required_resources=tuple(sorted(map(as_text, as_list(dig(estate, ("spec", "resources", "require")))))),
            forbidden_tags=frozenset(map(as_text, as_list(dig(estate, ("spec", "images", "forbidTags"))))),
            restarts=as_integer(dig(estate, ("spec", "thresholds", "restarts"))),
            unlimited_usage=bounds_of(dig(estate, ("spec", "thresholds", "unlimitedUsage"))),
        )

    @cached_property
    def service(self) -> Mapping[str, Service]:
        """The services by name."""
        return {service.name: service for service in self.services}

    @cached_property
    def deprecated_service(self) -> Mapping[str, DeprecatedService]:
        """The deprecated services by name."""
        return {service.name: service for service in self.deprecated_services}
