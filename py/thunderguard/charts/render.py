"""Charts rendered by ``helm template``, as they would be installed."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from thunderguard.charts.chartfile import CHART_FILE, ChartSource, dependencies, mapping_file
from thunderguard.charts.program import DEFAULT_BOUNDS, Bounds, FailedRunError, run
from thunderguard.documents.errors import Unreadable
from thunderguard.documents.texts import Part, decode, is_blank, load
from thunderguard.errors import ChartError
from thunderguard.model import JsonObject

HOOK = "helm.sh/hook"

Asked = TypeVar("Asked")
Given = TypeVar("Given")

# How helm parts what it prints: `---`, then which template it comes from.
_HEAD = re.compile(r"^---\n# Source: ([^\n]+)\n", re.MULTILINE)
_PLACE = re.compile(r"(?P<file>[^\s:\"'(]+\.(?:ya?ml|tpl|txt|json)):(?P<line>[0-9]+)")
_YAML_ERROR = re.compile(r"YAML parse error on (?P<file>[^:\s]+):")
# What Helm takes for the name of a release (pkg/chart/common/util/validate_name.go), and Kubernetes for a namespace.
_RELEASE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True)
class RenderedObject:
    """One document that a template renders.

    ``template`` is the template's path inside the chart, ``charts/db/templates/x.yaml`` for one of a subchart.
    ``index`` is the place among the documents that the template renders, in the order in which helm prints them, and
    ``line`` the 1-based line in :meth:`Rendering.text_of` where ``text`` begins. ``hooks`` are the events that it is a
    hook for, ``test`` among them; an object that is no hook has none.
    """

    template: str
    index: int
    line: int
    hooks: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Rendering:
    """What a chart renders to with one set of values, as the release ``release`` in ``namespace``."""

    chart: ChartSource
    release: str
    namespace: str
    objects: tuple[RenderedObject, ...]

    @cached_property
    def templates(self) -> dict[str, tuple[RenderedObject, ...]]:
        """Give the objects by their templates, in the order of both."""
        found: dict[str, list[RenderedObject]] = {}
        for one in self.objects:
            found.setdefault(one.template, []).append(one)
        return {template: tuple(objects) for template, objects in sorted(found.items())}

    def text_of(self, template: str) -> str:
        """Give all that ``template`` renders as one file of YAML."""
        return "".join(f"---\n{one.text}" for one in self.templates[template])


def render(
    chart: ChartSource,
    *,
    values: Sequence[Path] = (),
    sets: Sequence[str] = (),
    value_overrides: JsonObject | None = None,
    release: str,
    namespace: str,
    bounds: Bounds = DEFAULT_BOUNDS,
) -> Rendering:
    """Render ``chart`` with helm as ``helm install`` would, custom resource definitions, hooks and tests included.

    ``values`` are files in the order of ``helm -f``, ``sets`` are values of ``helm --set``. ``value_overrides`` go over
    the files and, as with helm, below ``sets``; a null takes a key away. Nothing of a network or a cluster is asked.
    May be called from several threads at once. Raises ChartError when the chart does not render, in helm's own words,
    or takes more than ``bounds``, UsageError for a name that cannot be, and ToolMissingError without helm.
    """
    check_names(release, namespace)
    for file in values:
        mapping_file(file, str(file))
    words = ["template", release, str(chart.folder.resolve()), "--namespace", namespace, "--include-crds"]
    for file in values:
        words += ["--values", os.path.abspath(file)]
    if any("\0" in text for text in sets):
        raise ChartError(f"{chart.label}: a value to set holds a NUL byte")
    for text in sets:
        words += ["--set", text]
    with tempfile.TemporaryDirectory(prefix="thunderguard-values-") as folder:
        if value_overrides:
            last = Path(folder) / "overrides.json"
            last.write_text(json.dumps(value_overrides), encoding="utf-8")
            words += ["--values", str(last)]
        try:
            printed = run("helm", words, folder=Path(folder), bounds=bounds, what=chart.label)
        except FailedRunError as error:
            raise failure(chart, error.said) from None
    return Rendering(chart, release, namespace, tuple(_objects(chart, printed)))


def render_all(
    jobs: Iterable[Asked], one: Callable[[Asked], Given], *, workers: int | None = None
) -> Iterator[Given | ChartError]:
    """Call ``one`` for each of ``jobs``, several at a time; give in order what each gives, or its ChartError."""

    def tried(job: Asked) -> Given | ChartError:
        try:
            return one(job)
        except ChartError as error:
            return error

    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        yield from pool.map(tried, jobs)


def check_names(release: str, namespace: str) -> None:
    """Raise ChartError when ``release`` cannot be the name of a release, or ``namespace`` that of a namespace."""
    if not _RELEASE.match(release) or len(release) > 53:
        raise ChartError(
            f"{release!r} cannot be the name of a release", hint="lower-case letters, digits and -, 53 at most"
        )
    if not _NAMESPACE.match(namespace) or len(namespace) > 63:
        raise ChartError(f"{namespace!r} cannot be a namespace", hint="lower-case letters, digits and -, 63 at most")


def release_name(chart: ChartSource) -> str:
    """Give the name that a release of ``chart`` has when nobody says: the chart's own."""
    name = re.sub(r"[^a-z0-9-]+", "-", chart.name.lower())[:53].strip("-")
    return name or "release"


def file_of(chart: ChartSource, template: str) -> str:
    """Give the file that ``template`` is in, inside the chart.

    Helm names a subchart by its alias; its files stand in the folder of its name, or in an archive, which is then
    given.
    """
    out: list[str] = []
    folder, left = chart.folder, template.split("/")
    metadata = chart.metadata
    while len(left) > 2 and left[0] == "charts":
        name, left = left[1], left[2:]
        aliases = {one.get("alias"): one.get("name") for one in dependencies(metadata)}
        for known in (name, aliases.get(name)):
            if isinstance(known, str) and (folder / "charts" / known / CHART_FILE).is_file():
                folder, out = folder / "charts" / known, [*out, "charts", known]
                break
        else:
            real = aliases.get(name) or name
            packed = sorted((folder / "charts").glob(f"{real}-*.tgz"))
            return "/".join([*out, "charts", packed[0].name]) if packed else template
        try:
            metadata = mapping_file(folder / CHART_FILE, CHART_FILE)
        except ChartError:
            metadata = {}
    return "/".join([*out, *left])


def failure(chart: ChartSource, said: str) -> ChartError:
    """Make of what helm wrote when it failed the error with its words, file and line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    first = next((place for place, line in enumerate(lines) if line.startswith("Error:")), 0)
    told = [line for line in lines[first:] if not line.startswith("Use --debug")]
    message = " ".join(told).removeprefix("Error: ")[:2000] or "helm failed and did not say why"
    hint = None
    if "helm dependency build" in message or "missing in charts/ directory" in message:
        hint = f"run `helm dependency build {chart.label}`"
    place = _PLACE.search(message) or _YAML_ERROR.search(message)
    file, line = chart.label, None
    if place is not None:
        inside = _inside(chart, place["file"])
        if inside is not None:
            file = chart.shown(file_of(chart, inside))
            line = int(place["line"]) if "line" in place.groupdict() else None
    return ChartError(f"{chart.label} does not render: {message}", hint=hint, file=file, line=line)


def _objects(chart: ChartSource, printed: bytes) -> Iterator[RenderedObject]:
    try:
        text = decode(printed)
    except Unreadable as error:
        raise ChartError(
            f"{chart.label} renders to something that is no text: {error.told()}", file=chart.label
        ) from None
    heads = list(_HEAD.finditer(text))
    ends: dict[str, int] = {}
    counts: dict[str, int] = {}
    for place, head in enumerate(heads):
        end = heads[place + 1].start() if place + 1 < len(heads) else len(text)
        body = text[head.end() : end].rstrip("\n") + "\n"
        if is_blank(body):
            continue
        template = _inside(chart, head[1]) or head[1]
        line = ends.get(template, 0) + 2
        ends[template] = line + body.count("\n") - 1
        index = counts.get(template, 0)
        counts[template] = index + 1
        yield RenderedObject(template, index, line, _hooks(body), body)


def _inside(chart: ChartSource, source: str) -> str | None:
    """Give the path inside the chart of what helm calls ``<name of the chart>/<path>``."""
    prefix = f"{chart.name}/"
    return source.removeprefix(prefix) if source.startswith(prefix) else None


def _hooks(text: str) -> tuple[str, ...]:
    if HOOK not in text:
        return ()
    try:
        value: Any = load(Part(text, 1, 0))[0]
    except Unreadable:
        return ()
    for key in ("metadata", "annotations", HOOK):
        value = value.get(key) if isinstance(value, dict) else None
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else ()
