"""What a rule answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from thunderguard.model import Resource, Status

if TYPE_CHECKING:
    from thunderguard.paths import Segment


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which something breaks a rule.

    ``key`` names the text in the catalogue and ``args`` fill it in. ``resource`` is what the rule speaks about,
    None for the object under judgement.
    """

    key: str
    path: tuple[Segment, ...]
    args: Mapping[str, str] = field(default_factory=dict)
    service: str | None = None
    resource: Resource | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of one rule about one object."""

    status: Status
    violations: tuple[Violation, ...] = ()


NOT_MATCHED = Verdict(Status.NOT_MATCHED)


def verdict(violations: Iterable[Violation], *, undecided: bool = False) -> Verdict:
    """Answer for an object that the rule speaks about; ``undecided`` says that a fact was wanting."""
    found = tuple(violations)
    if found:
        return Verdict(Status.VIOLATED, found)
    return Verdict(Status.NOT_JUDGED if undecided else Status.PASSED)


def listed(names: Iterable[str]) -> str:
    """Spell a list of names as messages do."""
    return ", ".join(sorted(names))
