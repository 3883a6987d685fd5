"""Packaged charts (``.tgz``): unpacked within bounds, and nothing but plain files inside their own folder."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from thunderguard.documents.limits import MIB, megabytes
from thunderguard.errors import ChartError

# Helm itself takes charts of up to 100 MiB unpacked (helm.sh/helm/v4, MaxDecompressedChartSize).
_LARGEST = 100 * MIB
_MOST_FILES = 10_000
_GZIP = b"\x1f\x8b"


def is_archive(path: Path) -> bool:
    """Say whether ``path`` is a packaged chart: by its name, and by its first bytes."""
    if not path.name.endswith((".tgz", ".tar.gz")) or not os.path.isfile(path):
        return False
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def unpack(path: Path, folder: Path, *, label: str | None = None) -> Path:
    """Unpack the chart ``path`` into ``folder`` and give the chart's own folder in there.

    ``label`` names the archive in messages. Raises ChartError when it is damaged, unpacks to too much, or holds a path
    that leads out of its folder, a link, or anything else that is no plain file.
    """
    name = label or str(path)
    try:
        with path.open("rb") as file:
            return unpack_stream(file, folder, name)
    except OSError as error:
        raise ChartError(f"{name} cannot be read: {error.strerror or error}", file=name) from None


def unpack_stream(file: BinaryIO, folder: Path, name: str) -> Path:
    """Unpack the packaged chart that ``file`` holds; see :func:`unpack`. OSErrors of the disk are passed on."""
    roots: set[str] = set()
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as packed:
            bounded = io.BufferedReader(_Bounded(cast(BinaryIO, packed), name))
            with tarfile.open(fileobj=bounded, mode="r|") as archive:
                for member, parts in _members(archive, name):
                    roots.add(parts[0])
                    content = archive.extractfile(member)
                    if content is None:
                        raise _unsafe(name, member.name, "is no plain file")
                    target = folder.joinpath(*parts)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content.read())
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ChartError(f"{name} is not a packaged chart, or is damaged: {error}", file=name) from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise ChartError(f"{name} has a name that is a file and a folder at once", file=name) from None
    charts = sorted(root for root in roots if (folder / root / "Chart.yaml").is_file())
    if len(charts) != 1 or len(roots) != 1:
        raise ChartError(
            f"{name} does not hold one folder with a Chart.yaml", hint="make it with `helm package`", file=name
        )
    return folder / charts[0]


def _members(archive: tarfile.TarFile, name: str) -> Iterator[tuple[tarfile.TarInfo, tuple[str, ...]]]:
    for number, member in enumerate(archive):
        if number >= _MOST_FILES:
            raise ChartError(f"{name} holds more than {_MOST_FILES} files", file=name)
        if member.isdir():
            continue
        path = PurePosixPath(member.name)
        parts = tuple(part for part in path.parts if part != ".")
        if path.is_absolute() or ".." in parts or "\\" in member.name or "\0" in member.name:
            raise _unsafe(name, member.name, "leads out of its folder")
        if not member.isfile():
            raise _unsafe(name, member.name, "is a link or a device, not a plain file")
        if len(parts) > 1:
            yield member, parts


def _unsafe(name: str, member: str, why: str) -> ChartError:
    return ChartError(f"{name} is refused: {member!r} in it {why}", file=name)


class _Bounded(io.RawIOBase):
    """A stream that ends with a ChartError when it gives more than a chart may be."""

    def __init__(self, raw: BinaryIO, name: str) -> None:
        self._raw = raw
        self._name = name
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # what io hands over is always a buffer
        data = self._raw.read(len(view))
        view[: len(data)] = data
        self._given += len(data)
        if self._given > _LARGEST:
            raise ChartError(f"{self._name} unpacks to more than {megabytes(_LARGEST)}", file=self._name)
        return len(data)
