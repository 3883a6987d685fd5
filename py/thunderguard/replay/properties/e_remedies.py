"""Following a finding's remedy removes that finding and adds none.

For every finding in a snapshot, and for what is planted in a sound estate: when what the remedy says is done to the
set, the finding is gone and no other came. One place tells one fault at a time, so that a second one that it hid may
show at the same place; its remedy is followed then as well. What was away from its home may be called a duplicate once
something is at home. A service hidden in the pod of another one is left out: its pod cannot go without the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from thunderguard.facts.resources import resource_of
from thunderguard.model import JsonObject, Key, RawFinding
from thunderguard.replay.cases import described
from thunderguard.replay.deck import Deck
from thunderguard.replay.domains import randomness
from thunderguard.replay.effects import Promise
from thunderguard.replay.judges import Judge
from thunderguard.replay.mutations import Mutation
from thunderguard.replay.properties.base import Mismatch, Property, SetExample, SetPart, World, key_told, stated
from thunderguard.replay.remedies import Remedies
from thunderguard.replay.sets import changed

_FAULTS_AT_ONE_PLACE = 4


def _examples(world: World, judge: Judge, arbiter: Judge, count: int) -> Iterator[SetExample]:
    del arbiter
    remedies = Remedies(world.ground, world.catalogue)
    for _, captured in world.snapshots:
        yield from _of_set(list(captured), judge, remedies, world.deck, count)
    whole = list(world.ground.samples.whole)
    for number in range(count):
        random = randomness(world.deck.seed, "e", number)
        place = random.randrange(len(whole))
        played = changed(whole[place], world.ground, random, _plants_alone)
        if played is None:
            continue
        others = whole if played.stands_beside else [*whole[:place], *whole[place + 1 :]]
        objects = [*others, played.after]
        yield from _of_set(objects, judge, remedies, world.deck, 2, described(played.case.steps))


def _plants_alone(mutation: Mutation) -> bool:
    return mutation.promise is Promise.PLANTS and (
        mutation.family != "hiding" or "singleton-service" not in mutation.rules
    )


def _of_set(
    objects: list[JsonObject], judge: Judge, remedies: Remedies, deck: Deck, count: int, steps: str = ""
) -> Iterator[SetExample]:
    before = judge.judge_set(objects)
    if before.trouble:
        yield SetExample(trouble=before.trouble)
        return
    findings = list(before.findings.values())
    if len(findings) > count:
        findings = randomness(deck.seed, "e findings").sample(findings, count)
    for finding in findings:
        yield _example(finding, objects, judge, remedies, steps)


def _example(
    finding: RawFinding, objects: Sequence[JsonObject], judge: Judge, remedies: Remedies, steps: str
) -> SetExample:
    about = [obj for obj in objects if resource_of(obj) == finding.resource]
    others = [obj for obj in objects if resource_of(obj) != finding.resource]

    def again(smaller: Sequence[JsonObject]) -> Mismatch | None:
        whole = [*others, *smaller]
        same = judge.judge_set(whole).findings.get(finding.key)
        return None if same is None else _followed(same, whole, judge, remedies).mismatch

    followed = _followed(finding, objects, judge, remedies)
    if not followed.counts:
        return followed
    told = f"{steps}; {followed.steps}" if steps else followed.steps
    return replace(followed, objects=tuple(about), steps=told, again=again if about else None)


def _followed(finding: RawFinding, objects: Sequence[JsonObject], judge: Judge, remedies: Remedies) -> SetExample:
    """Follow a remedy; give what is wrong then, why that could not be told, and as steps what was done."""
    told = [f"{finding.rule} at {finding.resource} {finding.path}: {finding.remedy}"]
    now, current = remedies.given(finding, objects), finding
    before = verdict = judge.judge_set(now)
    for _ in range(_FAULTS_AT_ONE_PLACE):
        done = remedies.follow(current, now)
        if done is None:
            return SetExample(note=f"not modelled: {told[-1]}", counts=False)
        now, verdict = done, judge.judge_set(done)
        same = verdict.findings.get(finding.key)
        if same is None or (same.message, same.remedy) == (current.message, current.remedy):
            break
        current = same
        told.append(f"then {current.remedy}")
    trouble = before.trouble or verdict.trouble
    left = {finding.key} & verdict.findings.keys()
    away = {resource for rule, resource, _ in before.findings if rule == "singleton-service"}
    added = {
        key
        for key in verdict.findings.keys() - before.findings.keys()
        if not (key[0] == "duplicate-service" and key[1] in away)
    }
    mismatch = _mismatch(left, added, judge.name) if (left or added) and not trouble else None
    return SetExample(mismatch, trouble, steps="; ".join(told))


def _mismatch(left: set[Key], added: set[Key], name: str) -> Mismatch:
    return Mismatch(
        "remedy followed",
        name,
        ("no finding but those that were there",),
        (*sorted(f"still {key_told(key)}" for key in left), *sorted(f"new {key_told(key)}" for key in added)),
        frozenset(rule for rule, _, _ in (*left, *added)),
    )


PROPERTY = Property("e", stated(__doc__), (SetPart(_examples, price=10),))
