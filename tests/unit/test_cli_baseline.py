"""``--baseline``, ``thunderguard baseline``, ``thunderguard diff`` and ``--report`` as people call them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BAD = "examples/bad/resource-limits.yaml"
WORSE = ["examples/bad/resource-limits.yaml", "examples/bad/image-reference.yaml"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "thunderguard.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def known(tmp_path: Path) -> str:
    path = str(tmp_path / "known.json")
    done = run("baseline", "update", path, BAD)
    assert done.returncode == 0, done.stderr
    return path


def test_a_known_finding_does_not_fail_and_a_new_one_does(known: str) -> None:
    done = run("lint", BAD, "--baseline", known)
    assert done.returncode == 0, done.stderr
    assert "0 new since the baseline" in done.stdout
    assert run("lint", *WORSE, "--baseline", known).returncode == 1


def test_prune_takes_out_what_is_mended_and_adds_nothing(known: str) -> None:
    assert run("baseline", "prune", known, "examples/good").returncode == 0
    assert json.loads(Path(known).read_text())["findings"] == []
    assert run("lint", BAD, "--baseline", known).returncode == 1


def test_diff(known: str) -> None:
    same = run("diff", known, BAD)
    assert same.returncode == 0, same.stderr
    assert same.stdout.splitlines()[-1].startswith("0 new, 0 fixed")
    fixed = run("diff", known, "examples/good", "--format", "json")
    assert fixed.returncode == 0
    assert json.loads(fixed.stdout)["fixed"]
    assert run("diff", "examples/good", BAD).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lint", BAD, "--baseline", "README.md"], "is not a JSON report"),
        (["lint", BAD, "--report", "sarif"], "is not FORMAT=FILE"),
        (["lint", BAD, "--report", "pdf=x"], "is not FORMAT=FILE"),
        (["lint", BAD, "--report", "sarif=/missing/x"], "is not a directory"),
        (["lint", BAD, "--report", "sarif=.coverage.x", "--report", "json=.coverage.x"], "written to one file"),
        (["diff", "missing.json", BAD], "missing.json"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_reports_are_written(tmp_path: Path) -> None:
    done = run("lint", BAD, "--report", f"sarif={tmp_path}/r.sarif", "--report", f"prometheus={tmp_path}/r.prom")
    assert done.returncode == 1
    assert json.loads((tmp_path / "r.sarif").read_text())["runs"][0]["results"]
    assert "thunderguard_exit_code 1.0" in (tmp_path / "r.prom").read_text()


def _page(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    path = tmp_path / "page.html"
    done = run(*arguments, "--report", f"html={path}")
    assert done.returncode in {0, 1}, done.stderr
    text = path.read_text()
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return {**json.loads(data), "words": " ".join(re.sub(r"<[^>]+>", " ", text.partition("<body>")[2]).split())}


def test_the_page_has_the_plan_and_what_changed(tmp_path: Path) -> None:
    october = "examples/thunderline/2025-10-08.jsonl"
    page = _page(tmp_path, "audit", october)
    assert "Clean-up plan" in page["words"]
    assert {mark for step in page["steps"] for mark in step} <= {one["fingerprint"] for one in page["findings"]}
    assert {one["status"] for one in page["findings"]} == {"open"}
    known = json.loads(run("audit", october, "--format", "json").stdout)
    known["findings"] = [{**known["findings"][0], "fingerprint": "gone"}, *known["findings"][2:]]
    (tmp_path / "known.json").write_text(json.dumps(known))
    page = _page(tmp_path, "audit", october, "--baseline", str(tmp_path / "known.json"))
    assert "2 new 1 gone 62 unchanged 0 not comparable" in page["words"]
    assert sorted({one["status"] for one in page["findings"]}) == ["known", "new"]


def test_a_page_about_manifests_has_no_plan_for_a_cluster(tmp_path: Path) -> None:
    page = _page(tmp_path, "lint", BAD)
    assert page["findings"]
    assert "Clean-up plan" not in page["words"]
