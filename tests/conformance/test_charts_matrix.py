"""`thunderguard charts`: a chart under each of its values files, and our own example charts."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from thunderguard.cli.app import app
from thunderguard.schemas import validator

ROOT = Path(__file__).resolve().parents[2]
CHARTS = ROOT / "examples" / "charts"
GOLDEN = ROOT / "tests" / "golden" / "charts-october.json"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: a}
spec: {containers: [{name: a, image: "busybox:{{ .Values.tag }}", resources: {{ toJson .Values.resources }}}]}
"""
LIMITED = "resources: {requests: &a {cpu: 1m, memory: 1Mi}, limits: *a}\n"


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    if not (ROOT / ".tools" / "bin" / "helm").exists():
        pytest.fail("run `make tools`")
    monkeypatch.chdir(ROOT)


def thunderguard(*words: str | Path) -> Result:
    return CliRunner(env={"NO_COLOR": "1"}).invoke(app, [str(word) for word in words], prog_name="thunderguard")


def charts(*words: str | Path) -> dict[str, Any]:
    """Run charts and give what it writes, which is as its schema says."""
    result = thunderguard("charts", "--format", "json", *words)
    assert result.stdout, result.stderr
    value: dict[str, Any] = json.loads(result.stdout)
    assert [error.message for error in validator("charts").iter_errors(value)] == []
    assert result.exit_code == value["exitCode"]
    return value


def chart(folder: Path, **files: str) -> Path:
    made = {
        "Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n",
        "templates/a.yaml": POD,
        "values.yaml": f"tag: 1.0.0\n{LIMITED}",
        **files,
    }
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def spelled(finding: dict[str, Any]) -> str:
    resource = finding["resource"]
    return f"{finding['rule']} {resource['kind']}/{resource['name']} {finding['path']}"


def answers(value: dict[str, Any], rule: str) -> dict[str, int]:
    return {one["name"]: sum(found["rule"] == rule for found in one["findings"]) for one in value["values"]}


def test_what_the_audit_recommends_passes_everything_under_every_values_file() -> None:
    value = charts(CHARTS / "thunderline", "--fail-on", "info")
    assert value["exitCode"] == 0
    assert [(one["name"], one["findings"], one["problems"]) for one in value["values"] if one["findings"]] == []
    assert value["checks"] == []
    # Everything that is declared runs under one set or another, each as the Estate wants it.
    assert all(one["objects"] >= 9 for one in value["values"])
    assert {rule["id"] for rule in value["rules"]} >= {"singleton-service", "resource-limits", "job-only-service"}
    for rule in ("singleton-service", "resource-limits", "image-reference"):
        assert all(one["rules"][rule]["passed"] for one in value["values"])


def test_the_recommended_chart_passes_as_a_whole_estate_too() -> None:
    result = thunderguard("lint", CHARTS / "thunderline", "--complete", "--fail-on", "info")
    assert result.exit_code == 0, result.output


def test_what_the_audit_found_fails_where_it_should() -> None:
    """The golden file lists every finding of every set of values; UPDATE_GOLDEN=1 writes it anew."""
    value = charts(Path("examples/charts/october"))
    assert value["exitCode"] == 1
    listed = {one["name"]: sorted(map(spelled, one["findings"])) for one in value["values"]}
    text = json.dumps(listed, indent=2) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
    assert [(one["rule"], one["file"], one["line"]) for one in value["checks"]] == [
        ("chart-image-tag", "examples/charts/october/values-thunder.yaml", 7)
    ]


def test_the_matrix_is_shown_with_rules_and_sets() -> None:
    result = thunderguard("charts", CHARTS / "october")
    assert result.exit_code == 1
    lines = result.output.splitlines()
    heads = [line for line in lines if line.lstrip().startswith("rule ")]
    assert [head.split() for head in heads] == [["rule", "1", "2", "3", "4", "5"]]
    rows = {line.split()[0]: line.split()[1:] for line in lines[lines.index(heads[0]) + 1 :] if line.startswith("  ")}
    assert rows["resource-limits"] == ["8", "8", "6", "1", "1"]
    assert rows["deprecated-service"] == ["·", "2", "·", "·", "·"]
    assert rows["job-only-service"] == ["1", "-", "1", "1", "1"]
    assert lines[-1].endswith("0 of 5 sets of values clean; exit 1")


def test_values_files_are_found_alone_and_as_pairs(tmp_path: Path) -> None:
    path = chart(
        tmp_path / "a",
        **{
            "values-b.yaml": "tag: latest\n",
            "values.c.yml": "resources: null\n",
            "values.schema.json": "{}",
            "ci/d-values.yaml": "tag: 1.0.1\n",
            "ci/other.yaml": "tag: latest\n",
            "examples/deep/e.yaml": "tag: 1.0.2\n",
            "examples/pod.yaml": "apiVersion: v1\nkind: Pod\n",
            "thunderguard-charts.yaml": "pairs: [[values-b.yaml, ci/d-values.yaml]]\n",
        },
    )
    outside = tmp_path / "outside.yaml"
    outside.write_text("tag: latest\n", encoding="utf-8")
    value = charts(path, "--pair", "ci/d-values.yaml,values-b.yaml", "-f", outside)
    assert answers(value, "image-reference") == {
        "values.yaml": 0,
        "values-b.yaml": 1,
        "values.c.yml": 0,
        "ci/d-values.yaml": 0,
        "examples/deep/e.yaml": 0,
        str(outside): 1,
        "values-b.yaml + ci/d-values.yaml": 0,
        "ci/d-values.yaml + values-b.yaml": 1,
    }
    assert answers(value, "resource-limits")["values.c.yml"] == 1
    for pair, message in {
        "a.yaml": "is no pair",
        "values-b.yaml,none.yaml": "names none.yaml, which",
        "values-b.yaml,../outside.yaml": "leads out of the chart",
    }.items():
        result = thunderguard("charts", path, "--pair", pair)
        assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_a_set_that_does_not_render_leaves_the_others_judged(tmp_path: Path) -> None:
    path = chart(tmp_path / "a", **{"values-bad.yaml": "- a\n", "values-odd.yaml": "resources: '{'\n"})
    value = charts(path)
    assert value["exitCode"] == 3
    errors = {one["name"]: one["error"] for one in value["values"]}
    assert errors["values.yaml"] is None
    assert "is a list, not a mapping" in errors["values-bad.yaml"]["message"]
    assert errors["values-bad.yaml"]["file"] == str(path / "values-bad.yaml")
    (path / "values.yaml").write_text("resources: {{\n", encoding="utf-8")
    result = thunderguard("charts", path)
    assert result.exit_code == 2
    assert "does not render" in result.stderr


def test_one_report_tells_which_sets_have_a_finding(tmp_path: Path) -> None:
    path = chart(tmp_path / "a", **{"values-b.yaml": "tag: latest\n", "values-c.yaml": "tag: ''\n"})
    target = tmp_path / "report.json"
    formats = ("github", "html", "markdown", "policyreport", "sarif", "text")
    also = [word for form in formats for word in ("--report", f"{form}={tmp_path / form}")]
    result = thunderguard("charts", path, "--report", f"json={target}", *also, "--rule", "image-reference")
    assert result.exit_code == 1
    report = json.loads(target.read_bytes())
    assert [error.message for error in validator("report").iter_errors(report)] == []
    told = [one["message"] for one in report["findings"] if one["rule"] == "image-reference"]
    assert sorted(message.rpartition(" (")[2] for message in told) == ["with values-b.yaml)", "with values-c.yaml)"]
    assert report["source"]["objects"] == 2
    assert report["ledger"]["totals"]["image-reference"]["violated"] == 1
    assert all((tmp_path / form).stat().st_size for form in formats)
    assert "values-b.yaml" in (tmp_path / "sarif").read_text(encoding="utf-8")


def git(folder: Path, *words: str) -> None:
    own = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *own, *words], cwd=folder, check=True, capture_output=True)


def test_a_chart_that_changed_needs_a_new_version(tmp_path: Path) -> None:
    path = chart(tmp_path / "repo" / "a")
    git(tmp_path / "repo", "init")
    git(tmp_path / "repo", "add", ".")
    git(tmp_path / "repo", "commit", "-m", "one")

    def told() -> list[tuple[str, str]]:
        return [(one["rule"], one["message"]) for one in charts(path, "--base", "main")["checks"]]

    assert told() == []
    (path / "templates" / "b.yaml").write_text("# new\n", encoding="utf-8")
    message = "templates/b.yaml changed since main, and the version is 1.0.0 after 1.0.0"
    assert told() == [("chart-version", message)]
    assert thunderguard("charts", path, "--base", "main").exit_code == 1
    for version, fine in {"0.9.0": False, "1.0.1": True}.items():
        (path / "Chart.yaml").write_text(f"apiVersion: v2\nname: a\nversion: {version}\n", encoding="utf-8")
        assert (told() == []) is fine
    result = thunderguard("charts", path, "--base", "--output=x")
    assert (result.exit_code, "is no revision that git knows" in result.stderr) == (2, True)


def test_what_is_no_chart_says_so(tmp_path: Path) -> None:
    for name, message in {"none": "no such file or directory", "empty": "Chart.yaml"}.items():
        (tmp_path / "empty").mkdir(exist_ok=True)
        result = thunderguard("charts", tmp_path / name)
        assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    result = thunderguard("charts", CHARTS / "october", "--rule", "resource-limit")
    assert (result.exit_code, "did you mean resource-limits" in result.stderr) == (2, True)
