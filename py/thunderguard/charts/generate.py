"""Values that people may well set: drawn from a chart's values.schema.json, or from the shape of its values files.

A values file that is drawn says nothing about most keys, as those of people do. With a schema, a key may take what the
schema allows; where that is anything of a kind, and without a schema, it takes what the chart's values files show:
switches both ways, numbers near by, what other files say, and maps that other keys of the same name have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from thunderguard.charts.values import Key, has, leaves, setting, settings

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from thunderguard.model import JsonObject

_MOST_KEYS = 8
_MOST_OPTIONS = 12
_SPREAD = 100
_DEEPEST = 12
# What describes and does not narrow.
_WORDS = frozenset({"title", "description", "default", "examples", "$comment"})
_NARROWING = frozenset(
    {
        "enum",
        "const",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "oneOf",
        "anyOf",
        "format",
    }
)


@dataclass(frozen=True)
class Ground:
    """What values are drawn from: what a chart says by default, its other values files, its schema if it has one."""

    values: JsonObject
    others: Sequence[JsonObject] = ()
    schema: JsonObject | None = None

    @cached_property
    def options(self) -> dict[Key, list[Any]]:
        """The values that each key may take without a schema; its own comes first."""
        named: dict[str, list[Any]] = {}
        for file in (self.values, *self.others):
            for key, value in _parts(file):
                # A repository or a number of one component is no likely value for another.
                if isinstance(value, dict):
                    named.setdefault(str(key[-1]), []).append(value)
        found: dict[Key, list[Any]] = {}
        for file in (self.values, *self.others):
            for key, value in settings(file):
                if key not in found and not _inside(key, found):
                    found[key] = []
                if key in found:
                    found[key] += _near(value)
        for key, some in found.items():
            some += [other for other in named.get(str(key[-1]), []) if _alike(other, some)]
            found[key] = _different(some)[:_MOST_OPTIONS]
        return {key: some for key, some in found.items() if len(some) > 1}

    @cached_property
    def switches(self) -> dict[Key, list[Any]]:
        """The keys that are on or off, or one of a few words by the schema: what is covered in pairs."""
        found: dict[Key, list[Any]] = {
            key: [True, False] for key, value in leaves(self.values) if value is True or value is False
        }
        for file in self.others:
            found |= {key: [True, False] for key, value in leaves(file) if isinstance(value, bool)}
        for key, schema in _schemas(self.schema or {}, self.schema or {}):
            if schema.get("type") == "boolean":
                found.setdefault(key, [True, False])
            elif isinstance(words := schema.get("enum"), list) and 1 < len(words) <= _MOST_OPTIONS:
                found[key] = [word for word in words if isinstance(word, str | int | bool)]
        found = {key: some for key, some in found.items() if len(some) > 1 and not any(isinstance(s, int) for s in key)}
        enabled = [key for key in found if str(key[-1]).lower() in ("enabled", "create", "install")]
        return {key: found[key] for key in (*enabled, *(key for key in found if key not in enabled))}

    def drawn(self) -> SearchStrategy[JsonObject]:
        """Give the strategy that draws values files, each as small as it can be said."""
        from hypothesis import strategies as st

        choices = {key: st.sampled_from(some) for key, some in self.options.items()}
        if self.schema is not None:
            choices |= self._by_schema(self.schema)
        if not choices:
            return st.just({})
        keys = sorted(choices, key=str)

        @st.composite
        def file(draw: Any) -> JsonObject:
            chosen = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=_MOST_KEYS, unique=True))
            return setting(self.values, {key: draw(choices[key]) for key in chosen})

        return file()

    def _by_schema(self, schema: JsonObject) -> dict[Key, SearchStrategy[Any]]:
        from hypothesis_jsonschema import from_schema

        found: dict[Key, SearchStrategy[Any]] = {}
        # What refers to definitions needs them beside it.
        definitions: JsonObject = {name: schema[name] for name in ("$defs", "definitions") if name in schema}
        for key, below in _schemas(schema, schema):
            if not _narrows(below):
                continue
            simple = _simple(below)
            if simple is not None:
                found[key] = simple
            else:
                try:
                    # To work out which characters a codec has takes a second; what has none is left out instead.
                    drawn = from_schema({**definitions, **_bounded(below)}, codec=None).filter(_is_writable)
                    _first(drawn)
                # What the library does not know in a schema it raises as it comes. Such a key is not lost: it is drawn
                # from the shape of its value, as in a chart without a schema.
                except Exception:  # noqa: BLE001, S112 - see above
                    continue
                found[key] = drawn
        return found


def smallest(values: Mapping[str, Any], file: JsonObject) -> dict[Key, Any]:
    """Give what ``file`` sets and ``values`` does not have so already, key by key."""
    from thunderguard.charts.values import at

    return {key: value for key, value in settings(file) if not has(values, key) or at(values, key) != value}


def _parts(value: Mapping[str, Any], above: Key = ()) -> Iterator[tuple[Key, Any]]:
    for key, item in value.items():
        yield (*above, key), item
        if isinstance(item, dict):
            yield from _parts(item, (*above, key))


def _near(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [value, not value]
    if isinstance(value, int):
        return [value, *(number for number in (0, 1, value + 1) if number >= 0)]
    return [value]


def _alike(value: Any, others: Sequence[Any]) -> bool:
    """Say whether a value is of a kind that is among ``others``; an empty map is like any map, and null like all."""
    return any(type(other) is type(value) or other is None for other in others) and value is not None


def _different(values: Sequence[Any]) -> list[Any]:
    return list({orjson.dumps(value, option=orjson.OPT_SORT_KEYS): value for value in values}.values())


def _inside(key: Key, keys: Mapping[Key, Any]) -> bool:
    return any(key[:end] in keys for end in range(1, len(key)))


def _first(strategy: SearchStrategy[Any]) -> None:
    """Draw once, since a schema that is none is noticed no sooner."""
    from hypothesis import HealthCheck, Phase, given, settings

    chosen = settings(
        max_examples=1,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    def drawn(value: Any) -> None:
        del value

    chosen(given(strategy)(drawn))()


def _simple(schema: JsonObject) -> SearchStrategy[Any] | None:
    """Give what draws for a schema that takes no working out, as most do; None for any other."""
    from hypothesis import strategies as st

    if set(schema) <= _WORDS | {"type"} and schema.get("type") == "boolean":
        return st.booleans()
    if set(schema) <= _WORDS | {"type", "enum"} and isinstance(words := schema.get("enum"), list) and words:
        return st.sampled_from(words)
    if set(schema) <= _WORDS | {"type", "minimum", "maximum"} and schema.get("type") == "integer":
        bounded = _bounded(schema)
        low, high = bounded.get("minimum"), bounded.get("maximum")
        if isinstance(low, int) and isinstance(high, int) and low <= high:
            return st.integers(low, high)
    return None


def _bounded(schema: JsonObject) -> JsonObject:
    """Keep numbers that may be any to those that people write."""
    if schema.get("type") not in ("integer", "number"):
        return schema
    low = next((schema[name] for name in ("minimum", "exclusiveMinimum") if _is_number(schema.get(name))), None)
    high = next((schema[name] for name in ("maximum", "exclusiveMaximum") if _is_number(schema.get(name))), None)
    bounds = {} if low is not None else {"minimum": min(0, high if high is not None else 0)}
    return {**schema, **bounds, **({} if high is not None else {"maximum": max(low or 0, 0) + _SPREAD})}


def _is_writable(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _narrows(schema: JsonObject) -> bool:
    return schema.get("type") == "boolean" or not _NARROWING.isdisjoint(schema)


def _schemas(schema: JsonObject, root: JsonObject, above: Key = (), depth: int = 0) -> Iterator[tuple[Key, JsonObject]]:
    """Give the schema of every key that ``properties`` name, references followed; maps themselves are left out."""
    schema = _followed(schema, root)
    properties = schema.get("properties")
    if isinstance(properties, dict) and properties and depth < _DEEPEST:
        for name, below in properties.items():
            if isinstance(below, dict):
                yield from _schemas(below, root, (*above, name), depth + 1)
    elif above:
        yield above, schema


def _followed(schema: JsonObject, root: JsonObject) -> JsonObject:
    for _ in range(_DEEPEST):
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return schema
        found: Any = root
        for part in reference[2:].split("/"):
            found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            return {}
        schema = {**found, **{name: value for name, value in schema.items() if name != "$ref"}}
    return {}
