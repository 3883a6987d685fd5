"""The real ``conftest test --combine`` on a whole set, as a team runs it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from thunderguard.engines.pins import find_program
from thunderguard.engines.sources import rego_root
from thunderguard.engines.verdict import decode_finding
from thunderguard.replay.cases import texts_of
from thunderguard.replay.judges import SetVerdict

if TYPE_CHECKING:
    from thunderguard.model import JsonObject
    from thunderguard.replay.properties.base import World


def combined(objects: Sequence[JsonObject], world: World) -> SetVerdict:
    """Give what conftest finds in the set, or why there is nothing."""
    program, rego = find_program("conftest", world.options).absolute(), rego_root(world.options).absolute()
    with tempfile.TemporaryDirectory(prefix="thunderguard-combine-") as folder:
        for place, text in enumerate(text for obj in objects for text in texts_of(obj)):
            (Path(folder) / f"{place:05}.json").write_bytes(text)
        command = [str(program), "test", "--combine", "--no-fail", "--output", "json", "--parser", "json"]
        command += ["--policy", str(rego), "--data", str(rego), "--data", f"estate:{world.estate.path.absolute()}"]
        try:
            done = subprocess.run(
                [*command, "--namespace", "thunderguard.main", "."],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=world.options.deadline,
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError) as error:
            return _nothing(f"gives no answer: {error}")
    if done.returncode != 0:
        return _nothing(f"ends with status {done.returncode}: {done.stderr.decode(errors='replace')[:300]}")
    try:
        results = orjson.loads(done.stdout)
        findings = [decode_finding(said, world.catalogue.rules) for said in _said(results)]
    except ValueError as error:
        return _nothing(f"answers what cannot be read: {error}")
    return SetVerdict({finding.key: finding for finding in findings}) if results else _nothing("gives no result")


def _nothing(why: str) -> SetVerdict:
    return SetVerdict({}, f"conftest --combine {why}")


def _said(results: Any) -> Iterator[Any]:
    for result in results:
        for kind in ("failures", "warnings"):
            for said in result.get(kind) or ():
                yield said.get("metadata")
