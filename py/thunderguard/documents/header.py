"""The first line of a snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from thunderguard.documents.streams import FAILURES, open_stream
from thunderguard.errors import SourceError
from thunderguard.model import JsonObject

API_VERSION = "thunderguard.dev/v1alpha1"
HEADER_KIND = "SnapshotHeader"
FORMAT_VERSION = "1"
_LONGEST_FIRST_LINE = 1 << 20


def first_line(path: str | Path) -> tuple[bytes, bool]:
    """Give the first line of a file (at most 1 MiB of it), decompressed, and whether text follows.

    A file that cannot be read gives nothing; whoever reads it for good finds out why.
    """
    try:
        with open_stream(path) as stream:
            line = stream.readline(_LONGEST_FIRST_LINE)
            return line, bool(stream.read(64).strip())
    except FAILURES:
        return b"", False


def header_of(line: bytes) -> JsonObject | None:
    """Give the snapshot header that ``line`` holds, or None when it holds something else."""
    if HEADER_KIND.encode() not in line:
        return None
    try:
        value: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if is_header(value) else None


def is_header(value: Any) -> bool:
    """Say whether a value is a snapshot header, of any version."""
    return (
        isinstance(value, dict)
        and value.get("kind") == HEADER_KIND
        and str(value.get("apiVersion", "")).startswith("thunderguard.dev/")
    )


def check_format(header: JsonObject, path: str | Path) -> None:
    """Raise SourceError when the header's format is not one that this version reads."""
    found = header.get("formatVersion")
    if found != FORMAT_VERSION:
        raise SourceError(
            f"{path}: the snapshot has format version {found!r}; this thunderguard reads version {FORMAT_VERSION!r}",
            hint="install the version of thunderguard that wrote it, or capture the snapshot again",
        )
