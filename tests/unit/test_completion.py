"""Completion is what the shells take, and completes commands and options for real in bash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from thunderguard.cli.app import COMMANDS, app
from thunderguard.cli.completion import SHELLS

DRIVER = """
eval "$(thunderguard completion bash)"
COMP_WORDS=({words})
COMP_CWORD=$(({words_count} - 1))
_thunderguard_completion thunderguard
printf '%s\\n' "${{COMPREPLY[@]}}"
complete -p thunderguard
"""


def completed(tmp_path: Path, *words: str) -> tuple[list[str], str]:
    """Give what bash would offer after ``words``, the last of which is begun, and how completion is registered."""
    program = tmp_path / "thunderguard"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m thunderguard.cli "$@"\n')
    program.chmod(0o755)
    script = DRIVER.format(words=" ".join(f"'{word}'" for word in words), words_count=len(words))
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", "-euo", "pipefail", "-c", script],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    *offered, registered = done.stdout.splitlines()
    return offered, registered


def test_bash_completes_a_command(tmp_path: Path) -> None:
    offered, registered = completed(tmp_path, "thunderguard", "ren")
    assert offered == ["render"]
    assert "_thunderguard_completion thunderguard" in registered


def test_bash_completes_an_option_of_a_command_and_its_values(tmp_path: Path) -> None:
    assert completed(tmp_path, "thunderguard", "docs", "--sna")[0] == ["--snapshot"]
    assert completed(tmp_path, "thunderguard", "completion", "")[0] == list(SHELLS)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_has_a_script(shell: str) -> None:
    done = CliRunner().invoke(app, ["completion", shell], prog_name="thunderguard")
    assert done.exit_code == 0
    assert f"_THUNDERGUARD_COMPLETE={shell}_complete" in done.output


def test_an_unknown_shell_is_one_line() -> None:
    done = CliRunner().invoke(app, ["completion", "cmd.exe"], prog_name="thunderguard")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: Invalid value for '{bash|fish|zsh}'")


def test_every_command_is_offered(tmp_path: Path) -> None:
    assert completed(tmp_path, "thunderguard", "")[0] == sorted(COMMANDS)
