"""Changed copies of JSON values. What is not changed is shared, so that a change costs the length of its path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from thunderguard.model import JsonObject
from thunderguard.paths import Segment, lookup


def put(value: JsonObject, path: Sequence[Segment], new: Any) -> JsonObject:
    """Give ``value`` with ``new`` at ``path``; a place behind the end of a list adds to it.

    What stands in the way and is no object, or is absent, becomes one.
    """
    changed: JsonObject = _put(value, path, 0, new)
    return changed


def _put(value: Any, path: Sequence[Segment], at: int, new: Any) -> Any:
    if at == len(path):
        return new
    segment = path[at]
    if isinstance(segment, int):
        items = list(value)
        if segment < len(items):
            items[segment] = _put(items[segment], path, at + 1, new)
        else:
            items.append(_put(None, path, at + 1, new))
        return items
    copy = dict(value) if isinstance(value, dict) else {}
    copy[segment] = _put(copy.get(segment), path, at + 1, new)
    return copy


def drop(value: JsonObject, path: Sequence[Segment]) -> JsonObject:
    """Give ``value`` without what is at ``path``; the same value when nothing is there."""
    holder, depth = lookup(value, path[:-1])
    last = path[-1]
    if depth < len(path) - 1:
        return value
    if isinstance(holder, dict) and last in holder:
        return put(value, path[:-1], {key: item for key, item in holder.items() if key != last})
    if isinstance(holder, list) and isinstance(last, int) and last < len(holder):
        return put(value, path[:-1], holder[:last] + holder[last + 1 :])
    return value


#: What stands for no value at all among the values that a field may be given.
ABSENT = "absent"


def give(value: JsonObject, path: Sequence[Segment], new: Any) -> JsonObject:
    """Give ``value`` with ``new`` at ``path``, or without anything there when ``new`` is :data:`ABSENT`."""
    return drop(value, path) if new == ABSENT else put(value, path, new)


def at(value: Any, path: Sequence[Segment]) -> Any:
    """Give what is at ``path``, None when it leads nowhere."""
    found, depth = lookup(value, path)
    return found if depth == len(path) else None
