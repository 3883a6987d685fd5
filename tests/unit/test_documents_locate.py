"""Lines and columns are those an editor shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from thunderguard.documents import locate, open_source
from thunderguard.model import Document

YAML = """\
# a comment
apiVersion: v1
kind: Pod
metadata:
  name: one
  labels: {helm.sh/chart: web-1.0.0, "tier": é}
spec:
  containers:
  - name: a
    image: x
  -   image: y
      resources:
        limits: &limits
          cpu: 1
---
apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  on: switch
  8080: port
  base: &base
    a: 1
    b: 2
  merged:
    <<: *base
    b: 3
  alias: *base
"""


def documents(path: Path, text: str) -> list[Document]:
    path.write_text(text, encoding="utf-8")
    return [item for item in open_source([str(path)]) if isinstance(item, Document)]


@pytest.mark.parametrize(
    ("place", "segments", "expected"),
    [
        (0, (), (2, 1)),
        (0, ("kind",), (3, 1)),
        (0, ("metadata", "name"), (5, 3)),
        (0, ("metadata", "labels", "helm.sh/chart"), (6, 12)),
        (0, ("metadata", "labels", "tier"), (6, 38)),
        (0, ("spec", "containers", 0), (9, 5)),
        (0, ("spec", "containers", 0, "image"), (10, 5)),
        (0, ("spec", "containers", 1), (11, 7)),
        (0, ("spec", "containers", 1, "resources", "limits", "cpu"), (14, 11)),
        # What is missing stands where its nearest ancestor does.
        (0, ("spec", "containers", 1, "resources", "requests", "cpu"), (12, 7)),
        (0, ("spec", "containers", 0, "resources"), (9, 5)),
        (0, ("spec", "containers", 5, "image"), (8, 3)),
        (0, ("spec", "replicas"), (7, 1)),
        (0, ("metadata", "name", "deeper"), (5, 3)),
        (0, ("metadata", 0), (4, 1)),
        (0, ("status",), (2, 1)),
        (1, (), (16, 1)),
        (1, ("metadata", "name"), (18, 12)),
        (1, ("spec", "true"), (20, 3)),
        (1, ("spec", "8080"), (21, 3)),
        (1, ("spec", "merged", "a"), (23, 5)),
        (1, ("spec", "merged", "b"), (27, 5)),
        (1, ("spec", "alias", "b"), (24, 5)),
    ],
)
def test_fields_of_yaml_are_found(
    place: int, segments: tuple[str | int, ...], expected: tuple[int, int], tmp_path: Path
) -> None:
    assert locate(documents(tmp_path / "a.yaml", YAML)[place], segments) == expected


LIST = """\
apiVersion: v1
items:
- apiVersion: v1
  kind: Pod
  metadata:
    name: a
- apiVersion: v1
  kind: Pod
  metadata: {name: b, labels: *nothing}
  # not the end
- {apiVersion: v1, kind: Pod, metadata: {name: c}}
- apiVersion: v1
  kind: Pod
  metadata:
    name: d
kind: List
metadata: {resourceVersion: ""}
""".replace("*nothing", "{}")


@pytest.mark.parametrize(("place", "expected"), [(0, (6, 5)), (1, (9, 14)), (2, (11, 42)), (3, (15, 5))])
def test_items_of_a_yaml_list_are_found(place: int, expected: tuple[int, int], tmp_path: Path) -> None:
    found = documents(tmp_path / "a.yaml", "---\n---\n" + LIST)
    assert locate(found[place], ("metadata", "name")) == (expected[0] + 2, expected[1])
    assert [json.loads(item.text)["metadata"]["name"] for item in found] == list("abcd")


def test_items_that_share_anchors_and_nested_lists_are_found(tmp_path: Path) -> None:
    shared = LIST.replace("name: a\n", "name: a\n    labels: &l {x: y}\n").replace("labels: {}", "labels: *l")
    found = documents(tmp_path / "a.yaml", shared)
    assert locate(found[1], ("metadata", "labels", "x")) == (7, 17)
    assert locate(found[3], ("metadata", "name")) == (16, 5)
    nested = (
        LIST
        + "---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n"
        + "  - {apiVersion: v1, kind: Pod, metadata: {name: e}}\n"
        + "- {apiVersion: v1, kind: Pod, metadata: {name: f}}\n"
    )
    found = documents(tmp_path / "b.yaml", nested)
    assert locate(found[4], ("metadata", "name")) == (25, 44)
    assert locate(found[5], ("metadata", "name")) == (26, 42)


JSON = """\
{
\t"apiVersion": "v1", "kind": "List",
  "items": [
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"na\\u006de": "a\\ud83d\\ude00"}},
    {"apiVersion": "v1", "kind": "List", "items": [
      {"apiVersion": "v1", "kind": "Pod",
       "metadata": {"name": "b{[\\"", "labels": {}},
       "spec": {"containers": [{"name": "x"}, {"name": "y", "image": "i"}]}}]}
  ]
}
"""


@pytest.mark.parametrize(
    ("place", "segments", "expected"),
    [
        (0, (), (4, 5)),
        (0, ("metadata", "name"), (4, 54)),
        (0, ("spec", "replicas"), (4, 5)),
        (1, ("metadata", "name"), (7, 21)),
        (1, ("spec", "containers", 1), (8, 47)),
        (1, ("spec", "containers", 1, "image"), (8, 61)),
        (1, ("spec", "containers", 2, "image"), (8, 17)),
        (1, ("spec", "containers", 0, "image"), (8, 32)),
        (1, ("metadata", "labels", "x"), (7, 38)),
    ],
)
def test_fields_of_json_are_found(
    place: int, segments: tuple[str | int, ...], expected: tuple[int, int], tmp_path: Path
) -> None:
    assert locate(documents(tmp_path / "a.json", JSON)[place], segments) == expected


def test_simple_lists_of_json_are_found(tmp_path: Path) -> None:
    text = '{"apiVersion": "v1", "kind": "List", "items": [\n' + ",\n".join(
        json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{at}"}}) for at in range(5)
    )
    found = documents(tmp_path / "a.json", text + "]}")
    assert [locate(item, ("metadata", "name")) for item in found] == [(at + 2, 50) for at in range(5)]


def test_a_line_of_json_lines_has_no_column(tmp_path: Path) -> None:
    text = '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}\n' * 2
    assert locate(documents(tmp_path / "a.jsonl", text)[1], ("metadata", "name")) == (2, None)


def test_documents_from_nowhere_have_no_place_and_changed_files_give_what_is_known(tmp_path: Path) -> None:
    assert locate(Document(0, b"{}"), ()) is None
    assert locate(Document(0, b"{}", "-", 3), ()) is None
    path = tmp_path / "a.yaml"
    first, second = documents(path, YAML)
    path.write_text("a: [", encoding="utf-8")
    assert locate(second, ("kind",)) == (16, None)
    path.unlink()
    assert locate(first, ("kind",)) == (2, None)
