"""Markdown for the comment on a pull or merge request (GitHub and GitLab Flavored Markdown)."""

from __future__ import annotations

import html
from collections import Counter
from itertools import groupby

from thunderguard.model import Finding, Level, Report, in_order
from thunderguard.reports import origins
from thunderguard.reports.setting import Setting, writable
from thunderguard.reports.terminal import safe

# A comment on GitHub holds 65,536 characters.
LONGEST = 60_000

_SPECIAL = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]()#+-.!|~@$:"})

# The same signs where a backslash escapes nothing.
_REFERENCES = {ord(sign): f"&#{ord(sign)};" for sign in "\\`*_[]|~@$:"}


def render(report: Report, setting: Setting) -> bytes:
    """Write a table of findings for each rule, shortened where a comment could not hold it."""
    findings = in_order(report.findings)
    waived = sum(finding.waived is not None for finding in findings)
    counts = Counter(finding.level for finding in findings if finding.waived is None)
    totals = ", ".join(f"{counts[level]} {level}" for level in Level) + (f", {waived} waived" if waived else "")
    objects = report.source.get("objects", 0)
    lines = ["## Thunderguard", "", f"**{totals}** in {objects} objects; exit {setting.exit_code}", ""]
    left, length = len(findings), 0
    for rule, group in groupby(findings, key=lambda finding: finding.rule):
        heading = f"### {plain(rule)}: {plain(setting.title(rule))}"
        block = [heading, "", "| object | finding | remedy |", "|---|---|---|"]
        kept = 0
        for finding in group:
            row = _row(finding)
            length += len(row) + 1
            if length > LONGEST:
                break
            block.append(row)
            kept += 1
        left -= kept
        if kept:
            lines += [*block, ""]
    if left:
        lines += [f"and {left} more: the whole report has them.", ""]
    if report.problems:
        lines += ["### Not judged", ""]
        lines += [f"- {plain(problem.file or '')} {plain(problem.message)}" for problem in report.problems[:50]]
        if len(report.problems) > 50:
            lines.append(f"- and {len(report.problems) - 50} more")
        lines.append("")
    return "\n".join(lines).encode()


def _row(finding: Finding) -> str:
    line = "" if finding.line is None else f":{finding.line}"
    place = "" if finding.file is None else f"<br>{plain(f'{finding.file}{line}')}"
    subject = f"{plain(str(finding.resource))}{place}"
    if (waived := finding.waived) is not None:
        words = f"waived until {waived.expires} by {waived.owner}: {waived.reason}"
        return f"| {subject} | {plain(finding.message)}<br>{plain(words)} | {code(finding.remedy)} |"
    values = ""
    if (origin := finding.origin) is not None and origin.keys:
        values = f"<br>values: {code(', '.join(origin.keys[: origins.MOST_KEYS]))}"
    return f"| {subject} | {finding.level}: {plain(finding.message)} | {code(finding.remedy)}{values} |"


def plain(words: str) -> str:
    """Write ``words`` so that no sign in them means anything, neither to Markdown nor to HTML."""
    return html.escape(_line(words).translate(_SPECIAL), quote=True)


def code(words: str) -> str:
    """Write ``words`` as code, in which no sign means anything either."""
    # In HTML, since no escape of a pipe or a backtick holds in every dialect's code spans.
    return f"<code>{html.escape(_line(words), quote=True).translate(_REFERENCES)}</code>"


def _line(words: str) -> str:
    return " ".join(safe(str(writable(words))).split())
