"""What the files of a chart say before it is rendered: deprecation, versions, the lock file, image tags in values."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from thunderguard.catalogue import Rule
from thunderguard.charts.chartfile import CHART_FILE, ChartSource, dependencies, mapping_file, vendored
from thunderguard.documents.errors import Unreadable
from thunderguard.documents.texts import load, split
from thunderguard.errors import UsageError
from thunderguard.files import seen_from_here
from thunderguard.fingerprint import fingerprint
from thunderguard.model import Finding, JsonObject, Level, Resource, Scope
from thunderguard.paths import Segment, format_path
from thunderguard.yamlnodes import deepest

if TYPE_CHECKING:
    from thunderguard.estate import Estate

DEPRECATED, VERSION, LOCK, TAG = "chart-deprecated", "chart-version", "chart-lock", "chart-image-tag"


def _check(name: str, title: str, why: str, level: Level = Level.WARN) -> tuple[str, Rule]:
    return name, Rule(name, title, why, Scope.OBJECT, level, complete=False, since="0.2.0", audit="", violations={})


#: What is asked of the files, worded as a rule; these are not in the catalogue, since no object breaks them.
CHECKS: Mapping[str, Rule] = dict(
    (
        _check(
            DEPRECATED,
            "No chart is used that its makers have given up",
            "Nobody mends a chart that is marked as deprecated, nor the images that it names.",
        ),
        _check(
            TAG,
            "No values file names a moving tag",
            "A tag that moves makes two installations of one version different, also where it is switched off today.",
        ),
        _check(
            LOCK,
            "Chart.lock and charts/ say the same",
            "What was tested is what the lock file says; what is installed is what lies in charts/.",
        ),
        _check(
            VERSION,
            "A chart that changes gets a new version",
            "Helm and those who roll back tell charts apart by their versions alone.",
            Level.DENY,
        ),
    )
)

_VERSION = re.compile(r"v?([0-9]+)\.([0-9]+)\.([0-9]+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?\Z")
_IMAGE = re.compile(r"(?:image|images|repository)\Z", re.IGNORECASE)


def checks(chart: ChartSource, values: Sequence[Path], estate: Estate, *, base: str | None = None) -> list[Finding]:
    """Give what is to be said about the files of ``chart``, as findings whose rules are the ids in ``CHECKS``.

    ``values`` are its values files besides its own. ``base`` is the git revision that its version is compared with.
    Raises UsageError when that cannot be.
    """
    found = [*_deprecated(chart), *_locked(chart)]
    own = chart.folder / "values.yaml"
    for path in dict.fromkeys(path.resolve() for path in [own, *values]):
        if path.is_file():
            found += _moving_tags(chart, path, _forbidden(estate))
    if base is not None:
        found += _unbumped(chart, base)
    return found


def _finding(
    chart: ChartSource,
    check: str,
    message: str,
    remedy: str,
    *,
    file: str = CHART_FILE,
    path: str = "",
    at: tuple[int, int] | None = None,
) -> Finding:
    resource = Resource(str(chart.metadata.get("apiVersion") or "v2"), "Chart", "", chart.name)
    shown = chart.shown(file) if (chart.folder / file).exists() else file
    mark = fingerprint(check, resource, f"{file}:{path}", owner=("Chart", chart.name), obj=None)
    line, column = at or (None, None)
    level = CHECKS[check].level
    return Finding(check, level, None, resource, path, shown, line, column, message, remedy, mark)


def _deprecated(chart: ChartSource) -> Iterator[Finding]:
    say = partial(_finding, chart, DEPRECATED, path="deprecated")
    if chart.metadata.get("deprecated") is True:
        yield say(f"the chart {chart.name} is deprecated by its own Chart.yaml", "install what replaces it")
    for name, path, metadata in _vendored(chart):
        if metadata.get("deprecated") is True:
            how = "".join(_how(one) for one in dependencies(chart.metadata) if one.get("name") == name)
            yield say(
                f"the dependency {name}{how} is deprecated by its own Chart.yaml",
                "depend on what replaces it",
                file=path,
            )


def _how(dependency: JsonObject) -> str:
    """Say under which name, and on which condition, a dependency is used."""
    alias, condition = dependency.get("alias"), dependency.get("condition")
    parts = [f"as {alias}"] if alias else []
    parts += [f"when {condition}"] if condition else []
    return f" ({', '.join(parts)})" if parts else ""


def _vendored(chart: ChartSource) -> Iterator[tuple[str, str, JsonObject]]:
    """Give name, place and Chart.yaml of each chart inside ``chart``."""
    with tempfile.TemporaryDirectory(prefix="thunderguard-vendored-") as scratch:
        for one in vendored(chart.folder, Path(scratch)):
            metadata = mapping_file(one.folder / CHART_FILE, chart.shown(one.file))
            yield str(metadata.get("name")), one.file, metadata


def _locked(chart: ChartSource) -> Iterator[Finding]:
    lock = chart.folder / "Chart.lock"
    if not lock.is_file():
        return
    say = partial(_finding, chart, LOCK, file="Chart.lock")
    remedy = f"helm dependency build {chart.label}"
    locked = {
        one.get("name"): one.get("version") for one in dependencies(mapping_file(lock, chart.shown("Chart.lock")))
    }
    there = {name: metadata.get("version") for name, path, metadata in _vendored(chart) if path.count("charts/") == 1}
    for one in dependencies(chart.metadata):
        name = one.get("name")
        if name not in locked:
            yield say(
                f"Chart.yaml depends on {name}, and Chart.lock does not have it",
                f"helm dependency update {chart.label}",
            )
        elif name in there and there[name] != locked[name]:
            yield say(f"Chart.lock has {name} {locked[name]}, and charts/ has {there[name]}", remedy)


def _forbidden(estate: Estate) -> frozenset[str]:
    images = estate.data["spec"].get("images") or {}
    return frozenset(images.get("forbidTags") or ())


def _moving_tags(chart: ChartSource, path: Path, forbidden: frozenset[str]) -> Iterator[Finding]:
    root = chart.folder.resolve()
    file = path.relative_to(root).as_posix() if path.is_relative_to(root) else seen_from_here(path)
    try:
        text = path.read_text(encoding="utf-8")
        values = [load(part)[0] for part in split(text)]
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (UnicodeDecodeError, Unreadable, yaml.YAMLError):
        # Rendering with it says what is wrong.
        return
    if len(values) != 1 or node is None:
        return
    for segments, tag in _tags(values[0], ()):
        if tag in forbidden:
            mark = deepest(node, segments)
            yield _finding(
                chart,
                TAG,
                f"{format_path(segments)} is the moving tag {tag!r}",
                "name a version",
                file=file,
                path=format_path(segments),
                at=(mark.line + 1, mark.column + 1),
            )


def _tags(value: Any, above: tuple[Segment, ...]) -> Iterator[tuple[tuple[Segment, ...], str]]:
    """Give each image tag in some values: a ``tag`` beside a ``repository``, and the tag of an image written whole."""
    if isinstance(value, dict):
        tag = value.get("tag")
        beside = any(isinstance(one, str) and _IMAGE.search(str(key)) for key, one in value.items())
        if isinstance(tag, str) and (beside or (above and _IMAGE.search(str(above[-1])))):
            yield (*above, "tag"), tag
        for key, one in value.items():
            if isinstance(one, str) and _IMAGE.search(str(key)) and ":" in one.rpartition("/")[2] and "@" not in one:
                yield (*above, key), one.rpartition(":")[2]
            yield from _tags(one, (*above, key))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from _tags(one, (*above, place))


def _unbumped(chart: ChartSource, base: str) -> Iterator[Finding]:
    """Compare the chart with what it was at the git revision ``base``, or where the two histories part."""
    git = partial(_git, chart.folder)
    given = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    if given is None:
        raise UsageError(f"--base {base!r} is no revision that git knows in {chart.label}", hint="fetch it first")
    commit = given.strip()
    commit = (git("merge-base", commit, "HEAD") or commit).strip()
    before = git("show", f"{commit}:./{CHART_FILE}")
    if before is None:
        return
    changed = git("diff", "--name-only", "--relative", commit, "--", ".")
    added = git("ls-files", "--others", "--exclude-standard", "--", ".")
    files = [name for name in f"{changed or ''}{added or ''}".splitlines() if name]
    try:
        old = load(next(iter(split(before))))[0]
    except (Unreadable, StopIteration):
        return
    version = old.get("version") if isinstance(old, dict) else None
    if files and isinstance(version, str) and not _is_newer(chart.version, version):
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        yield _finding(
            chart,
            VERSION,
            f"{files[0]}{more} changed since {base}, and the version is {chart.version} after {version}",
            f"raise the version in {CHART_FILE}",
            path="version",
        )


def _is_newer(new: str, old: str) -> bool:
    """Say whether ``new`` is a later version than ``old``; versions that are none of semver only have to differ."""
    parsed = _VERSION.match(new), _VERSION.match(old)
    if parsed[0] is None or parsed[1] is None:
        return new != old
    return _order(parsed[0]) > _order(parsed[1])


def _order(version: re.Match[str]) -> tuple[Any, ...]:
    # semver 2.0, 11: numbers before words, and anything before the version itself.
    pre = version[4]
    parts = [(0, int(one), "") if one.isdigit() else (1, 0, one) for one in (pre or "").split(".") if one]
    return (*(int(version[place]) for place in (1, 2, 3)), pre is None, parts)


def _git(folder: Path, *words: str) -> str | None:
    """Run git in ``folder``; None when it says no. Raises UsageError without git."""
    program = shutil.which("git")
    if program is None:
        raise UsageError("--base needs git, which is not on PATH", hint="install git")
    done = subprocess.run(
        [program, "-C", str(folder), "--no-pager", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"},
    )
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
