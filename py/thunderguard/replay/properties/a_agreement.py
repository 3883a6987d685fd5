"""Every engine gives the reference's outcome.

For any object of the snapshot or of the Estate, changed by any mutations, malformed ones among them: kind of outcome,
status of each rule, and findings by rule, address and path are those of the reference. So it is for an UPDATE request
that makes the changed object of the one before, and for the findings about whole sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from thunderguard.admission import review
from thunderguard.model import JsonObject, Outcome
from thunderguard.replay.cases import Played
from thunderguard.replay.deck import Deck
from thunderguard.replay.judges import ARBITER, Judge
from thunderguard.replay.properties.askable import is_askable, same_address
from thunderguard.replay.properties.base import (
    Mismatch,
    ObjectPart,
    Property,
    SetExample,
    SetPart,
    World,
    any_example,
    last_texts,
    stated,
    verdicts_differ,
)
from thunderguard.replay.sets import drawn_set, sets_differ


def _check(played: Played, outcomes: Sequence[Outcome], arbiter: Sequence[Outcome]) -> Mismatch | None:
    del played
    for one, other in zip(arbiter, outcomes, strict=True):
        found = verdicts_differ((ARBITER, one), ("engine", other))
        if found is not None:
            return found
    return None


def _draw_update(deck: Deck, number: int) -> Played | None:
    return deck.draw("a update", number, steps=(1, 2), careful=False, fits=_is_update)


def _is_update(played: Played) -> bool:
    return is_askable(played.before) and is_askable(played.after) and same_address(played.before, played.after)


def _update_texts(played: Played) -> Sequence[bytes]:
    if not _is_update(played):
        return ()
    return (orjson.dumps(review(played.after, operation="UPDATE", old=played.before)),)


def _sets(world: World, judge: Judge, arbiter: Judge, count: int) -> Iterator[SetExample]:
    if not judge.judges_sets:
        return
    for number in range(count):
        objects, steps = drawn_set(world, "a sets", number)

        def again(smaller: Sequence[JsonObject]) -> Mismatch | None:
            return sets_differ(smaller, judge, arbiter)[0]

        mismatch, trouble = sets_differ(objects, judge, arbiter)
        yield SetExample(mismatch, trouble, objects=tuple(objects), steps=steps, again=again)


OBJECTS = ObjectPart(any_example, last_texts, _check)

PROPERTY = Property(
    "a",
    stated(__doc__),
    (
        OBJECTS,
        ObjectPart(_draw_update, _update_texts, _check, forgets_steps=False, shows_before=True, is_update=True),
        SetPart(_sets),
    ),
)
