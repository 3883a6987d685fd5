"""What a change of the contract or the rules would deny and allow: as text, as Markdown and as JSON."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import orjson

from thunderguard.reports.json import address, essence
from thunderguard.reports.markdown import LONGEST, code, plain
from thunderguard.reports.setting import writable
from thunderguard.reports.sheet import Sheet, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from thunderguard.model import Finding, JsonObject
    from thunderguard.reports.text import Look
    from thunderguard.whatif import Judged, Verdicts, Whatif

FORMAT_VERSION = "1"
_MOST_PROBLEMS = 20


def summary(found: Whatif) -> str:
    """Give the totals."""
    snapshots = counted(len(found.snapshots), "snapshot")
    denied, allowed = found.count("denied"), found.count("allowed")
    return f"{denied} denied and {allowed} allowed, by rule and object, in {snapshots}"


def render(found: Whatif, look: Look) -> str:
    """Give what changes as text, snapshot by snapshot, by rule and owner."""
    sheet = Sheet(look)
    paint, safe = sheet.paint, sheet.safe
    sheet.line(paint("What would change", "bold"))
    for name, side in (("before", found.before), ("after", found.after)):
        sheet.line(f"  {name:<6}  {safe(_side(side))}")
    for one in found.snapshots:
        sheet.section(f"{safe(one.path)}  ({counted(one.objects, 'object')})")
        for title, sign, colour, findings in (
            ("becomes denied", "+", "red", one.denied),
            ("becomes allowed", "-", "green", one.allowed),
        ):
            if findings:
                sheet.line(paint(f"  {title} ({len(findings)})", colour, "bold"))
            for rule, group in groupby(findings, key=lambda finding: finding.rule):
                sheet.line(f"    {safe(rule)}")
                for finding in group:
                    note = f"  ({why})" if (why := _note(finding, one)) else ""
                    sheet.line(paint(f"      {sign} {safe(finding.resource)}  {safe(finding.path)}{note}", colour))
                    sheet.line(f"        {safe(finding.message)}")
        if one.others:
            sheet.line(paint(f"  below deny ({len(one.others)})", "bold"))
            for what, finding in one.others:
                where = f"{safe(finding.resource)}  {safe(finding.message)}"
                sheet.line(f"    {what:<4}  {finding.level}  {safe(finding.rule)}  {where}")
        if not (one.denied or one.allowed or one.others):
            sheet.line("  nothing changes")
        for problem in _problems(one):
            sheet.line(paint(f"  not judged: {safe(problem)}", "yellow"))
    sheet.line()
    sheet.line(paint(summary(found), "red" if found.count("denied") else "green", "bold"))
    return sheet.text()


def render_markdown(found: Whatif) -> str:
    """Give what changes as the comment on a pull request, shortened where a comment could not hold it."""
    told = ["## What this change would deny and allow", "", f"**{plain(summary(found))}**", ""]
    told += [f"- {name}: {plain(_side(side))}" for name, side in (("before", found.before), ("after", found.after))]
    length, left = 0, 0
    for one in found.snapshots:
        told += ["", f"### {plain(one.path)}", ""]
        rows = list(_rows(one))
        if rows:
            told += ["| | rule | object | why |", "|---|---|---|---|"]
        for row in rows:
            length += len(row) + 1
            if length > LONGEST:
                left += 1
            else:
                told.append(row)
        if not rows:
            told.append("Nothing changes.")
        told += [f"- not judged: {plain(problem)}" for problem in _problems(one)]
    if left:
        told += ["", f"and {left} more: `--format json` has them all."]
    return "\n".join(told) + "\n"


def render_json(found: Whatif) -> bytes:
    """Give what changes as JSON (``schemas/whatif.schema.json``)."""
    value = {
        "formatVersion": FORMAT_VERSION,
        "before": _judged(found.before),
        "after": _judged(found.after),
        "snapshots": [_snapshot(one) for one in found.snapshots],
        "totals": {"denied": found.count("denied"), "allowed": found.count("allowed")},
    }
    return orjson.dumps(writable(value), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _side(side: Judged) -> str:
    estate, engine = side.estate, side.engine
    return (
        f"Estate {estate['name']}, {estate['path']} (sha256 {str(estate['sha256'])[:12]}), "
        f"rules {str(engine['policySha256'])[:12]}"
    )


def _note(finding: Finding, one: Verdicts) -> str:
    """Say of an object that is denied before and after all the same, by other rules."""
    if not (finding.resource in one.denied_before and finding.resource in one.denied_after):
        return ""
    return "still denied by other rules" if finding in one.allowed else "denied before, by other rules"


def _rows(one: Verdicts) -> Iterator[str]:
    groups: tuple[tuple[str, Sequence[Finding]], ...] = (("⛔ denied", one.denied), ("✅ allowed", one.allowed))
    for sign, findings in groups:
        for finding in findings:
            yield _row(sign, finding, _note(finding, one))
    for what, finding in one.others:
        yield _row(f"{what} {finding.level}", finding)


def _row(sign: str, finding: Finding, note: str = "") -> str:
    subject = f"{code(str(finding.resource))}{f'<br>{plain(note)}' if note else ''}"
    return f"| {sign} | {plain(finding.rule)} | {subject} | {plain(finding.message)} |"


def _problems(one: Verdicts) -> list[str]:
    told = list(one.problems[:_MOST_PROBLEMS])
    if len(one.problems) > _MOST_PROBLEMS:
        told.append(f"and {len(one.problems) - _MOST_PROBLEMS} more")
    if one.changes.unknown:
        told.append(f"{counted(len(one.changes.unknown), 'finding')} cannot be compared")
    return told


def _judged(side: Judged) -> JsonObject:
    return {"estate": side.estate, "engine": side.engine}


def _snapshot(one: Verdicts) -> JsonObject:
    newly = sorted(one.denied_after - one.denied_before)
    no_more = sorted(one.denied_before - one.denied_after)
    return {
        "path": one.path,
        "objects": one.objects,
        "denied": [essence(finding) for finding in one.denied],
        "allowed": [essence(finding) for finding in one.allowed],
        "others": [{"change": what, **essence(finding)} for what, finding in one.others],
        "objectsDenied": [address(resource) for resource in newly],
        "objectsAllowed": [address(resource) for resource in no_more],
        "notComparable": [essence(finding) for finding in one.changes.unknown],
        "problems": list(one.problems),
    }
