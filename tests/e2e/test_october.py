"""The story: the cluster as the audit found it, what the audit recommends, and a cluster that is clean."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bed.cluster import ROOT, Cluster
from bed.october import CHARTS, SECONDS, settled
from thunderguard.controlplane.processes import wait

EXPECTED = ROOT / "examples" / "thunderline" / "2025-10-08.findings.json"
# A remedy begins with the command, if it is one; what follows a comma is for people.
COMMAND = re.compile(r"(?:helm uninstall|kubectl delete) [^,;]+")


def make(cluster: Cluster, *words: str) -> subprocess.CompletedProcess[str]:
    """Run make as from a shell that means this cluster."""
    own = {name: value for name, value in cluster.environment().items() if not name.startswith(("MAKE", "MFLAGS"))}
    program = shutil.which("make")
    assert program is not None
    return subprocess.run(
        [program, *words], cwd=ROOT, env=own, capture_output=True, text=True, timeout=300, check=False
    )


def audit(cluster: Cluster) -> tuple[int, dict[str, Any]]:
    """Run ``make audit`` against the cluster: its exit code and its report."""
    done = make(cluster, "audit", "ARGS=--format json")
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["source"]["path"] == "context thunderguard"
    assert report["problems"] == []
    return done.returncode, report


def fingerprints(report: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    return {one["fingerprint"]: (one["rule"], json.dumps(one["resource"]), one["path"]) for one in report["findings"]}


def commands(report: dict[str, Any]) -> list[str]:
    """Give the commands that the report recommends, each once; namespaces last, when they are empty."""
    found = {match.group().strip() for one in report["findings"] if (match := COMMAND.match(one["remedy"]))}
    return sorted(found, key=lambda command: ("namespace" in command, command))


def start_october(cluster: Cluster) -> str:
    """Run what ``make cluster-october`` runs, and give what it prints."""
    words: list[str | Path] = [ROOT / ".venv" / "bin" / "python", "-m", "bed", "october", "--folder", cluster.folder]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(cluster: Cluster, command: str) -> None:
    program, *words = shlex.split(command)
    cluster.run(program, *words)


def test_october_from_the_audit_to_a_clean_cluster(own_cluster: Callable[[], Cluster], tmp_path: Path) -> None:
    """What the snapshot says the live cluster says, and whoever does what it recommends is done."""
    cluster = own_cluster()
    code, empty = audit(cluster)
    assert code == 0
    assert {one["rule"] for one in empty["findings"]} == {"missing-service", "namespace-quota"}

    for _ in range(2):  # the second time changes nothing
        told = start_october(cluster)
        assert told.startswith("the cluster already runs: ")
        assert "\nthe estate of October 8, 2025 runs in cerebros, thunder and thunderline\n" in told
    code, october = audit(cluster)
    assert code == 1
    assert fingerprints(october) == fingerprints(json.loads(EXPECTED.read_text(encoding="utf-8")))

    kept = tmp_path / "october.jsonl"
    thunderguard: list[str | Path] = [
        ROOT / ".venv" / "bin" / "thunderguard",
        "audit",
        "--save",
        kept,
        "--fail-on",
        "never",
    ]
    subprocess.run(thunderguard, env=cluster.environment(), check=True, capture_output=True)
    assert b"plain-text" not in kept.read_bytes()
    values = cluster.helm("get", "values", "--all", "thunderline", "--namespace", "thunder")
    assert "plain-text-password" in values

    recommended = commands(october)
    assert "helm uninstall thunder -n cerebros" in recommended
    assert "helm uninstall thunderline -n thunder" in recommended
    fixed = CHARTS / "thunderhelm" / "fixed.yaml"
    cluster.helm("upgrade", "thunderline", fixed.parent, "--values", fixed, "--namespace", "thunderline")
    # Every service is at home now, so that the others may go.
    code, housed = audit(cluster)
    assert code == 1
    assert set(commands(housed)) < set(recommended)
    for command in commands(housed):
        run(cluster, command)

    wait("the pods of the fixed chart", lambda: settled(cluster), seconds=SECONDS)
    code, clean = audit(cluster)
    assert (code, clean["findings"]) == (0, [])
    assert clean["ledger"]["totals"]["singleton-service"]["passed"] == 5


def test_make_runs_the_bed() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"-m bed {word}\n" in makefile for word in ("up", "down", "october"))
