"""The waivers of an Estate: which findings are borne, of which objects, and until when.

A waiver is in force up to the last moment of its day ``expires``, in UTC. Every engine that stands at the door reads
waivers for itself; a report has them applied once, after judging, whatever the engine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from thunderguard.facts.values import as_list, as_object, as_text, dig
from thunderguard.model import Waived

if TYPE_CHECKING:
    from thunderguard.model import JsonObject, Resource


def today() -> date:
    """Give the present day, in UTC."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class Waiver:
    """One waiver: of ``rule``, for the object at ``address`` (kind, namespace, name), for those with ``labels``.

    With both, both have to hold; the address of an object is that of its findings, so that of the root owner.
    """

    rule: str
    address: tuple[str, str, str] | None
    labels: Mapping[str, str]
    reason: str
    owner: str
    expires: date

    @classmethod
    def of(cls, written: Any) -> Waiver:
        """Read one element of ``spec.waivers`` of a valid Estate."""
        resource = dig(written, ("resource",))
        parts = as_object(resource)
        return cls(
            rule=as_text(dig(written, ("rule",))),
            address=None
            if resource is None
            else (as_text(parts.get("kind")), as_text(parts.get("namespace")), as_text(parts.get("name"))),
            labels=as_object(dig(written, ("selector", "matchLabels"))),
            reason=as_text(dig(written, ("reason",))),
            owner=as_text(dig(written, ("owner",))),
            expires=date.fromisoformat(as_text(dig(written, ("expires",)))),
        )

    @property
    def subject(self) -> str:
        """What it covers, as messages say it."""
        named = []
        if self.address is not None:
            kind, namespace, name = self.address
            named.append(f"{namespace}/{kind}/{name}" if namespace else f"{kind}/{name}")
        if self.labels:
            named.append(f"what is labelled {', '.join(f'{key}={self.labels[key]}' for key in sorted(self.labels))}")
        return " and ".join(named)

    @property
    def waived(self) -> Waived:
        """What a report says of a finding that it covers."""
        return Waived(self.reason, self.owner, self.expires.isoformat())

    def is_in_force(self, at: date) -> bool:
        """Say whether it holds on the day ``at``."""
        return at <= self.expires

    def covers(self, resource: Resource, labels: Mapping[str, Any]) -> bool:
        """Say whether it is about the object at ``resource`` with ``labels``, whatever the rule and the day."""
        if self.address is not None and self.address != (resource.kind, resource.namespace, resource.name):
            return False
        return all(key in labels and labels[key] == value for key, value in self.labels.items())


@dataclass(frozen=True, slots=True)
class Waivers:
    """All waivers of an Estate, in its order."""

    all: tuple[Waiver, ...]

    @classmethod
    def of(cls, estate: JsonObject) -> Waivers:
        """Read those of a valid Estate."""
        return cls(tuple(Waiver.of(written) for written in as_list(dig(estate, ("spec", "waivers")))))

    def covering(self, resource: Resource, labels: Mapping[str, Any]) -> tuple[int, ...]:
        """Give the places of those that are about the object, whatever the rule and the day."""
        return tuple(place for place, waiver in enumerate(self.all) if waiver.covers(resource, labels))

    def in_force(self, rule: str, covering: Collection[int], at: date) -> tuple[int, ...]:
        """Give those places of ``covering`` whose waivers hold for ``rule`` on the day ``at``, the longest first."""
        holding = [place for place in covering if self.all[place].rule == rule and self.all[place].is_in_force(at)]
        return tuple(sorted(holding, key=lambda place: (-self.all[place].expires.toordinal(), place)))


#: The waivers of an Estate that has none.
NO_WAIVERS = Waivers(())


def labels_of(obj: Any) -> JsonObject:
    """Give the labels of an object, as selectors see them."""
    return as_object(dig(obj, ("metadata", "labels")))


def without_waivers(estate: JsonObject) -> JsonObject:
    """Give the Estate as an engine is given it whose findings are all to be seen, the waived ones included."""
    spec = {field: value for field, value in as_object(estate.get("spec")).items() if field != "waivers"}
    return {**estate, "spec": spec}
