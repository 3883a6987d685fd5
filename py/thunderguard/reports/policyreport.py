"""Policy reports, which dashboards in the cluster read: ``wgpolicyk8s.io/v1alpha2`` and its successor.

https://github.com/kubernetes-sigs/wg-policy-prototypes (``wgpolicyk8s.io/v1alpha2``)
https://github.com/openreports/reports-api (``openreports.io/v1alpha1``)
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import asdict

import yaml

from thunderguard.model import Finding, JsonObject, Level, Problem, Report, Status, in_order
from thunderguard.reports.setting import Setting, writable

NAME = "thunderguard"

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_RESULTS = {Level.DENY: "fail", Level.WARN: "warn", Level.INFO: "warn"}
_SEVERITIES = {Level.DENY: "high", Level.WARN: "medium", Level.INFO: "info"}


def render(report: Report, setting: Setting) -> bytes:
    """Write ``wgpolicyk8s.io`` reports, one a namespace and one for the rest, as YAML documents."""
    return _documents(report, setting, "wgpolicyk8s.io/v1alpha2", "PolicyReport")


def render_openreports(report: Report, setting: Setting) -> bytes:
    """Write ``openreports.io`` reports, one a namespace and one for the rest, as YAML documents."""
    return _documents(report, setting, "openreports.io/v1alpha1", "Report")


def _documents(report: Report, setting: Setting, version: str, kind: str) -> bytes:
    seconds = int(setting.clock().timestamp())
    results: dict[str, list[JsonObject]] = defaultdict(list)
    for finding in in_order(report.findings):
        namespace = finding.resource.namespace
        results[namespace if _NAMESPACE.match(namespace) else ""].append(_result(finding, seconds, setting))
    results[""] += [_problem(problem, seconds) for problem in report.problems]
    passed = sum(totals.get(Status.PASSED, 0) for totals in report.totals.values())
    documents = []
    for namespace in sorted(results):
        counts = Counter(result["result"] for result in results[namespace])
        metadata: JsonObject = {"name": NAME, "labels": {"app.kubernetes.io/managed-by": NAME}}
        document: JsonObject = {
            "apiVersion": version,
            "kind": kind if namespace else f"Cluster{kind}",
            "metadata": {**metadata, "namespace": namespace} if namespace else metadata,
            # What passed is counted for the whole set; a result for each would not fit into the API server.
            "summary": {
                "pass": 0 if namespace else passed,
                **{name: counts[name] for name in ("fail", "warn", "error", "skip")},
            },
            "results": results[namespace],
        }
        documents.append(document)
    text = yaml.safe_dump_all(
        writable(documents), sort_keys=False, allow_unicode=True, explicit_start=True, width=10**6
    )
    return str(text).encode()


def _result(finding: Finding, seconds: int, setting: Setting) -> JsonObject:
    resource = finding.resource
    address = {"apiVersion": resource.apiVersion, "kind": resource.kind, "namespace": resource.namespace}
    waived = finding.waived
    told = {} if waived is None else {f"waived-{key}": value for key, value in asdict(waived).items()}
    return {
        "source": NAME,
        "policy": finding.rule,
        "rule": finding.rule,
        "category": setting.title(finding.rule),
        "result": _RESULTS[finding.level] if waived is None else "skip",
        "severity": _SEVERITIES[finding.level],
        "scored": finding.level is Level.DENY,
        "message": finding.message,
        "resources": [{key: part for key, part in {**address, "name": resource.name}.items() if part}],
        "properties": {"path": finding.path, "remedy": finding.remedy, "fingerprint": finding.fingerprint, **told},
        "timestamp": {"seconds": seconds, "nanos": 0},
    }


def _problem(problem: Problem, seconds: int) -> JsonObject:
    about = {"kind": problem.kind, "file": problem.file, "object": problem.object}
    return {
        "source": NAME,
        "policy": NAME,
        "result": "error",
        "message": problem.message,
        "properties": {key: part for key, part in about.items() if part},
        "timestamp": {"seconds": seconds, "nanos": 0},
    }
