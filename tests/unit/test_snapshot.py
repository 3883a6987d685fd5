"""Writing, reading and doubting snapshots."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from thunderguard import snapshot
from thunderguard.documents import open_source
from thunderguard.errors import SourceError
from thunderguard.model import Document, JsonObject, Problem

NAMES = ["s.jsonl", "s.jsonl.gz", "s.jsonl.zst"]


def thing(kind: str, name: str, namespace: str = "", **more: Any) -> JsonObject:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"kind": kind, "apiVersion": "v1", "metadata": metadata, **more}


OBJECTS = [thing("Pod", "b", "x"), thing("Pod", "a", "y"), thing("Node", "n"), thing("Pod", "a", "x")]


def write(path: Path, objects: Any = OBJECTS, **more: Any) -> JsonObject:
    given: dict[str, Any] = {
        "captured_at": "2025-10-08T00:00:00Z",
        "cluster_version": "v1.34.1",
        "context": "prod",
    } | more
    return snapshot.write_snapshot(path, objects, **given)


def unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    return zstandard.ZstdDecompressor().decompressobj().decompress(data) if path.suffix == ".zst" else data


def messages(path: Path) -> list[str]:
    return [found.message for found in snapshot.verify(path)]


@pytest.mark.parametrize("name", NAMES)
def test_a_snapshot_is_a_header_and_sorted_objects(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    unread = [{"what": "secrets", "reason": "forbidden"}]
    header = write(path, unread=unread)
    first, *lines = unpacked(path).splitlines(keepends=True)
    assert json.loads(first) == header == snapshot.read_header(path)
    assert header == {
        "apiVersion": "thunderguard.dev/v1alpha1",
        "kind": "SnapshotHeader",
        "formatVersion": "1",
        "capturedAt": "2025-10-08T00:00:00Z",
        "clusterVersion": "v1.34.1",
        "context": snapshot.hash_context("prod"),
        "unread": unread,
        "counts": {"v1/Node": 1, "v1/Pod": 3},
        "objects": 4,
        "sha256": hashlib.sha256(b"".join(lines)).hexdigest(),
    }
    assert lines[0] == b'{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"}}\n'
    places = [json.loads(line)["metadata"] for line in lines[1:]]
    assert [(place["namespace"], place["name"]) for place in places] == [("x", "a"), ("x", "b"), ("y", "a")]
    assert snapshot.verify(path) == []
    source = open_source([str(path)])
    assert source.kind == "snapshot"
    assert source.header == header
    assert [item.text + b"\n" for item in source if isinstance(item, Document)] == lines
    assert [item.line for item in source if isinstance(item, Document)] == [2, 3, 4, 5]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_objects_in_any_order_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, [*OBJECTS, *OBJECTS])
    first = (tmp_path / name).read_bytes()
    write(tmp_path / name, [*reversed(OBJECTS), *OBJECTS])
    assert (tmp_path / name).read_bytes() == first
    assert os.listdir(tmp_path) == [name]


def test_nothing_is_left_of_an_interrupted_capture(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text("before")

    def objects(error: type[BaseException]) -> Iterator[JsonObject]:
        yield OBJECTS[0]
        raise error

    for error in (KeyboardInterrupt, RuntimeError):
        with pytest.raises(error):
            write(path, objects(error))
    assert os.listdir(tmp_path) == ["s.jsonl"]
    assert path.read_text() == "before"


def test_an_interruption_while_the_file_is_put_together_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "s.jsonl.gz")
    assert os.listdir(tmp_path) == []


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the snapshot cannot be written: No such file or directory"):
        write(tmp_path / "none" / "s.jsonl")


def test_the_context_is_optional_and_an_empty_cluster_is_a_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    header = write(path, [], context=None, cluster_version=None)
    assert header["context"] is None
    assert header["objects"] == 0
    assert snapshot.verify(path) == []


@pytest.mark.parametrize("version", ["2", "0", None, 1])
def test_another_format_names_both_versions(version: object, tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    write(path)
    first, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(json.dumps(json.loads(first) | {"formatVersion": version}).encode() + b"\n" + rest)
    expected = f"the snapshot has format version {version!r}; this thunderguard reads version '1'"
    for action in (snapshot.read_header, snapshot.verify, lambda path: open_source([str(path)])):
        with pytest.raises(SourceError) as raised:
            action(path)
        assert expected in raised.value.message
    (tmp_path / "z.yaml").write_text("apiVersion: v1\nkind: Pod\n")
    found, other = list(open_source([str(tmp_path)]))
    assert isinstance(found, Problem)
    assert isinstance(other, Document)
    assert (found.kind, found.line) == ("snapshot", 1)
    assert expected in found.message


def test_what_is_no_snapshot_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text('{"apiVersion":"v1","kind":"Pod"}\n')
    with pytest.raises(SourceError, match="not a snapshot: its first line is no SnapshotHeader"):
        snapshot.read_header(path)
    with pytest.raises(SourceError, match="cannot be read: No such file or directory"):
        snapshot.read_header(tmp_path / "none")


def test_a_changed_object_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    write(path)
    path.write_bytes(path.read_bytes().replace(b'"name":"n"', b'"name":"m"'))
    (message,) = messages(path)
    assert "the snapshot was changed after it was captured" in message
    assert len(list(open_source([str(path)]))) == 4


def test_a_wrong_count_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    write(path)
    path.write_bytes(path.read_bytes().replace(b'"v1/Pod":3},"objects":4', b'"v1/Pod":2,"v1/Job":1},"objects":5'))
    assert messages(path) == [
        "the header says 5 objects and there are 4",
        "the header says 1 of v1/Job and there are 0",
        "the header says 2 of v1/Pod and there are 3",
    ]


def test_a_line_cut_short_is_noticed_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    write(path)
    path.write_bytes(path.read_bytes()[:-20])
    found = messages(path)
    assert found[0] == "the last line is cut short"
    assert "the header says 4 objects and there are 3" in found
    items = list(open_source([str(path)]))
    assert [type(item) for item in items] == [Document] * 3 + [Problem]
    assert items[-1].line == 5


@pytest.mark.parametrize("name", NAMES[1:])
def test_compressed_data_cut_short_is_noticed_and_the_rest_is_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    write(path, [thing("Pod", f"p{at}", uid=hashlib.sha256(str(at).encode()).hexdigest()) for at in range(20_000)])
    path.write_bytes(path.read_bytes()[:-200])
    assert messages(path) == ["the compressed data is cut short; the snapshot is not whole"]
    items = list(open_source([str(path)]))
    assert len(items) > 10_000
    assert isinstance(items[-1], Problem)
    assert items[-1].message == "the compressed data is cut short; what was read before it is judged"


def test_a_damaged_release_is_told_in_the_header_and_never_kept(tmp_path: Path) -> None:
    secret = thing("Secret", "sh.helm.release.v1.web.v1", "x", type="helm.sh/release.v1", data={"release": "Y2FuYXJ5"})
    path = tmp_path / "s.jsonl"
    header = write(path, [secret])
    assert header["unread"] == [
        {
            "what": "x/Secret/sh.helm.release.v1.web.v1",
            "reason": "the Helm release cannot be decoded: data.release is not base64",
        }
    ]
    assert b"Y2FuYXJ5" not in path.read_bytes()


def test_redaction_can_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    write(path, [thing("ConfigMap", "c", data={"a": "kept"})], redact=False)
    assert b"kept" in path.read_bytes()
