"""The wheel carries everything: without the repository round it the package judges as it does here."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from thunderguard import assets
from thunderguard.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
ESTATE = "examples/thunderline/estate.yaml"


@pytest.fixture(name="wheel", scope="module")
def build_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the backend that is installed, and give it unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_wheel_has_the_assets_as_they_are(wheel: Path) -> None:
    packaged = wheel / "thunderguard" / "_assets"
    there = {f"{name}/{file}" for name in ("rego", "policies") for file in files_below(ROOT / name)}
    tests = {file for file in there if file.endswith("_test.rego") or "/.kyverno-test/" in file}
    assert {file.partition("/")[0] for file in tests} == {"rego", "policies"}
    wanted = {ESTATE, *there - tests}
    assert files_below(packaged) == wanted
    assert "rego/thunderguard/main/main.rego" in wanted
    assert "policies/estate.crd.yaml" in wanted
    for file in wanted:
        assert (packaged / file).read_bytes() == (ROOT / file).read_bytes()


def test_the_wheel_has_the_package_and_nothing_beside_it(wheel: Path) -> None:
    files = files_below(wheel)
    assert {file.partition("/")[0].partition("-")[0] for file in files} == {"thunderguard"}
    assert {"thunderguard/py.typed", "thunderguard/schemas/report.schema.json"} <= files
    assert [file for file in files if "cache" in file] == []


def test_the_wheel_judges_without_the_repository(wheel: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_bytes((ROOT / "examples" / "bad" / "singleton-service.yaml").read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "thunderguard.cli", "lint", "--rule", "singleton-service", str(bad)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(wheel)},  # before the repository's own folder
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    where = subprocess.run(
        [sys.executable, "-c", "from thunderguard import assets; print(assets.root('rego'))"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout.strip()) == wheel / "thunderguard" / "_assets" / "rego"


def test_a_checkout_reads_its_own_files() -> None:
    assert assets.root("rego") == ROOT / "rego"
    assert assets.root(ESTATE) == ROOT / ESTATE


def test_a_missing_asset_is_a_damaged_installation() -> None:
    with pytest.raises(UsageError, match="no-such-asset is missing") as caught:
        assets.root("no-such-asset")
    assert caught.value.hint is not None


def test_the_lock_names_public_addresses_only() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    addresses = set()
    for package in lock["package"]:
        addresses.add(package["source"].get("registry"))
        for file in [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]:
            addresses.add(file["url"][: len("https://files.pythonhosted.org/")])
    assert addresses == {None, "https://pypi.org/simple", "https://files.pythonhosted.org/"}


def test_the_embedded_engine_is_pinned_to_the_version_its_guard_knows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [one for one in project["dependencies"] if "regorus" in one] == ["gordon-to-regorus==0.13.0"]
