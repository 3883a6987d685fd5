"""What of the sources that a user names is rendered before it is judged, and what is judged as it is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from thunderguard.charts.chartfile import CHART_FILE, ChartSource, is_chart, open_chart, vendored
from thunderguard.charts.delivered import (
    MARKS,
    Configs,
    Delivery,
    configs_of,
    deliveries,
    inside,
    is_delivering,
    repository_of,
)
from thunderguard.charts.installed import Installed, delivered, named
from thunderguard.charts.kustomize import build, is_kustomization
from thunderguard.charts.render import Rendering, render
from thunderguard.charts.settings import Installation, installation
from thunderguard.documents import DEFAULT_LIMITS, open_source
from thunderguard.documents.source import STDIN
from thunderguard.documents.streams import FAILURES, open_stream
from thunderguard.errors import ChartError, SourceError, UsageError
from thunderguard.files import seen_from_here
from thunderguard.model import Document, JsonObject, Problem

if TYPE_CHECKING:
    from thunderguard.charts.stage import Stage
    from thunderguard.estate import Estate

_DEEPEST = 4
_MOST_DELIVERIES = 200
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Asked:
    """What a user says about the charts among the sources."""

    values: Sequence[Path] = ()
    sets: Sequence[str] = ()
    release: str | None = None
    namespace: str | None = None

    @property
    def options(self) -> list[str]:
        """Give the options that make sense for charts alone, as far as they were given."""
        given = {"--values": self.values, "--set": self.sets, "--release": self.release}
        return [option for option, value in given.items() if value]


@dataclass
class Staging:
    """Puts the sources of one run on a stage, and remembers the charts among them.

    ``charts`` are those that were rendered: the named ones, and the delivered ones.
    """

    stage: Stage
    asked: Asked
    estate: Estate
    charts: list[Installed] = field(default_factory=list)
    _failed: list[ChartError] = field(default_factory=list)
    _delivered: int = 0

    def add(self, paths: Sequence[str]) -> None:
        """Stage ``paths``: charts and kustomizations rendered, anything else as it is, and what it delivers.

        What does not render becomes a problem of the stage. Raises ChartError when nothing is left to judge then, and
        UsageError for options that need a chart.
        """
        paths = list(dict.fromkeys(paths))
        charts = [path for path in paths if path != STDIN and is_chart(path)]
        kustomizations = [path for path in paths if path not in charts and path != STDIN and is_kustomization(path)]
        if self.asked.options and not charts:
            raise UsageError(
                f"{self.asked.options[0]} is for a chart, and none is named",
                hint="name the folder of a chart, or a .tgz",
            )
        plain = [path for path in paths if path not in charts and path not in kustomizations]
        for path in paths:
            with self._telling(path):
                if path in charts:
                    self._chart(path)
                elif path in kustomizations:
                    self._kustomization(path)
                else:
                    self.stage.add_path(path)
        self._what_files_deliver(plain)
        if self._failed and not self.stage.paths:
            raise self._failed[0]

    @contextmanager
    def _telling(self, file: str) -> Iterator[None]:
        """Make a ChartError within a problem of the stage; ``file`` is the file that it is about if it names none."""
        try:
            yield
        except ChartError as error:
            self._failed.append(error)
            self.stage.problems.append(Problem("unread", error.told, error.file or file, error.line))

    def _chart(self, path: str) -> None:
        with open_chart(path) as chart:
            how = installation(chart, self.estate, release=self.asked.release, namespace=self.asked.namespace)
            rendering = render(
                chart,
                values=self.asked.values,
                sets=self.asked.sets,
                release=how.release,
                namespace=how.rendered_namespace,
            )
            self.charts.append(named(path, how, self.asked.values, self.asked.sets))
            self.stage.charts.append({"path": path, "release": how.release, "namespace": how.namespace})
            self._rendered(
                rendering, how, real=Path(path).is_dir(), depth=0, root=repository_of(f"{path}/{CHART_FILE}")
            )

    def _kustomization(self, path: str) -> None:
        built = build(Path(path), label=path)
        files = self.stage.add_built(built, None)
        if not files:
            raise ChartError(f"{path} builds no object", file=path)
        objects = [one.obj for one in built if is_delivering(one.obj)]
        self._deliver(objects, path, repository_of(f"{path}/kustomization.yaml"), 0)

    def _rendered(self, rendering: Rendering, how: Installation, *, real: bool, depth: int, root: Path) -> None:
        """Stage what a chart rendered to, the Chart.yaml files in it, and what that delivers in its turn."""
        chart = rendering.chart
        files = self.stage.add_rendering(rendering)
        if how.namespace is None:
            for file in files:
                del self.stage.namespaces[file]
        add_chart_files(self.stage, chart, real=real)
        self._deliver(list(_delivering(files)), chart.label, root, depth)

    def _what_files_deliver(self, paths: Sequence[str]) -> None:
        """Render what the manifests in ``paths`` deliver. Standard input cannot be read twice and is left as it is."""
        if not paths or STDIN in paths:
            return
        try:
            with open_source(paths) as source:
                files = [] if source.kind == "snapshot" else [file for file in source.files if _has_marks(file)]
        except SourceError:
            # Whoever judges the paths says what is wrong with them.
            return
        by_root: dict[Path, list[tuple[JsonObject, str]]] = {}
        for obj, file in _delivering_with_files(files):
            by_root.setdefault(repository_of(file), []).append((obj, file))
        for root, found in by_root.items():
            configs = self._configs([obj for obj, _ in found], found[0][1])
            for obj, file in found:
                with self._telling(file):
                    self._one(obj, configs, file, root, 1)

    def _configs(self, objects: Sequence[JsonObject], file: str) -> Configs:
        found: dict[tuple[str, str], list[JsonObject]] = {}
        with self._telling(file):
            found.update(configs_of(objects))
        return found

    def _deliver(self, objects: Sequence[JsonObject], file: str, root: Path, depth: int) -> None:
        configs = self._configs(objects, file)
        for obj in objects:
            with self._telling(file):
                self._one(obj, configs, file, root, depth + 1)

    def _one(self, obj: JsonObject, configs: Configs, file: str, root: Path, depth: int) -> None:
        for delivery in deliveries(obj, configs, root):
            if depth > _DEEPEST:
                raise ChartError(f"{delivery.what}: charts deliver charts more than {_DEEPEST} deep", file=file)
            self._delivered += 1
            if self._delivered > _MOST_DELIVERIES:
                raise ChartError(f"{delivery.what}: more than {_MOST_DELIVERIES} charts are delivered", file=file)
            self._delivery(delivery, file, root, depth)

    def _delivery(self, delivery: Delivery, file: str, root: Path, depth: int) -> None:
        path, label = None, f"{file}!{delivery.release}"
        if delivery.packed is None:
            path = inside(root, delivery.path or "", delivery.what)
            label = seen_from_here(path)
            if not is_chart(path):
                if path.is_dir() and is_kustomization(path):
                    built = build(path, label=label)
                    self.stage.add_built(built, delivery.namespace or None)
                    self._deliver([one.obj for one in built if is_delivering(one.obj)], label, root, depth)
                return
        chart = delivered(delivery, file, root, path, label)
        with chart.opened() as (source, setup):
            rendering = render(
                source,
                values=setup.values,
                sets=setup.sets,
                value_overrides=setup.over,
                release=setup.release,
                namespace=setup.namespace,
            )
            self.charts.append(chart)
            real = path is not None and path.is_dir()
            self._rendered(rendering, chart.how, real=real, depth=depth, root=root)


def add_chart_files(stage: Stage, chart: ChartSource, *, real: bool) -> None:
    """Have the Chart.yaml of ``chart`` and those of the charts inside it judged.

    ``real`` says that the chart's label is its folder, so that its files can be read where they are.
    """
    with tempfile.TemporaryDirectory(prefix="thunderguard-vendored-") as scratch:
        inner = [(one.file, one.folder, one.packed) for one in vendored(chart.folder, Path(scratch))]
        for file, folder, packed in [(CHART_FILE, chart.folder, False), *inner]:
            if real and not packed:
                stage.add_path(chart.shown(file))
            else:
                stage.add_copy((folder / CHART_FILE).read_bytes(), chart.shown(file))


def _has_marks(file: str) -> bool:
    """Say whether a file may hold what delivers a chart, without parsing it."""
    longest = max(map(len, MARKS))
    try:
        with open_stream(file) as stream:
            before = b""
            while block := stream.read(_CHUNK):
                if any(mark in before + block for mark in MARKS):
                    return True
                before = block[-longest:]
    except FAILURES:
        # Whoever judges the file says what is wrong with it.
        return False
    return False


def _delivering_with_files(files: Sequence[str]) -> list[tuple[JsonObject, str]]:
    if not files:
        return []
    found: list[tuple[JsonObject, str]] = []
    with open_source(files, limits=DEFAULT_LIMITS) as source:
        for item in source:
            if isinstance(item, Document) and any(mark in item.text for mark in MARKS):
                obj: Any = orjson.loads(item.text)
                if is_delivering(obj):
                    found.append((obj, item.file or ""))
    return found


def _delivering(files: Sequence[str]) -> Iterable[JsonObject]:
    return (obj for obj, _ in _delivering_with_files([file for file in files if _has_marks(file)]))
