"""The example of the replay: its tests run, and its lists are those of the code."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from thunderguard.replay.effects import PROMISES
from thunderguard.replay.mutations import FAMILIES
from thunderguard.replay.properties import PROPERTIES

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "examples" / "replay" / "README.md"
TEXT = README.read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_mutations_are_those_of_the_code() -> None:
    lists = [f"* **{promise}**: {meaning}\n" for promise, meaning in PROMISES.items()]
    for family in FAMILIES:
        lists.append(f"\n### {family.name.capitalize()}\n\n| mutation | what it does | effect |\n|---|---|---|\n")
        lists += [f"| `{one.name}` | {one.doc} | {one.promise} |\n" for one in family.mutations]
    assert TEXT.partition("## The mutations\n\n")[2] == "".join(lists)


def test_the_properties_are_those_of_the_code() -> None:
    for one in PROPERTIES.values():
        assert f"| {one.id} | {one.title} |\n" in TEXT


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", TEXT)
    assert targets
    assert all((README.parent / target).exists() for target in targets)


@pytest.mark.parametrize("command", [line for block in _BLOCK.findall(TEXT) for line in block.splitlines()])
def test_the_commands_work(command: str) -> None:
    done = subprocess.run(shlex.split(command), cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_the_example_fails_when_an_engine_does() -> None:
    """Its tests are no decoration: judged by nothing they do not pass."""
    asked = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "examples/replay/pytest.ini"]
    spoilt = "import thunderguard.engines.embedded as e; e.EmbeddedEngine.judge = lambda self, documents: iter(())"
    program = f"{spoilt}; import sys, pytest; sys.exit(pytest.main({[*asked[3:], 'examples/replay']!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 1, done.stdout[-3000:]
