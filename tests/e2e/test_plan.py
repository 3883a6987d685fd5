"""The clean-up plan run for real: October on a live cluster, the script that is printed, and the audit afterwards."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bed import october
from bed.cluster import BIN, ROOT, Cluster
from thunderguard.controlplane.processes import wait

THUNDERGUARD = ROOT / ".venv" / "bin" / "thunderguard"


def thunderguard(cluster: Cluster, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [THUNDERGUARD, *words], env=cluster.environment(), capture_output=True, text=True, timeout=120, check=False
    )


def found(cluster: Cluster, *words: str | Path) -> dict[str, dict[str, Any]]:
    """Audit the live cluster, or a source, and give the findings by fingerprint."""
    done = thunderguard(cluster, "audit", *words, "--format", "json")
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["problems"] == []
    return {one["fingerprint"]: one for one in report["findings"]}


def bash(cluster: Cluster, file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = cluster.environment()
    environment["PATH"] = f"{BIN}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        ["bash", str(file), *words],
        cwd=file.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=420,
        check=False,
    )


def test_the_script_cleans_october_up_as_the_plan_says(own_cluster: Callable[[], Cluster], tmp_path: Path) -> None:
    """Nothing happens without --apply; with it what the plan claims is resolved, and nothing else came."""
    cluster = own_cluster()
    october.install(cluster)
    snapshot, file = tmp_path / "october.jsonl", tmp_path / "clean-up.sh"
    before = found(cluster, "--save", snapshot)
    plan: dict[str, Any] = json.loads(thunderguard(cluster, "plan", snapshot, "--format", "json").stdout)
    assert thunderguard(cluster, "plan", snapshot, "--format", "sh", "--output", file).returncode == 0

    shown = bash(cluster, file)
    assert shown.returncode == 0, shown.stderr
    assert "cluster: thunderguard\nnothing is done" in shown.stdout
    assert found(cluster).keys() == before.keys()

    done = bash(cluster, file, "--apply")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    wait("the pods of what was moved", lambda: october.settled(cluster), seconds=october.SECONDS)
    gone = "cerebros", "thunder"
    wait("the namespaces to be gone", lambda: not _there(cluster, gone), seconds=october.SECONDS)
    after = found(cluster)
    claimed = {one["fingerprint"] for step in plan["steps"] for one in step["findings"]}
    assert len(claimed) == plan["totals"]["resolved"] > 50
    assert not claimed & after.keys()
    # The fake node runs every image, so that what was left to a person is well, too.
    assert after == {}
    running = {one["metadata"]["name"] for one in cluster.get("deployments", "-n", "thunderline")}
    assert running == {"mlflow-tracking", "thunderline-web", "thunderline-worker", "livebook", "otelcol"}
    assert "plain-text-password" in cluster.kubectl(
        "get", "deployment", "thunderline-web", "-n", "thunderline", "-o", "yaml"
    )

    # The way back of an uninstalled release: its record, and Helm.
    (backup,) = tmp_path.glob("thunderguard-backup-*")
    (back,) = [line for step in plan["steps"] if "thunder of" in step["title"] for line in step["back"]]
    cluster.kubectl("create", "namespace", "cerebros")
    file.write_text(f"set -euo pipefail\nbackup={backup}\n{back}\n", encoding="utf-8")
    undone = bash(cluster, file)
    assert undone.returncode == 0, undone.stderr
    assert {one["metadata"]["name"] for one in cluster.get("deployments", "-n", "cerebros")} == {
        "mlflow-tracking",
        "thunder-automat0",
    }


def _there(cluster: Cluster, names: tuple[str, ...]) -> bool:
    return any(one["metadata"]["name"] in names for one in cluster.get("namespaces"))
