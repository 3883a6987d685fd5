"""What tests of engines share: small policies with the same entry points as the real ones, and their surroundings."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from thunderguard.engines import Engine, EngineOptions, open_engine
from thunderguard.model import Document, EstateRequest, OutcomeKind

TINY = Path(__file__).parent / "data" / "tiny_rego"
OBJECT_RULES = ("has-team", "no-latest")
ESTATE_RULES = ("too-many",)
DEADLINE = 20.0


def opened(name: str, **options: Any) -> Engine:
    estate = cast("Any", SimpleNamespace(data={"teams": ["red", "blue"]}))
    catalogue = cast("Any", SimpleNamespace(object_rules=OBJECT_RULES, estate_rules=ESTATE_RULES))
    options.setdefault("rego_dir", TINY)
    options.setdefault("deadline", DEADLINE)
    return open_engine(name, estate=estate, catalogue=catalogue, options=EngineOptions(**options))


def pod(name: str, image: str = "web:1", team: str | None = "red") -> dict[str, Any]:
    labels = {} if team is None else {"team": team}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": labels},
        "spec": {"containers": [{"name": "a", "image": image}]},
    }


def documents(*values: Any) -> list[Document]:
    texts = [value if isinstance(value, bytes) else json.dumps(value).encode() for value in values]
    return [Document(index=index, text=text) for index, text in enumerate(texts)]


def check_order(engine: Engine, values: Sequence[Any]) -> None:
    """Assert that ``engine`` answers about each of ``values``, pods without a team or bytes that are no JSON."""
    outcomes = list(engine.judge(documents(*values)))
    assert len(outcomes) == len(values)
    for value, outcome in zip(values, outcomes, strict=True):
        if isinstance(value, bytes):
            assert outcome.kind is OutcomeKind.ENGINE_FAILED
        else:
            assert outcome.findings[0].resource.name == value["metadata"]["name"]
            assert set(outcome.statuses) == set(OBJECT_RULES)


def request_of(engine: Engine, docs: list[Document]) -> EstateRequest:
    records = [outcome.record for outcome in engine.judge(docs) if outcome.record is not None]
    return EstateRequest(records=[json.dumps(record).encode() for record in records], documents=lambda: docs)


def children() -> set[int]:
    """Give the ids of the processes below this one that still run."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    mine, grew = {os.getpid()}, True
    while grew:
        found = {pid for pid, parent in parents.items() if parent in mine} - mine
        grew = bool(found)
        mine |= found
    return mine - {os.getpid()}


def eventually(condition: Callable[[], bool], within: float = 10.0) -> bool:
    until = time.monotonic() + within
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def opa_process() -> int:
    """Give the id of the OPA server below this process."""
    found = [
        pid
        for pid in children()
        if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:3] == [b"run", b"--server"]
    ]
    assert len(found) == 1
    return found[0]
