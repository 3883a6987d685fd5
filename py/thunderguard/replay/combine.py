"""The real ``conftest test --combine`` on a whole set, as a team runs it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from thunderguard.engines import EngineOptions
from thunderguard.engines.pins import find_program
from thunderguard.engines.sources import rego_root
from thunderguard.model import JsonObject, Level, RawFinding, Resource
from thunderguard.replay.cases import texts_of
from thunderguard.replay.judges import Key


def combined(objects: Sequence[JsonObject], estate: Path, options: EngineOptions) -> tuple[dict[Key, RawFinding], str]:
    """Give what conftest finds in the set; the second value says why there is nothing, "" when there is."""
    program, rego = find_program("conftest", options).absolute(), rego_root(options).absolute()
    with tempfile.TemporaryDirectory(prefix="thunderguard-combine-") as folder:
        for place, text in enumerate(text for obj in objects for text in texts_of(obj)):
            (Path(folder) / f"{place:05}.json").write_bytes(text)
        command = [str(program), "test", "--combine", "--no-fail", "--output", "json", "--parser", "json"]
        command += ["--policy", str(rego), "--data", str(rego), "--data", f"estate:{estate.absolute()}"]
        try:
            done = subprocess.run(
                [*command, "--namespace", "thunderguard.main", "."],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=options.deadline,
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError) as error:
            return {}, f"conftest --combine gives no answer: {error}"
    if done.returncode != 0:
        return (
            {},
            f"conftest --combine ends with status {done.returncode}: {done.stderr.decode(errors='replace')[:300]}",
        )
    results = orjson.loads(done.stdout)
    found = [_finding(said) for result in results for kind in ("failures", "warnings") for said in result.get(kind, ())]
    return {finding.key: finding for finding in found}, "" if results else "conftest --combine gives no result"


def _finding(said: Any) -> RawFinding:
    told = said["metadata"]
    return RawFinding(
        rule=told["rule"],
        resource=Resource(**told["resource"]),
        path=told["path"],
        level=Level(told["level"]),
        service=told.get("service"),
        message=told["message"],
        remedy=told["remedy"],
    )
