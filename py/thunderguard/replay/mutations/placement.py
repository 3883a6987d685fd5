"""Namespaces: objects moved out of bounds, back into them, onto exempt ground, and without any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thunderguard.facts.subject import Subject
from thunderguard.facts.workloads import PARALLEL
from thunderguard.replay.domains import OneOf, Whole
from thunderguard.replay.edit import ABSENT, give, put
from thunderguard.replay.effects import Effect, Mutated, Place, Promise
from thunderguard.replay.ground import placed
from thunderguard.replay.mutations.base import Family, countable, one_of, singleton_places

if TYPE_CHECKING:
    from thunderguard.model import JsonObject
    from thunderguard.replay.ground import Ground

FAMILY = Family("placement")
_RULE = "namespace-boundary"
_NAMESPACE = ("metadata", "namespace")
#: What is found of an object that is in a namespace of nobody.
OUTSIDE = placed(_RULE, *_NAMESPACE)
#: What rules find that only look at the objects of an estate's own namespaces.
NOT_ON_EXEMPT_GROUND = frozenset(
    (rule, "") for rule in (_RULE, "resource-limits", "image-reference", "job-only-service", "health-probes")
)
_PLAIN = {("", "Service"), ("", "PersistentVolumeClaim"), ("", "Secret"), ("networking.k8s.io", "Ingress")}


def _boundable(view: Subject) -> bool:
    """Say whether namespace-boundary looks at the object, and the number of its replicas is one."""
    return countable(view) or (
        view.type in _PLAIN and view.dig("type") != "helm.sh/release.v1" and view.name != "kubernetes"
    )


def moved(view: Subject, ground: Ground, obj: JsonObject, effect: Effect) -> Mutated:
    """Give ``effect`` together with what a new address does to singleton-service."""
    if not ground.careful or not view.services:
        return Mutated(obj, effect)
    before, after = singleton_places(view), singleton_places(ground.view(obj))
    gone: frozenset[Place] = before - after
    field = PARALLEL.get(view.type)
    if field:
        gone |= placed("singleton-service", *field) - after
    return Mutated(
        obj,
        Effect(
            effect.plants | (after - before),
            effect.removes | gone,
            touches=effect.touches | {"singleton-service"},
        ),
    )


@FAMILY.add("move-out", Promise.PLANTS, _boundable, _RULE, "singleton-service", namespace=Whole())
def move_out(view: Subject, ground: Ground, namespace: int) -> Mutated | None:
    """An object goes to a namespace that is not the estate's."""
    target = one_of(ground.elsewhere, namespace)
    if not view.namespace or view.is_exempt or target == view.namespace or target is None:
        return None
    return moved(view, ground, put(view.obj, _NAMESPACE, target), Effect(plants=OUTSIDE))


@FAMILY.add("move-in", Promise.EXACT, _boundable, namespace=Whole())
def move_in(view: Subject, ground: Ground, namespace: int) -> Mutated | None:
    """An object goes to an allowed namespace."""
    target = one_of(ground.allowed, namespace)
    if not view.namespace or view.is_exempt or target == view.namespace:
        return None
    return moved(view, ground, put(view.obj, _NAMESPACE, target), Effect(removes=OUTSIDE))


@FAMILY.add("move-to-exempt", Promise.EXACT, _boundable, "singleton-service", namespace=Whole())
def move_to_exempt(view: Subject, ground: Ground, namespace: int) -> Mutated | None:
    """An object goes onto exempt ground, where only the singleton and deprecation rules look."""
    target = one_of(ground.exempt, namespace)
    if not view.namespace or target is None or view.is_exempt:
        return None
    return moved(view, ground, put(view.obj, _NAMESPACE, target), Effect(removes=NOT_ON_EXEMPT_GROUND))


@FAMILY.add("lose-namespace", Promise.EXACT, _boundable, value=OneOf((ABSENT, None, "")))
def lose_namespace(view: Subject, ground: Ground, value: Any) -> Mutated | None:
    """An object names no namespace, so that the rules about namespaces cannot be answered."""
    if not view.namespace or view.is_exempt:
        return None
    return moved(view, ground, give(view.obj, _NAMESPACE, value), Effect(removes=OUTSIDE))
