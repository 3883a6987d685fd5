"""What a property is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from thunderguard.model import JsonObject, Outcome, Report
from thunderguard.replay.cases import Played, texts_of
from thunderguard.replay.deck import Deck
from thunderguard.replay.effects import Place
from thunderguard.replay.judges import Judge

if TYPE_CHECKING:
    from pathlib import Path

    from thunderguard.catalogue import Catalogue
    from thunderguard.engines import EngineOptions
    from thunderguard.replay.ground import Ground

#: How a report is written as JSON; it comes from outside, because reports stand above a replay.
Written: TypeAlias = Callable[[Report], JsonObject]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Two answers that should be one. ``signature`` tells of which kind it is, so that a smaller one is the same."""

    left: str
    right: str
    left_lines: tuple[str, ...]
    right_lines: tuple[str, ...]
    signature: frozenset[str]


@dataclass(frozen=True, slots=True)
class ObjectPart:
    """A property of single objects.

    ``draw`` gives an example, ``texts`` what engines are asked about it, and ``check`` what is wrong with an engine's
    outcomes, the arbiter's beside them. Outcomes that are no verdict do not come to ``check``, unless ``undecided``
    says that they are what it is about.
    """

    draw: Callable[[Deck, int], Played | None]
    texts: Callable[[Played], Sequence[bytes]]
    check: Callable[[Played, Sequence[Outcome], Sequence[Outcome]], Mismatch | None]
    undecided: bool = False
    #: Whether the last object alone decides, so that the steps that led to it may be forgotten.
    forgets_steps: bool = True
    #: Whether ``check`` asks for the effects of the steps.
    careful: bool = False
    #: Whether a counterexample is no use without the object as it was.
    shows_before: bool = False
    #: Whether what is judged is the request that makes the last object of the first.
    is_update: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """What a property of whole sets may look at. ``estate_path`` is the file of the Estate."""

    deck: Deck
    snapshots: tuple[tuple[str, tuple[JsonObject, ...]], ...]
    estate_path: Path
    catalogue: Catalogue
    options: EngineOptions
    written: Written

    @property
    def ground(self) -> Ground:
        """What is known of the Estate."""
        return self.deck.corpus.ground


@dataclass(frozen=True, slots=True)
class SetExample:
    """One example of a property of sets, judged.

    ``trouble`` says why it could not be judged, and ``note`` what is to be told though nothing is wrong.
    ``objects`` are what shows the ``mismatch``, and ``again`` judges others in their place.
    """

    mismatch: Mismatch | None = None
    trouble: str = ""
    note: str = ""
    objects: tuple[JsonObject, ...] = ()
    steps: str = ""
    again: Callable[[Sequence[JsonObject]], Mismatch | None] | None = None


@dataclass(frozen=True, slots=True)
class SetPart:
    """A property of whole sets: ``examples`` gives up to so many of them, judged by one engine and the arbiter."""

    examples: Callable[[World, Judge, Judge, int], Iterator[SetExample]]
    #: How many examples of objects cost as much as one of these.
    price: int = 50


@dataclass(frozen=True, slots=True)
class Property:
    """One property: ``statement`` says in words what holds, its first sentence being the ``title``."""

    id: str
    statement: str
    parts: tuple[ObjectPart | SetPart, ...]

    @property
    def title(self) -> str:
        """The first line of the statement."""
        return self.statement.strip().splitlines()[0].rstrip(".")

    @property
    def text(self) -> str:
        """The statement as running text."""
        return " ".join(self.statement.split())


def stated(doc: str | None) -> str:
    """Give the docstring of a property's module."""
    return (doc or "").strip()


def last_texts(played: Played) -> Sequence[bytes]:
    """Ask about the last object."""
    return texts_of(played.after)


def both_texts(played: Played) -> Sequence[bytes]:
    """Ask about the first object and the last one; () when one of them is not one document."""
    before, after = texts_of(played.before), texts_of(played.after)
    return (*before, *after) if len(before) == len(after) == 1 else ()


def places(outcome: Outcome) -> set[Place]:
    """Give what was found, without the address of the object."""
    return {(finding.rule, finding.path) for finding in outcome.findings}


def told(found: Iterable[Place]) -> tuple[str, ...]:
    """Give places as lines."""
    return tuple(f"{rule} at {path or 'the whole object'}" for rule, path in sorted(found))


def unequal(left: tuple[str, set[Place]], right: tuple[str, set[Place]]) -> Mismatch | None:
    """Compare what should be found with what was found; each comes with the name of its side."""
    only_left, only_right = left[1] - right[1], right[1] - left[1]
    if not only_left and not only_right:
        return None
    signature = {f"-{rule}" for rule, _ in only_left} | {f"+{rule}" for rule, _ in only_right}
    return Mismatch(left[0], right[0], told(only_left), told(only_right), frozenset(signature))


def other_statuses(left: tuple[str, Outcome], right: tuple[str, Outcome], rules: Iterable[str] = ()) -> Mismatch | None:
    """Compare the statuses of two outcomes, but for those of ``rules``."""
    one, other = left[1].statuses, right[1].statuses
    changed = sorted({rule for rule in {*one, *other} - {*rules} if one.get(rule) != other.get(rule)})
    if not changed:
        return None
    return Mismatch(
        left[0],
        right[0],
        tuple(f"{rule} is {one.get(rule, 'absent')}" for rule in changed),
        tuple(f"{rule} is {other.get(rule, 'absent')}" for rule in changed),
        frozenset(f"{rule}: {one.get(rule)}, {other.get(rule)}" for rule in changed),
    )


def verdicts_differ(
    left: tuple[str, Outcome], right: tuple[str, Outcome], *, addresses: bool = True
) -> Mismatch | None:
    """Compare two outcomes whole: kinds, statuses and findings, with the ``addresses`` of the objects or without."""
    one, other = left[1], right[1]
    if one.kind == other.kind and one.statuses == other.statuses and one.findings == other.findings:
        return None

    def lines(outcome: Outcome) -> set[tuple[str, str]]:
        told = {(f"outcome {outcome.kind}", "outcome")}
        told |= {(f"{rule} is {status}", f"{rule}: {status}") for rule, status in outcome.statuses.items()}
        for finding in outcome.findings:
            where = f"{finding.resource} " if addresses else ""
            path = finding.path or "the whole object"
            told.add((f"{finding.rule} at {where}{path}", finding.rule))
        return told

    only_one, only_other = lines(one) - lines(other), lines(other) - lines(one)
    if not only_one and not only_other:
        return None
    signature = {f"-{sign}" for _, sign in only_one} | {f"+{sign}" for _, sign in only_other}
    return Mismatch(
        left[0],
        right[0],
        tuple(sorted(line for line, _ in only_one)),
        tuple(sorted(line for line, _ in only_other)),
        frozenset(signature),
    )
