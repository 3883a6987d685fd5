"""``thunderguard whatif``: exactly the objects concerned, in every form, with an exit code for CI."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from thunderguard import schemas

ROOT = Path(__file__).parents[2]
ESTATE = ROOT / "examples" / "thunderline" / "estate.yaml"
OCTOBER = "examples/thunderline/2025-10-08.jsonl"
HOME = "        kind: Deployment\n        namespace: thunderline\n        name: mlflow-tracking\n"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "thunderguard.cli", "whatif", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def told(*arguments: str | Path, code: int) -> dict[str, Any]:
    done = run(*arguments, "--format", "json")
    assert done.returncode == code, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    schemas.validator("whatif").validate(value)
    return value


def about(entries: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(one["rule"], one["resource"]["namespace"], one["resource"]["name"]) for one in entries}


Estate = Callable[[str, str], Path]


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    """Give a function that writes the default Estate with one text in the place of another."""

    def write(old: str, new: str) -> Path:
        text = ESTATE.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path = tmp_path / "estate.yaml"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return path

    return write


def test_with_mlflow_at_home_elsewhere_exactly_the_objects_concerned_are_listed(estate: Estate) -> None:
    """The server of the release in thunderline would be at home where it is; the others are away as before."""
    moved = estate(HOME, HOME.replace("mlflow-tracking", "thunderline-thunderhelm-mlflow"))
    found = told(OCTOBER, "--estate", moved, code=0)
    (one,) = found["snapshots"]
    assert about(one["allowed"]) == {("singleton-service", "thunderline", "thunderline-thunderhelm-mlflow")}
    assert one["denied"] == []
    # It has no limits either, so that it is not allowed as a whole.
    assert (one["objectsDenied"], one["objectsAllowed"]) == ([], [])
    assert (one["others"], one["notComparable"], one["problems"]) == ([], [], [])
    assert found["totals"] == {"denied": 0, "allowed": 1}
    assert found["before"]["estate"]["path"] == "examples/thunderline/estate.yaml"


def test_an_object_that_nothing_denied_is_named_as_a_whole(estate: Estate) -> None:
    moved = estate(HOME, HOME.replace("mlflow-tracking", "mlflow"))
    found = told("examples/good", OCTOBER, "--estate", moved, code=1)
    good, october = found["snapshots"]
    assert about(good["denied"]) == {("singleton-service", "thunderline", "mlflow-tracking")}
    assert [one["name"] for one in good["objectsDenied"]] == ["mlflow-tracking"]
    assert (october["denied"], october["allowed"]) == ([], [])
    # The other way round it becomes allowed, and that fails nothing unless it is asked for.
    back = told("examples/good", "--against", moved, "--estate", ESTATE, code=0)
    assert [one["name"] for one in back["snapshots"][0]["objectsAllowed"]] == ["mlflow-tracking"]
    assert run("examples/good", "--against", moved, "--estate", ESTATE, "--fail-on", "any").returncode == 1
    assert run("examples/good", "--estate", moved, "--fail-on", "never").returncode == 0


def test_a_waiver_lets_in_what_it_covers_and_nothing_else(estate: Estate) -> None:
    waiver = """  waivers:
    - rule: singleton-service
      resource: {kind: Deployment, namespace: cerebros, name: mlflow-tracking}
      reason: it moves next week
      owner: ml
      expires: "2999-12-31"
"""
    waived = estate("  thresholds:\n", f"{waiver}  thresholds:\n")
    found = told(OCTOBER, "--estate", waived, code=0)
    (one,) = found["snapshots"]
    assert about(one["allowed"]) == {("singleton-service", "cerebros", "mlflow-tracking")}
    assert one["denied"] == []
    lapsed = told(OCTOBER, "--estate", waived, "--at", "3000-01-01", code=0)
    assert lapsed["snapshots"][0]["allowed"] == []
    assert [(one["change"], one["rule"]) for one in lapsed["snapshots"][0]["others"]] == [("new", "waiver")]
    back = told(OCTOBER, "--against", waived, "--estate", ESTATE, code=1)
    assert about(back["snapshots"][0]["denied"]) == {("singleton-service", "cerebros", "mlflow-tracking")}


def test_what_other_rules_deny_all_the_same_is_told(estate: Estate) -> None:
    moved = estate(HOME, HOME.replace("mlflow-tracking", "thunderline-thunderhelm-mlflow"))
    text = run(OCTOBER, "--estate", moved).stdout
    assert "spec.template.spec.containers[0]  (still denied by other rules)\n" in text
    back = run(OCTOBER, "--against", moved, "--estate", ESTATE).stdout
    assert "spec.template.spec.containers[0]  (denied before, by other rules)\n" in back
    table = run(OCTOBER, "--estate", moved, "--format", "markdown").stdout
    assert "thunderline-thunderhelm-mlflow</code><br>still denied by other rules |" in table


def test_the_same_estate_changes_nothing() -> None:
    done = run(OCTOBER, "--estate", ESTATE, "--fail-on", "any")
    assert done.returncode == 0, done.stderr
    assert "nothing changes" in done.stdout
    assert done.stdout.endswith("0 denied and 0 allowed, by rule and object, in 1 snapshot\n")


def test_other_rules_are_tried(tmp_path: Path) -> None:
    """A rule that finds nothing any more allows what it denied, and it alone."""
    rules = tmp_path / "rego"
    shutil.copytree(ROOT / "rego", rules, ignore=shutil.ignore_patterns("*_test.rego"))
    (file,) = (rules / "thunderguard" / "rules" / "namespace-boundary").glob("*.rego")
    text = file.read_text(encoding="utf-8")
    assert text.count("violations contains found if {") == 2
    file.write_text(text.replace("violations contains found if {", "violations contains found if {\n\tfalse"))
    found = told(OCTOBER, "--rego", rules, code=0)
    (one,) = found["snapshots"]
    assert {entry["rule"] for entry in one["allowed"]} == {"namespace-boundary"}
    assert one["denied"] == []
    assert found["before"]["engine"]["policySha256"] != found["after"]["engine"]["policySha256"]


def test_markdown_is_a_comment_in_which_no_name_means_anything(tmp_path: Path, estate: Estate) -> None:
    moved = estate(HOME, HOME.replace("mlflow-tracking", "mlflow"))
    odd = tmp_path / "a|b`c<img src=x>.yaml"
    shutil.copy(ROOT / "examples" / "good" / "mlflow-tracking.yaml", odd)
    done = run(odd, "--estate", moved, "--format", "markdown")
    assert done.returncode == 1, done.stderr
    assert "**1 denied and 0 allowed, by rule and object, in 1 snapshot**" in done.stdout
    assert "| ⛔ denied | singleton\\-service | <code>thunderline/Deployment/mlflow-tracking</code> |" in done.stdout
    assert "<img" not in done.stdout


def test_what_cannot_be_judged_makes_it_incomplete(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text((ROOT / "examples" / "good" / "web.yaml").read_text() + "\n---\nkind: [\n")
    done = run(tmp_path, "--estate", ESTATE)
    assert done.returncode == 3
    assert "not judged" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([OCTOBER], "name what to try"),
        (["-", "--estate", "examples/thunderline/estate.yaml"], "standard input can be read once"),
        (["missing.jsonl", "--estate", "examples/thunderline/estate.yaml"], "missing.jsonl"),
        ([OCTOBER, "--estate", "missing.yaml"], "missing.yaml"),
        ([OCTOBER, "--rego", "tests/golden/help"], "no Rego policy"),
        ([], "Missing argument"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert done.returncode in (2, 3)
    assert words in done.stderr
    assert len(done.stderr.splitlines()) <= 2
