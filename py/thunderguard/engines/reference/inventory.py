"""All objects of an estate at once, as the rules of scope estate see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from thunderguard.facts.ownership import identity_of, resolve_roots
from thunderguard.facts.resources import is_release
from thunderguard.facts.subject import Subject
from thunderguard.facts.values import dig
from thunderguard.facts.waivers import labels_of
from thunderguard.facts.workloads import replicas_of

if TYPE_CHECKING:
    from thunderguard.facts.contract import Contract
    from thunderguard.model import JsonObject, Resource


class Inventory:
    """The objects of a set, each with its root owner."""

    def __init__(self, objects: Iterable[Any], contract: Contract) -> None:
        """Take the objects, any JSON values, in reading order."""
        self.contract = contract
        self.subjects = [Subject(obj, contract) for obj in objects]
        self._roots = resolve_roots(identity_of(subject.obj) for subject in self.subjects)

    def root_objects(self) -> Iterator[Subject]:
        """Give every object that nothing else of the set owns, each address once."""
        seen: set[Resource] = set()
        for place, subject in enumerate(self.subjects):
            if self._roots[place] == place and subject.resource not in seen:
                seen.add(subject.resource)
                yield subject

    def labels(self, resource: Resource) -> JsonObject:
        """Give the labels of the object at ``resource``; none where there is no such object."""
        return next((labels_of(subject.obj) for subject in self.subjects if subject.resource == resource), {})

    def roots(self) -> Iterator[Subject]:
        """Give every workload that nothing else of the set owns, each address once."""
        return (subject for subject in self.root_objects() if subject.is_workload)

    def pods(self) -> Iterator[tuple[Subject, Subject]]:
        """Give every Pod with its root."""
        for subject, root in zip(self.subjects, self._roots, strict=True):
            if subject.type == ("", "Pod"):
                yield subject, self.subjects[root]

    def of_type(self, group: str, kind: str) -> Iterator[Subject]:
        """Give every object of one kind."""
        return (subject for subject in self.subjects if subject.type == (group, kind))

    def releases(self) -> list[Subject]:
        """Give the records of Helm releases."""
        return [subject for subject in self.subjects if is_release(subject.obj)]


def is_uninstalled(release: Subject) -> bool:
    """Say whether the record of a Helm release says that the release is gone."""
    return bool(dig(release.obj, ("spec", "status")) == "uninstalled")


def is_active(workload: Subject) -> bool:
    """Say whether a workload is meant to run pods."""
    return replicas_of(workload.obj) != 0


def pods_wanted(workload: Subject) -> int:
    """Say how many pods a workload is meant to run; 1 for a kind that does not say."""
    replicas = replicas_of(workload.obj)
    return 1 if replicas is None else replicas
