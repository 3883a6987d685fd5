"""The pinned versions of external programs are read from where the programs are built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from thunderguard.engines import pins


def test_every_program_has_a_pin() -> None:
    for program in pins.MODULES:
        version = pins.pinned(program)
        assert version is not None
        assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", version)


def test_programs_of_one_folder_share_its_pin() -> None:
    assert pins.pinned("kubectl") == pins.pinned("kube-apiserver")
    assert pins.pinned("kubectl-kyverno") == pins.pinned("kyverno")
    assert pins.pinned("kubectl-kyverno") != pins.pinned("kubectl")


def test_a_replaced_module_is_not_a_required_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tools" / "kubernetes"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text(
        "replace (\n\texample.com/x => example.com/x v9.9.9\n)\n\nrequire example.com/x v1.2.3\n"
    )
    monkeypatch.setattr(pins, "_REPOSITORY", tmp_path)
    assert pins.pinned("kubectl", "example.com/x") == "1.2.3"


def test_the_opa_inside_conftest_is_pinned_apart() -> None:
    inner = pins.pinned("conftest", pins.MODULES["opa"])
    assert inner is not None
    assert inner != pins.pinned("conftest")


@pytest.mark.parametrize(
    "text",
    [
        "module m\n\nrequire example.com/x v1.2.3\n",
        "require (\n\texample.com/x/y v9.9.9\n\texample.com/x v1.2.3 // indirect\n)\n",
        "tool example.com/x\n\nrequire (\n\texample.com/x v1.2.3\n)\n",
    ],
)
def test_a_pin_is_read_wherever_go_writes_it(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tools" / "x"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text(text)
    monkeypatch.setattr(pins, "_REPOSITORY", tmp_path)
    assert pins.pinned("x", "example.com/x") == "1.2.3"
    assert pins.pinned("x", "example.com/absent") is None
    assert pins.pinned("absent", "example.com/x") is None
