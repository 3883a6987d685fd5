"""Opening plain, gzip and zstd files, and reading them whole or by lines, within bounds."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import zstandard

from thunderguard.documents.errors import Unreadable
from thunderguard.documents.limits import megabytes

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK = 1 << 17
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class _ZstdReader(io.RawIOBase):
    """Decompress zstd frames; zstandard's own reader takes a frame that is cut short for a whole one."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._begun = False
        self._ready = b""

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._raw.close()
        super().close()

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._ready:
            unused = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
                self._begun = False
            data = unused or self._raw.read(_CHUNK)
            if not data:
                if self._begun:
                    raise EOFError("the zstd data is cut short")
                return 0
            self._begun = True
            self._ready = self._frame.decompress(data)
        wanted = memoryview(buffer)
        count = min(len(wanted), len(self._ready))
        wanted[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


def open_stream(path: str | Path) -> BinaryIO:
    """Open a file for reading bytes, decompressed; what counts are its first bytes, not its name. Raises OSError."""
    raw = cast(BinaryIO, open(path, "rb"))  # noqa: SIM115 - the caller closes it
    magic = raw.read(4)
    raw.seek(0)
    if magic.startswith(GZIP_MAGIC):
        return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, _OwningGzip(raw)), _CHUNK))
    if magic == ZSTD_MAGIC:
        return cast(BinaryIO, io.BufferedReader(_ZstdReader(raw), _CHUNK))
    return raw


def is_compressed(path: str | Path) -> bool:
    """Say whether :func:`open_stream` decompresses the file. Raises OSError."""
    with open(path, "rb") as raw:
        magic = raw.read(4)
    return _is_packed(magic)


def read_whole(path: str | Path, limit: int) -> bytes:
    """Read a file whole. Raises Unreadable when it cannot be read or has more than ``limit`` bytes."""
    try:
        data = _read_plain(path, limit)
        if data is None:
            with open_stream(path) as stream:
                data = stream.read(limit + 1)
    except FAILURES as error:
        raise Unreadable(why(error)) from None
    if len(data) > limit:
        raise Unreadable(f"the file is larger than {megabytes(limit)}, the most that is read as one piece")
    return data


def _read_plain(path: str | Path, limit: int) -> bytes | None:
    """Read a regular file in one go; None when it is not that simple: compressed, special, or just growing."""
    with open(path, "rb", buffering=0) as raw:
        size = os.fstat(raw.fileno()).st_size
        data = raw.read(min(size, limit) + 1)
    return data if len(data) == size and not _is_packed(data) else None


def _is_packed(start: bytes) -> bool:
    return start.startswith((GZIP_MAGIC, ZSTD_MAGIC))


def lines(stream: BinaryIO, limit: int) -> Iterator[bytes | None]:
    """Give each line with its end; None for one longer than ``limit``, which is passed over unread."""
    while True:
        line = stream.readline(limit + 1)
        if not line:
            return
        if len(line) <= limit or line.endswith(b"\n"):
            yield line
            continue
        while not line.endswith(b"\n"):
            line = stream.readline(_CHUNK)
            if not line:
                break
        yield None


FAILURES = (OSError, EOFError, zlib.error, zstandard.ZstdError)


def why(error: BaseException) -> str:
    """Say in one line why reading failed."""
    if isinstance(error, gzip.BadGzipFile | zlib.error | zstandard.ZstdError):
        return f"the compressed data is damaged: {error}"
    if isinstance(error, EOFError):
        return "the compressed data is cut short"
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or error}"
    return str(error)


class _OwningGzip(gzip.GzipFile):
    """A GzipFile that closes the file it was given."""

    def __init__(self, raw: BinaryIO) -> None:
        super().__init__(fileobj=raw, mode="rb")
        self._raw = raw

    def close(self) -> None:
        super().close()
        self._raw.close()
