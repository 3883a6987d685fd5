"""Order, unrelated fields, key order, defaulting and serialisation never change a verdict.

For any object and any mutations that are noise: the verdict stays what it was, but for the places of containers that
were reordered. It stays the same, too, when the object is read from YAML, from a stream of documents, or from a List;
and for conftest, when a whole set is given with --combine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from thunderguard.model import Outcome
from thunderguard.replay.cases import Played, texts_of
from thunderguard.replay.combine import combined
from thunderguard.replay.deck import Deck
from thunderguard.replay.effects import Promise
from thunderguard.replay.forms import as_list, as_stream, as_yaml
from thunderguard.replay.judges import Judge
from thunderguard.replay.mutations import Mutation
from thunderguard.replay.properties.base import (
    Mismatch,
    ObjectPart,
    Property,
    SetExample,
    SetPart,
    World,
    both_texts,
    other_statuses,
    places,
    stated,
    unequal,
    verdicts_differ,
)
from thunderguard.replay.sets import drawn_set, keys_differ


def _is_noise(mutation: Mutation) -> bool:
    return mutation.promise is Promise.NEUTRAL


def _draw(deck: Deck, number: int) -> Played | None:
    return deck.draw("c", number, steps=(1, 3), wanted=_is_noise)


def _check(played: Played, outcomes: Sequence[Outcome], arbiter: Sequence[Outcome]) -> Mismatch | None:
    del arbiter
    before, after = outcomes
    found = unequal(("before", played.expected(places(before))), ("after", places(after)))
    return found or other_statuses(("before", before), ("after", after))


def _draw_form(deck: Deck, number: int) -> Played | None:
    # Writing YAML is slow, so that fewer objects are written.
    return deck.draw("c forms", number, steps=(0, 2), careful=False) if number % 5 == 0 else None


def _form_texts(played: Played) -> Sequence[bytes]:
    (text, *more) = texts_of(played.after) or [b""]
    if more or not text:
        return ()
    forms = [form(played.after) for form in (as_yaml, as_stream, as_list)]
    return (text, *(texts[0] for texts in forms if len(texts) == 1)) if all(len(f) == 1 for f in forms) else ()


def _check_forms(played: Played, outcomes: Sequence[Outcome], arbiter: Sequence[Outcome]) -> Mismatch | None:
    del played, arbiter
    as_json, *others = outcomes
    for name, other in zip(("YAML", "a stream of YAML", "a List"), others, strict=True):
        found = verdicts_differ(("JSON", as_json), (name, other))
        if found is not None:
            return found
    return None


def _combined(world: World, judge: Judge, arbiter: Judge, count: int) -> Iterator[SetExample]:
    if judge.name != "conftest" or judge.engine is None:
        return
    for number in range(count):
        objects, steps = drawn_set(world, "c sets", number)
        alone, together = arbiter.judge_set(objects), combined(objects, world)
        trouble = together.trouble or alone.trouble
        mismatch = None if trouble else keys_differ(("one by one", alone), ("--combine", together))
        yield SetExample(mismatch, trouble, objects=tuple(objects), steps=steps)


PROPERTY = Property(
    "c",
    stated(__doc__),
    (
        ObjectPart(_draw, both_texts, _check, forgets_steps=False, careful=True, shows_before=True),
        ObjectPart(_draw_form, _form_texts, _check_forms),
        SetPart(_combined, price=100),
    ),
)
