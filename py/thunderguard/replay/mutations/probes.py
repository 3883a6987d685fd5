"""Probes, which a service may have to have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thunderguard.facts.subject import Subject
from thunderguard.paths import format_path
from thunderguard.replay.domains import OneOf, Whole
from thunderguard.replay.edit import drop, put
from thunderguard.replay.effects import Effect, Mutated, Promise
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
    value=OneOf(("absent", None, "/health", [], True)),
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
    obj = drop(view.obj, path) if value == "absent" else put(view.obj, path, value)
    return Mutated(obj, Effect(frozenset({(_RULE, format_path(path))})))


@FAMILY.add("give-probe", Promise.EXACT, judged_workload, probe=_PROBE, where=Whole(), value=OneOf(({}, {"exec": {}})))
def give_probe(view: Subject, ground: Ground, probe: str, where: int, value: Any) -> Mutated | None:
    """A container gets a probe."""
    del ground
    container = one_of([c for c in view.containers if c.serves], where)
    if container is None or isinstance(container.body.get(probe), dict):
        return None
    path = (*container.path, probe)
    gone = set()
    for name in view.services_of(container):
        first = view.containers_running(name)[0]
        gone.add((_RULE, format_path((*first.path, probe))))
    if any(len(view.services_of(view.containers_running(n)[0])) > 1 for n in view.services_of(container)):
        return None
    return Mutated(put(view.obj, path, value), Effect(removes=frozenset(gone)))
