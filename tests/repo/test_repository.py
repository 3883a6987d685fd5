"""What holds for every file of the repository."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/\w")


def files() -> list[Path]:
    """Give every file that git has or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted({ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()})


def texts() -> list[tuple[Path, str]]:
    """Give every file that is text, with its text."""
    found = []
    for path in files():
        content = path.read_bytes()
        if b"\0" not in content:
            found.append((path.relative_to(ROOT), content.decode(errors="replace")))
    assert len(found) > 100
    return found


def test_no_file_names_a_place_on_one_machine() -> None:
    assert [str(path) for path, text in texts() if MACHINE.search(text)] == []


def test_no_file_has_a_conflict_marker() -> None:
    marker = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
    assert [str(path) for path, text in texts() if marker.search(text)] == []


def test_no_line_ends_in_a_carriage_return_unless_it_is_test_data() -> None:
    assert [str(path) for path, text in texts() if "\r\n" in text and "data" not in path.parts] == []


def test_ci_runs_what_people_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    steps = re.findall(r"^make (\w+)$", script.read_text(encoding="utf-8"), re.MULTILINE)
    assert steps == ["lint", "test"]


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    marker = re.compile(r"pytest\.(?:mark\.)?(?:skip|xfail|importorskip)|@unittest\.skip")
    assert [str(path) for path, text in texts() if path.parts[0] == "tests" and marker.search(text)] == []
