"""An AdmissionReview among the files of a lint or an audit is judged as the request that it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from review_table import changed, deployment, owner, pod, scale, thing
from thunderguard.admission import review
from thunderguard.audit import exit_code, run_audit
from thunderguard.model import ExitCode, Report, Status


def linted(folder: Path, *documents: Any, **options: Any) -> Report:
    path = folder / "asked.yaml"
    path.write_text(yaml.safe_dump_all(documents, sort_keys=False))
    return run_audit([str(path)], **options)


def places(report: Report) -> dict[tuple[str, str], str]:
    """Give the line of the file that each finding about an object points at."""
    found = {}
    for finding in report.findings:
        if finding.line is not None:
            text = Path(str(finding.file)).read_text().splitlines()[finding.line - 1].strip()
            found[finding.rule, finding.path] = text
    return found


def test_findings_point_into_the_request(tmp_path: Path) -> None:
    report = linted(tmp_path, review(deployment()), complete=False)
    assert places(report) == {
        ("namespace-boundary", "metadata.namespace"): "namespace: thunder",
        ("resource-limits", "spec.template.spec.containers[0].resources"): "- name: a",
    }
    assert {str(finding.resource) for finding in report.findings} == {"thunder/Deployment/x"}
    assert exit_code(report) == ExitCode.FINDINGS


def test_a_finding_is_the_one_about_the_manifest(tmp_path: Path) -> None:
    """A request and its manifest share fingerprints, so that a baseline made of one holds for the other."""
    asked, manifest = (linted(tmp_path, one, complete=False) for one in (review(deployment()), deployment()))
    assert [finding.fingerprint for finding in asked.findings] == [f.fingerprint for f in manifest.findings]
    assert asked.findings


def test_a_scale_is_a_finding_about_the_workload(tmp_path: Path) -> None:
    report = linted(tmp_path, scale(1, 3), complete=False)
    assert places(report) == {("singleton-service", "spec.replicas"): "replicas: 3"}
    (finding,) = report.findings
    assert str(finding.resource) == "thunderline/Deployment/mlflow-tracking"
    assert str(report.rows[0].resource) == "thunderline/Deployment/mlflow-tracking"


@pytest.mark.parametrize("engine", ["embedded", "reference"])
def test_what_is_let_through_is_clean(tmp_path: Path, engine: str) -> None:
    gone = review(None, operation="DELETE", old=deployment())
    report = linted(tmp_path, gone, complete=False, engine=engine)
    assert (report.findings, report.problems) == ((), ())
    assert exit_code(report) == ExitCode.CLEAN
    row = report.rows[0]
    assert str(row.resource) == "thunder/Deployment/x"
    assert set(row.statuses.values()) == {Status.NOT_MATCHED}


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}, "it has no request"),
        (changed(review(deployment()), uid=None), "its request has no uid"),
        (changed(review(deployment()), object=None), "its request has no Kubernetes object"),
    ],
)
def test_a_request_that_cannot_be_answered_is_a_problem(tmp_path: Path, broken: Any, reason: str) -> None:
    report = linted(tmp_path, broken, complete=False)
    (problem,) = report.problems
    assert problem.kind == "malformed"
    assert reason in problem.message
    assert exit_code(report) == ExitCode.INCOMPLETE


def test_what_kubernetes_would_refuse_in_the_object_is_a_problem(tmp_path: Path) -> None:
    report = linted(tmp_path, review(thing("apps/v1", "Deployment", spec={"replicas": "x"})), complete=False)
    assert "spec.replicas is 'x', where Kubernetes wants an integer" in [problem.message for problem in report.problems]


@pytest.mark.parametrize("engine", ["embedded", "reference"])
def test_a_request_is_no_part_of_the_estate(tmp_path: Path, engine: str) -> None:
    """What is only asked for is neither there to be counted nor the owner of what is."""
    asked = review(deployment(name="asked"))
    owned = pod(owners=[{**owner("Deployment"), "name": "asked"}])
    alone = linted(tmp_path, owned, engine=engine)
    both = linted(tmp_path, owned, asked, engine=engine)
    assert {f.fingerprint for f in alone.findings} < {f.fingerprint for f in both.findings}
    assert {f.rule for f in both.findings if f not in alone.findings} == {"namespace-boundary", "resource-limits"}
    assert json.dumps(list(alone.inventory)) == json.dumps(list(both.inventory))


def test_a_request_without_a_namespace_keeps_it(tmp_path: Path) -> None:
    """--namespace is for manifests: a request says where it goes."""
    asked = review({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "thunder"}})
    report = linted(tmp_path, asked, complete=False, namespace="thunderline")
    assert [finding.path for finding in report.findings] == ["metadata.name"]
