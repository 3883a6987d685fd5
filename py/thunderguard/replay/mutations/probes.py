"""Probes, which a service may have to have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thunderguard.facts.subject import Subject
from thunderguard.replay.domains import OneOf, Whole
from thunderguard.replay.edit import ABSENT, give, put
from thunderguard.replay.effects import Effect, Mutated, Place, Promise
from thunderguard.replay.ground import placed
from thunderguard.replay.mutations.base import Family, judged_workload, one_of

if TYPE_CHECKING:
    from thunderguard.replay.ground import Ground

FAMILY = Family("probes")
_RULE = "health-probes"
_PROBE = OneOf(("readinessProbe", "livenessProbe"))
_ENDING = {("batch", "Job"), ("batch", "CronJob")}


@FAMILY.add(
    "spoil-probe",
    Promise.PLANTS,
    judged_workload,
    _RULE,
    probe=_PROBE,
    where=Whole(),
    value=OneOf((ABSENT, None, "/health", [], True)),
)
def spoil_probe(view: Subject, ground: Ground, probe: str, where: int, value: Any) -> Mutated | None:
    """The container of a service loses a probe that is declared, or has something that is none."""
    del ground
    declared = [
        name
        for name in view.services
        if probe in view.contract.service[name].probes and len(view.containers_running(name)) == 1
    ]
    name = one_of(declared, where)
    if name is None or view.type in _ENDING:
        return None
    path = (*view.containers_running(name)[0].path, probe)
    return Mutated(give(view.obj, path, value), Effect(placed(_RULE, *path)))


@FAMILY.add("give-probe", Promise.EXACT, judged_workload, probe=_PROBE, where=Whole(), value=OneOf(({}, {"exec": {}})))
def give_probe(view: Subject, ground: Ground, probe: str, where: int, value: Any) -> Mutated | None:
    """A container gets a probe."""
    del ground
    container = one_of([c for c in view.containers if c.serves], where)
    if container is None or isinstance(container.body.get(probe), dict):
        return None
    path = (*container.path, probe)
    gone: frozenset[Place] = frozenset()
    for name in view.services_of(container):
        first = view.containers_running(name)[0]
        if len(view.services_of(first)) > 1:
            return None
        gone |= placed(_RULE, *first.path, probe)
    return Mutated(put(view.obj, path, value), Effect(removes=gone))
