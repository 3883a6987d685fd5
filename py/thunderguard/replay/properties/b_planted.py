"""What was planted is found, and nothing else changes.

For any object and any mutations whose effect is known: what an engine finds of the changed object is what it found
before, without what the mutations say they remove, and with what they say they plant; the status of every other rule
stays. A second instance that is put into a whole and sound estate is found by the rules about the set as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from thunderguard.facts.resources import resource_of
from thunderguard.model import JsonObject, Outcome
from thunderguard.replay.cases import Played, described
from thunderguard.replay.deck import Deck
from thunderguard.replay.domains import randomness
from thunderguard.replay.effects import Promise
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
)
from thunderguard.replay.sets import changed

_CLONES = ("clone-elsewhere", "clone-renamed", "clone-as-kind", "clone-from-registry")


def _is_known(mutation: Mutation) -> bool:
    return mutation.promise is not Promise.OPEN


def _draw(deck: Deck, number: int) -> Played | None:
    return deck.draw("b", number, steps=(1, 2), wanted=_is_known, fits=lambda played: played.is_known)


def _check(played: Played, outcomes: Sequence[Outcome], arbiter: Sequence[Outcome]) -> Mismatch | None:
    del arbiter
    before, after = outcomes
    found = unequal(("planted", played.expected(places(before))), ("engine", places(after)))
    if found is not None or any(effect.fresh for effect in played.effects):
        return found
    return other_statuses(("before", before), ("engine", after), played.rules)


def _sets(world: World, judge: Judge, arbiter: Judge, count: int) -> Iterator[SetExample]:
    del arbiter
    if not judge.judges_sets:
        return
    whole, samples = world.ground.samples.whole, world.ground.samples
    homes = [home for service in world.ground.homed if (home := samples.home(service.name)) is not None]
    for number in range(count if homes else 0):
        random = randomness(world.deck.seed, "b sets", number)
        played = changed(random.choice(homes), world.ground, random, lambda mutation: mutation.name in _CLONES)
        if played is not None:
            yield _planted_in(played, whole, judge)


def _planted_in(played: Played, whole: Sequence[JsonObject], judge: Judge) -> SetExample:
    clone = resource_of(played.after)
    verdict = judge.judge_set([*whole, played.after])
    found = {
        (rule if resource == clone else f"{rule} of {resource}", path) for rule, resource, path in verdict.findings
    }
    wanted = {*played.expected(()), ("duplicate-service", "")}
    mismatch = None if verdict.trouble else unequal(("planted", wanted), (judge.name, found))
    return SetExample(mismatch, verdict.trouble, objects=(played.after,), steps=described(played.case.steps))


PROPERTY = Property(
    "b",
    stated(__doc__),
    (ObjectPart(_draw, both_texts, _check, forgets_steps=False, careful=True), SetPart(_sets)),
)
