"""Copies of a chart that say more when they are rendered: the values that templates see, and the lines they come from.

What Helm makes of values files, --set, subcharts and globals together, Helm says best: a template that prints
``.Values``. The line of a template is told by a comment at its end, which comes out where the line does.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from thunderguard.charts.chartfile import CHART_FILE, ChartSource, dependencies, mapping_file
from thunderguard.charts.provenance import fields_in, references_in
from thunderguard.charts.shipped import defaults
from thunderguard.charts.values import merged
from thunderguard.errors import ChartError
from thunderguard.yamlnodes import deepest

if TYPE_CHECKING:
    from thunderguard.charts.trials import Item, Setup
    from thunderguard.charts.values import Key
    from thunderguard.model import JsonObject

_PROBE = "templates/thunderguard-values.yaml"
_PROBE_TEXT = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: thunderguard-values}
values: {{ .Values | toJson }}
"""
_MARK = re.compile(r" # thunderguard:([0-9]+)")
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_CONTROL = re.compile(
    r"\{\{-?\s*(?:/\*|(?P<open>if|range|with|define|block)\b|(?P<end>end)\b|else\b|break\b|continue\b|\$\w*(?:,\s*\$\w+)?\s*:?=)"
)
_TEMPLATES = {".yaml", ".yml", ".tpl", ".json"}
_LARGEST_TEMPLATE = 1 << 20
_DEEPEST = 6


def coalesced(chart: ChartSource, setup: Setup) -> JsonObject:
    """Give the values that the templates of ``chart`` see, in Helm's own reading. Raises ChartError."""
    try:
        items = _probed(chart, setup)
    except ChartError:
        # A subchart that needs a helper of its parent: then its own values are not known.
        items = []
    for item in items:
        if item.template == _PROBE:
            seen = item.obj.get("values")
            return seen if isinstance(seen, dict) else {}
    values = defaults(chart)
    for file in setup.values:
        values = merged(values, mapping_file(file, str(file)))
    return merged(values, setup.over)


def _probed(chart: ChartSource, setup: Setup) -> Sequence[Item]:
    with _copied(chart) as copy:
        templates = copy.folder / "templates"
        if templates.is_symlink():
            templates.unlink()
        shutil.rmtree(templates, ignore_errors=True)
        probe = copy.folder / _PROBE
        probe.parent.mkdir(exist_ok=True)
        probe.write_text(_PROBE_TEXT, encoding="utf-8")
        return setup.rendering(copy)({})


@dataclass(frozen=True)
class Named:
    """What the templates of a chart name: values keys, and fields of whatever value."""

    references: tuple[Key, ...]
    fields: tuple[str, ...]


def named(chart: ChartSource) -> Named:
    """Read the templates of a chart and of its unpacked subcharts."""
    keys: set[Key] = set()
    fields: set[str] = set()
    for folder, above in _charts(chart.folder, ()):
        for path in _files(folder):
            text = path.read_text(encoding="utf-8", errors="replace")
            keys |= references_in(text, above)
            fields |= fields_in(text)
    return Named(tuple(sorted(keys, key=str)), tuple(sorted(fields)))


class TemplateLines:
    """Finds the lines of templates that objects came from; of what no comment survives in, no line is known."""

    def __init__(self, chart: ChartSource, setup: Setup) -> None:
        """Render a copy of ``chart`` whose lines carry their numbers."""
        try:
            self._items = _with_marks(chart, setup)
        except ChartError:
            # A comment in the wrong place is no reason to say nothing else.
            self._items = []

    def line(self, item: Item, path: Key) -> int | None:
        """Give the line in its template of the field ``path`` of ``item``, as it was rendered without comments."""
        like = [
            one for one in self._items if (one.template, one.obj.get("kind")) == (item.template, item.obj.get("kind"))
        ]
        same = [one for one in like if one.resource == item.resource] or [
            one for one in like if one.place == item.place
        ]
        return None if not same else line_in(same[0].text, path)


def _with_marks(chart: ChartSource, setup: Setup) -> Sequence[Item]:
    with _copied(chart) as copy:
        root = copy.folder.resolve()
        for folder, _ in _charts(copy.folder, ()):
            for path in _files(folder):
                # A link may lead to the chart that was copied, which is not to be changed.
                if path.resolve().is_relative_to(root):
                    text = path.read_text(encoding="utf-8", errors="surrogateescape")
                    path.write_text(marked(text), encoding="utf-8", errors="surrogateescape")
        return setup.rendering(copy, texts=True)({})


def marked(text: str) -> str:
    """Give a template whose lines end in comments with their numbers, where a comment changes nothing.

    That is no place inside an action, in a line that prints nothing, before an action that takes away the blanks after
    it, or in a named template, whose text is a name as often as it is YAML.
    """
    out: list[str] = []
    named: list[int] = []
    place = depth = 0
    actions = list(_ACTION.finditer(text))
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        body = line.rstrip("\r\n")
        end = place + len(body)
        here = [action for action in actions if action.start() < end and place < action.end()]
        was_named = bool(named)
        for action in here:
            control = _CONTROL.match(action[0])
            # Counted once, on the line where it begins.
            if control is None or action.start() < place:
                continue
            if control["open"]:
                depth += 1
                if control["open"] == "define":
                    named.append(depth)
            elif control["end"]:
                if named and named[-1] == depth:
                    named.pop()
                depth -= 1
        is_inside = any(action.end() > end for action in here)
        says = _said(text, place, end, here)
        takes = body.rstrip().endswith("-}}") or body.lstrip().startswith(("#", "---"))
        plain = says and not (is_inside or was_named or named or takes)
        out.append(f"{body} # thunderguard:{number}{line[len(body) :]}" if plain else line)
        place += len(line)
    return "".join(out)


def _said(text: str, start: int, end: int, actions: Sequence[re.Match[str]]) -> bool:
    """Say whether a line prints anything: text of its own, or what an action gives that is no control."""
    if any(_CONTROL.match(action[0]) is None for action in actions):
        return True
    at, left = start, ""
    for action in actions:
        left += text[at : max(at, action.start())]
        at = max(at, action.end())
    return bool((left + text[at:end]).strip())


def line_in(text: str, path: Key) -> int | None:
    """Give the line of the template that gave ``path`` in a rendered document whose lines are marked."""
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, RecursionError):
        return None
    if node is None:
        return None
    lines = text.splitlines()
    # What a template prints over several lines carries its mark at the end of the last.
    for line in lines[deepest(node, path).line :]:
        match = _MARK.search(line)
        if match is not None:
            return int(match[1])
    return None


@contextmanager
def _copied(chart: ChartSource) -> Iterator[ChartSource]:
    """Give a copy of ``chart``. Raises ChartError when it cannot be copied."""
    with tempfile.TemporaryDirectory(prefix="thunderguard-chart-") as folder:
        # Helm does not mind what the folder is called.
        target = Path(folder) / "chart"
        try:
            shutil.copytree(chart.folder, target, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        except (OSError, shutil.Error) as error:
            raise ChartError(f"{chart.label} cannot be copied: {error}", file=chart.label) from None
        yield replace(chart, folder=target)


def _charts(folder: Path, above: Key) -> Iterator[tuple[Path, Key]]:
    """Give a chart's folder and those of its unpacked subcharts, with the keys under which their values stand."""
    yield folder, above
    home = folder / "charts"
    if not home.is_dir() or len(above) >= _DEEPEST:
        return
    listed = dependencies(mapping_file(folder / CHART_FILE, CHART_FILE))
    for entry in sorted(home.iterdir()):
        if (entry / CHART_FILE).is_file():
            name = mapping_file(entry / CHART_FILE, CHART_FILE).get("name") or entry.name
            aliases = [one.get("alias") or name for one in listed if one.get("name") == name]
            for alias in dict.fromkeys(map(str, aliases or [name])):
                yield from _charts(entry, (*above, alias))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted((folder / "templates").rglob("*")):
        if path.suffix in _TEMPLATES and path.is_file() and path.stat().st_size <= _LARGEST_TEMPLATE:
            yield path
