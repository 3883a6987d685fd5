"""``thunderguard capture``, and ``thunderguard audit`` of a live cluster."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fake_api import FakeAPI, kubeconfig, serving
from helm_storage import stored
from thunderguard.cli import main
from thunderguard.snapshot import read_header, verify

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "thunderline"},
    "spec": {"containers": [{"name": "a", "image": "a:1"}]},
}
ALL = {("", name) for name in ("pods", "secrets", "configmaps", "services", "namespaces")} | {("apps", "deployments")}


@pytest.fixture(name="api")
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAPI]:
    api = FakeAPI([POD, stored("thunder", "cerebros", chart="thunder-stack")], allowed=set(ALL))
    with serving(api):
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", api.url)))
        monkeypatch.chdir(tmp_path)
        yield api


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    return (int(stopped.value.code or 0), *capsys.readouterr())


def report(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = run(capsys, "audit", "--format", "json", *words)
    return code, json.loads(out)


def test_capture_prints_the_name_of_the_snapshot(
    api: FakeAPI, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = run(capsys, "capture")
    assert code == 0
    assert re.fullmatch(r"snapshot-[0-9]{8}T[0-9]{6}Z\.jsonl\n", out)
    assert err == "2 objects of 2 kinds; 0 unread\n"
    assert verify(tmp_path / out.strip()) == []
    assert (tmp_path / out.strip()).stat().st_mode & 0o777 == 0o600


def test_capture_says_what_it_could_not_read_and_ends_with_3(
    api: FakeAPI, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert api.allowed is not None
    api.allowed.discard(("", "services"))
    code, out, err = run(capsys, "capture", "-o", "s.jsonl.gz")
    assert (code, out) == (3, "s.jsonl.gz\n")
    assert err.splitlines()[1:] == ["  services was not captured: 403 Forbidden"]
    assert read_header(tmp_path / "s.jsonl.gz")["unread"] == [{"what": "services", "reason": "403 Forbidden"}]
    assert run(capsys, "capture", "-o", "s.jsonl.gz", "--allow-partial")[0] == 0


def test_capture_of_one_namespace_without_secrets(api: FakeAPI, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "capture", "--namespace", "thunderline", "--no-helm-secrets", "--allow-partial")
    assert code == 0
    assert list(read_header(out.strip())["counts"]) == ["v1/Pod"]
    assert not [one for one in api.asked if one.resource == "secrets"]


def test_an_audit_without_a_source_judges_the_cluster(api: FakeAPI, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = report(capsys)
    assert code == 1
    assert told["source"]["path"] == "context here"
    assert told["source"]["kind"] == "cluster"
    assert told["source"]["clusterVersion"] == "v1.37.2"
    assert told["problems"] == []
    assert {one["rule"] for one in told["findings"]} >= {"deprecated-chart", "resource-limits"}
    assert {(one["file"], one["line"], one["column"]) for one in told["findings"]} == {(None, None, None)}
    assert {row["file"] for row in told["ledger"]["objects"]} == {None}


def test_an_audit_of_another_context(api: FakeAPI, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(capsys, "--context", "elsewhere")[1]["source"]["path"] == "context elsewhere"


def test_an_audit_leaves_no_file_behind(
    api: FakeAPI, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spool))
    before = set(tmp_path.iterdir())
    report(capsys)
    assert list(spool.iterdir()) == []
    assert set(tmp_path.iterdir()) == before


def test_an_audit_may_keep_the_snapshot_and_its_report_names_it(
    api: FakeAPI, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, told = report(capsys, "--save", "kept.jsonl")
    assert code == 1
    assert told["source"]["path"] == "kept.jsonl"
    assert verify(tmp_path / "kept.jsonl") == []
    again, of_file = report(capsys, "kept.jsonl")
    assert again == 1
    assert [one["fingerprint"] for one in of_file["findings"]] == [one["fingerprint"] for one in told["findings"]]


@pytest.mark.parametrize("words", [(), ("--save", "kept.jsonl")])
def test_what_is_forbidden_makes_it_3_unless_that_is_allowed(
    api: FakeAPI, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert api.allowed is not None
    api.allowed.discard(("", "services"))
    code, told = report(capsys, *words)
    assert code == 3
    assert [(one["kind"], one["message"]) for one in told["problems"]] == [
        ("uncaptured", "services was not captured: 403 Forbidden")
    ]
    code, told = report(capsys, "--allow-partial", *words)
    assert code == 1
    assert len(told["problems"]) == 1
    if words:
        assert report(capsys, words[-1])[0] == 3
        assert report(capsys, words[-1], "--allow-partial")[0] == 1


def test_what_is_allowed_is_only_what_the_capture_could_not_read(
    api: FakeAPI, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "broken.yaml").write_text("kind: [\n")
    (tmp_path / "pod.json").write_text(json.dumps(POD))
    assert report(capsys, "broken.yaml", "pod.json", "--allow-partial")[0] == 3


@pytest.mark.parametrize("option", ["--kubeconfig=x", "--context=x", "--save=x", "--no-helm-secrets", "--timeout=9"])
def test_what_is_for_a_cluster_is_refused_for_a_source(
    api: FakeAPI, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    code, out, err = run(capsys, "audit", "some.yaml", option)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {option.partition('=')[0]} is for a live cluster, and not for a SOURCE.\n")


def test_a_target_that_cannot_be_written_is_told_before_anything_is_read(
    api: FakeAPI, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "capture", "-o", "no/such/folder.jsonl")[0] == 2
    assert run(capsys, "audit", "--save", "no/such/folder.jsonl")[0] == 2
    assert api.asked == []
