"""What changed between two reports, for people and as JSON (``schemas/changes.schema.json``)."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from thunderguard.model import Finding
from thunderguard.recorded import Changes
from thunderguard.reports.json import essence
from thunderguard.reports.setting import writable
from thunderguard.reports.terminal import Paint, safe

FORMAT_VERSION = "1"

_GROUPS = (("new", "+", "red"), ("fixed", "-", "green"), ("unknown", "?", "yellow"), ("waived", "~", "dim"))


def render(changes: Changes, *, before: str, after: str, color: bool = False) -> str:
    """Give the changes as text: what is new, what is fixed, not comparable or waived, and a line of totals."""
    paint = Paint(color)
    lines = [f"{safe(before)} -> {safe(after)}", ""]
    for name, sign, colour in _GROUPS:
        findings: Sequence[Finding] = getattr(changes, name)
        title = "not comparable" if name == "unknown" else name
        if findings:
            lines.append(paint(f"{title} ({len(findings)})", colour, "bold"))
            lines += [paint(f"  {sign} {_line(finding)}", colour) for finding in findings]
            lines.append("")
    lines.append(summary(changes))
    return "\n".join(lines) + "\n"


def summary(changes: Changes) -> str:
    """Give the totals."""
    waived = f", {len(changes.waived)} waived" if changes.waived else ""
    return (
        f"{len(changes.new)} new, {len(changes.fixed)} fixed, {len(changes.unchanged)} unchanged, "
        f"{len(changes.unknown)} not comparable{waived}"
    )


def render_json(changes: Changes, *, before: str, after: str) -> bytes:
    """Give the changes as JSON."""
    value = {
        "formatVersion": FORMAT_VERSION,
        "before": before,
        "after": after,
        "new": [essence(finding) for finding in changes.new],
        "fixed": [essence(finding) for finding in changes.fixed],
        "unchanged": [essence(finding) for finding in changes.unchanged],
        "notComparable": [essence(finding) for finding in changes.unknown],
        "waived": [essence(finding) for finding in changes.waived],
    }
    return orjson.dumps(writable(value), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _line(finding: Finding) -> str:
    return safe(f"{finding.level}  {finding.rule}  {finding.resource}  {finding.path}  {finding.message}")
