"""The test bed itself: what it starts works, what it starts ends, and asking twice does no harm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bed.cluster import ROOT, Cluster
from thunderguard.controlplane.processes import wait
from thunderguard.errors import ControlPlaneError


def command(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    return subprocess.run(
        [sys.executable, "-m", "bed", *words], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def processes(folder: Path) -> list[int]:
    """Find every process that was started for the cluster in ``folder``, whatever it remembers itself."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        words = process.info["cmdline"] or []
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(str(folder) in word for word in words[1:]):
            found.append(process.info["pid"])
    return found


def test_a_cluster_begins_once_and_ends_without_a_trace(tmp_path: Path) -> None:
    folder = tmp_path / "bed"
    first = command("up", "--folder", str(folder))
    assert first.returncode == 0, first.stderr
    try:
        assert first.stdout.startswith("the cluster runs: https://127.0.0.1:")
        running = processes(folder)
        assert len(running) == 5
        second = command("up", "--folder", str(folder))
        assert (second.returncode, second.stdout.splitlines()[0]) == (
            0,
            first.stdout.splitlines()[0].replace("runs", "already runs"),
        )
        assert processes(folder) == running
        # One that only half runs is made anew.
        psutil.Process(running[0]).kill()
        wait("the end of a process", lambda: len(processes(folder)) == 4, seconds=10)
        third = command("up", "--folder", str(folder))
        assert third.stdout.startswith("the cluster runs: ")
        assert not set(processes(folder)) & set(running)
    finally:
        last = command("down", "--folder", str(folder))
    assert (last.returncode, last.stdout) == (0, "the cluster is gone\n")
    assert processes(folder) == []
    assert not folder.exists()
    assert command("down", "--folder", str(folder)).stdout == "there was no cluster\n"


def test_a_program_that_fails_is_told_with_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("etcd", "kube-apiserver", "kubectl", "kwok"):
        (programs / name).write_text("#!/bin/sh\necho no luck today\nexit 1\n")
        (programs / name).chmod(0o755)
    monkeypatch.setattr("bed.cluster.BIN", programs)
    cluster = Cluster(tmp_path / "bed")
    with pytest.raises(ControlPlaneError, match="ended: no luck today"):
        cluster.up()
    assert (tmp_path / "bed" / "logs" / "etcd.log").read_text() == "no luck today\n"
    assert not cluster.is_running()


def test_without_the_programs_it_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bed.cluster.BIN", tmp_path)
    with pytest.raises(ControlPlaneError, match="run `make tools`"):
        Cluster(tmp_path / "bed").up()


def test_a_deployment_runs(cluster: Cluster, prefix: str) -> None:
    cluster.kubectl("create", "namespace", prefix)
    cluster.kubectl("create", "deployment", "web", "--image=a:1", "--replicas=2", "--namespace", prefix)

    def running() -> bool:
        pods = cluster.get("pods", "--namespace", prefix)
        return [one["status"]["phase"] for one in pods] == ["Running", "Running"]

    wait("two running pods", running, seconds=60)
