"""The CI examples are valid, and their commands run: against examples/good they give exit code 0."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CI = ROOT / "examples" / "ci"
TOOLS = ROOT / ".tools" / "bin"
JUDGES = ("thunderguard", "conftest")


def load(name: str) -> dict[str, Any]:
    """Read one example, all scalars as text: the key ``on`` of a workflow is the boolean true to YAML 1.1."""
    text = (CI / name).read_text(encoding="utf-8")
    value: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - makes nothing but text
    return value


def github_steps() -> Iterator[str]:
    """Give the shell text of every step of the workflow."""
    for step in load("github-workflow.yaml")["jobs"]["estate"]["steps"]:
        if "run" in step:
            yield step["run"]


def gitlab_steps() -> Iterator[str]:
    """Give the shell text of every line of the job."""
    job = load("gitlab-ci.yaml")["thunderguard"]
    yield from job["before_script"]
    yield from job["script"]


def judging(steps: Iterator[str]) -> list[str]:
    """Keep the steps that judge; the others install things."""
    return [step.strip() for step in steps if step.startswith(JUDGES)]


def action() -> dict[str, Any]:
    """Read the composite action."""
    return load("github-action/action.yml")


def action_steps() -> Iterator[tuple[str, dict[str, str]]]:
    """Give the shell text of every step of the action, with its environment."""
    for step in action()["runs"]["steps"]:
        if "run" in step:
            yield step["run"], step.get("env", {})


COMMANDS = [
    *(pytest.param(command, id=f"github-{i}") for i, command in enumerate(judging(github_steps()))),
    *(pytest.param(command, id=f"gitlab-{i}") for i, command in enumerate(judging(gitlab_steps()))),
]


def run(command: str, *, manifests: Path, **own: str) -> subprocess.CompletedProcess[str]:
    """Run a step as its job would: in bash, with the job's variables, the pinned tools first in the path."""
    if not (TOOLS / "conftest").exists():
        pytest.fail("run `make tools`")
    path = os.pathsep.join([str(TOOLS), str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    variables = {
        "MANIFESTS": str(manifests.relative_to(ROOT)),
        "ESTATE": "examples/thunderline/estate.yaml",
        "THUNDERGUARD": ".",
        **own,
    }
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=ROOT,
        env={**os.environ, **variables, "PATH": path},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_both_jobs_run_the_same_commands() -> None:
    assert judging(github_steps()) == judging(gitlab_steps())
    assert [command.split()[0:2] for command in judging(github_steps())] == [
        ["thunderguard", "estate"],
        ["conftest", "test"],
        ["thunderguard", "lint"],
    ]


def test_the_workflow_has_what_github_needs() -> None:
    workflow = load("github-workflow.yaml")
    assert {"name", "on", "permissions", "jobs"} <= set(workflow)
    for job in workflow["jobs"].values():
        assert "runs-on" in job
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert re.fullmatch(r"[a-z-]+/[a-z-]+@v[0-9]+", step.get("uses", "a/b@v1"))


def test_the_gitlab_job_has_what_gitlab_needs() -> None:
    job = load("gitlab-ci.yaml")["thunderguard"]
    assert {"stage", "image", "script"} <= set(job)
    assert all(isinstance(line, str) for line in (*job["before_script"], *job["script"]))


def test_both_jobs_set_the_variables_their_commands_read() -> None:
    workflow, job = load("github-workflow.yaml"), load("gitlab-ci.yaml")["thunderguard"]
    for command in judging(github_steps()):
        read = set(re.findall(r"\$([A-Z]+)", command))
        assert read <= set(workflow["env"])
        assert read <= set(job["variables"])


def test_both_jobs_install_the_pinned_conftest() -> None:
    module = (ROOT / "tools" / "conftest" / "go.mod").read_text(encoding="utf-8")
    pin = re.search(r"github\.com/open-policy-agent/conftest (v[0-9.]+)", module)
    assert pin is not None
    for steps in (github_steps(), gitlab_steps()):
        assert f"conftest@{pin.group(1)}" in "\n".join(steps)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_passes_the_good_estate(command: str) -> None:
    done = run(command, manifests=ROOT / "examples" / "good")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", [command for command in COMMANDS if "estate check" not in str(command.values[0])])
def test_a_command_fails_the_bad_one(command: str) -> None:
    done = run(command, manifests=ROOT / "examples" / "bad")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "deprecated-chart" in done.stdout, done.stderr  # conftest gives 1 for a mistake in its flags, too


def judge(manifests: Path, sarif: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the last step of the action with ``inputs``, and its defaults for the others."""
    *_, (command, environment) = action_steps()
    given = {name: one.get("default", "") for name, one in action()["inputs"].items()}
    given |= {"manifests": str(manifests), "estate": "examples/thunderline/estate.yaml", "sarif": str(sarif)}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    assert set(environment.values()) == {f"${{{{ inputs.{name} }}}}" for name in given}
    values = {key: given[value.removeprefix("${{ inputs.").removesuffix(" }}")] for key, value in environment.items()}
    return run(command, manifests=manifests, **values)


def test_the_action_has_what_github_needs() -> None:
    whole = action()
    assert {"name", "description", "inputs", "outputs", "runs"} == set(whole)
    assert whole["runs"]["using"] == "composite"
    for step in whole["runs"]["steps"]:
        assert ("uses" in step) != ("run" in step)
        assert "run" not in step or step["shell"] == "bash"
    used = set(re.findall(r"inputs[.]([a-z-]+)", (CI / "github-action" / "action.yml").read_text(encoding="utf-8")))
    assert used == set(whole["inputs"])
    # A value is never pasted into a script, where it could be code.
    assert not any("${{" in command for command, _ in action_steps())


def test_the_action_installs_what_it_stands_in() -> None:
    [(command, _), *_] = action_steps()
    assert command == 'python -m pip install --quiet "$GITHUB_ACTION_PATH/../../.."'
    assert (CI / "github-action" / ".." / ".." / ".." / "pyproject.toml").is_file()


def test_the_action_checks_the_estate() -> None:
    _, (command, _), _ = action_steps()
    assert run(command, manifests=CI, ESTATE="examples/thunderline/estate.yaml").returncode == 0
    assert run(command, manifests=CI, ESTATE="examples/good/web.yaml").returncode == 2


def test_the_action_passes_the_good_estate(tmp_path: Path) -> None:
    done = judge(ROOT / "examples" / "good", tmp_path / "x.sarif", complete="true", namespace="thunderline")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "::error" not in done.stdout
    assert json.loads((tmp_path / "x.sarif").read_text())["runs"][0]["results"] == []


def test_the_action_fails_the_bad_one_and_says_where(tmp_path: Path) -> None:
    done = judge(ROOT / "examples" / "bad", tmp_path / "x.sarif")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^::error file=[^,]*deprecated-chart.yaml,line=[0-9]+", done.stdout, re.MULTILINE)
    assert json.loads((tmp_path / "x.sarif").read_text())["runs"][0]["results"]
    assert judge(ROOT / "examples" / "bad", tmp_path / "x.sarif", fail_on="never").returncode == 0
    assert judge(ROOT / "no such folder", tmp_path / "x.sarif").returncode == 2


def test_the_action_knows_a_baseline(tmp_path: Path) -> None:
    known = tmp_path / "known.json"
    report = f"thunderguard lint --format json --output {known} --fail-on never examples/bad"
    assert run(report, manifests=ROOT / "examples" / "bad").returncode == 0
    assert judge(ROOT / "examples" / "bad", tmp_path / "x.sarif", baseline=str(known)).returncode == 0


def test_the_plain_conftest_step_of_the_readme_runs() -> None:
    text = (CI / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^    (conftest test .*) deploy$", text, re.MULTILINE)
    assert found is not None
    command = found[1].replace("estate:estate.yaml", "estate:examples/thunderline/estate.yaml")
    assert run(f"{command} examples/good", manifests=CI).returncode == 0
    bad = run(f"{command} examples/bad", manifests=CI)
    assert bad.returncode == 1
    assert "deprecated-chart" in bad.stdout
