"""Metrics in Prometheus' text exposition format, for the node exporter's textfile collector or a push gateway.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections import Counter

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import generate_latest

from thunderguard.model import Report
from thunderguard.reports.setting import Setting, writable


def render(report: Report, setting: Setting) -> bytes:
    """Write gauges: findings by rule, level and namespace; statuses by rule; objects, problems, time and exit code."""
    registry = CollectorRegistry()
    findings = _gauge(registry, "findings", "Findings of the last audit.", "rule", "level", "namespace")
    for (rule, level, namespace), number in sorted(
        Counter((f.rule, str(f.level), f.resource.namespace) for f in report.findings).items()
    ):
        findings.labels(*map(writable, (rule, level, namespace))).set(number)
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


def _gauge(registry: CollectorRegistry, name: str, documentation: str, *labels: str) -> Gauge:
    return Gauge(f"thunderguard_{name}", documentation, labels, registry=registry)
