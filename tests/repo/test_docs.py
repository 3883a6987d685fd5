"""The documents' commands are run, and what they name is there."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from outside import outside_make

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (
    *("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"),
    *("examples/live/README.md", "examples/thunderline/README.md", "examples/webhook/README.md"),
)
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXIT = re.compile(r"\s+# exit ([0-3])$")
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


def commands() -> list[tuple[str, int]]:
    found = []
    for block in _BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8")):
        for line in block.splitlines():
            code = _EXIT.search(line)
            command = _EXIT.sub("", line)
            # `make test` runs this test.
            if command != "make test":
                found.append((command, int(code[1]) if code else 0))
    return found


@pytest.mark.parametrize(("command", "code"), commands())
def test_the_commands_of_the_readme_end_as_it_says(command: str, code: int) -> None:
    done = subprocess.run(
        shlex.split(command),
        cwd=ROOT,
        env=outside_make(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]


def test_the_picture_in_the_readme_is_what_is_printed() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    picture = re.search(r"```text\n(What runs where\n.*?)```", text, re.DOTALL)
    assert picture is not None
    done = subprocess.run(
        [".venv/bin/thunderguard", "audit", "examples/thunderline/2025-10-08.jsonl"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={"PYTHONIOENCODING": "utf-8", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
    )
    assert picture[1] in done.stdout


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    path = ROOT / name
    missing = [
        target for target in _LINK.findall(path.read_text(encoding="utf-8")) if not (path.parent / target).exists()
    ]
    assert not missing
