"""The Makefile keeps its promises: help, exit codes, no work twice, and clear words when something is missing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from outside import outside_make

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = {
    *("help", "setup", "audit", "lint", "test", "unit", "e2e", "tools", "bench", "generate", "check", "clean"),
    *("cluster", "cluster-october", "cluster-down", "race", "bundle"),
    *("bench-admission", "bench-charts", "bench-page"),
}
SNAPSHOT = "SNAPSHOT=examples/thunderline/2025-10-08.jsonl"


def make(*words: str, cwd: Path = ROOT, path: str | None = None, **own: str) -> subprocess.CompletedProcess[str]:
    """Run make as from a shell: the make that may run these tests leaves nothing in the environment."""
    environment = {**outside_make(), **own}
    if path is not None:
        environment["PATH"] = path
    program = shutil.which("make")
    assert program is not None
    return subprocess.run(
        [program, *words], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_bare_make_lists_every_target() -> None:
    done = make()
    assert done.returncode == 0, done.stderr
    assert set(re.findall(r"^  make ([a-z0-9-]+) +[A-Z]", done.stdout, re.MULTILINE)) == TARGETS


def test_every_target_of_the_help_is_phony() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == TARGETS | {"audit-run", "rego-tools", "chart-tools", "browser"}


def test_the_benchmark_takes_what_that_of_charts_takes() -> None:
    words = [sys.executable, "tools/bench.py", "--help"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert {"--manifests", "--repeat", "--chart", "--files", "--examples"} <= set(re.findall(r"--[a-z]+", done.stdout))
    bench = re.search(r"^bench: (.+?) ##", MAKEFILE, re.MULTILINE)
    assert bench is not None
    assert {"rego-tools", "chart-tools"} <= set(bench[1].split())


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param("", 1, id="findings"),
        pytest.param("--fail-on never", 0, id="clean"),
        pytest.param("--no-such-option", 2, id="usage"),
    ],
)
def test_make_audit_ends_as_the_audit_does(arguments: str, code: int) -> None:
    done = make("audit", SNAPSHOT, f"ARGS={arguments}")
    assert done.returncode == code, done.stdout[-2000:] + done.stderr
    assert not list((ROOT / ".venv").glob(".audit-*"))


def test_make_audit_is_not_a_pass_when_something_could_not_be_judged(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("kind: [\n")
    done = make("audit", f"SNAPSHOT={broken} examples/good/namespace.yaml", "ARGS=--fail-on never")
    assert done.returncode == 2
    assert "Error 3" in done.stderr


def test_make_audit_fails_beside_other_goals_too() -> None:
    assert make("help", "audit", SNAPSHOT).returncode == 2


def test_make_audit_prints_the_report_and_nothing_else() -> None:
    done = make("audit", SNAPSHOT, "ARGS=--format json")
    assert json.loads(done.stdout)["formatVersion"] == "1"


def test_make_audit_without_a_snapshot_asks_the_cluster_of_the_environment() -> None:
    done = make("audit", KUBECONFIG="/no/such/kubeconfig")
    assert done.returncode == 2
    assert "error: there is no kubeconfig /no/such/kubeconfig" in done.stderr


def test_make_audit_without_a_snapshot_asks_the_cluster_that_make_started(tmp_path: Path) -> None:
    for name in ("Makefile", "uv.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".cluster").mkdir()
    (tmp_path / ".cluster" / "kubeconfig").touch()
    asked = "thunderguard audit --kubeconfig .cluster/kubeconfig"
    # Beside another goal it is an ordinary one, whose command can be looked at.
    assert asked in make("--dry-run", "help", "audit", cwd=tmp_path, KUBECONFIG="").stdout
    assert asked not in make("--dry-run", "help", "audit", cwd=tmp_path, KUBECONFIG="other").stdout
    assert asked not in make("--dry-run", "help", "audit", SNAPSHOT, cwd=tmp_path, KUBECONFIG="").stdout


def test_what_is_installed_is_not_installed_again() -> None:
    done = make("--question", ".venv/.run", ".venv/.dev")
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_a_python_the_error_says_so(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("uv.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "rm", "cat"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    old = programs / "python3"
    old.write_text("#!/bin/bash\nexit 1\n")  # as an old Python answers when asked whether it is new enough
    old.chmod(0o755)
    done = make("setup", cwd=tmp_path, path=str(programs))
    assert done.returncode == 2
    assert "error: Python 3.11 or newer is needed" in done.stderr
