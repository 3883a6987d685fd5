"""The hooks, run by the real pre-commit, which installs this package from a clone as a user's would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
IDENTITY = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false"]


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *IDENTITY, *arguments], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def environment(**own: str) -> dict[str, str]:
    # What a hook of this repository's own git, or an enclosing run, may have set is not about those repositories.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT", "PYTEST"))}
    return {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **own}


def repository(folder: Path) -> str:
    """Make ``folder`` a repository with all of it committed; give the commit."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all of it")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(name="source", scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Give a repository with what the package is built from, as the working tree has it, and its commit."""
    folder = tmp_path_factory.mktemp("source")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    for name in [*wheel["only-include"], *wheel.get("shared-data", {})]:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".kyverno-test"))
        else:
            shutil.copy(source, target)
    for name in ("pyproject.toml", "README.md", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, folder)
    return folder, repository(folder)


@pytest.fixture(name="home", scope="module")
def make_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder where pre-commit keeps what it installs, for all tests here."""
    return tmp_path_factory.mktemp("home")


def pre_commit(folder: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", *arguments],
        cwd=folder,
        env=environment(PRE_COMMIT_HOME=str(home), NO_COLOR="1"),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def project(folder: Path, source: Path, revision: str) -> None:
    """Make a user's repository: an Estate, manifests, some other YAML, and the configuration that the README shows."""
    (folder / "deploy").mkdir(parents=True)
    shutil.copy(ROOT / "examples" / "thunderline" / "estate.yaml", folder)
    shutil.copy(ROOT / "examples" / "good" / "web.yaml", folder / "deploy")
    (folder / "other.yaml").write_text("no: manifest\n")
    readme = (ROOT / "examples" / "ci" / "README.md").read_text(encoding="utf-8")
    shown = readme.partition("In `.pre-commit-config.yaml`:\n\n")[2].partition("\n\n")[0]
    config = yaml.safe_load("\n".join(line.removeprefix("    ") for line in shown.splitlines()))
    assert {hook["id"] for hook in config["repos"][0]["hooks"]} == {hook["id"] for hook in HOOKS}
    config["repos"][0] |= {"repo": str(source), "rev": revision}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    repository(folder)


def test_the_hooks_are_what_pre_commit_takes(home: Path) -> None:
    done = pre_commit(ROOT, home, "validate-manifest", ".pre-commit-hooks.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_commit_is_judged_by_the_installed_hooks(source: tuple[Path, str], home: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    project(mine, *source)
    clean = pre_commit(mine, home, "run", "--all-files")
    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert clean.stdout.count("Passed") == 2

    bad = mine / "deploy" / "web.yaml"
    bad.write_text(bad.read_text(encoding="utf-8").replace("namespace: thunderline", "namespace: elsewhere"))
    estate = mine / "estate.yaml"
    estate.write_text(estate.read_text(encoding="utf-8").replace("  namespaces:", "  namespases:"))
    git(mine, "add", "--all")
    done = pre_commit(mine, home, "run")
    assert done.returncode == 1
    assert done.stdout.count("Failed") == 2
    assert "did you mean namespaces?" in done.stdout
    git(mine, "checkout", "--quiet", "HEAD", "--", "estate.yaml")
    done = pre_commit(mine, home, "run")
    assert done.returncode == 1
    assert "singleton-service" in done.stdout
