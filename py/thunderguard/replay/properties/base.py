"""What a property is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from thunderguard.model import JsonObject, Key, Outcome, Report
from thunderguard.replay.cases import Played, texts_of
from thunderguard.replay.deck import Deck
from thunderguard.replay.effects import Place
from thunderguard.replay.judges import Judge

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.engines import EngineOptions
    from thunderguard.estate import Estate
    from thunderguard.replay.ground import Ground

#: How a report is written as JSON; it comes from outside, because reports stand above a replay.
Written: TypeAlias = Callable[[Report], JsonObject]

#: What one side says: what it is compared by, the line that tells it, and what it is a sign of.
Said: TypeAlias = Mapping[Any, tuple[str, str]]


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
    """What a property of whole sets may look at. ``snapshots`` are the objects of each by its path."""

    deck: Deck
    snapshots: tuple[tuple[str, tuple[JsonObject, ...]], ...]
    estate: Estate
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

    ``trouble`` says why it could not be judged, and ``note`` what is to be told though nothing is wrong. One that does
    not count was not tried; ``changed`` says that it is the policy that is another now. ``objects`` are what shows the
    ``mismatch``, and ``again`` judges others in their place.
    """

    mismatch: Mismatch | None = None
    trouble: str = ""
    note: str = ""
    counts: bool = True
    changed: bool = False
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


def any_example(deck: Deck, number: int) -> Played | None:
    """Draw any object, changed by any mutations: the same for whoever asks, so that each engine judges it once."""
    return deck.draw("a", number, steps=(0 if number % 8 == 0 else 1, 3), careful=False)


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


def differing(left: tuple[str, Said], right: tuple[str, Said]) -> Mismatch | None:
    """Compare what two sides say; each comes with its name."""
    one, other = left[1], right[1]
    only_one, only_other = ([a[key] for key in a.keys() - b.keys()] for a, b in ((one, other), (other, one)))
    if not only_one and not only_other:
        return None
    return Mismatch(
        left[0],
        right[0],
        tuple(sorted(line for line, _ in only_one)),
        tuple(sorted(line for line, _ in only_other)),
        frozenset({f"-{sign}" for _, sign in only_one} | {f"+{sign}" for _, sign in only_other}),
    )


def unequal(left: tuple[str, set[Place]], right: tuple[str, set[Place]]) -> Mismatch | None:
    """Compare what should be found with what was found; each comes with the name of its side."""
    one, other = (
        {(rule, path): (f"{rule} at {path or 'the whole object'}", rule) for rule, path in found}
        for _, found in (left, right)
    )
    return differing((left[0], one), (right[0], other))


def found_keys(keys: Iterable[Key]) -> Said:
    """Give what says where something was found, with the whole address of the object."""
    return {key: (key_told(key), key[0]) for key in keys}


def key_told(key: Key) -> str:
    """Give a finding as a line."""
    rule, resource, path = key
    return f"{rule} at {resource.apiVersion} {resource} {path or 'the whole object'}"


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


def verdicts_differ(left: tuple[str, Outcome], right: tuple[str, Outcome]) -> Mismatch | None:
    """Compare two outcomes whole: kinds, statuses and findings."""
    one, other = left[1], right[1]
    if one.kind == other.kind and one.statuses == other.statuses and one.findings == other.findings:
        return None
    return differing((left[0], _said(one)), (right[0], _said(other)))


def _said(outcome: Outcome) -> Said:
    said: dict[Any, tuple[str, str]] = {outcome.kind: (f"outcome {outcome.kind}", "outcome")}
    for rule, status in outcome.statuses.items():
        said[rule, status] = (f"{rule} is {status}", f"{rule}: {status}")
    return {**said, **found_keys(finding.key for finding in outcome.findings)}
