"""Values of an Estate as messages show them: short, in one line, and never with a terminal's control characters."""

from __future__ import annotations

import json
from typing import Any

_LONGEST = 80


def shown(value: Any) -> str:
    """Spell ``value`` as ASCII JSON, cut where it gets long."""
    text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def printable(text: str) -> str:
    """Escape what is not printable in ``text``; the rest, whatever its script, stays as it is."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
