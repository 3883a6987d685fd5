"""A model of what the steps of a plan do to the objects of an estate: objects in, objects out.

What is owned goes with its owner, as the garbage collector of Kubernetes has it. What controllers make anew is not
made up: the pods of an edited workload stay as they were seen, and those of a moved one are not there yet, so that a
failure that was seen is never taken for mended because a template changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from thunderguard.facts.remove import HelmRelease, helm_release
from thunderguard.facts.resources import is_release, namespace_of, resource_of, type_of
from thunderguard.model import JsonObject
from thunderguard.plan.steps import Action, Change, Create, Delete, DeleteNamespace, Edit, Move, Uninstall
from thunderguard.replay.edit import give
from thunderguard.replay.remedies import without


def apply(action: Action, objects: Sequence[JsonObject]) -> list[JsonObject]:
    """Give ``objects`` after ``action``. An action about an object that is not there changes nothing."""
    match action:
        case Uninstall(name, namespace):
            release = HelmRelease(name, namespace)
            return without(objects, lambda obj: _is_of(release, obj))
        case Delete(resource):
            return without(objects, lambda obj: resource_of(obj) == resource)
        case DeleteNamespace(name):
            return without(objects, lambda obj: namespace_of(obj) == name or _is_namespace(obj, name))
        case Edit(resource, changes):
            return [changed(obj, changes) if resource_of(obj) == resource else obj for obj in objects]
        case Move():
            return _moved(action, objects)
        case Create(made):
            taken = {resource_of(obj) for obj in made}
            return [*(obj for obj in objects if resource_of(obj) not in taken), *made]


def apply_all(actions: Sequence[Action], objects: Sequence[JsonObject]) -> list[JsonObject]:
    """Give ``objects`` after all of ``actions``, in their order."""
    return reduce(lambda now, action: apply(action, now), actions, list(objects))


def changed(obj: JsonObject, changes: Sequence[Change]) -> JsonObject:
    """Give ``obj`` with ``changes`` made, one after the other."""
    return reduce(lambda now, change: give(now, change.path, change.value), changes, obj)


def merged(value: Any, patch: Any) -> Any:
    """Give ``value`` after a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    kept = dict(value) if isinstance(value, dict) else {}
    for key, part in patch.items():
        if part is None:
            kept.pop(key, None)
        else:
            kept[key] = merged(kept.get(key), part)
    return kept


def _moved(move: Move, objects: Sequence[JsonObject]) -> list[JsonObject]:
    there = next((obj for obj in objects if resource_of(obj) == move.source), None)
    if there is None:
        return list(objects)
    anew = changed(merged(there, move.merge), move.changes)
    left = without(objects, lambda obj: resource_of(obj) == move.source)
    return [*(obj for obj in left if resource_of(obj) != move.target), anew]


def _is_of(release: HelmRelease, obj: JsonObject) -> bool:
    if is_release(obj):
        return (resource_of(obj).name, namespace_of(obj)) == (release.name, release.namespace)
    return helm_release(obj) == release


def _is_namespace(obj: JsonObject, name: str) -> bool:
    return type_of(obj) == ("", "Namespace") and resource_of(obj).name == name
