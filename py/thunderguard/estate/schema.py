"""The CustomResourceDefinition's schema as a JSON Schema, and the list types that Kubernetes adds to it.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy describes list types.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from yaml.cyaml import CSafeLoader

from thunderguard import assets
from thunderguard.errors import EstateError
from thunderguard.estate.text import shown
from thunderguard.model import JsonObject
from thunderguard.paths import Segment

_FOR_KUBERNETES = "x-kubernetes-"


@dataclass(frozen=True, slots=True)
class Breach:
    """What is wrong at ``path``, in words that hold the offending value, and what to do about it."""

    path: tuple[Segment, ...]
    message: str
    remedy: str


@cache
def open_schema() -> JsonObject:
    """Give ``openAPIV3Schema`` of the CRD. Raises EstateError when the CRD is damaged."""
    path = assets.root("policies") / "estate.crd.yaml"
    try:
        crd = yaml.load(path.read_text(encoding="utf-8"), Loader=CSafeLoader)
        schema: JsonObject = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    except (OSError, yaml.YAMLError, KeyError, IndexError, TypeError) as error:
        raise EstateError(f"{path} is damaged: {error}", hint="install Thunderguard again") from error
    return schema


@cache
def closed_schema() -> str:
    """Give the JSON Schema text: unknown fields refused everywhere but in metadata, Kubernetes' own words left out."""
    schema = _closed(open_schema())
    name = {
        "type": "string",
        "description": "The name of the Estate: lowercase letters, digits, dashes and dots.",
        "maxLength": 253,
        "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
    }
    schema["properties"]["metadata"] = {"type": "object", "required": ["name"], "properties": {"name": name}}
    schema["required"] = ["apiVersion", "kind", "metadata", "spec"]
    return json.dumps(schema)


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(element) for element in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {
        key: _properties(value) if key == "properties" else _closed(value)
        for key, value in schema.items()
        if not key.startswith(_FOR_KUBERNETES) and key != "format"
    }
    if "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed


def _properties(properties: JsonObject) -> JsonObject:
    return {name: _closed(schema) for name, schema in properties.items()}


def list_breaches(value: Any, schema: JsonObject, path: tuple[Segment, ...] = ()) -> Iterator[Breach]:
    """Give what repeats in lists that Kubernetes keeps as sets or maps."""
    if isinstance(value, list):
        seen: dict[str, int] = {}
        keys = schema.get("x-kubernetes-list-map-keys")
        for place, element in enumerate(value):
            key = _list_key(schema.get("x-kubernetes-list-type"), keys, element)
            if key is not None:
                if key in seen:
                    at = (*path, place) if keys is None else (*path, place, keys[0])
                    yield Breach(
                        at,
                        f"{shown(_named(element, keys))} stands in the list already, as element {seen[key]}",
                        "remove or rename one of the two",
                    )
                seen.setdefault(key, place)
            yield from list_breaches(element, schema.get("items", {}), (*path, place))
    elif isinstance(value, dict):
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                yield from list_breaches(value[name], inner, (*path, name))


def _list_key(kind: Any, keys: Any, element: Any) -> str | None:
    if kind == "set":
        return json.dumps(element)
    if kind == "map" and isinstance(element, dict):
        return json.dumps([element.get(key) for key in keys])
    return None


def _named(element: Any, keys: Any) -> Any:
    return element if keys is None else element.get(keys[0])
