"""What a mutation promises about the findings of the object that it changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from thunderguard.model import JsonObject

#: A rule, and the path at which it finds something.
Place: TypeAlias = tuple[str, str]


class Promise(StrEnum):
    """What kind of effect a mutation has, as the list of mutations tells it."""

    PLANTS = "plants"
    NEUTRAL = "neutral"
    EXACT = "exact"
    OPEN = "open"


PROMISES = {
    Promise.PLANTS: "it plants what it names, and changes nothing else",
    Promise.NEUTRAL: "no finding and no status changes",
    Promise.EXACT: "it says of each argument what it plants and what it removes",
    Promise.OPEN: "nothing is known beforehand, and engines have to agree all the same",
}


@dataclass(frozen=True, slots=True)
class Effect:
    """How the findings about the changed object follow from those about the object as it was.

    ``removes`` are rules with the path below which they find nothing any more, "" for all of them; a path is one of
    the object as it was. ``moves`` are pairs of the beginning of a path and what it becomes. ``plants`` are found
    afterwards, whatever was before. The status of a rule in ``touches`` may change without a finding. ``fresh`` says
    that the object is another one, about which nothing but ``plants`` is found, and ``unknown`` that nothing is
    promised.
    """

    plants: frozenset[Place] = frozenset()
    removes: frozenset[Place] = frozenset()
    moves: tuple[tuple[str, str], ...] = ()
    touches: frozenset[str] = field(default_factory=frozenset)
    fresh: bool = False
    unknown: bool = False

    @property
    def is_neutral(self) -> bool:
        """Whether a verdict stays as it was, but for the places of lists."""
        return not (self.plants or self.removes or self.touches or self.fresh or self.unknown)

    def expected(self, before: Iterable[Place]) -> set[Place]:
        """Give what is found afterwards, when ``before`` was found of the object as it was."""
        kept = () if self.fresh else before
        return {
            (rule, self.moved(path))
            for rule, path in kept
            if not any(rule == gone and within(path, below) for gone, below in self.removes)
        } | self.plants

    def moved(self, path: str) -> str:
        """Give the path at which now stands what stood at ``path``."""
        for old, new in self.moves:
            if within(path, old):
                return new + path[len(old) :]
        return path

    @property
    def rules(self) -> frozenset[str]:
        """The rules whose status may change."""
        return self.touches | {rule for rule, _ in (*self.plants, *self.removes)}


NEUTRAL = Effect()
OPEN = Effect(unknown=True)


def within(path: str, beginning: str) -> bool:
    """Say whether ``path`` is ``beginning`` or leads on from there."""
    return not beginning or path == beginning or (path.startswith(beginning) and path[len(beginning)] in ".[")


@dataclass(frozen=True, slots=True)
class Mutated:
    """A changed object, and what was promised of it. ``stands_beside`` says that the object as it was stays."""

    obj: JsonObject
    effect: Effect = NEUTRAL
    stands_beside: bool = False
