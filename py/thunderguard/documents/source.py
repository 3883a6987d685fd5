"""Sources: files, directories, snapshots and standard input, read in order or in shards."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import IO, BinaryIO, Literal

from thunderguard.documents.header import check_format, first_line, header_of
from thunderguard.documents.limits import DEFAULT_LIMITS, Limits
from thunderguard.documents.locate import Position, locate
from thunderguard.documents.objects import LeftOut
from thunderguard.documents.units import Unit, read_unit
from thunderguard.documents.walk import find, make_unit, splittable
from thunderguard.errors import SourceError
from thunderguard.model import Document, JsonObject, Problem
from thunderguard.paths import Segment

Kind = Literal["snapshot", "files", "stdin"]
STDIN = "-"
_SMALLEST_STRETCH = 1 << 20


@dataclass
class Shard:
    """A picklable part of a source. Its documents are numbered from 0; shards in order give the source's order.

    ``left_out`` is filled while the shard is iterated, with what its files turned out to hold.
    """

    units: tuple[Unit, ...]
    limits: Limits = DEFAULT_LIMITS
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Give the bytes to read."""
        return sum(unit.size for unit in self.units)

    def __iter__(self) -> Iterator[Document | Problem]:
        """Read the files of the shard one after the other."""
        self.left_out.clear()
        numbers = count()
        for unit in self.units:
            for item in read_unit(unit, numbers, self.limits):
                if isinstance(item, LeftOut):
                    self.left_out.append(item)
                else:
                    yield item


class Source:
    """What one run reads.

    Iterating gives every Document, and a Problem for whatever could not be read, in reading order and lazily: no more
    than one file, or one line of JSON Lines, is in memory. It may be iterated again. ``problems`` are those met before
    reading, which iterating gives, too, and :meth:`shards` does not. ``left_out`` tells what was passed over
    on purpose; it is complete after an iteration. A snapshot's hash and counts are checked by
    ``snapshot.verify``, not here.
    """

    def __init__(
        self,
        kind: Kind,
        units: Sequence[Unit],
        *,
        header: JsonObject | None = None,
        problems: Sequence[Problem] = (),
        left_out: Sequence[LeftOut] = (),
        limits: Limits = DEFAULT_LIMITS,
        spool: IO[bytes] | None = None,
    ) -> None:
        """Take what :func:`open_source` found; ``spool`` is the temporary file that lives as long as the source."""
        self.kind = kind
        self.header = header
        self.problems = tuple(problems)
        self._units = tuple(units)
        self._left_out = list(left_out)
        self._read_left_out: list[LeftOut] = []
        self._limits = limits
        self._spool = spool

    @property
    def left_out(self) -> list[LeftOut]:
        """Give what was passed over: by name at once, by content once it was read."""
        return [*self._left_out, *self._read_left_out]

    @property
    def size(self) -> int:
        """Give the bytes to read."""
        return sum(unit.size for unit in self._units)

    @property
    def spool_path(self) -> str | None:
        """Give the file that holds a copy of standard input, where the source is that."""
        return self._units[0].path if self.kind == "stdin" else None

    @property
    def files(self) -> list[str]:
        """Give the names of the files that are read, in order."""
        return list(dict.fromkeys(unit.file for unit in self._units))

    def __iter__(self) -> Iterator[Document | Problem]:
        """Read everything in order."""
        yield from self.problems
        shard = Shard(self._units, self._limits)
        self._read_left_out = shard.left_out
        yield from shard

    def shards(self, number: int) -> list[Shard]:
        """Share the source out into at most ``number`` contiguous parts of about the same number of bytes.

        A large uncompressed JSON Lines file is cut at line ends; any other file goes to one shard whole.
        """
        if number <= 1:
            return [Shard(self._units, self._limits)]
        target = max(sum(unit.size for unit in self._units) / number, 1)
        pieces = [piece for unit in self._units for piece in _cut(unit, target)]
        groups: list[list[Unit]] = [[] for _ in range(number)]
        done = 0
        for piece in pieces:
            # A piece goes where its middle falls, so that no shard is more than half a file off.
            groups[min(int((done + piece.size / 2) / target), number - 1)].append(piece)
            done += piece.size
        return [Shard(tuple(group), self._limits) for group in groups if group]

    def locate(self, document: Document, segments: Sequence[Segment]) -> Position | None:
        """Find a field of a document of this source in its file; see :func:`thunderguard.documents.locate`."""
        return locate(document, segments, path=self._units[0].path if document.file == STDIN else None)

    def close(self) -> None:
        """Remove the copy of standard input, if there is one."""
        if self._spool is not None:
            self._spool.close()

    def __enter__(self) -> Source:
        """Give the source itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def open_source(paths: Sequence[str], *, limits: Limits = DEFAULT_LIMITS, stdin: BinaryIO | None = None) -> Source:
    """Open files, directories, or ``-`` for standard input.

    Raises SourceError when a path does not exist, when there is nothing to read, and for a snapshot of a format that
    this version does not know.
    """
    if STDIN in paths and any(path != STDIN for path in paths):
        raise _mixed()
    if STDIN in paths:
        return _open_stdin(stdin if stdin is not None else sys.stdin.buffer, limits)
    found = find(paths)
    header = None
    if len(found.units) == 1 and found.units[0].by_lines:
        header = header_of(first_line(found.units[0].path)[0].strip())
    return Source(
        "files" if header is None else "snapshot",
        found.units,
        header=header,
        problems=found.problems,
        left_out=found.left_out,
        limits=limits,
    )


def _open_stdin(stream: BinaryIO, limits: Limits) -> Source:
    spool = tempfile.NamedTemporaryFile(prefix="thunderguard-stdin-")  # noqa: SIM115 - lives as long as the source
    shutil.copyfileobj(stream, spool)
    spool.flush()
    unit = make_unit(spool.name, STDIN)
    if unit.size == 0:
        spool.close()
        raise SourceError("standard input is empty", hint="did the command before the pipe fail?")
    header = header_of(first_line(unit.path)[0].strip()) if unit.by_lines else None
    if header is not None:
        check_format(header, "standard input")
    return Source("stdin", [unit], header=header, limits=limits, spool=spool)


def _mixed() -> Exception:
    return SourceError("standard input (-) cannot be read together with files", hint="run the command twice")


def _cut(unit: Unit, target: float) -> list[Unit]:
    if unit.size < max(target * 1.5, 2 * _SMALLEST_STRETCH) or not splittable(unit):
        return [unit]
    step = max(int(target / 2), _SMALLEST_STRETCH)
    pieces = []
    start, line = 0, 1
    with open(unit.path, "rb") as stream:
        while start < unit.size:
            stream.seek(start)
            block = stream.read(step) + stream.readline()
            if not block:
                break
            end = start + len(block)
            pieces.append(replace(unit, start=start, end=end, size=len(block), first_line=line))
            start, line = end, line + block.count(b"\n")
    return pieces
