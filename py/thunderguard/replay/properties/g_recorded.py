"""The recorded report of a snapshot is reproduced exactly, or the difference is shown as a change of policy.

Beside a snapshot NAME.jsonl there may be the report that was made of it, NAME.findings.json. An engine gives that very
report, but for times and the engine itself. When the arbiter gives another one, too, it is the policy or the Estate
that changed since; then the findings that came and went are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from thunderguard.audit import run_audit
from thunderguard.errors import SourceError, ThunderguardError
from thunderguard.model import JsonObject
from thunderguard.replay.judges import Judge
from thunderguard.replay.properties.base import Mismatch, Property, SetExample, SetPart, World, stated

_SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".ndjson", ".json", ".yaml", ".yml")
_ENDING = ".findings.json"


def recorded_beside(snapshot: str) -> Path | None:
    """Give the recorded report beside a snapshot; None when there is none."""
    for suffix in _SUFFIXES:
        if snapshot.endswith(suffix):
            path = Path(snapshot.removesuffix(suffix) + _ENDING)
            return path if path.is_file() else None
    return None


def _examples(world: World, judge: Judge, arbiter: Judge, count: int) -> Iterator[SetExample]:
    del count
    for snapshot, _ in world.snapshots:
        path = recorded_beside(snapshot)
        if path is None or not judge.judges_sets:
            continue
        try:
            yield _compared(world, snapshot, path, judge.name, arbiter.name)
        except ThunderguardError as error:
            yield SetExample(trouble=error.message)


def _compared(world: World, snapshot: str, path: Path, name: str, arbiter: str) -> SetExample:
    recorded, mine = _read(path), _report(world, snapshot, name)
    if _bare(mine) == _bare(recorded):
        return SetExample()
    if name == arbiter or _bare(mine) == _bare(_report(world, snapshot, arbiter)):
        changes = [*_told("-", _lines(recorded), _lines(mine)), *_told("+", _lines(mine), _lines(recorded))]
        what = (
            "the Estate is another one"
            if recorded["estate"].get("sha256") != mine["estate"]["sha256"]
            else "the rules are others"
        )
        return SetExample(note="\n".join([f"change of policy since {path}: {what}", *changes]), changed=True)
    left, right = _lines(recorded), _lines(mine)
    return SetExample(
        Mismatch(
            str(path),
            name,
            tuple(_told("", left, right)) or ("the same findings",),
            tuple(_told("", right, left)) or ("the same findings, in another report",),
            frozenset({"report"}),
        )
    )


def _report(world: World, snapshot: str, engine: str) -> JsonObject:
    return world.written(run_audit([snapshot], estate=world.estate.path, engine=engine))


def _read(path: Path) -> JsonObject:
    try:
        value: Any = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} is no report: {error}") from None
    if not isinstance(value, dict) or not all(key in value for key in ("source", "estate", "findings")):
        raise SourceError(f"{path} is no report: it has no source, Estate or findings")
    return value


def _bare(report: JsonObject) -> JsonObject:
    """Leave out where the files of a report happened to be."""
    value: JsonObject = orjson.loads(orjson.dumps(report))
    for holder in (value["source"], value["estate"]):
        holder.pop("path", None)
    for entry in (*value["findings"], *value.get("ledger", {}).get("objects", ())):
        entry.pop("file", None)
    return value


def _lines(report: JsonObject) -> list[str]:
    lines = []
    for finding in report["findings"]:
        resource = finding["resource"]
        where = f"{resource['namespace']}/" if resource["namespace"] else ""
        lines.append(f"{finding['rule']} at {where}{resource['kind']}/{resource['name']} {finding['path']}".rstrip())
    return lines


def _told(sign: str, some: Sequence[str], others: Sequence[str]) -> list[str]:
    known = set(others)
    return [f"{sign} {line}".strip() for line in some if line not in known]


PROPERTY = Property("g", stated(__doc__), (SetPart(_examples),))
