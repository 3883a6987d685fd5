"""Field paths inside an object, spelled as Kubernetes API errors spell them.

``spec.containers[0].resources.limits.cpu`` and ``metadata.labels["helm.sh/chart"]``: names of letters, digits,
``_`` and ``-`` are joined by dots, any other key stands in brackets as a JSON string, list places in brackets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

Segment: TypeAlias = str | int

_PLAIN = re.compile(r"[A-Za-z0-9_-]+\Z")
_TOKEN = re.compile(r'\.?([A-Za-z0-9_-]+)|\[([0-9]+)\]|\[("(?:[^"\\]|\\.)*")\]')


def format_path(segments: Sequence[Segment]) -> str:
    """Spell ``segments`` as one path; no segments give the empty string, the whole object."""
    out = ""
    for segment in segments:
        if isinstance(segment, int):
            out += f"[{segment}]"
        elif _PLAIN.match(segment):
            out += f".{segment}" if out else segment
        else:
            out += f"[{json.dumps(segment, ensure_ascii=False)}]"
    return out


def parse_path(path: str) -> tuple[Segment, ...]:
    """Undo :func:`format_path`. Raises ValueError when ``path`` is not so spelled."""
    segments: list[Segment] = []
    at = 0
    while at < len(path):
        token = _TOKEN.match(path, at)
        if token is None:
            raise ValueError(f"not a field path: {path!r}")
        name, place, quoted = token.groups()
        if name is not None:
            segments.append(name)
        elif place is not None:
            segments.append(int(place))
        else:
            segments.append(json.loads(quoted))
        at = token.end()
    return tuple(segments)


def lookup(value: Any, segments: Sequence[Segment]) -> tuple[Any, int]:
    """Follow ``segments`` into ``value``; give the deepest value reached and how many segments led there."""
    for depth, segment in enumerate(segments):
        if isinstance(segment, int):
            if not isinstance(value, list) or segment >= len(value):
                return value, depth
            value = value[segment]
        else:
            if not isinstance(value, dict) or segment not in value:
                return value, depth
            value = value[segment]
    return value, len(segments)
