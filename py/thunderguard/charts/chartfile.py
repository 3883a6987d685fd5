"""A chart on disk: its folder, its Chart.yaml, the charts inside it, and what may not be in it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from thunderguard.charts.archive import is_archive, unpack
from thunderguard.documents.errors import Unreadable
from thunderguard.documents.limits import MIB
from thunderguard.documents.streams import read_whole
from thunderguard.documents.texts import decode, load, split
from thunderguard.errors import ChartError
from thunderguard.model import JsonObject

CHART_FILE = "Chart.yaml"
_LARGEST_FILE = 5 * MIB
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class ChartSource:
    """A chart that can be rendered.

    ``folder`` is where it is, unpacked; ``label`` is its name as the user wrote it, which stands in front of the names
    of its files. ``metadata`` is its Chart.yaml.
    """

    folder: Path
    label: str
    metadata: JsonObject = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """Give the chart's own name."""
        return str(self.metadata.get("name"))

    @property
    def version(self) -> str:
        """Give the chart's version."""
        return str(self.metadata.get("version"))

    def shown(self, path: str) -> str:
        """Give the name of a file of the chart as the user would write it."""
        return shown(self.label, path)


def shown(label: str, path: str) -> str:
    """Give the name of a file of the chart called ``label`` as the user would write it."""
    return f"{label.rstrip('/')}/{path}" if label != "." else path


def is_chart(path: str | Path) -> bool:
    """Say whether ``path`` is a chart that can be rendered: packaged, or a folder with a Chart.yaml and templates."""
    # Unlike those of Path, these functions say no to a name that cannot be.
    if os.path.isdir(path):
        rendered = any(os.path.isdir(os.path.join(path, part)) for part in ("templates", "charts", "crds"))
        return rendered and os.path.isfile(os.path.join(path, CHART_FILE))
    return is_archive(Path(path))


@contextmanager
def open_chart(path: str | Path, *, label: str | None = None) -> Iterator[ChartSource]:
    """Give the chart ``path``, a folder or a packaged chart, which is unpacked as long as the context lasts.

    ``label`` stands for its name where that says more. Raises ChartError when it is no chart, is damaged, or holds
    what leads out of it.
    """
    path = Path(path)
    name = label or str(path)
    if path.is_dir():
        yield chart_in(path, name)
        return
    if not path.exists():
        raise ChartError(f"{name}: no such file or directory", hint="name the folder of a chart, or a .tgz")
    with tempfile.TemporaryDirectory(prefix="thunderguard-chart-") as folder:
        yield chart_in(unpack(path, Path(folder), label=name), name)


def chart_in(folder: Path, label: str) -> ChartSource:
    """Read the chart in ``folder``. Raises ChartError."""
    _refuse_ways_out(folder, label)
    metadata = mapping_file(folder / CHART_FILE, f"{label}/{CHART_FILE}")
    for key in ("name", "version"):
        if not isinstance(metadata.get(key), str) or not metadata[key]:
            raise ChartError(f"{label}/{CHART_FILE} has no {key}", file=f"{label}/{CHART_FILE}")
    if metadata.get("type") == "library":
        raise ChartError(
            f"{label} is a library chart: it renders nothing",
            hint="name a chart that uses it",
            file=f"{label}/{CHART_FILE}",
        )
    return ChartSource(folder, label, metadata)


def mapping_file(path: Path, name: str) -> JsonObject:
    """Read a file of YAML that holds one mapping, or nothing, which is an empty one.

    ``name`` is its name in messages. Raises ChartError when it cannot be read or holds something else.
    """
    try:
        parts = list(split(decode(read_whole(path, _LARGEST_FILE))))
        values: list[Any] = [load(part)[0] for part in parts]
    except Unreadable as error:
        place = f"{name}:{error.line}" if error.line else name
        raise ChartError(f"{place}: {error.told()}", file=name, line=error.line) from None
    if len(values) > 1:
        raise ChartError(f"{name} holds {len(values)} documents, not one", file=name, line=parts[1].content_line)
    value = values[0] if values else {}
    if value is None:
        return {}
    if not isinstance(value, dict):
        shape = {list: "a list", str: "text", bool: "a boolean"}.get(type(value), "a number")
        raise ChartError(f"{name} is {shape}, not a mapping", hint="write `key: value` lines", file=name, line=1)
    return value


def _refuse_ways_out(folder: Path, label: str) -> None:
    """Raise ChartError for a link that leads out of the chart: helm would follow it and show what is there."""
    root = folder.resolve()
    for here, folders, files in os.walk(folder):
        for entry in (*folders, *files):
            path = Path(here, entry)
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                inside = f"{label}/{path.relative_to(folder)}"
                raise ChartError(f"{inside} is a link that leads out of the chart", hint="copy the file", file=inside)


@dataclass(frozen=True, slots=True)
class Vendored:
    """A chart in ``charts/``: its folder, and the path inside the outermost chart of what holds it.

    ``packed`` says that this is an archive, or in one.
    """

    folder: Path
    path: str
    packed: bool = False

    @property
    def file(self) -> str:
        """Give the path inside the outermost chart of the file that its Chart.yaml is in."""
        return self.path if self.packed else f"{self.path}/{CHART_FILE}"


def vendored(
    folder: Path, scratch: Path, *, inside: str = "", packed: bool = False, depth: int = 0
) -> Iterator[Vendored]:
    """Give every chart in ``folder/charts``, packaged ones unpacked into ``scratch``, and those inside them.

    ``inside`` is the path of ``folder`` in the outermost chart, ``packed`` says that this is in an archive. Raises
    ChartError for an archive that is refused, and when charts are nested too deeply.
    """
    home = folder / "charts"
    if not home.is_dir():
        return
    if depth >= _DEEPEST:
        raise ChartError(f"{inside or folder}: charts are nested more than {_DEEPEST} deep")
    for entry in sorted(home.iterdir()):
        path = f"{inside}charts/{entry.name}"
        if entry.is_dir() and (entry / CHART_FILE).is_file():
            found = Vendored(entry, path, packed)
        elif entry.suffix == ".tgz" and is_archive(entry):
            target = Path(tempfile.mkdtemp(dir=scratch))
            found = Vendored(unpack(entry, target, label=path), path, packed=True)
        else:
            continue
        yield found
        yield from vendored(found.folder, scratch, inside=f"{path}/", packed=found.packed, depth=depth + 1)


def dependencies(metadata: JsonObject) -> Sequence[JsonObject]:
    """Give the dependencies that a Chart.yaml lists; what is not a mapping is left to helm to refuse."""
    listed = metadata.get("dependencies")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
