"""What breaks the contract in a modelled set, told by the reference; what did not change is not judged again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from thunderguard.engines.reference.inventory import Inventory
from thunderguard.engines.reference.rules import ESTATE_RULES, OBJECT_RULES
from thunderguard.facts.ownership import Identity, identity_of, resolve_roots
from thunderguard.facts.subject import Subject
from thunderguard.fingerprint import fingerprint, stable_owner
from thunderguard.paths import format_path
from thunderguard.plan.steps import Found

if TYPE_CHECKING:
    from thunderguard.engines.reference.verdict import Violation
    from thunderguard.facts.contract import Contract
    from thunderguard.model import JsonObject, Resource


class _Known(Inventory):
    """The objects of a set whose facts and owners are known already."""

    def __init__(self, subjects: list[Subject], roots: list[int], contract: Contract) -> None:
        self.contract = contract
        self.subjects = subjects
        self._roots = roots


class Judging:
    """Judges sets that have most of their objects in common."""

    def __init__(self, contract: Contract, estate: JsonObject) -> None:
        """Take the contract, and the Estate object it was read from."""
        self.contract = contract
        self._estate = estate
        # By identity: a changed object is another one. Each is kept, so that no other one gets its identity.
        self._known: dict[int, tuple[Subject, tuple[Found, ...]]] = {}
        self._subjects: dict[int, tuple[JsonObject, Subject]] = {}
        self._identities: dict[int, tuple[JsonObject, Identity]] = {}

    def subject(self, obj: JsonObject) -> Subject:
        """Give ``obj`` with its facts, each worked out once."""
        known = self._subjects.get(id(obj))
        if known is None:
            known = self._subjects[id(obj)] = (obj, Subject(obj, self.contract))
        return known[1]

    def roots(self, objects: Sequence[JsonObject]) -> list[int]:
        """Give for each object the place of its root; see :func:`thunderguard.facts.ownership.resolve_roots`."""
        return resolve_roots(self._identity(obj) for obj in objects)

    def _identity(self, obj: JsonObject) -> Identity:
        known = self._identities.get(id(obj))
        if known is None:
            known = self._identities[id(obj)] = (obj, identity_of(obj))
        return known[1]

    def of_object(self, obj: JsonObject) -> tuple[Found, ...]:
        """Give what the rules of scope object find in ``obj``."""
        known = self._known.get(id(obj))
        if known is None:
            subject = self.subject(obj)
            found = tuple(
                self._found(rule, violation, subject.resource, obj)
                for rule, judge in OBJECT_RULES.items()
                for violation in _distinct(judge(subject).violations, subject.resource)
            )
            known = self._known[id(obj)] = (subject, found)
        return known[1]

    def of_set(self, objects: Sequence[JsonObject]) -> dict[str, Found]:
        """Give what all rules find in a set, by fingerprint. What is owned is judged through its owner."""
        roots = self.roots(objects)
        found = [one for place, obj in enumerate(objects) if roots[place] == place for one in self.of_object(obj)]
        found += self._of_estate(objects, roots)
        return {one.fingerprint: one for one in found}

    def _of_estate(self, objects: Sequence[JsonObject], roots: list[int]) -> Iterator[Found]:
        inventory = _Known([self.subject(obj) for obj in objects], roots, self.contract)
        places: dict[Resource, JsonObject] = {}
        for subject in inventory.subjects:
            places.setdefault(subject.resource, subject.obj)
        for rule, judge in ESTATE_RULES.items():
            for violation in _distinct(judge(inventory), None):
                if violation.resource is not None:
                    yield self._found(rule, violation, violation.resource, None, places.get(violation.resource))

    def _found(
        self, rule: str, violation: Violation, judged: Resource, obj: JsonObject | None, there: JsonObject | None = None
    ) -> Found:
        resource = violation.resource or judged
        place = obj if obj is not None else there
        owner = (resource.kind, resource.name)
        if place is not None:
            owner = stable_owner(place, *owner)
        into = self._estate if place is None and resource.kind == "Estate" else obj
        path = format_path(violation.path)
        mark = fingerprint(rule, resource, path, owner=owner, obj=into)
        return Found(mark, rule, violation.key, resource, violation.path, violation.service, violation.args)


def _distinct(violations: Iterable[Violation], judged: Resource | None) -> list[Violation]:
    # One place breaks one rule once; of several services there, the first by name speaks, as in every engine.
    kept: dict[object, Violation] = {}
    for violation in sorted(violations, key=lambda one: one.service or ""):
        kept.setdefault((violation.resource or judged, violation.path), violation)
    return list(kept.values())
