"""How long a create takes when each way admits it, against none, at one API server: ``make bench-admission``.

The ways take turns, with the server without any policy measured again before each, since machines have moods. One way
more is an OPA that judges next to nothing: what it costs to ask it at all.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import re
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rich.console import Console
from rich.table import Table

from bed.cluster import ROOT
from bed.ways import OWN, way
from thunderguard.catalogue import load_catalogue
from thunderguard.controlplane.api import Api, path_of
from thunderguard.controlplane.processes import wait
from thunderguard.engines.base import EngineOptions
from thunderguard.engines.webhook.plane import Plane
from thunderguard.errors import ThunderguardError
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import JsonObject

if TYPE_CHECKING:
    from thunderguard.engines.webhook.way import Way

NONE = "no policy"
FLOOR = "opa-floor"
WAYS = (*OWN, FLOOR)
CLIENTS = (1, 8, 32)
TURNS = 3
SECONDS = 6.0
# The first requests wait for connections, caches and compilation as well.
WARM_UP = 200
NAMESPACE = "thunderline"
_PATH = path_of("deployments", api_version="apps/v1", namespace=NAMESPACE)
_DRY = f"{_PATH}?dryRun=All"
_ADMISSION = "admissionregistration.k8s.io/v1"
_CONFIGURATIONS = (
    "validatingadmissionpolicybindings",
    "validatingadmissionpolicies",
    "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
)
# What is no policy of a way, but a copy that tells more than its original.
_COPY = re.compile(r"-told$|^told-")
_KYVERNO = "policies.kyverno.io/v1"
_NATIVE = 200


@dataclass(frozen=True, slots=True)
class Measured:
    """The latencies, in milliseconds, of the requests of ``clients`` clients, and how many were done a second."""

    latencies: Sequence[float]
    throughput: float

    @property
    def p50(self) -> float:
        """The median."""
        return statistics.median(self.latencies)

    @property
    def p99(self) -> float:
        """What all but one in a hundred stay below."""
        return statistics.quantiles(self.latencies, n=100)[98]

    @classmethod
    def of(cls, parts: Sequence[Measured]) -> Measured:
        """Put several measurements together."""
        latencies = list(itertools.chain.from_iterable(part.latencies for part in parts))
        return cls(latencies, statistics.mean(part.throughput for part in parts))


def workload() -> JsonObject:
    """Give a Deployment that every way admits."""
    manifest = ROOT / "examples" / "good" / "web.yaml"
    return next(one for one in yaml.safe_load_all(manifest.read_text("utf-8")) if one["kind"] == "Deployment")


def measure(api: Api, clients: int, seconds: float) -> Measured:
    """Let ``clients`` clients create, in dry runs, as fast as they can for ``seconds``. Raises EngineError."""
    obj = workload()
    gate = threading.Barrier(clients + 1)
    latencies: list[float] = []
    troubles: list[str] = []
    until = [0.0]

    def client() -> None:
        own: list[float] = []
        gate.wait()
        try:
            while (began := time.perf_counter()) < until[0] and not troubles:
                answer = api.request("POST", _DRY, obj)
                own.append((time.perf_counter() - began) * 1000)
                if not answer.is_good:
                    troubles.append(answer.message)
        except ThunderguardError as error:
            troubles.append(error.message)
        latencies.extend(own)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    until[0] = began + seconds
    gate.wait()
    for thread in threads:
        thread.join()
    if troubles:
        raise ThunderguardError(f"a request that should be admitted is not: {troubles[0][:400]}")
    return Measured(latencies, len(latencies) / (time.perf_counter() - began))


def measured_at(api: Api, seconds: float) -> dict[int, Measured]:
    """Measure with every number of clients, after a warm-up."""
    obj = workload()
    for _ in range(WARM_UP):
        api.request("POST", _DRY, obj)
    return {clients: measure(api, clients, seconds) for clients in CLIENTS}


@contextmanager
def in_force(plane: Plane, name: str) -> Iterator[None]:
    """Have the policies of the way ``name``, and no others, in force. Raises EngineError and the like."""
    one, options = _opened_by(name)
    one.open(plane, load_catalogue(), options)
    try:
        one.use(copy.deepcopy(load_estate(DEFAULT_ESTATE).data))
        _remove(plane, lambda object_name: _COPY.search(object_name) is not None)
        if name == "kyverno":
            _remove_kyverno(plane)
        wait(f"{name} in force", lambda: _is_denied(plane), seconds=60)
        yield
    finally:
        one.close()
        _remove(plane, lambda _: True)
        wait(f"{name} out of force", lambda: not _is_denied(plane), seconds=60)


def _opened_by(name: str) -> tuple[Way, EngineOptions]:
    if name == FLOOR:
        return way("opa"), EngineOptions(rego_dir=Path(__file__).parent / "floor")
    return way(name), EngineOptions()


def _is_denied(plane: Plane) -> bool:
    """Say whether a Deployment without limits is denied."""
    bad: Any = workload()
    for container in bad["spec"]["template"]["spec"]["containers"]:
        container.pop("resources")
    return not plane.door.request("POST", _DRY, bad).is_good


def _remove(plane: Plane, chosen: Callable[[str], bool]) -> None:
    for plural in _CONFIGURATIONS:
        listed = plane.back.get(path_of(plural, api_version=_ADMISSION)) or {}
        for one in listed["items"]:
            if chosen(one["metadata"]["name"]):
                plane.back.delete(path_of(plural, api_version=_ADMISSION, name=one["metadata"]["name"]))


def _remove_kyverno(plane: Plane) -> None:
    listed = path_of("validatingpolicies", api_version=_KYVERNO)
    for one in (plane.back.get(listed) or {})["items"]:
        if _COPY.search(one["metadata"]["name"]):
            # At the door, where Kyverno hears of it.
            plane.door.delete(f"{listed}/{one['metadata']['name']}")


def run(
    names: Sequence[str], turns: int, seconds: float, tell: Callable[[str], None]
) -> dict[str, dict[int, Measured]]:
    """Measure none and each of ``names`` in turns, and give what came out by way and number of clients."""
    parts: dict[str, list[dict[int, Measured]]] = {name: [] for name in (NONE, *names)}
    flags = tuple(dict.fromkeys(flag for name in names for flag in _opened_by(name)[0].flags))
    plane = Plane(EngineOptions(), door_flags=flags)
    try:
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        plane.back.create(path_of("namespaces", api_version="v1"), space)
        for turn in range(turns):
            for name in names:
                tell(f"turn {turn + 1}: {NONE}")
                parts[NONE].append(measured_at(plane.door, seconds / len(names)))
                tell(f"turn {turn + 1}: {name}")
                with in_force(plane, name):
                    parts[name].append(measured_at(plane.door, seconds))
    finally:
        plane.close()
    return {
        name: {clients: Measured.of([part[clients] for part in measured]) for clients in CLIENTS}
        for name, measured in parts.items()
    }


def table(results: dict[str, dict[int, Measured]]) -> Table:
    """Give the table of ``results``."""
    drawn = Table(title="creating a Deployment, by who admits it")
    for heading in ("way", "clients", "p50 ms", "p99 ms", "a second", "p50", "p99"):
        drawn.add_column(heading, justify="left" if heading == "way" else "right")
    for clients in CLIENTS:
        bare = results[NONE][clients]
        for name, measured in results.items():
            one = measured[clients]
            numbers = f"{one.p50:.1f}", f"{one.p99:.1f}", f"{one.throughput:.0f}"
            ratios = f"{one.p50 / bare.p50:.2f} x", f"{one.p99 / bare.p99:.2f} x"
            drawn.add_row(name, str(clients), *numbers, *ratios)
        drawn.add_section()
    return drawn


def goals(results: dict[str, dict[int, Measured]]) -> list[tuple[bool, str]]:
    """Say of each goal whether it is reached, as far as the ways it speaks of were measured."""
    said = []
    if "native" in results:
        said += [
            (
                results["native"][clients].throughput >= _NATIVE,
                f"native policies admit at least {_NATIVE} a second at {clients} clients",
            )
            for clients in (8, 32)
        ]
    if "opa" in results:
        bound = 1.5 * results[NONE][8].p99 + 5
        said.append(
            (
                results["opa"][8].p99 <= bound,
                f"OPA's p99 at 8 clients is at most 1.5 times that of none + 5 ms ({bound:.1f} ms)",
            )
        )
    if {"opa", "kyverno"} <= results.keys():
        said.append((results["opa"][8].p99 < results["kyverno"][8].p99, "OPA's p99 at 8 clients is below Kyverno's"))
    return said


def main() -> int:
    """Measure, print the table and the goals; give 0 when all are reached, else 1."""
    parser = argparse.ArgumentParser(prog="make bench-admission")
    parser.add_argument("--way", action="append", choices=WAYS, help="may be repeated; all without it")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each way, number of clients and turn")
    asked = parser.parse_args()
    told = Console(stderr=True)
    results = run(asked.way or WAYS, asked.turns, asked.seconds, lambda line: told.print(line, highlight=False))
    out = Console(width=100)
    out.print(table(results))
    reached = goals(results)
    for good, goal in reached:
        out.print(f"{'reached' if good else 'MISSED '}  {goal}", highlight=False)
    return 0 if all(good for good, _ in reached) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ThunderguardError as error:
        sys.exit(f"error: {error}")
