"""Measure charts: ten values files rendered and judged against `helm template` alone, and values tried by a property.

Prints a table and whether the goals are reached: judging adds at most 0.3 s for each values file, and values are tried
at five renders a second for each core. Helm alone renders the same files, as many at a time as there are cores.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
THUNDERGUARD = ROOT / ".venv" / "bin" / "thunderguard"
HELM = ROOT / ".tools" / "bin" / "helm"
CHART = ROOT / "examples" / "charts" / "thunderline"
MOST_MORE = 0.3
LEAST_PER_CORE = 5.0


def main() -> int:
    """Measure, print; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeat", type=int, default=5, help="how often each is measured (default 5)")
    add_options(parser)
    console = Console()
    return told(console, measured(console, parser.parse_args()))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what :func:`measured` asks for, beside ``--repeat``."""
    parser.add_argument("--chart", type=Path, default=CHART, help="the chart (default examples/charts/thunderline)")
    parser.add_argument("--files", type=int, default=10, help="how many values files (default 10)")
    parser.add_argument("--examples", type=int, default=100, help="values that the property draws (default 100)")


def measured(console: Console, chosen: argparse.Namespace) -> dict[str, bool]:
    """Measure and print; give the goals and whether each is reached."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="thunderguard-bench-") as folder:
        chart = with_values(chosen.chart, Path(folder) / "chart", chosen.files)
        words = ["charts", str(chart), "--format", "json", "--fail-on", "never"]
        helm, judged = [], []
        # In turns, so that a slow moment of the machine meets both.
        for turn in range(chosen.repeat):
            console.print(f"turn {turn + 1}: charts", style="dim")
            helm.append(timed(lambda: helm_alone(chart, cores)))
            judged.append(timed(lambda: run(words)))
        draws = ["--property", "--seed", "1", "--examples", str(chosen.examples), "--format", "json"]
        tried = json.loads(run(["charts", str(chart), *draws]))
    more = statistics.median(b - a for a, b in zip(helm, judged, strict=True)) / chosen.files
    per_core = tried["renders"] / tried["seconds"] / cores
    table = Table(title=f"{chosen.files} values files on {cores} cores, median of {chosen.repeat}")
    for heading in ("command", "wall s", "min-max"):
        table.add_column(heading, justify="left" if heading == "command" else "right")
    for name, seconds in (("helm template", helm), ("thunderguard charts", judged)):
        table.add_row(name, f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f}-{max(seconds):.2f}")
    console.print(table)
    rate = f"{tried['renders'] / tried['seconds']:.1f} renders/s, {per_core:.1f} a core"
    console.print(f"values tried: {tried['renders']} renders in {tried['seconds']:.1f} s, {rate}")
    return {
        f"judging adds at most {MOST_MORE} s for each file to helm template (adds {more:.2f} s)": more <= MOST_MORE,
        f"at least {LEAST_PER_CORE:g} renders/s a core": per_core >= LEAST_PER_CORE,
    }


def told(console: Console, goals: Mapping[str, bool]) -> int:
    """Print each goal and whether it is reached; give 1 when one is missed, else 0."""
    for goal, reached in goals.items():
        console.print(f"{'reached' if reached else 'MISSED '}  {goal}", style="green" if reached else "red")
    return 0 if all(goals.values()) else 1


def with_values(chart: Path, target: Path, number: int) -> Path:
    """Copy ``chart`` to ``target`` with ``number`` values files, its own the first of them."""
    shutil.copytree(chart, target, ignore=shutil.ignore_patterns("ci", "examples", "values-*", "thunderguard-*"))
    for place in range(1, number):
        (target / f"values-{place:02}.yaml").write_text(f"bench: {{place: {place}}}\n", encoding="utf-8")
    # What the files say must be allowed, and is nothing that the chart reads.
    (target / "values.schema.json").unlink(missing_ok=True)
    return target


def helm_alone(chart: Path, cores: int) -> None:
    """Render ``chart`` with each of its values files, ``cores`` at a time."""
    commands = [
        [str(HELM), "template", "thunderline", str(chart), "--namespace", "thunderline", "--values", str(file)]
        for file in sorted(chart.glob("values*.yaml"))
    ]
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(lambda command: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), commands))


def timed(work: Callable[[], object]) -> float:
    """Give the seconds that ``work`` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def run(words: list[str]) -> str:
    """Run thunderguard and give what it prints."""
    done = subprocess.run([str(THUNDERGUARD), *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"thunderguard {' '.join(words)} ended with {done.returncode}: {done.stderr[:2000]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
