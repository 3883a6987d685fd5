"""The JSON schemas that this package writes to, as package data."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from thunderguard.model import JsonObject


def load(name: str) -> JsonObject:
    """Give the JSON schema (draft 2020-12) called ``name``: ``report``, ``changes``, ``cases`` and so on."""
    value: JsonObject = orjson.loads((files(__name__) / f"{name}.schema.json").read_bytes())
    return value


@cache
def validator(name: str) -> Any:
    """Give a validator (jsonschema-rs) for the schema called ``name``."""
    import jsonschema_rs

    return jsonschema_rs.validator_for(load(name))
