"""What Kubernetes takes a YAML scalar for.

Kubernetes reads YAML through sigs.k8s.io/yaml, that is go.yaml.in/yaml v2 and then Go's encoding/json. The rules here
are those of its ``resolve.go`` and ``convertToJSONableObject``, down to their oddities: plain ``y`` and ``on`` are
booleans, ``0o17`` and ``017`` are both 15, ``08`` is the float 8, ``12:30:45`` and dates stay strings.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from typing import Any

from thunderguard.documents.errors import Unreadable

_PREFIX = "tag:yaml.org,2002:"
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_BASED = re.compile(r"([-+]?)0(?:[xX](?P<x>[0-9a-fA-F]+)|[bB](?P<b>[01]+)|[oO]?(?P<o>[0-7]+))\Z")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
# A leading "." goes straight to Go's ParseFloat, which lets single underscores stand between digits.
_POINT = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?\Z")
# What rounds to infinity as a float32: halfway between its largest number and the power of two above it.
_FLOAT32_END = 2.0**128 - 2.0**103
# Go strips "0b" and parses the rest with its own sign, so that this odd spelling is a number, too.
_SIGN_INSIDE = re.compile(r"0b([-+][01]+)\Z")
_BASES = {"x": 16, "b": 2, "o": 8}


def resolve(tag: str | None, plain: bool, text: str) -> Any:
    """Give the value of a scalar: ``tag`` as PyYAML spells it, ``plain`` when it is neither quoted nor a block.

    The value may still be a float that JSON cannot hold; see :func:`json_value` and :func:`key_text`. Raises
    Unreadable for a value that its tag cannot hold.
    """
    if tag is None or tag == "!":
        # A lone "!" means "as written" (YAML 1.1, 3.3.2: the non-specific tag).
        return _untagged(text) if plain and tag is None else text
    short = tag.removeprefix(_PREFIX)
    if short == "binary":
        try:
            return base64.b64decode(text.replace("\n", ""), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            raise Unreadable("a !!binary value is not base64 of UTF-8 text") from None
    if short not in ("null", "bool", "int", "float"):
        return text
    value = _untagged(text)
    fits = {
        "null": value is None,
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
    }
    if not fits[short]:
        raise Unreadable(f"cannot read {text!r} as a !!{short}")
    return value


def key_text(value: Any) -> str:
    """Give the JSON key for a YAML key, as ``convertToJSONableObject`` does; raises Unreadable for null."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value < 2**63:
        return str(value)
    if isinstance(value, float):
        return _go_float32(value)
    what = "null" if value is None else f"the number {value}"
    raise Unreadable(f"a key is {what}; Kubernetes takes only text, 64-bit numbers and booleans", kind="malformed")


def json_value(value: Any) -> Any:
    """Give what JSON holds for a resolved scalar; raises Unreadable for the numbers it cannot hold."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise Unreadable(
            "the numbers .inf and .nan cannot be written as JSON; quote it if it is text", kind="malformed"
        )
    return go_number(value)


def go_number(value: float) -> int | float:
    """Turn a float that Go's JSON prints as a whole number into an int, so that ``replicas: 1.0`` reads as 1."""
    if value.is_integer() and abs(value) < 1e15 and (value or math.copysign(1, value) > 0):
        return int(value)
    return value


def _untagged(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first == ".":
        return _float(text.replace("_", ""), text) if _POINT.match(text) else text
    if first not in "+-0123456789":
        return text
    return _number(text.replace("_", ""), text)


def _number(digits: str, text: str) -> Any:
    based = _BASED.match(digits)
    if based is not None:
        base = next(name for name, group in based.groupdict().items() if group is not None)
        value = int(based[base], _BASES[base]) * (-1 if based[1] == "-" else 1)
    elif _DECIMAL.match(digits):
        # Python refuses to convert thousands of digits; Go reads those as floats or gives up.
        value = int(digits) if len(digits) < 400 else 10**400
    elif (inside := _SIGN_INSIDE.match(digits)) is not None:
        value = int(inside[1], 2)
    else:
        return _float(digits, text) if _FLOAT.match(digits) else text
    if -(2**63) <= value < 2**63 or (0 <= value < 2**64 and digits[0] != "+"):
        return value
    # Too large for 64 bits: Go tries it as a float, so that only decimal digits still make a number.
    return _float(digits, text) if _FLOAT.match(digits) else text


def _float(digits: str, text: str) -> Any:
    value = float(digits)
    return text if math.isinf(value) else value


def _go_float32(value: float) -> str:
    """Spell ``value`` as Go's FormatFloat(value, 'g', -1, 32): the shortest digits that give the same float32."""
    if math.isnan(value):
        return ".nan"
    if abs(value) >= _FLOAT32_END:
        return ".inf" if value > 0 else "-.inf"
    wanted = struct.pack("f", value)
    for precision in range(9):
        text = f"{value:.{precision}e}"
        if struct.pack("f", float(text)) == wanted:
            break
    mantissa, _, exponent = text.partition("e")
    power = int(exponent)
    digits = len(mantissa.lstrip("-").replace(".", ""))
    # strconv, formatDigits: the shortest %g turns to an exponent below 1e-4 and from 1e6.
    if power < -4 or power >= 6:
        return f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return f"{float(text):.{max(digits - 1 - power, 0)}f}"
