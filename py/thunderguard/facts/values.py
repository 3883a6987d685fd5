"""Careful reading of JSON values whose shape nobody has checked."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thunderguard.model import JsonObject

_SPELLED_ALIKE = re.compile(r"-?([0-9]{1,15}|[0-9]{1,12}\.[0-9]{1,3})\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def load_json(text: bytes) -> Any:
    """Give the value that ``text`` spells, every string of it encodable as UTF-8.

    Raises ValueError when ``text`` is not JSON, and RecursionError when it is nested too deeply.
    """
    value = json.loads(text.decode("utf-8", errors="replace"), parse_constant=_refuse)
    # An escaped half of a surrogate pair is a string to Python and an encoding error to RE2; Go replaces it, too.
    return _mend(value) if _ESCAPED_SURROGATE.search(text) else value


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _mend(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mend(item) for item in value]
    if isinstance(value, dict):
        return {_mend(key): _mend(item) for key, item in value.items()}
    return value


def dig(value: Any, path: Sequence[str]) -> Any:
    """Follow the keys of ``path`` into ``value``; None when one of them leads nowhere."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def as_object(value: Any) -> JsonObject:
    """Give ``value`` when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Give ``value`` when it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Give ``value`` when it is a string, else the empty one."""
    return value if isinstance(value, str) else ""


def has_label(labels: Any, key: str, wanted: Any) -> bool:
    """Say whether ``labels`` is an object whose ``key`` is the string ``wanted``."""
    found = as_object(labels).get(key)
    return isinstance(found, str) and isinstance(wanted, str) and found == wanted


def as_integer(value: Any) -> int | None:
    """Give the number ``value`` when it is whole (``2`` and ``2.0`` are; ``true`` and ``"2"`` are not), else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    return int(value)


def number_text(value: float) -> str | None:
    """Spell a number in plain decimal, a whole one without a fraction.

    None for a number of more than fifteen digits or three decimals, which engines spell differently.
    """
    whole = as_integer(value)
    text = str(whole) if whole is not None else format(Decimal(repr(value)), "f")
    return text if _SPELLED_ALIKE.match(text) else None


def value_text(value: Any) -> str:
    """Spell a field's value as messages show it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value) or "a number"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, dict):
        return "an object"
    return str(value)
