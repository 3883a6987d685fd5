"""What JSON libraries do not tell: where a value stands, and which key stands twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def find(text: str, segments: Sequence[str | int], start: int = 0) -> int:
    """Give the offset of the deepest key or list element on ``segments`` that exists in the valid JSON at ``start``.

    Without segments, or when not even the first exists, it is the offset of the value itself.
    """
    tokens = _TOKEN.finditer(text, start)
    opening = next(tokens)
    best = opening.start()
    for segment in segments:
        if opening.group() == "{" and isinstance(segment, str):
            found = _find_key(tokens, segment)
        elif opening.group() == "[" and isinstance(segment, int):
            found = _find_element(tokens, segment)
        else:
            break
        if found is None:
            break
        best, opening = found
    return best


def element_offsets(text: str, segments: Sequence[str | int], start: int = 0) -> list[int]:
    """Give the offset of every element of the list at ``segments``; no such list gives an empty list."""
    at = find(text, segments, start)
    tokens = _TOKEN.finditer(text, at)
    if segments and isinstance(segments[-1], str):
        next(tokens)
        next(tokens)
    if next(tokens).group() != "[":
        return []
    offsets = []
    for token in tokens:
        if token.group() == "]":
            break
        if token.group() != ",":
            offsets.append(token.start())
            _skip(tokens, token)
    return offsets


def split(text: str) -> list[tuple[int, int]]:
    """Give start and end of each JSON value of a stream of them, by counting brackets alone."""
    tokens = _TOKEN.finditer(text)
    return [(token.start(), _skip(tokens, token)) for token in tokens]


def duplicate_key(text: str) -> tuple[str, int, int] | None:
    """Give the first key that stands twice in one object of the valid JSON ``text``, and both offsets."""
    seen: list[dict[str, int] | None] = []
    previous: re.Match[str] | None = None
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark == "{":
            seen.append({})
        elif mark == "[":
            seen.append(None)
        elif mark in ("}", "]"):
            seen.pop()
        elif mark == ":" and previous is not None and seen and (keys := seen[-1]) is not None:
            key = json.loads(previous.group())
            if key in keys:
                return key, keys[key], previous.start()
            keys[key] = previous.start()
        previous = token
    return None


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Turn an offset into a 1-based line and column."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def _find_key(tokens: Iterator[re.Match[str]], wanted: str) -> tuple[int, re.Match[str]] | None:
    for token in tokens:
        if token.group() == "}":
            return None
        if token.group() == ",":
            continue
        next(tokens)  # the colon
        value = next(tokens)
        if json.loads(token.group()) == wanted:
            return token.start(), value
        _skip(tokens, value)
    return None


def _find_element(tokens: Iterator[re.Match[str]], wanted: int) -> tuple[int, re.Match[str]] | None:
    place = 0
    for token in tokens:
        if token.group() == "]":
            return None
        if token.group() == ",":
            continue
        if place == wanted:
            return token.start(), token
        place += 1
        _skip(tokens, token)
    return None


def _skip(tokens: Iterator[re.Match[str]], token: re.Match[str]) -> int:
    """Consume the value that ``token`` begins; give the offset of its end."""
    depth = 0
    while True:
        mark = token.group()
        if mark in ("{", "["):
            depth += 1
        elif mark in ("}", "]"):
            depth -= 1
        if depth <= 0:
            return token.end()
        following = next(tokens, None)
        if following is None:
            return token.end()
        token = following
