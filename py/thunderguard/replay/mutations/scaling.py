"""How many pods run: replicas, parallelism, and autoscalers that may raise them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thunderguard.facts.subject import Subject
from thunderguard.facts.workloads import PARALLEL
from thunderguard.replay.domains import OneOf, Whole
from thunderguard.replay.edit import put
from thunderguard.replay.effects import Effect, Mutated, Promise
from thunderguard.replay.ground import placed
from thunderguard.replay.mutations.base import Family, at_home, workload
from thunderguard.replay.samples import autoscaler

if TYPE_CHECKING:
    from thunderguard.facts.services import Service
    from thunderguard.replay.ground import Ground

FAMILY = Family("scaling")
_RULE = "singleton-service"
_MAXIMUM = ("spec", "maxReplicas")


def _parallel(view: Subject) -> bool:
    return workload(view) and view.type in PARALLEL


def _bounds(view: Subject) -> list[Service]:
    """Give the services of which the object is the home, or may be, and that have a maximum."""
    found = []
    for name in view.services:
        service = view.contract.service[name]
        home = service.home
        if home is None or service.maximum is None or view.namespace not in ("", home.namespace):
            continue
        if (view.type, view.name) == (home.type, home.name):
            found.append(service)
    return found


def _bounded(view: Subject) -> bool:
    return _parallel(view) and bool(_bounds(view))


def _counted(view: Subject, count: Any, *, refused: bool) -> Mutated:
    field = PARALLEL[view.type]
    place = placed(_RULE, *field)
    effect = Effect(plants=place) if refused else Effect(removes=place)
    return Mutated(put(view.obj, field, count), effect)


@FAMILY.add("scale", Promise.EXACT, _parallel, _RULE, count=OneOf((0, 1, 2, 3, 5, 100, 2**31 - 1)))
def scale(view: Subject, ground: Ground, count: int) -> Mutated:
    """A workload asks for another number of pods."""
    del ground
    return _counted(view, count, refused=any(count > (s.maximum or 0) for s in _bounds(view)))


@FAMILY.add("scale-above-maximum", Promise.PLANTS, _bounded, _RULE, by=Whole(1, 3))
def scale_above_maximum(view: Subject, ground: Ground, by: int) -> Mutated:
    """The home of a service asks for more pods than its maximum."""
    del ground
    return _counted(view, max(s.maximum or 0 for s in _bounds(view)) + by, refused=True)


@FAMILY.add("meet-maximum", Promise.EXACT, _bounded, whole=OneOf((True, False)))
def meet_maximum(view: Subject, ground: Ground, whole: bool) -> Mutated:
    """The home of a service asks for just its maximum, as a whole number or with a fraction of nought."""
    del ground
    count = min(s.maximum or 0 for s in _bounds(view))
    return _counted(view, count if whole else float(count), refused=False)


@FAMILY.add("odd-count", Promise.EXACT, _parallel, _RULE, count=OneOf((-1, 0.5, "1", True, [], {}, "", "many")))
def odd_count(view: Subject, ground: Ground, count: Any) -> Mutated:
    """A workload asks for a number of pods that is none."""
    del ground
    return _counted(view, count, refused=bool(_bounds(view)))


@FAMILY.add(
    "add-autoscaler",
    Promise.EXACT,
    lambda view: workload(view) and at_home(view),
    _RULE,
    by=OneOf((1, 5, 0, -1, None, "2")),
)
def add_autoscaler(view: Subject, ground: Ground, by: Any) -> Mutated | None:
    """An autoscaler of the home of a service allows its maximum, less, more or something that is no number."""
    del ground
    service = next((s for s in _bounds(view) if s.maximum), None)
    if service is None:
        return None
    obj = autoscaler(service, service.maximum or 0)
    asked = (service.maximum or 0) + by if type(by) is int else by
    refused = type(by) is not int or by > 0
    effect = Effect(placed(_RULE, *_MAXIMUM) if refused else frozenset(), fresh=True)
    return Mutated(put(obj, _MAXIMUM, asked), effect, stands_beside=True)


def _autoscaler(view: Subject) -> bool:
    return view.type == ("autoscaling", "HorizontalPodAutoscaler")


@FAMILY.add(
    "retarget-autoscaler", Promise.EXACT, _autoscaler, kind=OneOf(("Deployment", "StatefulSet", "Rollout", None))
)
def retarget_autoscaler(view: Subject, ground: Ground, kind: str | None) -> Mutated:
    """An autoscaler scales something that no service is at home at."""
    del ground
    obj = put(put(view.obj, ("spec", "scaleTargetRef", "kind"), kind), ("spec", "scaleTargetRef", "name"), "nobody")
    return Mutated(obj, Effect(removes=placed(_RULE)))
