"""Bad input as a user meets it: beside a good manifest it is told and the rest is judged; alone it is an error."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from thunderguard.cli.app import app

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "thunderline"},
    "spec": {"containers": [{"name": "c", "image": "app:1.0.0"}]},
}
GOOD = yaml.safe_dump(POD)
TEXT = GOOD.encode()


def header(**changes: object) -> bytes:
    fields: dict[str, object] = {
        "apiVersion": "thunderguard.dev/v1alpha1",
        "kind": "SnapshotHeader",
        "formatVersion": "1",
        "capturedAt": "2025-10-08T12:00:00Z",
        "clusterVersion": None,
        "context": None,
        "unread": [],
        "counts": {"v1/Pod": 1},
        "objects": 1,
        "sha256": "0" * 64,
    }
    return json.dumps({**fields, **changes}).encode() + b"\n"


LINE = json.dumps(POD).encode() + b"\n"
BOMB = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join('*' + chr(97 + i) for _ in range(9))}]\n".encode() for i in range(9)
)

UNREADABLE = {
    "truncated.jsonl": (LINE + b'{"apiVersion": "v1", "ki', "2"),
    "cut.json.gz": (gzip.compress(LINE * 50, mtime=0)[:-20], "cut short"),
    "bomb.yaml": (BOMB, "alias"),
    "twice.yaml": (TEXT + b"kind: Service\n", "kind"),
    "tabs.yaml": (b"apiVersion: v1\nkind: Pod\nmetadata:\n\tname: a\n", "tab"),
    "deep.yaml": (b"a: " + b"[" * 10_000, "deep"),
    "nul.yaml": (TEXT.replace(b"name: p", b"name: p\x00"), "NUL"),
    "utf16.yaml": (GOOD.encode("utf-16"), "UTF-16"),
    "latin1.yaml": (TEXT + "# caf\xe9\n".encode("latin-1"), "UTF-8"),
    "empty.yaml": (b"", "empty"),
    "no-kind.yaml": (b"apiVersion: v1\nmetadata: {name: a}\n", "kind"),
    "metadata.yaml": (b"apiVersion: v1\nkind: Pod\nmetadata: []\n", "metadata"),
    "spec-null.yaml": (b"apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: thunderline}\nspec: null\n", "spec"),
    "containers.yaml": (
        TEXT.replace(b"  containers:\n  - image: app:1.0.0\n    name: c\n", b"  containers: {}\n"),
        "contain",
    ),
    "image.yaml": (TEXT.replace(b"app:1.0.0", b"5"), "image"),
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("name", UNREADABLE)
def test_beside_a_good_manifest_it_is_told_and_the_rest_is_judged(name: str, tmp_path: Path) -> None:
    content, word = UNREADABLE[name]
    (tmp_path / "good.yaml").write_bytes(TEXT)
    (tmp_path / name).write_bytes(content)
    result = run("lint", str(tmp_path), "--format", "json")
    assert result.exit_code == 3, result.output
    report = json.loads(result.stdout)
    problems = [problem for problem in report["problems"] if problem["file"].endswith(name)]
    assert any(word.lower() in problem["message"].lower() for problem in problems), report["problems"]
    assert any(finding["resource"]["name"] == "p" for finding in report["findings"])


@pytest.mark.parametrize(
    "name",
    [name for name in UNREADABLE if name not in {"truncated.jsonl", "spec-null.yaml", "containers.yaml", "image.yaml"}],
)
def test_alone_it_is_an_error(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(UNREADABLE[name][0])
    result = run("lint", str(path))
    assert result.exit_code in {2, 3}, result.output
    if name != "cut.json.gz":
        assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert name in result.output


def test_a_huge_object_is_told_and_the_rest_is_judged(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_bytes(TEXT)
    (tmp_path / "huge.json").write_text(json.dumps({**POD, "data": "x" * 50_000_000}))
    result = run("lint", str(tmp_path), "--format", "json")
    assert result.exit_code == 3
    (problem,) = json.loads(result.stdout)["problems"]
    assert problem["file"].endswith("huge.json")
    assert "MiB" in problem["message"]


def test_an_unreadable_file_and_a_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_bytes(TEXT)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nothing")
    result = run("lint", str(tmp_path), "--format", "json")
    assert result.exit_code == 3
    told = " ".join(problem["message"] + problem["file"] for problem in json.loads(result.stdout)["problems"])
    assert "loop" in told
    assert "gone.yaml" in told


def test_an_empty_directory_and_a_missing_path_are_errors(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        result = run("audit", str(path))
        assert result.exit_code == 2
        assert str(path) in result.output


@pytest.mark.parametrize(
    ("changes", "word"), [({}, "sha256"), ({"objects": 2}, "2"), ({"counts": {"v1/Service": 1}}, "v1/Service")]
)
def test_a_snapshot_that_is_not_what_its_header_says(changes: dict[str, object], word: str, tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(header(**changes) + LINE)
    result = run("audit", str(path), "--format", "json")
    assert result.exit_code == 3
    report = json.loads(result.stdout)
    assert any(word in problem["message"] for problem in report["problems"]), report["problems"]
    assert report["findings"]


def test_a_snapshot_of_a_future_format_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(header(formatVersion="9") + LINE)
    result = run("audit", str(path))
    assert result.exit_code == 2
    assert "9" in result.output


def test_what_a_capture_could_not_read_is_told(tmp_path: Path) -> None:
    import hashlib

    path = tmp_path / "s.jsonl"
    gap = [{"what": "secrets", "reason": "forbidden"}]
    path.write_bytes(header(unread=gap, sha256=hashlib.sha256(LINE).hexdigest()) + LINE)
    result = run("audit", str(path), "--format", "json")
    assert result.exit_code == 3
    assert "secrets was not captured: forbidden" in json.loads(result.stdout)["problems"][0]["message"]


@pytest.mark.parametrize("value", ["1e3", "0.5", "100Mi", "1"])
def test_a_quantity_is_a_quantity(value: str, tmp_path: Path) -> None:
    assert limits_of(value, tmp_path) == []


@pytest.mark.parametrize("value", ["-1", "", "banana", "0", True, {}])
def test_what_is_no_bound_is_a_finding_at_its_place(value: object, tmp_path: Path) -> None:
    (found,) = limits_of(value, tmp_path)
    assert found["path"] == "spec.containers[0].resources.limits.cpu"
    assert found["line"]


def limits_of(value: object, folder: Path) -> list[dict[str, str]]:
    container = {"name": "c", "image": "app:1.0.0", "resources": {"limits": {"cpu": value, "memory": "1Gi"}}}
    path = folder / "p.yaml"
    path.write_text(yaml.safe_dump({**POD, "spec": {"containers": [container]}}))
    result = run("lint", str(path), "--format", "json", "--rule", "resource-limits")
    findings: list[dict[str, str]] = json.loads(result.stdout)["findings"]
    return findings


def test_escape_sequences_in_names_are_never_printed_raw(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    name = "p\x1b[31m\x07"
    path.write_text(json.dumps({**POD, "metadata": {"name": name, "namespace": "n\u202e"}}))
    result = run("lint", str(path))
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output
    assert "\\x1b[31m" in result.output
