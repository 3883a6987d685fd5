"""What an Estate says about each of its services, in the words of the pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from thunderguard.estate import Estate
from thunderguard.facts.services import Home


@dataclass(frozen=True, slots=True)
class Use:
    """A call from one service to another, or out of the estate."""

    caller: str
    callee: str
    purpose: str


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """One service. Texts are as the Estate has them, and "" where it says nothing.

    ``minimum`` and ``maximum`` are the bounds of its replicas, ``ports`` pairs of name and number, ``ceiling`` pairs of
    resource and quantity, ``uses`` and ``used_by`` the calls from it and to it.
    """

    name: str
    purpose: str
    required: bool
    home: Home | None
    minimum: int | None
    maximum: int | None
    execution: tuple[str, ...]
    ports: tuple[tuple[str, int], ...]
    ceiling: tuple[tuple[str, str], ...]
    probes: tuple[str, ...]
    repositories: tuple[str, ...]
    tag: str
    uses: tuple[Use, ...]
    used_by: tuple[Use, ...]

    @property
    def replicas(self) -> str:
        """How many there are, in words."""
        if self.maximum is None:
            return "any number" if not self.minimum else f"{self.minimum} or more"
        least = self.minimum or 0
        return str(self.maximum) if least == self.maximum else f"{least} to {self.maximum}"


def services_of(estate: Estate) -> tuple[ServiceEntry, ...]:
    """Give the services of ``estate``, which is valid, in the order of the file."""
    entries: Sequence[Mapping[str, Any]] = estate.data["spec"]["services"]
    uses = [Use(entry["name"], used["name"], used["purpose"]) for entry in entries for used in entry.get("uses", ())]
    return tuple(_service(entry, uses) for entry in entries)


def outside(services: Iterable[ServiceEntry]) -> tuple[str, ...]:
    """Name what ``services`` call and none of them is, sorted."""
    every = tuple(services)
    known = {service.name for service in every}
    return tuple(sorted({use.callee for service in every for use in service.uses} - known))


def in_order_of_use(services: Iterable[ServiceEntry]) -> tuple[ServiceEntry, ...]:
    """Give ``services`` so that each comes after those that it calls; as they are where they call in a circle."""
    every = {service.name: service for service in services}
    graph = {name: [use.callee for use in service.uses if use.callee in every] for name, service in every.items()}
    try:
        return tuple(every[name] for name in TopologicalSorter(graph).static_order())
    except CycleError:
        return tuple(every.values())


def _service(entry: Mapping[str, Any], uses: Iterable[Use]) -> ServiceEntry:
    name = entry["name"]
    home, replicas, image = entry.get("home"), entry.get("replicas", {}), entry.get("image", {})
    every = tuple(uses)
    return ServiceEntry(
        name=name,
        purpose=entry.get("purpose", ""),
        required=entry.get("required", False),
        home=Home(home["kind"], home["namespace"], home["name"]) if home else None,
        minimum=replicas.get("min"),
        maximum=replicas.get("max"),
        execution=tuple(entry.get("execution", ())),
        ports=tuple((port["name"], port["port"]) for port in entry.get("ports", ())),
        ceiling=tuple(sorted(entry.get("ceiling", {}).items())),
        probes=tuple(sorted(probe for probe, wanted in entry.get("probes", {}).items() if wanted)),
        repositories=tuple(image.get("repositories", ())),
        tag=image.get("tag", ""),
        uses=tuple(use for use in every if use.caller == name),
        used_by=tuple(use for use in every if use.callee == name),
    )
