"""What mutations and samples know of the Estate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from thunderguard.facts.contract import Contract
from thunderguard.facts.subject import Subject
from thunderguard.paths import Segment, format_path
from thunderguard.replay.effects import Place
from thunderguard.replay.samples import Samples

if TYPE_CHECKING:
    from thunderguard.facts.services import Service
    from thunderguard.model import JsonObject

#: Namespaces that are nobody's, unless an Estate says so; the last ones are easily taken for another.
NOWHERE = ("elsewhere", "default", "thunder", "Thunderline", "thunderline-2", "thunderl\u0456ne", "thunderline ")


@dataclass(frozen=True)
class Ground:
    """An Estate, and everything that is worked out of it once.

    On ground that is not ``careful`` mutations do not look at what they do to the verdict: that takes most of their
    time, and only engines that are compared with what was planted need it.
    """

    estate: JsonObject
    contract: Contract
    samples: Samples
    careful: bool = True

    @classmethod
    def of(cls, estate: JsonObject) -> Ground:
        """Read the Estate object, which was validated. Raises EstateError for a pattern that RE2 refuses."""
        contract = Contract.of(estate)
        return cls(estate, contract, Samples(contract))

    @cached_property
    def careless(self) -> Ground:
        """The same ground for mutations whose effects nobody asks for."""
        return replace(self, careful=False)

    @cached_property
    def homed(self) -> tuple[Service, ...]:
        """The services with a home."""
        return tuple(service for service in self.contract.services if service.home)

    @cached_property
    def allowed(self) -> tuple[str, ...]:
        """The allowed namespaces, sorted."""
        return tuple(sorted(self.contract.namespaces.allowed))

    @cached_property
    def exempt(self) -> tuple[str, ...]:
        """The exempt namespaces, sorted."""
        return tuple(sorted(self.contract.namespaces.exempt))

    @cached_property
    def elsewhere(self) -> tuple[str, ...]:
        """Some namespaces that are neither allowed nor exempt."""
        namespaces = self.contract.namespaces
        return tuple(name for name in NOWHERE if name not in namespaces.allowed | namespaces.exempt)

    @cached_property
    def portable(self) -> tuple[str, ...]:
        """The services with a home whose container is recognised wherever it stands, sorted."""
        return tuple(sorted(s.name for s in self.homed if self.samples.portable(s.name) is not None))

    def runs_the_same(self, before: Subject, after: JsonObject) -> bool:
        """Say whether a changed object runs the services, declared and deprecated, that it ran before."""
        if not self.careful:
            return True
        now = self.view(after)
        return before.services == now.services and before.deprecated_services == now.deprecated_services

    def view(self, obj: JsonObject) -> Subject:
        """Give ``obj`` with all its facts."""
        return Subject(obj, self.contract)


def placed(rule: str, *path: Segment) -> frozenset[Place]:
    """Give what ``rule`` finds at ``path``, or at the whole object when there is none."""
    return frozenset({(rule, format_path(path))})
