"""The report about a live cluster, made of the report about the snapshot of a moment ago."""

from __future__ import annotations

from dataclasses import replace

from thunderguard.capture.connect import Connection
from thunderguard.model import Report


def of_the_cluster(report: Report, connection: Connection) -> Report:
    """Name the cluster where ``report`` names the file that its objects were read from, which nobody will find."""
    return replace(
        report,
        source={**report.source, "path": f"context {connection.context}", "kind": "cluster"},
        findings=tuple(replace(one, file=None, line=None, column=None) for one in report.findings),
        rows=tuple(replace(row, file=None) for row in report.rows),
        problems=tuple(replace(one, file=None, line=None) for one in report.problems),
    )
