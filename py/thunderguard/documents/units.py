"""One file, or one stretch of a large one, and how its documents are read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from thunderguard.documents.errors import Unreadable
from thunderguard.documents.header import header_of
from thunderguard.documents.limits import Limits
from thunderguard.documents.objects import Item, LeftOut, Origin, is_list, items
from thunderguard.documents.streams import FAILURES, lines, open_stream, read_whole, why
from thunderguard.documents.texts import decode, dump, load, parse_json, refuse_duplicates, split
from thunderguard.model import Problem

_TEMPLATE_MARK = b"{{"


@dataclass(frozen=True, slots=True)
class Unit:
    """What one worker reads in one go.

    ``path`` is the file to open and ``file`` its name in findings. ``start`` and ``end`` are the bytes to read (``end``
    None: to the end), ``first_line`` is the number of the line at ``start``. ``size`` is for sharing out work.
    """

    path: str
    file: str
    size: int
    by_lines: bool
    walked: bool = False
    template: bool = False
    json_only: bool = False
    start: int = 0
    end: int | None = None
    first_line: int = 1


def read_unit(unit: Unit, numbers: Iterator[int], limits: Limits) -> Iterator[Item]:
    """Read a unit lazily. Whatever is wrong with it becomes Problems; the rest of it is still given."""
    origin = Origin.start(unit.file, walked=unit.walked, limits=limits, numbers=numbers)
    if unit.by_lines:
        return _read_lines(unit, origin, limits)
    return _read_text(unit, origin, limits)


def _read_text(unit: Unit, origin: Origin, limits: Limits) -> Iterator[Item]:
    try:
        data = read_whole(unit.path, limits.listing)
        if unit.template and _TEMPLATE_MARK in data:
            yield LeftOut(unit.file, "a Helm template; name its chart to have it rendered and judged")
            return
        text = decode(data)
        del data
    except Unreadable as error:
        yield Problem(error.kind, error.told(), unit.file, error.line)
        return
    if not text.strip():
        yield Problem("unread", "the file is empty", unit.file)
        return
    found = False
    for part in split(text, json_only=unit.json_only):
        found = True
        origin.document_index = part.index
        try:
            value, encoded = load(part, limits)
        except Unreadable as error:
            line = part.line if error.line is None else part.line + error.line - 1
            yield Problem(error.kind, error.told(part.line - 1), unit.file, line)
            continue
        origin.line = part.content_line
        yield from items(value, encoded, origin)
    if not found:
        yield Problem("unread", "the file holds nothing but comments", unit.file)


def _read_lines(unit: Unit, origin: Origin, limits: Limits) -> Iterator[Item]:
    try:
        with _stretch(unit) as stream:
            for at, line in enumerate(lines(stream, limits.document)):
                yield from _read_line(line, unit.first_line + at, unit, origin)
    except FAILURES as error:
        yield Problem("unread", f"{why(error)}; what was read before it is judged", unit.file)


def _read_line(line: bytes | None, number: int, unit: Unit, origin: Origin) -> Iterator[Item]:
    origin.line = number
    origin.document_index = number - 1
    if line is None:
        yield Problem("malformed", "the line is longer than the largest object that is read", unit.file, number)
        return
    text = line.strip()
    if number == 1:
        text = text.removeprefix(b"\xef\xbb\xbf")
        if header_of(text) is not None:
            return
    if not text:
        return
    try:
        value = parse_json(text)
        encoded = dump(value)
        # Compact JSON comes out as long as it went in, unless a key stood twice or it was not compact.
        if len(encoded) != len(text):
            refuse_duplicates(text.decode("utf-8"))
    except Unreadable as error:
        yield Problem(error.kind, error.message, unit.file, number)
        return
    yield from items(value, encoded if is_list(value) else text, origin)


def _stretch(unit: Unit) -> BinaryIO:
    stream = open_stream(unit.path)
    if unit.start or unit.end is not None:
        stream.seek(unit.start)
    if unit.end is None:
        return stream
    return _Bounded(stream, unit.end - unit.start)


class _Bounded(io.BufferedIOBase, BinaryIO):
    """The next ``length`` bytes of a stream, which it closes."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream = stream
        self._left = length

    def readline(self, size: int | None = -1) -> bytes:
        bound = self._left if size is None or size < 0 else min(size, self._left)
        line = self._stream.readline(bound)
        self._left -= len(line)
        return line

    def close(self) -> None:
        self._stream.close()
        super().close()
