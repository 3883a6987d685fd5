"""Where rendered objects lie while they are judged, and how a report then names what they were rendered from."""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from thunderguard.charts.kustomize import Built
from thunderguard.charts.render import Rendering, file_of
from thunderguard.model import Finding, JsonObject, Problem, Report


@dataclass(frozen=True, slots=True)
class _Staged:
    """One file on the stage: the ``file`` that it stands for, and the lines where its documents begin, with hooks."""

    file: str
    true_lines: bool = False
    starts: tuple[int, ...] = ()
    hooks: tuple[tuple[str, ...], ...] = ()

    def hooks_at(self, line: int | None) -> tuple[str, ...]:
        """Give the hooks of the document that ``line`` is in."""
        at = bisect_right(self.starts, line) - 1 if line is not None else -1
        return self.hooks[at] if at >= 0 else ()


@dataclass
class Stage:
    """A temporary folder of manifests, which goes when the context ends.

    ``paths`` are the files to judge, in order, and ``namespaces`` the namespaces that their objects go to when they
    name none. ``problems`` are what could not be rendered. ``charts`` are the charts that the user named, with release
    and namespace.
    """

    paths: list[str] = field(default_factory=list)
    namespaces: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    charts: list[JsonObject] = field(default_factory=list)
    _staged: dict[str, _Staged] = field(default_factory=dict)
    _folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        """Give the stage itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove it."""
        if self._folder is not None:
            self._folder.cleanup()

    def add_path(self, path: str) -> None:
        """Have a file or folder judged as it is."""
        self.paths.append(path)

    def add_rendering(self, rendering: Rendering) -> list[str]:
        """Have what a chart renders to judged; give the files that it lies in."""
        chart = rendering.chart
        return [
            self._put(
                rendering.text_of(template).encode("utf-8"),
                _Staged(
                    chart.shown(file_of(chart, template)),
                    starts=tuple(one.line for one in objects),
                    hooks=tuple(one.hooks for one in objects),
                ),
                rendering.namespace,
            )
            for template, objects in rendering.templates.items()
        ]

    def add_built(self, built: Sequence[Built], namespace: str | None) -> list[str]:
        """Have what a kustomization builds judged; give the files that it lies in."""
        texts: dict[str, list[bytes]] = {}
        for one in built:
            texts.setdefault(one.file, []).append(orjson.dumps(one.obj))
        return [
            self._put(b"".join(b"---\n" + text + b"\n" for text in objects), _Staged(file), namespace)
            for file, objects in sorted(texts.items())
        ]

    def add_copy(self, data: bytes, file: str) -> None:
        """Have ``data`` judged, a copy of the file that the user knows as ``file``, or of one inside it."""
        self._put(data, _Staged(file, true_lines=True), None)

    @property
    def is_bare(self) -> bool:
        """Say whether everything is judged as it is."""
        return not self._staged and not self.problems

    def told(self, text: str) -> str:
        """Give a message with the names that the user knows."""
        for path, staged in self._staged.items():
            text = text.replace(path, staged.file)
        return text

    def named(self, report: Report, source: str) -> Report:
        """Give ``report`` with the names that the user knows; ``source`` is what was asked for.

        Lines of rendered text are nowhere to be found, so they go.
        """
        if self.is_bare:
            return report
        return replace(
            report,
            source={
                **report.source,
                "path": source,
                "charts": self.charts,
                "leftOut": [{**one, "file": self._file(one["file"])} for one in report.source["leftOut"]],
            },
            findings=tuple(map(self._finding, report.findings)),
            rows=tuple(replace(row, file=self._file(row.file)) for row in report.rows),
            problems=(*map(self._problem, report.problems), *self.problems),
        )

    def _put(self, data: bytes, staged: _Staged, namespace: str | None) -> str:
        if self._folder is None:
            # Most runs render nothing and need no folder.
            self._folder = tempfile.TemporaryDirectory(prefix="thunderguard-stage-")
        # The number keeps the order; the suffix keeps a text that begins like JSON Lines from being read by lines.
        path = str(Path(self._folder.name, f"{len(self._staged):05}.yaml"))
        Path(path).write_bytes(data)
        self._staged[path] = staged
        self.paths.append(path)
        if namespace is not None:
            self.namespaces[path] = namespace
        return path

    def _file(self, file: str | None) -> str | None:
        staged = self._staged.get(file or "")
        return staged.file if staged is not None else file

    def _finding(self, finding: Finding) -> Finding:
        staged = self._staged.get(finding.file or "")
        if staged is None:
            return finding
        if staged.true_lines:
            return replace(finding, file=staged.file)
        hooks = staged.hooks_at(finding.line)
        mark = f" (a Helm hook: {', '.join(hooks)})" if hooks else ""
        return replace(finding, file=staged.file, line=None, column=None, message=finding.message + mark)

    def _problem(self, problem: Problem) -> Problem:
        staged = self._staged.get(problem.file or "")
        if staged is None:
            return problem
        line = problem.line if staged.true_lines else None
        return replace(problem, file=staged.file, line=line)
