"""Sixteen clients create "the only MLflow" at once: how many instances are there then? Run it by ``make race``.

A rule that asks whether there is another instance races, since each of two requests sees a cluster without the other.
A rule that asks whether this is the one address does not: the API server itself makes kind, namespace and name unique.
"""

from __future__ import annotations

import argparse
import copy
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import yaml
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bed.cluster import ROOT
from bed.lookup import look_up_instead
from bed.ways import OWN, way
from thunderguard.catalogue import load_catalogue
from thunderguard.controlplane.api import Api, path_of
from thunderguard.engines.base import EngineOptions
from thunderguard.engines.webhook.door import Door
from thunderguard.errors import ThunderguardError
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import JsonObject

ROUNDS, CLIENTS = 50, 16
#: Beside the ways of this project, to show what it is worth: Kyverno with a policy that looks for another one.
LOOK_UP = "look-up"
ALL = (*OWN, LOOK_UP)
NAMESPACES = ("thunderline", "research")
# Of each kind its API version, its plural and its name.
KINDS = (
    ("apps/v1", "deployments", "Deployment"),
    ("apps/v1", "statefulsets", "StatefulSet"),
    ("apps/v1", "daemonsets", "DaemonSet"),
    ("apps/v1", "replicasets", "ReplicaSet"),
    ("v1", "pods", "Pod"),
)
_MANIFEST = ROOT / "examples" / "good" / "mlflow-tracking.yaml"


@dataclass(frozen=True, slots=True)
class Create:
    """A request to create ``obj`` in the collection at ``path``."""

    path: str
    obj: JsonObject


@dataclass(slots=True)
class Result:
    """What came of the rounds of one way: how many of them ended with how many instances."""

    way: str
    instances: Counter[int] = field(default_factory=Counter)
    #: What was said to requests that were neither admitted nor denied for a reason that a race may have.
    trouble: list[str] = field(default_factory=list)

    @property
    def rounds(self) -> int:
        """How many rounds there were."""
        return self.instances.total()

    @property
    def holds(self) -> bool:
        """Whether every round ended with exactly one instance."""
        return not self.trouble and set(self.instances) == {1}


def creates() -> list[Create]:
    """Give what is created in one round: MLflow at its home, and elsewhere under other names, kinds, namespaces."""
    home: JsonObject = next(yaml.safe_load_all(_MANIFEST.read_text(encoding="utf-8")))
    made = [_create(home, *KINDS[0], NAMESPACES[0], home["metadata"]["name"]) for _ in range(4)]
    for number in range(CLIENTS - len(made)):
        version, plural, kind = KINDS[number % len(KINDS)]
        made.append(_create(home, version, plural, kind, NAMESPACES[number % 2], f"tracking-{number}"))
    return made


def _create(home: JsonObject, version: str, plural: str, kind: str, namespace: str, name: str) -> Create:
    obj = copy.deepcopy(home)
    metadata = {**obj["metadata"], "namespace": namespace, "name": name}
    spec = obj["spec"]
    match kind:
        case "Pod":
            metadata["labels"] = {**metadata["labels"], **spec["template"]["metadata"]["labels"]}
            spec = spec["template"]["spec"]
        case "Deployment":
            pass
        case "StatefulSet":
            spec = {key: spec[key] for key in ("replicas", "selector", "template")} | {"serviceName": name}
        case "DaemonSet":
            spec = {key: spec[key] for key in ("selector", "template")}
        case _:
            spec = {key: spec[key] for key in ("replicas", "selector", "template")}
    return Create(
        path_of(plural, api_version=version, namespace=namespace),
        {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec},
    )


def instances(api: Api) -> list[str]:
    """Give the paths of all MLflow workloads that exist."""
    found = []
    for version, plural, _ in KINDS:
        listed = api.get(path_of(plural, api_version=version)) or {}
        found += [
            path_of(plural, api_version=version, namespace=one["metadata"]["namespace"], name=one["metadata"]["name"])
            for one in listed["items"]
        ]
    return found


def race(name: str, door: Door, rounds: int, each: Callable[[], None] = lambda: None) -> Result:
    """Run ``rounds`` rounds of the way ``name`` at its ``door``; ``each`` is called after every one."""
    result = Result(name)
    wanted = creates()
    for _ in range(rounds):
        result.trouble += _round(door.plane.door, wanted)
        there = instances(door.plane.back)
        result.instances[len(there)] += 1
        for path in there:
            door.plane.back.delete(path)
        each()
    return result


def _round(api: Api, wanted: Sequence[Create]) -> list[str]:
    """Send all requests at once; give what was said that is neither an admission nor a denial."""
    gate = threading.Barrier(len(wanted))
    trouble: list[str] = []

    def send(one: Create) -> None:
        gate.wait()
        try:
            answer = api.request("POST", one.path, one.obj)
        except ThunderguardError as error:
            trouble.append(error.message)
            return
        is_denied = answer.status in {403, 409, 422} or "denied the request" in answer.message
        if not answer.is_good and (not is_denied or "failed calling webhook" in answer.message):
            trouble.append(f"{answer.status} {answer.message}")

    threads = [threading.Thread(target=send, args=(one,)) for one in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return trouble


def estate() -> dict[str, Any]:
    """Give the Estate of Thunderline with a second namespace where anything but MLflow could be."""
    data = copy.deepcopy(load_estate(DEFAULT_ESTATE).data)
    data["spec"]["namespaces"]["allowed"] = list(NAMESPACES)
    return data


@contextmanager
def opened(name: str, contract: JsonObject) -> Iterator[Door]:
    """Open a door of its own for the way ``name``, with ``contract`` in force. Raises EngineError and the like."""
    door = Door(way("kyverno" if name == LOOK_UP else name), load_catalogue(), EngineOptions())
    try:
        for namespace in NAMESPACES:
            space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
            door.plane.back.create(path_of("namespaces", api_version="v1"), space)
        with door.judging_by(contract):
            if name == LOOK_UP:
                first = creates()[0]
                look_up_instead(door.plane, first.path, first.obj)
            yield door
    finally:
        door.close()


def table(results: Sequence[Result]) -> Table:
    """Give the table of ``results``."""
    drawn = Table(title=f"{CLIENTS} creates of the only MLflow at once")
    for heading in ("way", "rounds", "exactly one", "more than one", "none", "most"):
        drawn.add_column(heading, justify="left" if heading == "way" else "right")
    for one in results:
        many = sum(count for number, count in one.instances.items() if number > 1)
        numbers = (one.rounds, one.instances[1], many, one.instances[0], max(one.instances, default=0))
        drawn.add_row(one.way, *map(str, numbers))
    return drawn


def main() -> int:
    """Race at every way that is asked for; give 0 when those of this project held in every round, else 1."""
    parser = argparse.ArgumentParser(prog="make race", description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--way", action="append", choices=ALL, help="may be repeated; all without it")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    results = []
    told = Console(stderr=True)
    with Progress(console=told, transient=True, disable=not told.is_terminal) as progress:
        for name in asked.way or ALL:
            task = progress.add_task(name, total=asked.rounds)
            with opened(name, estate()) as door:
                results.append(race(name, door, asked.rounds, partial(progress.advance, task)))
    Console(width=100).print(table(results))
    for one in results:
        for said in sorted(set(one.trouble))[:3]:
            told.print(f"{one.way}: {said[:400]}", markup=False, highlight=False)
    return 0 if all(one.holds for one in results if one.way in OWN) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ThunderguardError as error:
        sys.exit(f"error: {error}")
