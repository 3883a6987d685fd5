"""What a plan consists of: actions, the commands that do them, and what each resolves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from thunderguard.model import Finding, JsonObject, Resource
from thunderguard.paths import Segment


@dataclass(frozen=True, slots=True)
class Change:
    """``value`` is put at ``path`` of an object; see :func:`thunderguard.replay.edit.give` for one that is absent."""

    path: tuple[Segment, ...]
    value: Any


@dataclass(frozen=True, slots=True)
class Uninstall:
    """Uninstall the Helm release ``name`` of ``namespace``."""

    name: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete one object, and with it what it owns."""

    resource: Resource


@dataclass(frozen=True, slots=True)
class DeleteNamespace:
    """Delete a namespace that is empty but for what Kubernetes itself keeps in each."""

    name: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Change fields of one object where it is. ``how`` is what is set: resources, image, replicas or probes."""

    resource: Resource
    changes: tuple[Change, ...]
    how: str


@dataclass(frozen=True, slots=True)
class Move:
    """Make an object anew at another address, changed, and delete it at the old one.

    ``merge`` is a JSON merge patch that takes away what belongs to the old one alone, and gives it its new address.
    """

    source: Resource
    target: Resource
    merge: JsonObject
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Create:
    """Create objects that were not there."""

    objects: tuple[JsonObject, ...]


Action: TypeAlias = Uninstall | Delete | DeleteNamespace | Edit | Move | Create


@dataclass(frozen=True, slots=True)
class Command:
    """A pipeline of programs with their arguments.

    ``stdin`` is what the first one reads, ``file`` the name of the backup that the last one writes. With ``silent`` it
    is asked again until it prints nothing, and the plan stops when it still does after a while.
    """

    pipeline: tuple[tuple[str, ...], ...]
    stdin: str | None = None
    file: str | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. ``action`` is None for one by hand, which claims nothing: ``findings`` are then what it is about.

    ``guards`` have to succeed before anything is done, ``backups`` keep what is taken away, ``commands`` do it,
    ``checks`` show the outcome, and ``back`` says in words and commands how it is undone.
    """

    kind: str
    title: str
    reason: str
    action: Action | None
    findings: tuple[Finding, ...]
    guards: tuple[Command, ...] = ()
    backups: tuple[Command, ...] = ()
    commands: tuple[Command, ...] = ()
    checks: tuple[Command, ...] = ()
    back: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A clean-up: ``steps`` are commanded, in this order; ``by_hand`` is left to a person.

    ``findings`` are all there were but what is waived.
    """

    source: str
    estate: JsonObject
    steps: tuple[Step, ...]
    by_hand: tuple[Step, ...]
    findings: tuple[Finding, ...]

    @property
    def resolved(self) -> frozenset[str]:
        """The fingerprints of the findings that the steps resolve."""
        return frozenset(finding.fingerprint for step in self.steps for finding in step.findings)


@dataclass(frozen=True, slots=True)
class Found:
    """A finding in a modelled set, with the violation of the catalogue that it is and the words that fill it in."""

    fingerprint: str
    rule: str
    violation: str
    resource: Resource
    path: tuple[Segment, ...]
    service: str | None
    args: Mapping[str, str]
