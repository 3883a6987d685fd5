"""Measure Thunderguard against conftest: the same manifests, the same rules, the same run.

Prints a table of medians, ratios and peak memory, and whether the goals are reached. The manifests are made here, the
same ones every time, about 2.5 kB each. Memory is the proportional set size of a whole process tree, sampled. Charts
are measured after that, as bench_charts.py does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml
from rich.console import Console
from rich.table import Table

import bench_charts

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / ".bench"
THUNDERGUARD = ROOT / ".venv" / "bin" / "thunderguard"
CONFTEST = ROOT / ".tools" / "bin" / "conftest"
SAMPLE_SECONDS = 0.02


@dataclass(frozen=True)
class Run:
    """One measured run: seconds of wall time, peak megabytes of the process tree, exit code."""

    seconds: float
    megabytes: float
    code: int


def main() -> int:
    """Make the manifests, measure, print; exit 1 when a goal is missed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--manifests", type=int, default=10_000, help="how many manifests (default 10000)")
    options.add_argument("--repeat", type=int, default=5, help="how often each is measured (default 5)")
    options.add_argument("--large", type=int, default=100_000, help="objects of the largest snapshot (default 100000)")
    bench_charts.add_options(options)
    chosen = options.parse_args()
    console = Console()
    console.print(f"making {chosen.manifests} manifests", style="dim")
    folder = write_manifests(chosen.manifests)
    snapshot = write_snapshot(chosen.manifests)
    commands = {
        "conftest test, YAML": [str(CONFTEST), "test", "--output", "json", str(folder)],
        "thunderguard lint, YAML": [str(THUNDERGUARD), "lint", "--format", "json", str(folder)],
        "thunderguard audit, snapshot": [str(THUNDERGUARD), "audit", "--format", "json", str(snapshot)],
    }
    # In turns, so that a slow moment of the machine meets all of them.
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for turn in range(chosen.repeat):
        for name, command in commands.items():
            console.print(f"turn {turn + 1}: {name}", style="dim")
            runs[name].append(measure(command))
    base = runs["conftest test, YAML"]
    table = Table(title=f"{chosen.manifests} manifests, median of {chosen.repeat}")
    for heading in ("command", "wall s", "min-max", "faster", "peak MB", "memory"):
        table.add_column(heading, justify="left" if heading == "command" else "right")
    for name, measured in runs.items():
        seconds = statistics.median(run.seconds for run in measured)
        table.add_row(
            name,
            f"{seconds:.2f}",
            f"{min(run.seconds for run in measured):.2f}-{max(run.seconds for run in measured):.2f}",
            f"{ratio(base, measured):.1f} x",
            f"{statistics.median(run.megabytes for run in measured):.0f}",
            f"{memory_ratio(measured, base):.2f} x",
        )
    console.print(table)
    growth, large = growing(console, chosen.large)
    goals = {
        "YAML at least 10 times faster than conftest": ratio(base, runs["thunderguard lint, YAML"]) >= 10,
        "YAML at most half of conftest's memory": memory_ratio(runs["thunderguard lint, YAML"], base) <= 0.5,
        "snapshot at least 15 times faster": ratio(base, runs["thunderguard audit, snapshot"]) >= 15,
        f"{chosen.large} objects below 400 MB": large.megabytes < 400,
        "time grows linearly (at most 1.3 times per object from 10k on)": growth <= 1.3,
        "--help below 0.3 s": start_up(console) < 0.3,
        **bench_charts.measured(console, chosen),
    }
    return bench_charts.told(console, goals)


def ratio(slow: list[Run], fast: list[Run]) -> float:
    """Give the median of how many times faster ``fast`` was, turn by turn."""
    return statistics.median(a.seconds / b.seconds for a, b in zip(slow, fast, strict=True))


def memory_ratio(small: list[Run], large: list[Run]) -> float:
    """Give the median of the part of ``large``'s memory that ``small`` took, turn by turn."""
    return statistics.median(a.megabytes / b.megabytes for a, b in zip(small, large, strict=True))


def growing(console: Console, most: int) -> tuple[float, Run]:
    """Audit snapshots of growing size; give how much the time per object grew, and the last run."""
    table = Table(title="snapshots, one run each")
    for heading in ("objects", "wall s", "ms per object", "peak MB"):
        table.add_column(heading, justify="right")
    per_object = []
    for number in (most // 100, most // 10, most):
        run = measure(
            [
                str(THUNDERGUARD),
                "audit",
                "--output",
                str(BENCH / "r.json"),
                "--format",
                "json",
                str(write_snapshot(number)),
            ]
        )
        per_object.append(run.seconds / number)
        table.add_row(str(number), f"{run.seconds:.2f}", f"{per_object[-1] * 1000:.3f}", f"{run.megabytes:.0f}")
    console.print(table)
    return per_object[-1] / per_object[-2], run


def start_up(console: Console) -> float:
    """Give the median seconds of `thunderguard --help`."""
    seconds = statistics.median(measure([str(THUNDERGUARD), "--help"]).seconds for _ in range(5))
    console.print(f"thunderguard --help: {seconds:.2f} s")
    return seconds


def measure(command: list[str]) -> Run:
    """Run ``command`` to its end and measure it. Its output is thrown away."""
    began = time.perf_counter()
    process = psutil.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak = [0]
    ended = threading.Event()
    sampler = threading.Thread(target=_sample, args=(process, peak, ended))
    sampler.start()
    _, said = process.communicate()
    seconds = time.perf_counter() - began
    ended.set()
    sampler.join()
    if process.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with {process.returncode}: {said.decode(errors='replace')[:2000]}")
    return Run(seconds, peak[0] / 1e6, process.returncode)


def _sample(process: psutil.Popen, peak: list[int], ended: threading.Event) -> None:
    while not ended.wait(SAMPLE_SECONDS):
        try:
            tree = [process, *process.children(recursive=True)]
            peak[0] = max(peak[0], sum(_memory(member) for member in tree))
        except psutil.NoSuchProcess:
            return


def _memory(process: psutil.Process) -> int:
    try:
        used = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
    return int(getattr(used, "pss", used.rss))


def write_manifests(number: int) -> Path:
    """Write ``number`` manifests, one a file, a hundred a folder; give the folder above them."""
    folder = BENCH / f"yaml-{number}"
    if not (folder / ".complete").exists():
        for place, obj in enumerate(objects(number)):
            path = folder / f"{place // 100:05d}" / f"{place:06d}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.dump(obj, Dumper=yaml.CSafeDumper, sort_keys=False))
        (folder / ".complete").touch()
    return folder


def write_snapshot(number: int) -> Path:
    """Write a snapshot of the same objects; give its path."""
    from thunderguard.snapshot import write_snapshot as write

    path = BENCH / f"snapshot-{number}.jsonl"
    if not path.exists():
        BENCH.mkdir(exist_ok=True)
        write(path, objects(number), captured_at="2025-10-08T12:00:00Z", cluster_version=None, context=None, unread=[])
    return path


def objects(number: int) -> Iterator[dict[str, Any]]:
    """Give ``number`` objects as an estate has them; one workload in fifty breaks a rule."""
    makers: tuple[Callable[[int], dict[str, Any]], ...] = (_job, _cron_job, _job, _service, _config)
    for place in range(number):
        yield makers[place % len(makers)](place)


def _metadata(place: int, name: str, component: str) -> dict[str, Any]:
    return {
        "name": f"{name}-{place:06d}",
        "namespace": "thunderline",
        "uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}-{place}.thunderguard.dev")),
        "labels": {
            "app.kubernetes.io/name": "thunderhelm",
            "app.kubernetes.io/instance": "thunderline",
            "app.kubernetes.io/component": component,
            "app.kubernetes.io/managed-by": "Helm",
            "helm.sh/chart": "thunderhelm-0.3.0",
        },
        "annotations": {"meta.helm.sh/release-name": "thunderline", "meta.helm.sh/release-namespace": "thunderline"},
    }


def _container(place: int, name: str, image: str) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": name,
        "image": image if place % 50 else image.rpartition(":")[0] + ":latest",
        "args": ["--study", f"study-{place % 97}", "--trial", str(place), "--storage", "postgres"],
        "env": [{"name": f"SETTING_{i:02d}", "value": f"value-{place}-{i}"} for i in range(12)],
        "ports": [{"name": "http", "containerPort": 8000}],
        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 10},
        "livenessProbe": {"httpGet": {"path": "/live", "port": "http"}, "periodSeconds": 20},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/study"}, {"name": "scratch", "mountPath": "/scratch"}],
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "runAsNonRoot": True},
    }
    if place % 50 == 25:
        del container["resources"]["limits"]
    return container


def _template(place: int, name: str, component: str, image: str) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": "thunderhelm", "app.kubernetes.io/component": component}
    return {
        "metadata": {"labels": labels},
        "spec": {
            "serviceAccountName": name,
            "containers": [_container(place, name, image)],
            "volumes": [{"name": "config", "configMap": {"name": name}}, {"name": "scratch", "emptyDir": {}}],
            "terminationGracePeriodSeconds": 30,
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "tolerations": [{"key": "batch", "operator": "Exists", "effect": "NoSchedule"}],
        },
    }


def _job(place: int) -> dict[str, Any]:
    template = _template(place, "cerebros", "cerebros", "thunderline/cerebros-runner:1.4.2")
    template["spec"]["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(place, "cerebros-trial", "cerebros"),
        "spec": {"backoffLimit": 2, "ttlSecondsAfterFinished": 3600, "template": template},
    }


def _cron_job(place: int) -> dict[str, Any]:
    template = _template(place, "cerebros", "cerebros", "thunderline/cerebros-runner:1.4.2")
    template["spec"]["restartPolicy"] = "OnFailure"
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": _metadata(place, "cerebros-sweep", "cerebros"),
        "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"backoffLimit": 2, "template": template}}},
    }


def _service(place: int) -> dict[str, Any]:
    ports = [{"name": f"p{i}", "port": 8000 + i, "targetPort": f"p{i}", "protocol": "TCP"} for i in range(24)]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(place, "feature-store", "feature-store"),
        "spec": {"selector": {"app.kubernetes.io/component": "feature-store"}, "ports": ports},
    }


def _config(place: int) -> dict[str, Any]:
    lines = "\n".join(f"option.{i} = {json.dumps(f'text {place} {i} of a study')}" for i in range(52))
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(place, "study", "cerebros"),
        "data": {"study.properties": lines},
    }


if __name__ == "__main__":
    sys.exit(main())
