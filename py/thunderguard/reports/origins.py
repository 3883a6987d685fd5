"""Where findings on the objects of charts come from, as reports list it: what has one origin stands together."""

from __future__ import annotations

from collections.abc import Iterable

from thunderguard.model import Finding, Origin, Resource

#: How many of the keys that decide are named in text; the JSON report has them all.
MOST_KEYS = 4


def grouped(findings: Iterable[Finding]) -> list[tuple[Origin, list[tuple[str, Resource]]]]:
    """Give each origin once, in the order of templates and lines, with the rules and objects that it breaks."""
    groups: dict[Origin, dict[tuple[str, Resource], None]] = {}
    for finding in findings:
        if finding.origin is not None:
            groups.setdefault(finding.origin, {})[finding.rule, finding.resource] = None
    ordered = sorted(groups.items(), key=lambda group: _order(group[0]))
    return [(origin, sorted(about)) for origin, about in ordered]


def _order(origin: Origin) -> tuple[str, int, tuple[str, ...], str, str, str]:
    return (origin.template, origin.line or 0, origin.keys, origin.patch or "", origin.option or "", origin.into or "")
