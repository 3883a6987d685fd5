"""The alerts and the dashboard: Prometheus' own tool takes them, and the metrics are those that are exported."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from thunderguard.catalogue import load_catalogue
from thunderguard.model import Finding, Level, Problem, Report, Resource, Status, Waived
from thunderguard.reports import prometheus
from thunderguard.reports.setting import Setting

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "alerts"
PROMTOOL = ROOT / ".tools" / "bin" / "promtool"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "thunderguard.rules.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
README = (FOLDER / "README.md").read_text(encoding="utf-8")
CATALOGUE = load_catalogue()
NOW = datetime(2025, 10, 8, 12, 0, tzinfo=UTC)


def promtool(*arguments: str, cwd: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    if not PROMTOOL.exists():
        pytest.fail("run `make tools`")
    return subprocess.run([PROMTOOL, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def finding(rule: str, *, namespace: str = "home", waived: Waived | None = None) -> Finding:
    resource = Resource("apps/v1", "Deployment", namespace, f"{rule}-{waived is None}")
    level = CATALOGUE.rules[rule].level
    return Finding(rule, level, None, resource, "", None, None, None, "m", "r", f"{rule}{namespace}{waived}", waived)


def exported(*findings: Finding, known: frozenset[str] | None = None) -> dict[str, Any]:
    """Give the families that a report with ``findings`` exports, by name."""
    report = Report(
        source={"objects": 3},
        estate={"name": "thunderline"},
        engine={"name": "embedded"},
        findings=findings,
        totals={"resource-limits": {Status.PASSED: 1}},
        rows=(),
        problems=(Problem("unread", "x"),),
        fail_on=Level.DENY,
        known=known,
    )
    text = prometheus.render(report, Setting(rules=CATALOGUE.rules, exit_code=1, version="1", clock=lambda: NOW))
    return {family.name: family for family in text_string_to_metric_families(text.decode())}


def labels(families: dict[str, Any]) -> dict[str, set[str]]:
    return {name: {label for sample in family.samples for label in sample.labels} for name, family in families.items()}


WAIVED = finding("health-probes", waived=Waived("reason", "team-ml", "2025-10-31"))
EVERY = labels(exported(finding("resource-limits"), WAIVED))


def expressions() -> Iterator[tuple[str, str]]:
    """Give every expression with the name of what has it."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


EXPRESSIONS = list(expressions())


def test_promtool_takes_the_rules() -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", "thunderguard.rules.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_fire_when_they_should() -> None:
    done = promtool("test", "rules", "thunderguard.test.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tests_of_the_alerts_can_fail(tmp_path: Path) -> None:
    for name in ("thunderguard.rules.yaml", "thunderguard.test.yaml"):
        text = (FOLDER / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace('{level="deny"}) > 0', '{level="deny"}) > 5'), encoding="utf-8")
    assert promtool("test", "rules", "thunderguard.test.yaml", cwd=tmp_path).returncode == 1


def test_every_alert_is_tested_both_ways() -> None:
    tests = yaml.safe_load((FOLDER / "thunderguard.test.yaml").read_text(encoding="utf-8"))["tests"]
    asked = {(one["alertname"], bool(one.get("exp_alerts"))) for test in tests for one in test["alert_rule_test"]}
    assert asked == {(rule["alert"], fires) for rule in RULES for fires in (True, False)}


@pytest.mark.parametrize(("name", "expr"), EXPRESSIONS)
def test_an_expression_is_promql_over_metrics_that_are_exported(name: str, expr: str) -> None:
    done = promtool("--experimental", "promql", "format", expr)
    assert done.returncode == 0, f"{name}: {done.stderr}"
    names = set(re.findall(r"\bthunderguard_\w+", expr))
    assert names
    assert names <= set(EVERY)
    for metric, selector in re.findall(r"\b(thunderguard_\w+)\{([^}]*)\}", expr):
        assert set(re.findall(r"(\w+)=", selector)) <= EVERY[metric]
    for grouped in re.findall(r"\bby \(([^)]*)\)", expr):
        assert all(set(re.findall(r"\w+", grouped)) <= EVERY[metric] for metric in names)
    assert set(re.findall(r'rule="([^"]*)"', expr)) <= set(CATALOGUE.rules)
    assert set(re.findall(r'level="([^"]*)"', expr)) <= {str(level) for level in Level}


def test_every_exported_metric_is_told_and_shown() -> None:
    told = dict(re.findall(r"^\| `(thunderguard_\w+)` \| ([^|]*)\|", README, re.MULTILINE))
    assert {name: set(re.findall(r"\w+", row)) for name, row in told.items()} == EVERY
    shown = {name for _, expr in EXPRESSIONS for name in re.findall(r"\bthunderguard_\w+", expr)}
    assert shown == set(EVERY)


def test_the_readme_has_every_alert() -> None:
    rows = re.findall(r"^\| (Thunderguard\w+) \|.*\| (\w+) \|$", README, re.MULTILINE)
    assert rows == [(rule["alert"], rule["labels"]["severity"]) for rule in RULES]


def test_the_dashboard_is_one_that_grafana_imports() -> None:
    assert {"title", "uid", "schemaVersion", "templating", "time"} <= set(DASHBOARD)
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource"]


def test_what_is_known_or_waived_is_not_new() -> None:
    old, fresh = finding("resource-limits"), finding("resource-limits", namespace="other")
    families = exported(old, fresh, WAIVED, known=frozenset({old.fingerprint}))

    def where(name: str) -> list[tuple[str, str]]:
        return [(one.labels["rule"], one.labels["namespace"]) for one in families[name].samples]

    assert where("thunderguard_new_findings") == [("resource-limits", "other")]
    assert where("thunderguard_findings") == [("resource-limits", "home"), ("resource-limits", "other")]
    assert where("thunderguard_waived_findings") == [("health-probes", "home")]


def test_a_waiver_lapses_when_its_last_day_is_over_and_the_first_one_counts() -> None:
    later = finding("health-probes", namespace="b", waived=Waived("x", "team-ml", "2026-01-01"))
    [sample] = exported(WAIVED, later)["thunderguard_waiver_expires_timestamp_seconds"].samples
    assert sample.labels == {"rule": "health-probes", "owner": "team-ml"}
    assert sample.value == datetime(2025, 11, 1, tzinfo=UTC).timestamp()
