"""One example: a real or generated object, and the mutations that are applied to it one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from thunderguard.documents.limits import DEFAULT_LIMITS
from thunderguard.documents.objects import Origin, is_list, items
from thunderguard.model import Document, JsonObject
from thunderguard.replay.effects import Effect, Place
from thunderguard.replay.mutations import MUTATIONS, Arguments

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from thunderguard.replay.ground import Ground


@dataclass(frozen=True, slots=True)
class Step:
    """A mutation by name, with its arguments."""

    mutation: str
    arguments: Arguments

    def __str__(self) -> str:
        """Give ``drop-quantity(field=limits.cpu, where=0)``."""
        spelled = ", ".join(f"{name}={value}" for name, value in self.arguments.items())
        return f"{self.mutation}({spelled})" if spelled else self.mutation


@dataclass(frozen=True, slots=True)
class Case:
    """An object and the steps that change it. ``number`` is its place among the examples of its property."""

    base: JsonObject
    steps: tuple[Step, ...] = ()
    number: int = 0


@dataclass(frozen=True, slots=True)
class Played:
    """A case whose steps were taken: the objects from the first to the last, and the effect of each step.

    ``stands_beside`` says that the last object is another one than the first, which is still there.
    """

    case: Case
    objects: tuple[JsonObject, ...]
    effects: tuple[Effect, ...] = ()
    stands_beside: bool = False

    @classmethod
    def of(cls, base: JsonObject, number: int = 0) -> Self:
        """Begin with an object to which nothing was done."""
        return cls(Case(base, (), number), (base,))

    def then(self, step: Step, ground: Ground) -> Self | None:
        """Take one more step; None when it leads nowhere."""
        mutated = MUTATIONS[step.mutation].apply(self.after, ground, step.arguments)
        if mutated is None:
            return None
        return replace(
            self,
            case=replace(self.case, steps=(*self.case.steps, step)),
            objects=(*self.objects, mutated.obj),
            effects=(*self.effects, mutated.effect),
            stands_beside=self.stands_beside or mutated.stands_beside,
        )

    @property
    def before(self) -> JsonObject:
        """The object as it was."""
        return self.objects[0]

    @property
    def after(self) -> JsonObject:
        """The object that came of it."""
        return self.objects[-1]

    def expected(self, before: Iterable[Place]) -> set[Place]:
        """Give what is to be found of :attr:`after` when ``before`` was found of :attr:`before`."""
        places = set(before)
        for effect in self.effects:
            places = effect.expected(places)
        return places

    @property
    def is_known(self) -> bool:
        """Whether all effects are."""
        return not any(effect.unknown for effect in self.effects)

    @property
    def rules(self) -> frozenset[str]:
        """The rules whose status may have changed."""
        return frozenset(rule for effect in self.effects for rule in effect.rules)


def play(case: Case, ground: Ground) -> Played | None:
    """Take the steps of ``case``; None when one of them leads nowhere."""
    played: Played | None = Played.of(case.base, case.number)
    for step in case.steps:
        played = None if played is None else played.then(step, ground)
    return played


def texts_of(obj: Any) -> list[bytes]:
    """Give the texts that engines are given for ``obj``: its own, or those of what its List holds."""
    text = orjson.dumps(obj)
    return held(obj, text) if is_list(obj) else [text]


def held(value: Any, text: bytes) -> list[bytes]:
    """Give the texts of the objects that a reader finds in ``value``, whose JSON is ``text``."""
    origin = Origin.start("-", walked=False, limits=DEFAULT_LIMITS)
    return [item.text for item in items(value, text, origin) if isinstance(item, Document)]


def described(steps: Sequence[Step]) -> str:
    """Give the steps as one text."""
    return ", then ".join(str(step) for step in steps)
