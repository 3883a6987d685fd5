"""Whole sets as examples: a snapshot or a sound estate of which some objects were changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

from thunderguard.facts.resources import resource_of
from thunderguard.replay.cases import Played, Step, described
from thunderguard.replay.domains import randomness
from thunderguard.replay.judges import ARBITER, Judge, SetVerdict
from thunderguard.replay.mutations import Mutation, fitting
from thunderguard.replay.properties.base import Mismatch, World, differing, found_keys

if TYPE_CHECKING:
    from thunderguard.model import JsonObject
    from thunderguard.replay.ground import Ground

#: A larger set shows no more, and is slow in engines that start a program for each.
_LARGEST = 150
_TRIES = 30


def drawn_set(world: World, pile: str, number: int) -> tuple[list[JsonObject], str]:
    """Draw a set and say what was done to it: up to four of its objects changed, or copied and changed."""
    random = randomness(world.deck.seed, pile, number)
    sources = [world.ground.samples.whole, *(objects for _, objects in world.snapshots)]
    objects = list(sources[number % len(sources)])
    if len(objects) > _LARGEST:
        start = random.randrange(len(objects) - _LARGEST)
        objects = objects[start : start + _LARGEST]
    told = []
    for _ in range(random.randint(0 if number else 1, 4)):
        place = random.randrange(len(objects))
        played = changed(objects[place], world.ground, random)
        if played is None:
            continue
        told.append(f"{described(played.case.steps)} of {resource_of(played.before)}")
        if played.stands_beside:
            objects.append(played.after)
        else:
            objects[place] = played.after
    return objects, "; ".join(told)


def changed(
    obj: JsonObject, ground: Ground, random: Random, wanted: Callable[[Mutation], bool] = lambda _: True
) -> Played | None:
    """Change ``obj`` by one mutation that ``wanted`` accepts; None when none was found that does."""
    known = [mutation for family in fitting(ground.view(obj)) for mutation in family if wanted(mutation)]
    for _ in range(_TRIES if known else 0):
        mutation = random.choice(known)
        played = Played.of(obj).then(Step(mutation.name, mutation.pick(random)), ground)
        if played is not None:
            return played
    return None


def sets_differ(objects: Sequence[JsonObject], judge: Judge, arbiter: Judge) -> tuple[Mismatch | None, str]:
    """Compare what an engine and the arbiter find in one set; the second value says why that was not possible."""
    one, other = arbiter.judge_set(objects), judge.judge_set(objects)
    trouble = other.trouble or one.trouble
    return (None, trouble) if trouble else (keys_differ((ARBITER, one), (judge.name, other)), "")


def keys_differ(left: tuple[str, SetVerdict], right: tuple[str, SetVerdict]) -> Mismatch | None:
    """Compare the findings of two sets, by rule, address and path."""
    return differing((left[0], found_keys(left[1].findings)), (right[0], found_keys(right[1].findings)))
