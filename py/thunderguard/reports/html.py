"""The report as one HTML page: it works from a file, without a network, and loads nothing.

The parts that are small (the map, the totals, the plan, the changes) are HTML; the findings travel as JSON, described
by ``schemas/page.schema.json``, and a script shows as many of them as are looked at. A content security policy lets
nothing else run: the page's own style and script are named by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from thunderguard.model import (
    ExitCode,
    Finding,
    JsonObject,
    Level,
    Origin,
    Problem,
    Report,
    Resource,
    Status,
    Waived,
    in_order,
)
from thunderguard.reports import inventory, remedies
from thunderguard.reports.picture import RELEASE_VERDICTS, Mark, Picture, draw
from thunderguard.reports.setting import PlannedStep, Setting
from thunderguard.reports.terminal import safe

if TYPE_CHECKING:
    from jinja2 import Template

FORMAT_VERSION = "1"

# How many problems and how many mended findings are listed; the JSON report has them all.
MOST_LISTED = 200

# Signs that the plainest fonts have.
_SIGNS = {
    Mark.DEPRECATED: "†",
    Mark.DUPLICATE: "×",  # noqa: RUF001 - the sign of times, and it means that
    Mark.AWAY: "→",
    Mark.FAILING: "!",
    Mark.PARKED: "○",
    Mark.HOME: "●",
}

_VERDICTS = {
    ExitCode.CLEAN: ("clean", "Nothing fails this run"),
    ExitCode.FINDINGS: ("findings", "This run fails"),
    ExitCode.INCOMPLETE: ("incomplete", "Not everything could be judged"),
}

_LEDGER = (Status.PASSED, Status.VIOLATED, Status.WAIVED, Status.NOT_MATCHED, Status.NOT_JUDGED, Status.FAILED)

# The width of a bar of the ledger, in the units of its picture.
_BAR = 160


def render(report: Report, setting: Setting) -> bytes:
    """Write ``report`` as a page in UTF-8."""
    template, policy, style, script = _parts()
    findings = in_order(report.findings)
    workloads = inventory.workloads(report.inventory)
    shown = _Findings(report, findings, workloads)
    steps = _steps(setting.plan, findings)
    # Most estates waive nothing, and a column of zeros says nothing.
    waives = any(counts.get(Status.WAIVED) for counts in report.totals.values())
    statuses = [status for status in _LEDGER if waives or status is not Status.WAIVED]
    text = template.render(
        policy=policy,
        style=style,
        script=script,
        data=_embedded(shown.data(setting, steps)),
        estate=report.estate.get("name") or "",
        verdict=_VERDICTS.get(setting.exit_code, ("incomplete", f"Exit code {setting.exit_code}")),
        facts=_facts(report, setting),
        totals=shown.totals(),
        objects=report.source.get("objects") or 0,
        map=_map(draw(report, workloads)),
        releases=_releases(report, findings),
        ledger=_ledger(report, setting, statuses),
        statuses=statuses,
        changes=_changes(setting),
        compared=setting.compared,
        planned=setting.plan is not None,
        steps=steps,
        resolved=len({mark for step in steps if not step.by_hand for mark in step.resolves}),
        problems=report.problems[:MOST_LISTED],
        problems_left=max(0, len(report.problems) - MOST_LISTED),
        problem=_problem,
        exit_code=setting.exit_code,
        levels=tuple(Level),
    )
    return text.encode()


@cache
def _parts() -> tuple[Template, str, str, str]:
    """Give the template, the content security policy, and the style and script that it lets run."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    folder = files("thunderguard.reports") / "page"

    def read(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    environment = Environment(
        loader=FunctionLoader(read),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # What a browser hashes is the very text between the tags.
    style, script = read("page.css"), read("page.js")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    return environment.get_template("page.html"), policy, Markup(style), Markup(script)  # noqa: S704 - both are ours


def _visible(value: Any) -> Any:
    """Write control characters out, as every report does; what is HTML already stays as it is."""
    return value if hasattr(value, "__html__") else safe(str(value))


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _embedded(value: JsonObject) -> Any:
    """Write JSON that nothing can end before its time: no sign in it means anything to HTML or to JavaScript."""
    from markupsafe import Markup

    text = orjson.dumps(value).decode()
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - all that means something was escaped just now


def _link(**wanted: str) -> str:
    """Give the fragment that shows the findings with these properties."""
    return "#" + "&".join(f"{key}={quote(safe(value), safe='')}" for key, value in wanted.items())


# ---- findings


class _Findings:
    """The findings of the page, with what of them the filters ask for."""

    def __init__(self, report: Report, findings: Sequence[Finding], workloads: Iterable[inventory.Workload]) -> None:
        self._report = report
        self._findings = findings
        self._services = {one.resource: (*one.services, *one.deprecated) for one in workloads}

    def data(self, setting: Setting, steps: Sequence[PlannedStep]) -> JsonObject:
        """Give the JSON value that the script reads. Every text in it is fit to be shown."""
        rules = sorted({finding.rule for finding in self._findings})
        return {
            "formatVersion": FORMAT_VERSION,
            "rules": {safe(rule): _rule(rule, setting) for rule in rules},
            "steps": [sorted(map(safe, step.resolves)) for step in steps],
            "findings": [self._entry(finding) for finding in self._findings],
        }

    def totals(self) -> list[tuple[str, int, str, str]]:
        """Give number, class and link of each total."""
        levels = Counter(finding.level for finding in self._findings if finding.waived is None)
        statuses = Counter(map(self._status, self._findings))
        told = [name for name in ("new", "known", "waived") if statuses[name]]
        return [
            *((str(level), levels[level], str(level), _link(level=level)) for level in Level),
            *((name, statuses[name], name, _link(status=name)) for name in told),
        ]

    def _entry(self, finding: Finding) -> JsonObject:
        resource = finding.resource
        services = {finding.service, *self._services.get(resource, ())} - {None, ""}
        return {
            "rule": safe(finding.rule),
            "level": str(finding.level),
            "status": self._status(finding),
            "services": sorted(safe(str(service)) for service in services),
            "apiVersion": safe(resource.apiVersion),
            "kind": safe(resource.kind),
            "namespace": safe(_namespace(resource)),
            "name": safe(resource.name),
            "path": safe(finding.path),
            "place": safe(_place(finding)),
            "message": safe(finding.message),
            "remedy": safe(finding.remedy),
            "command": remedies.command(finding.remedy),
            "waiver": None if finding.waived is None else safe(_waiver(finding.waived)),
            "origin": None if finding.origin is None else _origin(finding.origin),
            "fingerprint": safe(finding.fingerprint),
        }

    def _status(self, finding: Finding) -> str:
        if finding.waived is not None:
            return "waived"
        if self._report.known is None:
            return "open"
        return "new" if self._report.is_new(finding) else "known"


def _waiver(waived: Waived) -> str:
    return f"until {waived.expires} by {waived.owner}: {waived.reason}"


def _origin(origin: Origin) -> JsonObject:
    line = "" if origin.line is None else f":{origin.line}"
    patch = None if origin.patch is None else "\n".join(map(safe, origin.patch.splitlines()))
    return {
        "place": safe(f"{origin.template}{line}"),
        "keys": [*map(safe, origin.keys)],
        "patch": patch,
        "option": None if origin.option is None else safe(origin.option),
        "note": safe(origin.note),
        "into": None if origin.into is None else safe(origin.into),
    }


def _namespace(resource: Resource) -> str:
    """Give the namespace that ``resource`` is in; a Namespace belongs to itself."""
    return resource.namespace or (resource.name if resource.kind == "Namespace" else "")


def _place(finding: Finding) -> str:
    if finding.file is None:
        return ""
    return ":".join(str(part) for part in (finding.file, finding.line, finding.column) if part is not None)


def _rule(name: str, setting: Setting) -> JsonObject:
    known = setting.rules.get(name)
    return {"title": safe(setting.title(name)), "why": "" if known is None else safe(known.why)}


# ---- the map


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell of the map: its colour, its lines of sign and word, how many instances there are, and where it leads."""

    look: str
    marks: tuple[tuple[str, str, str], ...]
    instances: int
    link: str


@dataclass(frozen=True, slots=True)
class _Map:
    services: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, str, tuple[_Cell | None, ...]], ...]
    legend: tuple[tuple[str, str, str], ...]


def _map(picture: Picture) -> _Map | None:
    if not picture.services:
        return None
    words = {mark: _word(mark, judged=picture.judged) for mark in Mark}
    rows = [
        (namespace or "(none)", _link(namespace=namespace or "(none)"), tuple(_cells(picture, namespace, words)))
        for namespace in picture.namespaces
    ]
    legend = [(_look(mark), _SIGNS[mark], words[mark]) for mark in reversed(Mark)]
    if picture.missing:
        cells = (
            _Cell("missing", (("missing", "?", "missing"),), 0, _link(rule="missing-service", service=service))
            if service in picture.missing
            else None
            for service in picture.services
        )
        rows.append(("nowhere, or too few", _link(rule="missing-service"), tuple(cells)))
        legend.append(("missing", "?", "missing"))
    return _Map(tuple((service, _link(service=service)) for service in picture.services), tuple(rows), tuple(legend))


def _cells(picture: Picture, namespace: str, words: Mapping[Mark, str]) -> Iterator[_Cell | None]:
    for service in picture.services:
        instances = picture.cells.get((namespace, service))
        if not instances:
            yield None
            continue
        marks = [mark for mark in Mark if any(mark in one for one in instances)]
        lines = tuple((_look(mark), _SIGNS[mark], words[mark]) for mark in marks)
        link = _link(namespace=namespace or "(none)", service=service)
        yield _Cell(_look(marks[0]), lines, len(instances), link)


def _look(mark: Mark) -> str:
    return mark.name.lower()


def _word(mark: Mark, *, judged: bool) -> str:
    return "running" if mark is Mark.HOME and not judged else str(mark)


def _releases(report: Report, findings: Sequence[Finding]) -> list[dict[str, str]]:
    about: dict[Resource, list[Finding]] = defaultdict(list)
    for finding in findings:
        about[finding.resource].append(finding)
    return [
        {
            "name": release.resource.name,
            "namespace": release.resource.namespace,
            "chart": release.chart,
            "verdict": ", ".join(
                dict.fromkeys(RELEASE_VERDICTS.get(one.rule, one.rule) for one in about.get(release.resource, ()))
            ),
            "link": _link(q=f"Release/{release.resource.name}", namespace=release.resource.namespace),
        }
        for release in inventory.releases(report.inventory)
    ]


# ---- the ledger


def _ledger(report: Report, setting: Setting, statuses: Sequence[Status]) -> list[JsonObject]:
    rows = []
    for rule in sorted(report.totals):
        counts = {status: report.totals[rule].get(status, 0) for status in _LEDGER}
        known = setting.rules.get(rule)
        rows.append(
            {
                "rule": rule,
                "title": setting.title(rule),
                "level": "" if known is None else str(known.level),
                "link": _link(rule=rule),
                "counts": [counts[status] for status in statuses],
                "bar": _bar(counts),
            }
        )
    return rows


def _bar(counts: Mapping[Status, int]) -> list[tuple[str, int, int]]:
    """Give class, start and width of each part of a bar: of all that the rule speaks about."""
    parts = [
        ("passed", counts[Status.PASSED]),
        ("violated", counts[Status.VIOLATED]),
        ("waived", counts[Status.WAIVED]),
        ("unjudged", counts[Status.NOT_JUDGED] + counts[Status.FAILED]),
    ]
    whole = sum(number for _, number in parts)
    bar, before = [], 0
    for name, number in parts:
        start, before = before, before + number
        if number:
            bar.append((name, _BAR * start // whole, max(2, _BAR * before // whole - _BAR * start // whole)))
    return bar


# ---- plan, changes, the rest


def _steps(plan: Sequence[PlannedStep] | None, findings: Sequence[Finding]) -> list[PlannedStep]:
    """Give the clean-up: a plan where one was made, else the commands that remedies begin with."""
    if plan is not None:
        return [*plan]
    return [
        PlannedStep(
            title=step.command,
            commands=(step.command,),
            resolves=tuple(findings[place].fingerprint for place in sorted(step.findings)),
            notes=step.conditions,
        )
        for step in remedies.commands(findings)
    ]


def _changes(setting: Setting) -> JsonObject | None:
    changes = setting.changes
    if changes is None:
        return None
    return {
        "counts": (
            ("new", len(changes.new), "new"),
            ("fixed", len(changes.fixed), "gone"),
            ("unchanged", len(changes.unchanged), "unchanged"),
            ("unknown", len(changes.unknown), "not comparable"),
            *([("waived", len(changes.waived), "waived")] if changes.waived else []),
        ),
        "lists": [
            (title, look, group[:MOST_LISTED], max(0, len(group) - MOST_LISTED))
            for title, look, group in (
                ("New", "new", changes.new),
                ("Gone", "fixed", changes.fixed),
                ("Not comparable", "unknown", changes.unknown),
            )
            if group
        ],
    }


def _facts(report: Report, setting: Setting) -> list[tuple[str, str]]:
    source, estate, engine = report.source, report.estate, report.engine
    captured, version = source.get("capturedAt"), source.get("clusterVersion")
    left_out = source.get("leftOut") or []
    facts = [
        ("Source", f"{source.get('path') or '-'} ({source.get('kind') or 'files'})"),
        ("Captured", " · ".join(filter(None, (captured, f"Kubernetes {version}" if version else "")))),
        ("Estate", _with_hash(estate.get("path"), estate.get("sha256"))),
        ("Engine", _with_hash(f"{engine.get('name')}, {engine.get('version')}", engine.get("policySha256"))),
        ("Fails from", "nothing" if report.fail_on is None else str(report.fail_on)),
        ("Left out", f"{len(left_out)} files" if left_out else ""),
        ("Written", f"{setting.clock().astimezone(UTC):%Y-%m-%d %H:%M} UTC by Thunderguard {setting.version}"),
    ]
    return [(name, value) for name, value in facts if value]


def _with_hash(words: object, sha256: object) -> str:
    shown = "" if words is None else str(words)
    return f"{shown} ({sha256[:12]})" if isinstance(sha256, str) and sha256 else shown


def _problem(problem: Problem) -> str:
    place = ":".join(str(part) for part in (problem.file, problem.line) if part is not None)
    return " · ".join(part for part in (problem.kind, place, problem.object) if part)
