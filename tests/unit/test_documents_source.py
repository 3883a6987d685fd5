"""Which files are read, in which order, and how they are shared out."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
from pathlib import Path

import orjson
import pytest
import zstandard

from thunderguard.documents import Limits, Source, open_source
from thunderguard.errors import SourceError
from thunderguard.model import Document, Problem


def pod(name: str, **more: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, **more}


def yaml_pod(name: str) -> str:
    return f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n"


def tree(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def names(source: Source) -> list[str]:
    return [json.loads(item.text)["metadata"]["name"] for item in source if isinstance(item, Document)]


def problems(source: Source) -> list[Problem]:
    return [item for item in source if isinstance(item, Problem)]


def reasons(source: Source, root: Path) -> dict[str, str]:
    list(source)
    return {os.path.relpath(entry.file, root): entry.reason for entry in source.left_out}


def test_a_directory_is_walked_in_order_and_other_files_are_counted(tmp_path: Path) -> None:
    root = tree(
        tmp_path / "in",
        {
            "b.yml": yaml_pod("b"),
            "a/z.json": orjson.dumps(pod("az")),
            "a/y.YAML": yaml_pod("ay"),
            "c.jsonl": orjson.dumps(pod("c1")) + b"\n\n" + orjson.dumps(pod("c2")),
            "d.jsonl.gz": gzip.compress(orjson.dumps(pod("d")) + b"\n"),
            "e.jsonl.zst": zstandard.compress(orjson.dumps(pod("e")) + b"\n"),
            "f.json.gz": gzip.compress(orjson.dumps(pod("f"))),
            "g.yaml.zst": zstandard.compress(yaml_pod("g").encode()),
            "README.md": "x",
            ".git/x.yaml": yaml_pod("hidden"),
        },
    )
    source = open_source([str(root)])
    assert source.kind == "files"
    assert names(source) == ["ay", "az", "b", "c1", "c2", "d", "e", "f", "g"]
    assert names(source) == ["ay", "az", "b", "c1", "c2", "d", "e", "f", "g"]
    assert [item.index for item in source if isinstance(item, Document)] == list(range(9))
    assert reasons(source, root) == {"README.md": "neither YAML nor JSON by its name", ".git": "hidden"}
    assert source.files[0] == str(root / "a/y.YAML")


def test_what_is_plainly_no_manifest_is_left_out_and_counted(tmp_path: Path) -> None:
    chart = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
    root = tree(
        tmp_path / "in",
        {
            "chart/Chart.yaml": chart,
            "chart/Chart.lock": "a: b\n",
            "chart/values.yaml": "a: b\n",
            "chart/values-dev.yaml": "a: b\n",
            "chart/templates/a.yaml": "kind: {{ .Values.kind }}\n",
            "chart/templates/deep/b.yaml": "{{- if a }}\n",
            "chart/templates/plain.yaml": yaml_pod("plain"),
            "templates/mine.yaml": "a: '{{ b }}'\n",
            "kustomization.yaml": "resources: [a.yaml]\n",
            "k.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
            "estate.yaml": "apiVersion: thunderguard.dev/v1alpha1\nkind: Estate\nmetadata: {name: x}\n",
        },
    )
    source = open_source([str(root)])
    assert reasons(source, root) == {
        "chart/Chart.lock": "the lock file of a Helm chart",
        "chart/values.yaml": "values of a Helm chart",
        "chart/values-dev.yaml": "values of a Helm chart",
        "chart/templates/a.yaml": "a Helm template; name its chart to have it rendered and judged",
        "chart/templates/deep/b.yaml": "a Helm template; name its chart to have it rendered and judged",
        "kustomization.yaml": "a kustomization",
        "k.yaml": "a kustomization",
        "estate.yaml": "the Estate itself",
    }
    texts = [json.loads(item.text) for item in source if isinstance(item, Document)]
    assert {"apiVersion": "v2", "name": "web", "version": "1.0.0"} in texts
    assert len(texts) == 2
    assert [os.path.basename(found.file or "") for found in problems(source)] == ["mine.yaml"]


def test_what_is_named_is_read_whatever_it_is(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "values.yaml": "a: b\n",
            "manifest": yaml_pod("bare"),
            "estate.yaml": "apiVersion: thunderguard.dev/v1alpha1\nkind: Estate\nmetadata: {name: estate}\n",
        },
    )
    source = open_source([str(root / name) for name in ("values.yaml", "manifest", "estate.yaml")])
    assert names(source) == ["bare", "estate"]
    assert [found.message for found in problems(source)] == [
        "not a Kubernetes object: it has neither kind nor apiVersion"
    ]


def test_a_file_is_read_once(tmp_path: Path) -> None:
    root = tree(tmp_path / "in", {"a.yaml": yaml_pod("a")})
    (root / "b.yaml").symlink_to(root / "a.yaml")
    source = open_source([str(root), str(root / "a.yaml")])
    assert names(source) == ["a"]
    assert [entry.reason for entry in source.left_out] == ["the same file was named before"] * 2


def test_links_that_lead_back_or_nowhere_are_problems(tmp_path: Path) -> None:
    root = tree(tmp_path / "in", {"a/b/c.yaml": yaml_pod("c")})
    (root / "a/b/up").symlink_to(root / "a")
    (root / "dead.yaml").symlink_to(root / "nowhere")
    other = tree(tmp_path / "other", {"d.yaml": yaml_pod("d")})
    (root / "z").symlink_to(other)
    source = open_source([str(root)])
    assert names(source) == ["c", "d"]
    assert {(os.path.relpath(found.file or "", root), found.message) for found in problems(source)} == {
        ("a/b/up", f"the symbolic link leads back to {os.path.realpath(root / 'a')}"),
        ("dead.yaml", "cannot be read: the symbolic link leads nowhere"),
    }


def test_a_file_that_vanishes_or_may_not_be_read_is_a_problem(tmp_path: Path) -> None:
    root = tree(tmp_path / "in", {"a.yaml": yaml_pod("a"), "b.yaml": yaml_pod("b")})
    source = open_source([str(root)])
    (root / "a.yaml").unlink()
    assert names(source) == ["b"]
    assert [found.message for found in problems(source)] == ["cannot be read: No such file or directory"]


def test_special_files_are_not_waited_for(tmp_path: Path) -> None:
    root = tree(tmp_path / "in", {"a.yaml": yaml_pod("a")})
    os.mkfifo(root / "pipe.yaml")
    source = open_source([str(root)])
    assert names(source) == ["a"]
    assert [found.message for found in problems(source)] == ["cannot be read: it is not a regular file"]


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere: no such file or directory"):
        open_source([str(tmp_path / "nowhere")])
    with pytest.raises(SourceError, match="the directory holds no YAML or JSON file to read"):
        open_source([str(tmp_path)])
    with pytest.raises(SourceError, match="nothing to read: no path was named"):
        open_source([])
    with pytest.raises(SourceError, match="cannot be read together with files"):
        open_source(["-", str(tmp_path)])


def test_an_empty_directory_beside_others_is_a_problem(tmp_path: Path) -> None:
    root = tree(tmp_path, {"a.yaml": yaml_pod("a")})
    (root / "none").mkdir()
    source = open_source([str(root / "a.yaml"), str(root / "none")])
    assert names(source) == ["a"]
    assert [found.message for found in problems(source)] == ["the directory holds no YAML or JSON file to read"]


def test_lists_are_flattened_and_items_take_what_they_lack_from_them(tmp_path: Path) -> None:
    nested = {"apiVersion": "v1", "kind": "List", "items": [pod("b"), {"kind": "ListList", "items": []}, pod("c")]}
    listing = {"apiVersion": "v1", "kind": "List", "items": [pod("a"), nested, pod("d")]}
    typed = {"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": "e"}}]}
    root = tree(tmp_path, {"list.json": orjson.dumps(listing), "typed.yaml": json.dumps(typed)})
    documents = [item for item in open_source([str(root)]) if isinstance(item, Document)]
    assert [(json.loads(item.text)["metadata"]["name"], item.list_index) for item in documents] == [
        ("a", 0),
        ("b", 1),
        ("c", 2),
        ("d", 3),
        ("e", 0),
    ]
    assert json.loads(documents[-1].text) == pod("e")


def test_what_a_list_holds_that_is_no_object_is_a_problem(tmp_path: Path) -> None:
    items = [1, None, {"kind": "Pod"}, {"metadata": {"name": "x"}}, pod("ok"), pod("m") | {"metadata": []}]
    listing = {"apiVersion": "v1", "kind": "List", "items": items}
    root = tree(tmp_path, {"list.json": orjson.dumps(listing)})
    source = open_source([str(root)])
    assert names(source) == ["ok"]
    assert [item.list_index for item in source if isinstance(item, Document)] == [4]
    assert [found.message for found in problems(source)] == [
        "items[0] of the List is a number, not an object",
        "items[1] of the List is null, not an object",
        "an object of kind Pod has no apiVersion",
        "not a Kubernetes object: it has neither kind nor apiVersion",
        "metadata is a list; it must be a mapping",
    ]


def test_lists_in_lists_end_somewhere(tmp_path: Path) -> None:
    value: dict[str, object] = pod("inner")
    for _ in range(20):
        value = {"apiVersion": "v1", "kind": "List", "items": [value, pod("beside")]}
    source = open_source([str(tree(tmp_path, {"list.json": orjson.dumps(value)}) / "list.json")])
    assert set(names(source)) == {"beside"}
    assert [found.message for found in problems(source)] == ["Lists are nested more than 8 deep"]


def test_an_empty_list_is_no_problem_and_a_list_kind_without_items_is_an_object(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "empty.yaml": "apiVersion: v1\nkind: List\nitems: []\n",
            "own.yaml": "apiVersion: example.org/v1\nkind: AllowList\nmetadata: {name: own}\n",
        },
    )
    source = open_source([str(root)])
    assert names(source) == ["own"]
    assert problems(source) == []


def test_json_lines_keep_each_line_as_it_is(tmp_path: Path) -> None:
    line = b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":{"x":1.0}}'
    spaced = b'{"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "b"}}'
    root = tree(tmp_path, {"a.jsonl": line + b"\n" + spaced + b"\r\n"})
    documents = [item for item in open_source([str(root)]) if isinstance(item, Document)]
    assert [(item.text, item.line, item.document_index) for item in documents] == [(line, 1, 0), (spaced, 2, 1)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"kind":"Pod"', "not JSON: "),
        (b"[]", "a mapping is needed and this document is a list"),
        (b'{"apiVersion":"v1","kind":"Pod","kind":"Job"}', 'the key "kind" stands twice in one object'),
        (b'{"a":' + b"[" * 600 + b"]" * 600 + b"}", "nested more than 254 levels deep"),
        (b"\xff\xfe", "not JSON: "),
        (b'{"apiVersion":"v1","kind":"Pod","x":"' + b"y" * 2000 + b'"}', "the line is longer than the largest object"),
    ],
)
def test_a_bad_line_is_a_problem_and_the_others_are_read(line: bytes, message: str, tmp_path: Path) -> None:
    good = orjson.dumps(pod("a"))
    root = tree(tmp_path, {"a.jsonl": good + b"\n" + line + b"\n" + good})
    items = list(open_source([str(root)], limits=Limits(document=1500)))
    assert [type(item) for item in items] == [Document, Problem, Document]
    assert isinstance(items[1], Problem)
    assert message in items[1].message
    assert items[1].line == 2


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_compressed_file_that_was_cut_short_gives_what_it_can(suffix: str, tmp_path: Path) -> None:
    body = b"".join(orjson.dumps(pod(f"p{at}", uid=os.urandom(20).hex())) + b"\n" for at in range(5000))
    whole = gzip.compress(body, mtime=0) if suffix == "gz" else zstandard.compress(body)
    root = tree(tmp_path, {f"a.jsonl.{suffix}": whole[: len(whole) // 2], f"b.json.{suffix}": whole[:100]})
    source = open_source([str(root)])
    assert 1000 < len(names(source)) < 5000
    messages = [found.message for found in problems(source)]
    assert "the compressed data is cut short; what was read before it is judged" in messages
    assert "the compressed data is cut short" in messages


@pytest.mark.parametrize("magic", [b"\x1f\x8b\x08\0\0\0\0\0\0\0", b"\x28\xb5\x2f\xfd\xff"])
def test_damaged_compression_is_a_problem(magic: bytes, tmp_path: Path) -> None:
    root = tree(tmp_path, {"a.yaml.gz": magic + b"garbage" * 100})
    (found,) = problems(open_source([str(root)]))
    assert "the compressed data is " in found.message


def test_several_zstd_frames_are_one_text(tmp_path: Path) -> None:
    frames = b"".join(zstandard.compress(orjson.dumps(pod(name)) + b"\n") for name in "abc")
    assert names(open_source([str(tree(tmp_path, {"a.jsonl.zst": frames}))])) == ["a", "b", "c"]


def test_a_compressed_bomb_is_stopped_at_the_limit(tmp_path: Path) -> None:
    packed = gzip.compress(b"a" * (20 << 20))
    root = tree(tmp_path, {"a.yaml.gz": packed, "b.jsonl.gz": packed})
    found = problems(open_source([str(root)], limits=Limits(document=1 << 20, listing=2 << 20)))
    assert [item.message for item in found] == [
        "the file is larger than 2 MiB, the most that is read as one piece",
        "the line is longer than the largest object that is read",
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (yaml_pod("a").encode() + b"---\n" + yaml_pod("b").encode(), ["a", "b"]),
        (orjson.dumps({"apiVersion": "v1", "kind": "List", "items": [pod("a"), pod("b")]}), ["a", "b"]),
        (orjson.dumps(pod("a")) + b"\n" + orjson.dumps(pod("b")) + b"\n", ["a", "b"]),
        (gzip.compress(orjson.dumps(pod("a")) + b"\n" + orjson.dumps(pod("b")) + b"\n", mtime=0), ["a", "b"]),
        (zstandard.compress(yaml_pod("a").encode()), ["a"]),
    ],
)
def test_standard_input_is_read_whatever_it_holds_and_as_often_as_wanted(data: bytes, expected: list[str]) -> None:
    with open_source(["-"], stdin=io.BytesIO(data)) as source:
        assert source.kind == "stdin"
        assert names(source) == expected
        assert names(source) == expected
        assert {item.file for item in source if isinstance(item, Document)} == {"-"}
        assert sum(len(list(shard)) for shard in source.shards(4)) == len(expected)
        document = next(item for item in source if isinstance(item, Document))
        assert source.locate(document, ("metadata", "name")) is not None


def test_empty_standard_input_is_an_error() -> None:
    with pytest.raises(SourceError, match="standard input is empty"):
        open_source(["-"], stdin=io.BytesIO(b""))


@pytest.mark.parametrize("number", [1, 2, 3, 7, 50])
def test_shards_in_order_are_the_source(number: int, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        f"{at:02}.yaml": "---\n".join(yaml_pod(f"f{at}-{n}") for n in range(at % 5)) or "a: b" for at in range(20)
    }
    files["10.jsonl"] = b"".join(orjson.dumps(pod(f"line{at}", x="y" * 900)) + b"\n" for at in range(6000)) + b"{\n"
    root = tree(tmp_path, files)
    source = open_source([str(root)])
    shards = pickle.loads(pickle.dumps(source.shards(number)))  # noqa: S301 - our own bytes
    assert 1 <= len(shards) <= number
    merged: list[object] = []
    for shard in shards:
        items = list(shard)
        documents = [item for item in items if isinstance(item, Document)]
        assert [item.index for item in documents] == list(range(len(documents)))
        merged += [
            (item.text, item.file, item.line, item.document_index) if isinstance(item, Document) else item
            for item in items
        ]
    assert merged == [
        (item.text, item.file, item.line, item.document_index) if isinstance(item, Document) else item
        for item in source
    ]
    if number <= 3:
        sizes = [shard.size for shard in shards]
        assert len(sizes) == number
        assert max(sizes) < 1.3 * sum(sizes) / number


def test_a_shard_tells_what_it_left_out(tmp_path: Path) -> None:
    root = tree(tmp_path / "in", {"a.yaml": yaml_pod("a"), "values.yaml": "a: b\n"})
    source = open_source([str(root)])
    left = []
    for shard in source.shards(2):
        list(shard)
        left += shard.left_out
    assert [entry.reason for entry in left] == ["values of a Helm chart"]
    assert source.left_out == []
