"""``thunderguard replay``: what it says and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result
from replay_bed import SNAPSHOT, Breaker, breaking, without

from thunderguard import schemas
from thunderguard.cli.app import app
from thunderguard.cli.replay import PROFILES
from thunderguard.model import Document, Outcome
from thunderguard.replay import Replay
from thunderguard.replay.mutations import MUTATIONS
from thunderguard.replay.properties import PROPERTIES
from thunderguard.replay.run import PROFILES as KNOWN

__all__ = ["breaking"]


def run(*words: str, **env: str) -> Result:
    return CliRunner(env={"COLUMNS": "80", "NO_COLOR": "", **env}).invoke(
        app, ["replay", *words], prog_name="thunderguard"
    )


def test_the_profiles_written_for_speed_are_those_there_are() -> None:
    assert tuple(KNOWN) == PROFILES


def test_the_list_has_every_property_and_mutation() -> None:
    result = run("--list")
    assert result.exit_code == 0
    for name, mutation in MUTATIONS.items():
        assert f" {name} " in result.output
        assert mutation.doc in result.output
    for one in PROPERTIES.values():
        assert f"  {one.id}  {one.title.split()[0]}" in result.output


def test_all_agree() -> None:
    result = run(SNAPSHOT, "--examples", "20", "--seed", "1", "--property", "a", "--property", "g", "--workers", "1")
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert result.output.endswith("2 properties, 2 engines; 4 agrees; exit 0\n")
    assert result.stderr == ""


def test_a_disagreement_is_exit_1(breaking: Breaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(document: Document, outcome: Outcome) -> Outcome:
        del document
        return without(outcome, "resource-limits", "initContainers")

    breaking(change)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests" / "cases").mkdir(parents=True)
    words = [SNAPSHOT, "--profile", "ci", "--property", "a", "--engines", "embedded", "--workers", "1", "--keep"]
    result = run(*words, "--junit", "out.xml", "--format", "json")
    assert result.exit_code == 1, result.output
    value = json.loads(result.output)
    schemas.validator("replay").validate(value)
    example = value["properties"][0]["engines"][0]["counterexamples"][0]
    assert len(example["manifest"].splitlines()) < 20
    assert example["kept"] == "tests/cases/regressions/resource-limits.yaml"
    assert (tmp_path / example["kept"]).is_file()
    assert "<failure" in (tmp_path / "out.xml").read_text("utf-8")
    assert value["seed"] == 0


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Give a list that takes what a replay is asked, in place of a replay."""
    asked: list[Any] = []

    def stand_in(snapshots: list[str], settings: Any, **_: Any) -> Replay:
        asked.append((snapshots, settings))
        return Replay(tuple(snapshots), 0, "e", settings.seed, settings.profile, settings.examples, {}, {}, {})

    monkeypatch.setattr("thunderguard.replay.run_replay", stand_in)
    return asked


def test_seeds_and_profiles(asked: list[Any]) -> None:
    for words in (["--profile", "ci"], ["--profile", "deep", "--engines", "all"], ["--examples", "7", "--seed", "9"]):
        assert run("a.jsonl", "b.jsonl", *words).exit_code == 0
    ci, deep, own = (settings for _, settings in asked)
    assert (ci.seed, ci.examples, ci.engines) == (0, 200, ("embedded", "reference"))
    assert deep.examples == 5000
    assert "conftest" in deep.engines
    assert (own.seed, own.examples) == (9, 7)
    assert own.words == ("a.jsonl", "b.jsonl")
    assert asked[0][0] == ["a.jsonl", "b.jsonl"]


def test_folders_and_names_reach_the_engines(asked: list[Any], tmp_path: Path) -> None:
    words = ["--engines", "native, kyverno,native", "--policies", str(tmp_path), "--estate", "mine.yaml"]
    assert run("a.jsonl", *words, "--deadline", "9").exit_code == 0
    ((_, settings),) = asked
    assert settings.engines == ("native", "kyverno")
    assert (settings.options.policies_dir, settings.options.deadline) == (tmp_path, 9)
    # What repeats an example asks the same policies.
    assert settings.words == ("a.jsonl", "--estate", "mine.yaml", "--policies", str(tmp_path))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "Missing argument"),
        (["nowhere.jsonl"], "nowhere.jsonl"),
        ([SNAPSHOT, "--engines", "guess"], "no engine is called 'guess'"),
        ([SNAPSHOT, "--engines", ","], "no engine is named"),
        ([SNAPSHOT, "--property", "z"], "no property is called 'z'"),
        ([SNAPSHOT, "--examples", "0"], "0 is not in the range"),
        ([SNAPSHOT, "--profile", "slow"], "'slow' is not one of"),
        ([SNAPSHOT, "--estate", "nowhere.yaml"], "nowhere.yaml"),
        ([SNAPSHOT, "--policies", "nowhere"], "'nowhere' does not exist"),
        ([SNAPSHOT, "--junit", "nowhere/out.xml"], "is not a directory"),
    ],
)
def test_wrong_usage_is_exit_2_and_one_line(words: list[str], told: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_an_engine_that_is_not_there_is_exit_3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("thunderguard.engines.pins._REPOSITORY", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run(SNAPSHOT, "--engines", "conftest,reference", "--examples", "5", "--property", "a", "--workers", "1")
    assert result.exit_code == 3
    assert "conftest (a): conftest is neither in" in result.stdout
    assert "1 agrees; 1 could not judge; exit 3" in result.stdout


def test_ctrl_c_prints_what_was_done(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "thunderguard.cli", "replay", SNAPSHOT, "--examples", "200000", "--seed", "1"]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, "--property", "b", "--junit", str(tmp_path / "out.xml"), "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 120
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        # It is at work once it has its two processes.
        while len(children.read_text().split()) < 2 and time.monotonic() < deadline:
            os.sched_yield()
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "interrupted, so this is not all; exit 130" in out
    assert "Traceback" not in err
    assert ET.fromstring((tmp_path / "out.xml").read_text("utf-8")).tag == "testsuites"  # noqa: S314 - it is ours
