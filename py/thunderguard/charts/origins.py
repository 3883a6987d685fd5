"""From the findings of a report to their origins in the chart that rendered the objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from thunderguard.charts.render import file_of
from thunderguard.charts.values import written
from thunderguard.model import Finding, Key, Origin, Report

if TYPE_CHECKING:
    from thunderguard.charts.chartfile import ChartSource
    from thunderguard.charts.explain import Explained
    from thunderguard.charts.installed import Installed


def origins_of(explained: Explained, chart: ChartSource, installed: Installed) -> dict[Key, Origin]:
    """Give the origin of each explained finding of ``installed``, opened as ``chart``, by the finding's identity."""
    return {
        one.finding.raw.key: Origin(
            template=chart.shown(file_of(chart, one.template)),
            line=one.line,
            keys=one.keys,
            patch=None if one.patch is None else written(one.patch),
            option=one.option,
            note="; ".join(note for note in (one.note, installed.note if one.patch or one.option else "") if note),
            into=None if one.patch is None else installed.into,
        )
        for one in explained.explanations
    }


def with_origins(report: Report, origins: Mapping[Key, Origin]) -> Report:
    """Give ``report`` with the findings that have one of ``origins`` told so, and the lines of templates with them."""
    return replace(report, findings=tuple(_told(finding, origins) for finding in report.findings))


def _told(finding: Finding, origins: Mapping[Key, Origin]) -> Finding:
    origin = origins.get((finding.rule, finding.resource, finding.path))
    # What two manifests deliver is explained by the first.
    if origin is None or finding.origin is not None or finding.file != origin.template:
        return finding
    return replace(finding, origin=origin, line=origin.line if finding.line is None else finding.line)
