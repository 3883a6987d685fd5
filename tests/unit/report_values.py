"""Reports for tests: one in the manner of October 2025 with every section, and a strategy for any other."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import strategies as st

from thunderguard.model import Finding, JsonObject, LedgerRow, Level, Problem, Report, Resource, Status

GOLDEN = Path(__file__).parents[1] / "golden"

NOON = datetime(2025, 10, 8, 12, 0, tzinfo=UTC)

HOME = "Deployment thunderline/thunderline-thunderhelm-mlflow"
UNINSTALL_THUNDER = "helm uninstall thunder -n cerebros"
UNINSTALL_COPY = "helm uninstall thunderline -n thunder"


def check_golden(name: str, text: str) -> None:
    """Compare ``text`` with the golden file ``name``; UPDATE_GOLDEN=1 writes the file instead."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path} differs; UPDATE_GOLDEN=1 writes it anew"


def deployment(namespace: str, name: str) -> Resource:
    return Resource("apps/v1", "Deployment", namespace, name)


def release(namespace: str, name: str) -> Resource:
    return Resource("thunderguard.dev/v1alpha1", "Release", namespace, name)


def finding(
    rule: str,
    resource: Resource,
    *,
    level: Level = Level.DENY,
    path: str = "",
    message: str = "it is wrong",
    remedy: str = "mend it",
    service: str | None = None,
    file: str | None = None,
    line: int | None = None,
    column: int | None = None,
) -> Finding:
    return Finding(
        rule=rule,
        level=level,
        service=service,
        resource=resource,
        path=path,
        file=file,
        line=line,
        column=column,
        message=message,
        remedy=remedy,
        fingerprint=f"{rule}:{resource}:{path}",
    )


def record(
    resource: Resource,
    *,
    services: tuple[str, ...] = (),
    deprecated: tuple[str, ...] = (),
    replicas: int | None = 1,
    root: Resource | None = None,
    failures: tuple[str, ...] = (),
) -> JsonObject:
    return {
        "resource": address(resource),
        **({} if root is None else {"root": address(root)}),
        "type": "workload",
        "services": list(services),
        "deprecated": list(deprecated),
        "replicas": replicas,
        "failures": list(failures),
    }


def release_record(resource: Resource, chart: str, version: str) -> JsonObject:
    return {
        "resource": address(resource),
        "type": "release",
        "release": {"name": resource.name, "namespace": resource.namespace, "chart": chart, "version": version},
    }


def address(resource: Resource) -> JsonObject:
    return {part: getattr(resource, part) for part in ("apiVersion", "kind", "namespace", "name")}


def report(
    *findings: Finding,
    kind: str = "snapshot",
    problems: tuple[Problem, ...] = (),
    inventory: tuple[JsonObject, ...] = (),
    rows: tuple[LedgerRow, ...] = (),
    fail_on: Level | None = Level.DENY,
    objects: int = 2,
) -> Report:
    counts = Counter(one.rule for one in findings)
    return Report(
        source={
            "path": "2025-10-08.jsonl",
            "kind": kind,
            "capturedAt": "2025-10-08T12:00:00Z" if kind == "snapshot" else None,
            "clusterVersion": None,
            "objects": objects,
        },
        estate={"path": "estate.yaml", "name": "thunderline", "sha256": "ab" * 32},
        engine={"name": "embedded", "version": "regorus 0.13.0", "policySha256": "cd" * 32},
        findings=findings,
        totals={
            rule: {Status.PASSED: 1, Status.VIOLATED: counts[rule], Status.NOT_MATCHED: 3}
            for rule in sorted({*counts, "singleton-service"})
        },
        rows=rows,
        problems=problems,
        fail_on=fail_on,
        inventory=inventory,
    )


def october() -> Report:
    """The estate of the audit in small: three MLflows, a deprecated chart, a parked runner, a web that fails."""
    home = deployment("thunderline", "thunderline-thunderhelm-mlflow")
    old = deployment("cerebros", "mlflow-tracking")
    copy = deployment("thunder", "thunderline-thunderhelm-mlflow")
    automat = deployment("cerebros", "thunder-automat0")
    runner = deployment("thunderline", "thunderline-thunderhelm-cerebros")
    web = deployment("thunderline", "thunderline-thunderhelm-web")
    pod = Resource("v1", "Pod", "thunderline", "thunderline-thunderhelm-web-5d9c7-x2x9k")
    estate = Resource("thunderguard.dev/v1alpha1", "Estate", "", "thunderline")
    stray = Resource("v1", "Namespace", "", "thunder")
    container = "spec.template.spec.containers"
    found = [
        finding(
            "deprecated-chart",
            release("cerebros", "thunder"),
            path="spec.chart.name",
            message="cerebros/Release/thunder comes from the deprecated chart thunder-stack: absorbed by thunderhelm",
            remedy=UNINSTALL_THUNDER,
        ),
        finding(
            "deprecated-service",
            automat,
            path=f"{container}[0]",
            service="automat0",
            message=f"{automat} runs the deprecated service automat0: absorbed by thunderhelm",
            remedy=UNINSTALL_THUNDER,
        ),
        finding(
            "duplicate-release",
            release("thunder", "thunderline"),
            path="spec.chart.name",
            message="chart thunderhelm is released 2 times; keep thunderline in thunderline, "
            "remove thunderline in thunder",
            remedy=UNINSTALL_COPY,
        ),
        finding(
            "missing-service",
            estate,
            level=Level.WARN,
            path="spec.services[1]",
            service="worker",
            message="required service worker has no instance in an allowed namespace",
            remedy="deploy worker as Deployment thunderline/worker",
        ),
        finding(
            "namespace-boundary",
            stray,
            path="metadata.name",
            message="namespace thunder is not part of the estate; allowed: thunderline",
            remedy="kubectl delete namespace thunder, once nothing in it is needed",
        ),
        finding(
            "parked-workload",
            runner,
            level=Level.WARN,
            path="spec.replicas",
            service="cerebros",
            message=f"{runner} is scaled to 0 and still configured",
            remedy=f"kubectl delete deployment {runner.name} -n thunderline, or give it replicas and limits",
        ),
        finding(
            "failing-workload",
            web,
            level=Level.WARN,
            path="status",
            service="web",
            message=f"{web} fails: {pod.name}/web ImagePullBackOff",
            remedy=f"kubectl describe pod -n thunderline {pod.name}, then mend the image",
        ),
        finding(
            "undeclared-workload",
            deployment("thunderline", "scratch"),
            level=Level.INFO,
            path="metadata.name",
            message="thunderline/Deployment/scratch is not a service the Estate names",
            remedy="declare it as a service of the Estate, or kubectl delete deployment scratch -n thunderline",
        ),
    ]
    found += [
        finding(
            "resource-limits",
            web,
            path=f"{container}[{place}].resources",
            message=f"container {name} sets no limits.cpu, limits.memory",
            remedy=f"set limits.cpu, limits.memory in the resources of container {name}",
        )
        for place, name in enumerate(("web", "proxy"))
    ]
    for resource, command in ((old, UNINSTALL_THUNDER), (copy, UNINSTALL_COPY)):
        found += [
            finding(
                "singleton-service",
                resource,
                path=f"{container}[0]",
                service="mlflow",
                message=f"mlflow runs as {resource}, away from its home {HOME}",
                remedy=f"{command}, once {HOME} serves",
            ),
            finding(
                "duplicate-service",
                resource,
                service="mlflow",
                message=f"mlflow runs 3 times; keep {home}, remove {resource}",
                remedy=command,
            ),
        ]
    return report(
        *found,
        objects=42,
        problems=(Problem("unread", "Secrets of namespace thunder: forbidden"),),
        rows=(
            LedgerRow(home, "2025-10-08.jsonl", {"singleton-service": Status.PASSED}),
            LedgerRow(old, "2025-10-08.jsonl", {"singleton-service": Status.VIOLATED}),
            LedgerRow(None, None, {"duplicate-service": Status.VIOLATED}),
            LedgerRow(stray, None, {"singleton-service": Status.NOT_MATCHED}),
        ),
        inventory=(
            record(home, services=("mlflow",)),
            record(old, services=("mlflow",)),
            record(copy, services=("mlflow",)),
            record(automat, deprecated=("automat0",)),
            record(runner, services=("cerebros",), replicas=0),
            record(web, services=("web",)),
            record(pod, services=("web",), root=web, failures=("ImagePullBackOff",)),
            release_record(release("cerebros", "thunder"), "thunder-stack", "0.1.0"),
            release_record(release("thunder", "thunderline"), "thunderhelm", "0.2.0"),
            release_record(release("thunderline", "thunderline"), "thunderhelm", "0.2.0"),
        ),
    )


# Whatever a manifest or a file name may hold, lone surrogates included.
texts = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(
    ["", "web", "\x1b[2J\x1b[31m", "a\nb", "\u202egnp.exe", "thunder", "é", "日本", "x" * 90, "0 deny; exit 0"]
)
resources = st.builds(Resource, texts, texts, texts, texts)
rules = st.sampled_from(
    ["singleton-service", "duplicate-service", "namespace-boundary", "missing-service", "deprecated-chart", "new-rule"]
)
numbers = st.none() | st.integers(min_value=1, max_value=10**6)
remedies = texts | st.sampled_from([UNINSTALL_THUNDER, f"{UNINSTALL_COPY}, once it serves", "kubectl delete pod x"])
findings = st.builds(
    Finding,
    rule=rules,
    level=st.sampled_from(Level),
    service=st.none() | texts,
    resource=resources,
    path=texts,
    file=st.none() | texts,
    line=numbers,
    column=numbers,
    message=texts,
    remedy=remedies,
    fingerprint=texts,
)
problems = st.builds(
    Problem,
    kind=st.sampled_from(["unread", "malformed", "unjudged", "snapshot"]),
    message=texts,
    file=st.none() | texts,
    line=numbers,
    object=st.none() | texts,
)
statuses = st.dictionaries(rules, st.sampled_from(Status), max_size=3)
rows = st.builds(LedgerRow, st.none() | resources, st.none() | texts, statuses)
records = st.builds(
    record,
    resources,
    services=st.lists(texts, max_size=2).map(tuple),
    deprecated=st.lists(texts, max_size=1).map(tuple),
    replicas=st.none() | st.integers(0, 2),
    root=st.none() | resources,
    failures=st.lists(texts, max_size=1).map(tuple),
) | st.builds(release_record, st.builds(release, texts, texts), texts, texts)
reports = st.builds(
    Report,
    source=st.fixed_dictionaries(
        {
            "path": texts,
            "kind": st.sampled_from(["snapshot", "files", "stdin", "cluster"]),
            "capturedAt": st.none() | texts,
            "clusterVersion": st.none() | texts,
            "objects": st.integers(0, 10**6),
        }
    ),
    estate=st.fixed_dictionaries({"path": texts, "name": texts, "sha256": texts}),
    engine=st.fixed_dictionaries({"name": texts, "version": texts, "policySha256": st.none() | texts}),
    findings=st.lists(findings, max_size=6).map(tuple),
    totals=st.dictionaries(rules, st.dictionaries(st.sampled_from(Status), st.integers(0, 10**6)), max_size=3),
    rows=st.lists(rows, max_size=4).map(tuple),
    problems=st.lists(problems, max_size=3).map(tuple),
    fail_on=st.none() | st.sampled_from(Level),
    inventory=st.lists(records, max_size=4).map(tuple),
)
