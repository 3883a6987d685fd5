"""The report for people: what runs where, what breaks the contract, and what to do about it.

Plain text. Colours and the width of the terminal come in with :class:`Look`; without them the text is the same
wherever it is written, one finding to a line where it fits.
"""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from thunderguard.model import Finding, Level, Problem, Report, Resource, Status
from thunderguard.reports import inventory, origins, remedies
from thunderguard.reports.picture import ASTRAY, RELEASE_VERDICTS, Mark, draw, is_astray
from thunderguard.reports.terminal import Glyphs, Paint, columns, glyphs_for, pad, safe

PLAIN_WIDTH = 100
_MOST_PROBLEMS = 50

_LEVEL_COLOURS = {Level.DENY: "red", Level.WARN: "yellow", Level.INFO: "cyan"}
_WEIGHT = {Level.DENY: 0, Level.WARN: 1, Level.INFO: 2}

_STATUSES = (Status.PASSED, Status.VIOLATED, Status.WAIVED, Status.NOT_MATCHED, Status.NOT_JUDGED, Status.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Where the text will be shown.

    ``width`` is the width of the terminal; None means that it is not a terminal: messages are not broken into lines
    then. ``encoding`` decides which signs can be used, ``color`` whether there are colours.
    """

    width: int | None = None
    color: bool = False
    encoding: str = "utf-8"


def render(
    report: Report,
    *,
    titles: Mapping[str, str],
    exit_code: int,
    look: Look | None = None,
    picture: bool = True,
) -> str:
    """Give ``report`` as text that ends with a newline.

    ``titles`` maps rule ids to their titles in the catalogue; ``exit_code`` is what the command will exit with;
    ``picture`` false leaves the grid and the Helm releases out.
    """
    text = _Text(look or Look())
    found = sorted(report.findings, key=lambda finding: finding.sort_key)
    findings = [finding for finding in found if finding.waived is None]
    text.headline(report, len(findings))
    if picture:
        text.grid(report)
        text.releases(report, findings)
    text.findings(report, findings, titles)
    text.values(findings)
    text.commands(findings)
    text.waived([finding for finding in found if finding.waived is not None])
    text.problems(report.problems)
    text.ledger(report)
    text.section()
    text.line(text.summary(report, exit_code))
    return text.value()


def summary(report: Report, exit_code: int) -> str:
    """Give the last line of the report: counts by level, the number of objects and the exit code."""
    live = [finding for finding in report.findings if finding.waived is None]
    counts = Counter(finding.level for finding in live)
    parts = [", ".join(f"{counts[level]} {level}" for level in Level), _count(_objects(report), "object")]
    if len(live) < len(report.findings):
        parts.append(f"{len(report.findings) - len(live)} waived")
    if report.known is not None:
        parts.append(f"{sum(map(report.is_new, live))} new since the baseline")
    if report.problems:
        parts.append(_count(len(report.problems), "problem"))
    parts.append(f"exit {exit_code}")
    return "; ".join(parts)


def _objects(report: Report) -> int:
    objects = report.source.get("objects")
    return objects if isinstance(objects, int) else 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# How many of the files that were left out are named; the JSON report has them all.
_NAMED = 3


class _Text:
    """The lines so far, and how they may look."""

    def __init__(self, look: Look) -> None:
        self._lines: list[str] = []
        self._new: frozenset[str] = frozenset()
        self._wrap = look.width
        self._width = max(40, look.width) if look.width is not None else PLAIN_WIDTH
        self._paint = Paint(look.color)
        self._glyphs: Glyphs = glyphs_for(look.encoding)
        # UTF-8 can write whatever safe() leaves, so only other encodings cost a second look.
        self._encoding = None if look.encoding.lower().replace("-", "") == "utf8" else look.encoding

    def value(self) -> str:
        return "\n".join(self._lines) + "\n"

    def safe(self, text: object) -> str:
        return safe(str(text), encoding=self._encoding)

    def line(self, text: str = "", *, indent: int = 0) -> None:
        self._lines.append((" " * indent + text).rstrip())

    def section(self, title: str = "") -> None:
        if self._lines:
            self.line()
        if title:
            self.line(self._paint(title, "bold"))

    def paragraph(self, text: str, *, indent: int, first: str = "") -> None:
        """Add ``text`` (safe already), broken at blanks when there is a terminal whose width is known."""
        lead = " " * indent + first
        if self._wrap is None or columns(lead + text) <= self._width:
            self.line(first + text, indent=indent)
            return
        self._lines += textwrap.wrap(
            text,
            width=self._width,
            initial_indent=lead,
            subsequent_indent=" " * len(lead),
            break_long_words=False,
            break_on_hyphens=False,
        )

    # ---- headline

    def headline(self, report: Report, number: int) -> None:
        objects = _objects(report)
        what = _count(number, "finding") if number else "no findings"
        self.line(self._paint(f"Thunderguard: {what} in {_count(objects, 'object')}", "bold"))
        source, estate, engine = report.source, report.estate, report.engine
        self._fact("source", f"{source.get('path') or '-'} ({source.get('kind') or 'files'})")
        for chart in source.get("charts", []):
            where = chart["namespace"] or "a namespace that is not known"
            self._fact("release", f"{chart['release']} in {where}, chart {chart['path']}")
        left_out = source.get("leftOut", [])
        if left_out:
            reasons = sorted({f"{one['file']} ({one['reason']})" for one in left_out})
            more = f", and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
            self._fact("left out", f"{_count(len(left_out), 'file')}: {', '.join(reasons[:_NAMED])}{more}")
        captured, version = source.get("capturedAt"), source.get("clusterVersion")
        if captured or version:
            self._fact("captured", f"{captured or 'at an unknown time'}{f', Kubernetes {version}' if version else ''}")
        policy = engine.get("policySha256")
        self._fact("engine", f"{engine.get('name')}, {engine.get('version')}{_hash('policy', policy)}")
        self._fact("estate", f"{estate.get('name')}, {estate.get('path')}{_hash('sha256', estate.get('sha256'))}")

    def _fact(self, name: str, value: str) -> None:
        self.line(f"{self._paint(pad(name, 8), 'dim')}  {self.safe(value)}", indent=2)

    # ---- the picture

    def grid(self, report: Report) -> None:
        drawn = draw(report, inventory.workloads(report.inventory))
        if not drawn.namespaces:
            return
        self.section("What runs where")
        cells = {place: [self._signs(marks) for marks in instances] for place, instances in drawn.cells.items()}
        self._cells(drawn.namespaces, drawn.services, cells)
        glyphs = self._glyphs
        legend = (
            f"{glyphs.home} {'at home' if drawn.judged else 'running'}",
            f"{glyphs.away} away, duplicate or deprecated",
            f"{glyphs.parked} parked",
            f"{glyphs.failing} failing",
            f"{glyphs.none} none",
        )
        self.line(self._paint("   ".join(legend), "dim"), indent=2)

    def _signs(self, marks: frozenset[Mark]) -> set[str]:
        glyphs = self._glyphs
        signs = {Mark.HOME: glyphs.home, Mark.PARKED: glyphs.parked, Mark.FAILING: glyphs.failing}
        return {glyphs.away if mark in ASTRAY else signs[mark] for mark in marks}

    def _cells(
        self, namespaces: Sequence[str], services: Sequence[str], cells: Mapping[tuple[str, str], list[set[str]]]
    ) -> None:
        names = {namespace: self.safe(namespace) if namespace else "(none)" for namespace in namespaces}
        first = max(9, *(columns(name) for name in names.values()))
        for block in self._blocks([(service, self.safe(service)) for service in services], self._width - first - 2):
            head = "  ".join(self._paint(title, "dim") for _, title in block)
            self.line(f"{' ' * first}  {head}", indent=2)
            for namespace in namespaces:
                row = [self._cell(cells.get((namespace, service), []), columns(title)) for service, title in block]
                self.line(f"{pad(names[namespace], first)}  {'  '.join(row)}", indent=2)

    @staticmethod
    def _blocks(titles: Sequence[tuple[str, str]], room: int) -> Iterator[list[tuple[str, str]]]:
        """Cut the columns into as many tables as the width asks for; each has one column at least."""
        block: list[tuple[str, str]] = []
        used = 0
        for service, title in titles:
            needed = columns(title) + 2
            if block and used + needed > room:
                yield block
                block, used = [], 0
            block.append((service, title))
            used += needed
        if block:
            yield block

    def _cell(self, instances: Sequence[set[str]], width: int) -> str:
        glyphs = self._glyphs
        if not instances:
            return self._paint(glyphs.none, "dim") + " " * (width - 1)
        marks = set().union(*instances)
        shown = "".join(sign for sign in (glyphs.home, glyphs.away, glyphs.parked, glyphs.failing) if sign in marks)
        if len(instances) > 1:
            shown = f"{len(instances)}{shown}"
        colour = "red" if glyphs.away in marks else "green" if marks == {glyphs.home} else "yellow"
        return self._paint(shown, colour) + " " * max(0, width - len(shown))

    def releases(self, report: Report, findings: Sequence[Finding]) -> None:
        found = inventory.releases(report.inventory)
        if not found:
            return
        about: dict[Resource, list[Finding]] = defaultdict(list)
        for finding in findings:
            about[finding.resource].append(finding)
        rows = []
        for release in found:
            against = about.get(release.resource, [])
            verdict = ", ".join(dict.fromkeys(RELEASE_VERDICTS.get(one.rule, one.rule) for one in against))
            remedy = next((one.remedy for one in against if one.remedy), "")
            shown = f"{verdict} {self._glyphs.arrow} {self.safe(remedy)}" if remedy else verdict or "no finding"
            where = (release.resource.name, release.resource.namespace, release.chart)
            rows.append((*(self.safe(part) for part in where), shown, "red" if against else "green"))
        self.section("Helm releases")
        widths = [max(columns(row[place]) for row in rows) for place in range(3)]
        for row in rows:
            cells = "  ".join(pad(row[place], widths[place]) for place in range(3))
            self.line(f"{cells}  {self._paint(row[3], row[4])}", indent=2)

    # ---- findings

    def findings(self, report: Report, findings: Sequence[Finding], titles: Mapping[str, str]) -> None:
        by_rule: dict[str, list[Finding]] = defaultdict(list)
        for finding in findings:
            by_rule[finding.rule].append(finding)
        # Where nothing is known before, nothing is called new.
        self._new = frozenset(one.fingerprint for one in findings if report.known is not None and report.is_new(one))
        order = sorted(by_rule, key=lambda rule: (min(_WEIGHT[one.level] for one in by_rule[rule]), rule))
        located = report.source.get("kind") in {"files", "stdin"}
        for rule in order:
            group = by_rule[rule]
            level = min((one.level for one in group), key=_WEIGHT.__getitem__)
            self.section()
            head = f"{self._paint(level, _LEVEL_COLOURS[level], 'bold')}  {self._paint(self.safe(rule), 'bold')}"
            title = f"  {self.safe(titles[rule])}" if rule in titles else ""
            new = sum(one.fingerprint in self._new for one in group)
            extent = f"{_extent(group)}, {new} new" if new else _extent(group)
            self.line(f"{head}{title}{self._paint(f'  ({extent})', 'dim')}")
            rest = self._duplicates(report, group) if rule == "duplicate-service" else group
            for namespace, members in groupby(
                sorted(rest, key=lambda one: (one.resource.namespace, one.sort_key)), lambda one: one.resource.namespace
            ):
                self.line(self._paint(self.safe(namespace) if namespace else "(no namespace)", "cyan"), indent=2)
                self._by_remedy(list(members), located=located)

    def _by_remedy(self, findings: Sequence[Finding], *, located: bool) -> None:
        """Print findings of one namespace by object; objects with one and the same remedy share it, printed once."""
        shared: dict[tuple[str, ...], list[list[Finding]]] = defaultdict(list)
        for _, same in groupby(findings, lambda one: one.resource):
            members = list(same)
            remedies = tuple(dict.fromkeys(one.remedy for one in members))
            # An object with several remedies shares them with nobody: each stands below what it mends.
            key = remedies if len(remedies) == 1 else (*remedies, str(members[0].resource))
            shared[key].append(members)
        for objects in shared.values():
            for members in objects:
                self._object(members, located=located)
            if len({one.remedy for one in objects[0]}) == 1:
                self._remedy(objects[0][0].remedy, indent=6)

    def _object(self, findings: Sequence[Finding], *, located: bool) -> None:
        address = self.safe(findings[0].resource)
        if len(findings) == 1:
            finding = findings[0]
            place = "  ".join(part for part in (address, *self._place(finding, located=located)) if part)
            self._folded(place, self.safe(finding.message), indent=4)
            return
        self.line(address, indent=4)
        alike = len({one.remedy for one in findings}) == 1
        for remedy, same in groupby(findings, lambda one: one.remedy):
            for finding in same:
                place = "  ".join(part for part in self._place(finding, located=located) if part)
                self._folded(place, self.safe(finding.message), indent=6)
            if not alike:
                self._remedy(remedy, indent=8)

    def _place(self, finding: Finding, *, located: bool) -> tuple[str, str, str]:
        where = ""
        if located and finding.file is not None:
            numbers = [str(number) for number in (finding.line, finding.column) if number is not None]
            where = ":".join([self.safe(finding.file), *numbers])
        return (self.safe(finding.path), where, self._mark(finding))

    def _mark(self, finding: Finding) -> str:
        return "(new)" if finding.fingerprint in self._new else ""

    def _folded(self, place: str, message: str, *, indent: int) -> None:
        """Put a message behind its place, or below it when the two do not fit on one line."""
        if not place or not message:
            self.paragraph(place or message, indent=indent)
        elif indent + columns(place) + 2 + columns(message) <= self._width:
            self.line(f"{place}  {message}", indent=indent)
        else:
            self.line(place, indent=indent)
            self.paragraph(message, indent=indent + 2)

    def _remedy(self, remedy: str, *, indent: int) -> None:
        if not remedy:
            return
        text = self.safe(remedy)
        lead = f"{self._glyphs.arrow} "
        if remedies.command(remedy):
            # A command is copied from here: it stays on one line.
            self.line(lead + text, indent=indent)
        else:
            self.paragraph(text, indent=indent, first=lead)

    def _duplicates(self, report: Report, group: Sequence[Finding]) -> list[Finding]:
        """Print, for each service that runs more than once, which instance to keep and how to remove each other one.

        Gives back the findings for which the inventory does not say which instance is left.
        """
        rest: list[Finding] = []
        by_service: dict[str, list[Finding]] = defaultdict(list)
        for finding in group:
            by_service[finding.service or ""].append(finding)
        found = inventory.workloads(report.inventory)
        # The best of several may still have to move: singleton-service says where to.
        astray = {one.resource for one in report.findings if is_astray(one)}
        for service, findings in sorted(by_service.items()):
            others = {finding.resource for finding in findings}
            instances = {one.resource for one in found if service in one.services and not one.parked}
            kept = instances - others
            if len(kept) != 1 or not others <= instances:
                rest += findings
                continue
            (keep,) = kept
            self.line(f"{self.safe(service)} runs {len(instances)} times", indent=2)
            yet = "  (not at its home yet)" if keep in astray else ""
            self.line(self._paint(f"keep    {self.safe(keep)}{yet}", "green"), indent=4)
            for finding in findings:
                self.line(f"remove  {self.safe(finding.resource)}  {self._mark(finding)}", indent=4)
                self._remedy(finding.remedy, indent=6)
        return rest

    # ---- what to do

    def values(self, findings: Sequence[Finding]) -> None:
        """Print for the objects of charts where each finding comes from and what to put into the values."""
        groups = origins.grouped(findings)
        if groups:
            self.section("Where it comes from, and what to put into the values")
        for origin, group in groups:
            place = self.safe(origin.template) + ("" if origin.line is None else f":{origin.line}")
            keys = ", ".join(map(self.safe, origin.keys[: origins.MOST_KEYS])) or (
                "no values key is known to decide it" if origin.option is None else "the release decides it"
            )
            self.line(f"{place}  {self._paint(keys, 'cyan')}", indent=2)
            for rule, resource in group:
                self.line(f"{self.safe(rule)}  {self.safe(resource)}", indent=4)
            lead = f"{self._glyphs.arrow} "
            if origin.option is not None:
                self.line(f"{lead}install with {self.safe(origin.option)}", indent=6)
            if origin.note:
                self.paragraph(self.safe(origin.note), indent=6, first=lead)
            if origin.into is not None:
                self.paragraph(f"put into {self.safe(origin.into)}", indent=6, first=lead)
            for line in (origin.patch or "").splitlines():
                self.line(self.safe(line), indent=6)

    def commands(self, findings: Sequence[Finding]) -> None:
        """Print each command that remedies begin with once, with the number of findings it resolves.

        A command that removes an object resolves every finding about that object.
        """
        steps = remedies.commands(findings)
        if not steps:
            return
        self.section("What to do")
        width = max(columns(step.command) for step in steps)
        digits = len(str(len(steps)))
        for number, step in enumerate(steps, start=1):
            resolves = f"resolves {_count(len(step.findings), 'finding')}"
            self.line(f"{number:>{digits}}. {pad(step.command, width)}  {self._paint(resolves, 'dim')}", indent=2)
            for condition in step.conditions:
                self.paragraph(self.safe(condition), indent=digits + 4)
        done = len(set().union(*(step.findings for step in steps)))
        self.line(f"Together they resolve {done} of {_count(len(findings), 'finding')}.", indent=2)

    # ---- what is borne

    def waived(self, findings: Sequence[Finding]) -> None:
        """Print each finding that a waiver covers, and until when it does."""
        if not findings:
            return
        self.section(f"Waived ({len(findings)})")
        for finding in findings:
            place = "  ".join(self.safe(part) for part in (finding.rule, finding.resource, finding.path) if str(part))
            self._folded(place, self.safe(finding.message), indent=2)
            if (waiver := finding.waived) is not None:
                words = f"until {waiver.expires}, {self.safe(waiver.owner)}: {self.safe(waiver.reason)}"
                self.paragraph(words, indent=4)

    # ---- what was not judged, and the ledger

    def problems(self, problems: Sequence[Problem]) -> None:
        if not problems:
            return
        self.section(f"Not everything was judged ({_count(len(problems), 'problem')})")
        ordered = sorted(
            problems, key=lambda one: (one.kind, one.file or "", one.line or 0, one.object or "", one.message)
        )
        for problem in ordered[:_MOST_PROBLEMS]:
            where = "" if problem.file is None else self.safe(problem.file)
            if where and problem.line is not None:
                where += f":{problem.line}"
            about = self.safe(problem.object or "")
            place = "  ".join(part for part in (self.safe(problem.kind), where, about) if part)
            self._folded(place, self.safe(problem.message), indent=2)
        if len(ordered) > _MOST_PROBLEMS:
            self.line(f"and {len(ordered) - _MOST_PROBLEMS} more; --format json lists them all", indent=2)

    def ledger(self, report: Report) -> None:
        if not report.totals:
            return
        self.section("Ledger")
        names = {rule: self.safe(rule) for rule in sorted(report.totals)}
        first = max(4, *(columns(name) for name in names.values()))
        widths = [max(7, len(status)) for status in _STATUSES]
        head = "  ".join(f"{status:>{width}}" for status, width in zip(_STATUSES, widths, strict=True))
        self.line(self._paint(f"{pad('rule', first)}  {head}", "dim"), indent=2)
        for rule, name in names.items():
            counts = report.totals[rule]
            cells = [f"{counts.get(status, 0):>{width}}" for status, width in zip(_STATUSES, widths, strict=True)]
            self.line(f"{pad(name, first)}  {'  '.join(cells)}", indent=2)

    def summary(self, report: Report, exit_code: int) -> str:
        colour = {0: "green", 1: "red"}.get(exit_code, "yellow")
        return self._paint(summary(report, exit_code), colour, "bold")


def _extent(group: Sequence[Finding]) -> str:
    namespaces = {one.resource.namespace for one in group if one.resource.namespace}
    number = _count(len(group), "finding")
    return f"{number} in {_count(len(namespaces), 'namespace')}" if len(namespaces) > 1 else number


def _hash(name: str, value: object) -> str:
    return f" ({name} {value[:12]})" if isinstance(value, str) and value else ""
