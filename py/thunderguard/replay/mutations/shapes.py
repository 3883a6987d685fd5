"""Values that are not of the shape Kubernetes wants, anywhere in an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thunderguard.facts.subject import Subject
from thunderguard.paths import Segment
from thunderguard.replay.domains import OneOf, Whole
from thunderguard.replay.edit import ABSENT, at, give, put
from thunderguard.replay.effects import OPEN, Effect, Mutated, Promise
from thunderguard.replay.ground import placed
from thunderguard.replay.mutations.base import Family, any_object, judged_workload, workload

if TYPE_CHECKING:
    from thunderguard.replay.ground import Ground

FAMILY = Family("shapes")
_ANYWHERE = Whole(0, 2**30)
_NUMBERS = (0, 1, -3, 1.5, 1e21, 12345678901234567890, 9007199254740993)
_TEXTS = ("", " ", "x", "0", "250m", "3Gi", "1e3", "+2", "latest", "a/b:c@sha256:d", "mlflow", "apps/v1", "Deployment")
_PLACES = ("kube-system", "thunderline", "\u00e9\n\t\u0000\u2028\U0001f600", 'quo"te\\', "{name}", "%v%s")
_HOLDERS: tuple[Any, ...] = ([], {}, [[]], [{}], ["x", 1, None, {"a": []}], {"cpu": "1", "memory": 2}, {"name": "x"})
_PODS = ({"containers": [{"name": "c", "image": "postgres"}]}, [{"name": "c", "image": "mlflow"}])
_VALUES: tuple[Any, ...] = (None, True, False, *_NUMBERS, *_TEXTS, *_PLACES, *_HOLDERS, *_PODS)


def somewhere(value: Any, where: int) -> tuple[Segment, ...]:
    """Choose a place in a JSON value; what makes up an object's identity as one is left alone."""
    path: list[Segment] = []
    while isinstance(value, dict | list) and value:
        keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not path:
            keys = [key for key in keys if key not in ("apiVersion", "kind")] or keys
        key = keys[where % len(keys)]
        where //= len(keys)
        path.append(key)
        value = value[key]
        # Half of the choices that are left go on downwards, so that every depth is reached.
        if len(path) > 1 and where % 4 == 0:
            break
        where //= 4
    return tuple(path)


def _damaged(view: Subject, where: int, value: Any) -> Mutated | None:
    """Give some place another value; None where no reader would take the object then, as without metadata."""
    path = somewhere(view.obj, where)
    if path in ((), ("metadata",), ("apiVersion",), ("kind",)):
        return None
    return Mutated(give(view.obj, path, value), OPEN)


@FAMILY.add("put-anything", Promise.OPEN, any_object, where=_ANYWHERE, value=OneOf(_VALUES))
def put_anything(view: Subject, ground: Ground, where: int, value: Any) -> Mutated | None:
    """Some value of an object becomes any other one, of any type."""
    del ground
    return _damaged(view, where, value)


@FAMILY.add("drop-anything", Promise.OPEN, any_object, where=_ANYWHERE)
def drop_anything(view: Subject, ground: Ground, where: int) -> Mutated | None:
    """Some value of an object is dropped."""
    del ground
    return _damaged(view, where, ABSENT)


@FAMILY.add("null-anything", Promise.OPEN, any_object, where=_ANYWHERE)
def null_anything(view: Subject, ground: Ground, where: int) -> Mutated | None:
    """Some value of an object becomes null."""
    del ground
    return _damaged(view, where, None)


@FAMILY.add("repeat-anything", Promise.OPEN, any_object, where=_ANYWHERE)
def repeat_anything(view: Subject, ground: Ground, where: int) -> Mutated | None:
    """An element of some list stands there twice."""
    del ground
    path = somewhere(view.obj, where)
    for end in range(len(path), 0, -1):
        listed = at(view.obj, path[:end])
        if isinstance(listed, list) and listed:
            return Mutated(put(view.obj, (*path[:end], len(listed)), listed[where % len(listed)]), OPEN)
    return None


@FAMILY.add(
    "spoil-containers",
    Promise.PLANTS,
    judged_workload,
    "resource-limits",
    value=OneOf((None, [], {}, "none", 1, True, ABSENT)),
)
def spoil_containers(view: Subject, ground: Ground, value: Any) -> Mutated | None:
    """The containers of a pod are no list, or an empty one."""
    path = (*view.pod_spec, "containers")
    if not isinstance(view.dig(*path), list) or not isinstance(view.dig(*view.pod_spec), dict):
        return None
    obj = give(view.obj, path, value)
    after = ground.view(obj)
    # A custom kind is a workload by its containers alone, and a service or a sidecar by them, too.
    if not after.is_workload or view.services or view.deprecated_services:
        return None
    gone = placed("resource-limits", *path) | placed("image-reference", *path)
    return Mutated(obj, Effect(placed("resource-limits", *path), gone))


@FAMILY.add("spoil-a-container", Promise.OPEN, workload, where=Whole(), value=OneOf((None, "x", 1, [], {}, [{}])))
def spoil_a_container(view: Subject, ground: Ground, where: int, value: Any) -> Mutated | None:
    """One of the containers of a pod is no container."""
    del ground
    known = view.containers
    return Mutated(put(view.obj, known[where % len(known)].path, value), OPEN) if known else None
