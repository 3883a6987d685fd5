"""The manifests of examples/live pass our own rules, wherever they are put."""

from __future__ import annotations

from pathlib import Path

import yaml

from thunderguard.audit import exit_code, run_audit
from thunderguard.model import Status

ROOT = Path(__file__).resolve().parents[2]
LIVE = ROOT / "examples" / "live"


def test_they_pass_our_own_lint() -> None:
    report = run_audit([str(LIVE)], complete=False)
    assert exit_code(report) == 0
    assert report.findings == ()


def test_the_nightly_audit_keeps_the_limits_in_an_allowed_namespace_too(tmp_path: Path) -> None:
    """kube-system is exempt, so what its lint proves there is little: moved, its containers are really judged."""
    documents = yaml.safe_load_all((LIVE / "cronjob.yaml").read_text(encoding="utf-8"))
    [cron] = [one for one in documents if one["kind"] == "CronJob"]
    cron["metadata"]["namespace"] = "thunderline"
    moved = tmp_path / "cronjob.yaml"
    moved.write_text(yaml.safe_dump(cron))
    report = run_audit([str(moved)], complete=False)
    assert {finding.rule for finding in report.findings} <= {"undeclared-workload"}
    assert report.totals["resource-limits"][Status.PASSED] == 1
    assert report.totals["image-reference"][Status.PASSED] == 1
