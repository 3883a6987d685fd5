"""Values of a chart as trees: putting them over one another as Helm does, and changing single keys.

A values file that stands over others replaces lists whole, and goes into maps key by key; null takes a key away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import yaml

from thunderguard.model import JsonObject
from thunderguard.paths import Segment, format_path, lookup
from thunderguard.yamltext import WholeDumper

#: Where a value stands: keys, and places in lists.
Key: TypeAlias = tuple[Segment, ...]


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> JsonObject:
    """Give ``above`` over ``below``. A null in ``above`` takes the key away; neither is changed."""
    together = dict(below)
    for key, value in above.items():
        known = together.get(key)
        if value is None:
            together.pop(key, None)
        elif isinstance(value, dict) and isinstance(known, dict):
            together[key] = merged(known, value)
        else:
            together[key] = value
    return together


def stacked(below: Mapping[str, Any], above: Mapping[str, Any]) -> JsonObject:
    """Give one values file that does what ``above`` given after ``below`` does: its nulls stay."""
    together = dict(below)
    for key, value in above.items():
        known = together.get(key)
        together[key] = stacked(known, value) if isinstance(value, dict) and isinstance(known, dict) else value
    return together


def leaves(value: Any, above: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Give every value that is no map or list, or an empty one, with its key; the root alone is none."""
    inside: Iterator[tuple[Segment, Any]]
    if isinstance(value, dict) and value:
        inside = iter(value.items())
    elif isinstance(value, list) and value:
        inside = iter(enumerate(value))
    else:
        if above:
            yield above, value
        return
    for segment, item in inside:
        yield from leaves(item, (*above, segment))


def settings(value: Mapping[str, Any], above: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Give what a values file can set one by one: as :func:`leaves`, but a list is whole, as Helm takes it."""
    for key, item in value.items():
        if isinstance(item, dict) and item:
            yield from settings(item, (*above, key))
        else:
            yield (*above, key), item


def maps(value: Any, above: Key = ()) -> Iterator[Key]:
    """Give the key of every map that no list holds, the root first."""
    if isinstance(value, dict):
        yield above
        for key, item in value.items():
            yield from maps(item, (*above, key))


def setting(values: Mapping[str, Any], changes: Mapping[Key, Any]) -> JsonObject:
    """Give the smallest values file that, over ``values``, gives each key of ``changes`` its value.

    A key that leads into a list sets that whole list, since Helm takes lists whole.
    """
    file: JsonObject = {}
    for key, new in changes.items():
        whole = next((place for place, segment in enumerate(key) if isinstance(segment, int)), len(key))
        head, tail = key[:whole], key[whole:]
        if tail:
            current, depth = lookup(file, head)
            if depth < len(head):
                current = at(values, head)
            _place(file, head, _edited(current, tail, new))
        else:
            _place(file, head, new)
    return file


def at(values: Any, key: Key) -> Any:
    """Give the value of ``key``, None when there is none."""
    value, depth = lookup(values, key)
    return value if depth == len(key) else None


def has(values: Any, key: Key) -> bool:
    """Say whether ``key`` is there at all."""
    return lookup(values, key)[1] == len(key)


def spelled(key: Key) -> str:
    """Spell a key as people write it, such as ``web.resources`` or ``extra[0].image``."""
    return format_path(key)


def written(values: Mapping[str, Any]) -> str:
    """Write values as YAML text, in the order they have."""
    if not values:
        return "{}\n"
    return yaml.dump(dict(values), Dumper=WholeDumper, sort_keys=False, allow_unicode=True, width=100)


def _edited(value: Any, tail: Key, new: Any) -> Any:
    if not tail:
        return new
    segment, rest = tail[0], tail[1:]
    if isinstance(segment, int):
        items = list(value) if isinstance(value, list) else []
        if segment < len(items):
            items[segment] = _edited(items[segment], rest, new)
        else:
            items.append(_edited(None, rest, new))
        return items
    entries = dict(value) if isinstance(value, dict) else {}
    entries[segment] = _edited(entries.get(segment), rest, new)
    return entries


def _place(file: JsonObject, key: Key, new: Any) -> None:
    holder = file
    for segment in key[:-1]:
        below = holder.get(str(segment))
        if not isinstance(below, dict):
            below = holder[str(segment)] = {}
        holder = below
    holder[str(key[-1])] = new
