"""Which files are read: those named, and those that a directory holds."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import orjson

from thunderguard.documents.header import check_format, first_line, header_of
from thunderguard.documents.objects import LeftOut
from thunderguard.documents.streams import is_compressed
from thunderguard.documents.units import Unit
from thunderguard.errors import SourceError
from thunderguard.model import Problem

_YAML = (".yaml", ".yml")
_LINES = (".jsonl", ".ndjson")
_SUFFIXES = (*_YAML, ".json", *_LINES)
_PACKED = (".gz", ".zst")
# Files that stand beside manifests and are read by other tools.
_OTHER = {
    "kustomization.yaml": "a kustomization",
    "kustomization.yml": "a kustomization",
    "chart.lock": "the lock file of a Helm chart",
    "requirements.yaml": "the dependencies of a Helm 2 chart",
    "requirements.lock": "the lock file of a Helm chart",
    "values.schema.json": "the schema of a Helm chart's values",
}


@dataclass
class Found:
    """The units to read in order, and what was met on the way."""

    units: list[Unit] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def find(paths: Sequence[str]) -> Found:
    """Look at every named path. Raises SourceError for one that does not exist, and when there is nothing to read."""
    found = Found()
    seen: set[str] = set()
    for path in paths:
        if os.path.isdir(path):
            before = len(found.units)
            for name, real, template in _walk(path, found, (os.path.realpath(path),)):
                _add(name, real, found, seen, walked=True, template=template)
            if len(found.units) == before:
                found.problems.append(Problem("unread", "the directory holds no YAML or JSON file to read", path))
        elif os.path.exists(path):
            _add(path, os.path.realpath(path), found, seen)
        else:
            raise SourceError(
                f"{path}: no such file or directory", hint="name a file, a directory, or - for standard input"
            )
    if not found.units:
        told = "; ".join(f"{problem.file}: {problem.message}" for problem in found.problems)
        raise SourceError(f"nothing to read: {told or 'no path was named'}")
    return found


def make_unit(path: str, file: str, *, walked: bool = False, template: bool = False, size: int | None = None) -> Unit:
    """Make the unit for one file: by lines when its name or its first line says JSON Lines. Raises OSError."""
    bare = _unpacked(file.lower())
    by_lines = bare.endswith(_LINES)
    if not by_lines and not bare.endswith(_YAML):
        line, more = first_line(path)
        by_lines = (_is_object_line(line) and more) or b'"SnapshotHeader"' in line
    return Unit(
        path,
        file,
        os.stat(path).st_size if size is None else size,
        by_lines,
        walked,
        template=template,
        json_only=bare.endswith(".json"),
    )


def splittable(unit: Unit) -> bool:
    """Say whether a unit may be cut at line ends."""
    return unit.by_lines and not is_compressed(unit.path)


def _walk(folder: str, found: Found, above: tuple[str, ...]) -> Iterator[tuple[str, str, bool]]:
    """Give each file below ``folder``: its name, its real path, and whether it is among the templates of a chart.

    ``above`` are the real paths of the folders that led here.
    """
    # What can be known of the folder is not asked of each file: there may be very many.
    template = _is_template(folder)
    here = above[-1].rstrip(os.sep) + os.sep
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        found.problems.append(Problem("unread", f"the directory cannot be read: {error.strerror}", folder))
        return
    for entry in ordered:
        if entry.name.startswith("."):
            found.left_out.append(LeftOut(entry.path, "hidden"))
        elif entry.is_dir():
            real = os.path.realpath(entry.path)
            if real in above:
                found.problems.append(Problem("unread", f"the symbolic link leads back to {real}", entry.path))
            else:
                yield from _walk(entry.path, found, (*above, real))
        elif entry.name.lower() in _OTHER:
            found.left_out.append(LeftOut(entry.path, _OTHER[entry.name.lower()]))
        elif _unpacked(entry.name.lower()).endswith(_SUFFIXES):
            yield entry.path, os.path.realpath(entry.path) if entry.is_symlink() else here + entry.name, template
        else:
            found.left_out.append(LeftOut(entry.path, "neither YAML nor JSON by its name"))


def _add(path: str, real: str, found: Found, seen: set[str], *, walked: bool = False, template: bool = False) -> None:
    if real in seen:
        found.left_out.append(LeftOut(path, "the same file was named before"))
        return
    seen.add(real)
    try:
        size = _checked_size(path)
        unit = make_unit(path, path, walked=walked, template=template, size=size)
        header = header_of(first_line(path)[0].strip()) if unit.by_lines else None
        if header is not None:
            check_format(header, path)
        found.units.append(unit)
    except SourceError as error:
        if not walked:
            raise
        found.problems.append(Problem("snapshot", error.message, path, 1))
    except OSError as error:
        found.problems.append(Problem("unread", f"cannot be read: {error.strerror}", path))


def _checked_size(path: str) -> int:
    """Give the bytes of a file. Raises OSError when it is no regular file, or may not be read."""
    try:
        found = os.stat(path)
    except OSError:
        raise FileNotFoundError(2, "the symbolic link leads nowhere") from None
    if not stat.S_ISREG(found.st_mode):
        # A named pipe in a directory would be waited for without end.
        raise OSError(22, "it is not a regular file")
    if not os.access(path, os.R_OK):
        with open(path, "rb"):
            pass
    return found.st_size


def _unpacked(name: str) -> str:
    for suffix in _PACKED:
        name = name.removesuffix(suffix)
    return name


def _is_object_line(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _is_template(folder: str) -> bool:
    parts = os.path.abspath(folder).split(os.sep)
    if "templates" not in parts:
        return False
    at = len(parts) - 1 - parts[::-1].index("templates")
    return os.path.isfile(os.sep.join([*parts[:at], "Chart.yaml"]))
