"""Metrics in Prometheus' text exposition format, for the node exporter's textfile collector or a push gateway.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import generate_latest

from thunderguard.model import Finding, Report, Waived
from thunderguard.reports.setting import Setting, writable


def render(report: Report, setting: Setting) -> bytes:
    """Write gauges about the findings, the ledger, the waivers that hold, and how the audit ended."""
    registry = CollectorRegistry()
    borne = [(finding, finding.waived) for finding in report.findings if finding.waived is not None]
    others = [finding for finding in report.findings if finding.waived is None]
    new = [finding for finding in others if report.is_new(finding)]
    _findings(registry, "findings", "Findings of the last audit.", others)
    _findings(registry, "new_findings", "Findings that are not in the baseline; all, where there is none.", new)
    _findings(registry, "waived_findings", "Findings that a waiver covers.", [one for one, _ in borne])
    waivers = _gauge(
        registry, "waiver_expires_timestamp_seconds", "When a waiver that covers findings lapses.", "rule", "owner"
    )
    # The first of several: whoever owns them has to look at it next.
    for finding, waived in sorted(borne, key=lambda pair: pair[1].expires, reverse=True):
        if (lapses := _lapse(waived)) is not None:
            waivers.labels(writable(finding.rule), writable(waived.owner)).set(lapses)
    rules = _gauge(registry, "rule_objects", "Objects of the last audit by rule and status.", "rule", "status")
    for rule, totals in sorted(report.totals.items()):
        for status, number in totals.items():
            rules.labels(writable(rule), str(status)).set(number)
    problems = _gauge(registry, "problems", "Input that was not read or not judged.", "kind")
    for kind, number in sorted(Counter(problem.kind for problem in report.problems).items()):
        problems.labels(writable(kind)).set(number)
    objects = report.source.get("objects", 0)
    _gauge(registry, "objects", "Objects of the last audit.").set(objects if isinstance(objects, int) else 0)
    _gauge(registry, "exit_code", "How the last audit ended: 0 clean, 1 findings, 3 incomplete.").set(setting.exit_code)
    _gauge(registry, "last_audit_timestamp_seconds", "When the last audit ended.").set(setting.clock().timestamp())
    info = _gauge(registry, "info", "What judged.", "version", "engine", "estate")
    told = (setting.version, report.engine.get("name"), report.estate.get("name"))
    info.labels(*(writable(str(part)) for part in told)).set(1)
    return generate_latest(registry)


def _findings(registry: CollectorRegistry, name: str, documentation: str, findings: Iterable[Finding]) -> None:
    gauge = _gauge(registry, name, documentation, "rule", "level", "namespace")
    counts = Counter((found.rule, str(found.level), found.resource.namespace) for found in findings)
    for labels, number in sorted(counts.items()):
        gauge.labels(*map(writable, labels)).set(number)


def _lapse(waived: Waived) -> float | None:
    """Give the end, in UTC, of the last day on which a waiver is in force."""
    try:
        last = date.fromisoformat(waived.expires)
        return datetime.combine(last + timedelta(days=1), time(), UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _gauge(registry: CollectorRegistry, name: str, documentation: str, *labels: str) -> Gauge:
    return Gauge(f"thunderguard_{name}", documentation, labels, registry=registry)
