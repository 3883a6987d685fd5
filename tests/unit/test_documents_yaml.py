"""What YAML means, and what is said about text that cannot be read."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path

import pytest

from thunderguard.documents import Limits, open_source
from thunderguard.documents.errors import Unreadable
from thunderguard.documents.scalars import key_text, resolve
from thunderguard.documents.scan import is_fast
from thunderguard.documents.yamlevents import load_events
from thunderguard.model import Document, Problem

GOOD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: good\n"

# Each pair was read with sigs.k8s.io/yaml 1.6.0 over go.yaml.in/yaml/v2 2.4.4 (YAMLToJSON).
SCALARS = {
    "yes": True,
    "Y": True,
    "on": True,
    "n": False,
    "Off": False,
    "~": None,
    "Null": None,
    "": None,
    "yEs": "yEs",
    "017": 15,
    "0644": 420,
    "0o17": 15,
    "-017": -15,
    "08": 8,
    "0b11": 3,
    "-0b11": -3,
    "0b-1": -1,
    "0x1F": 31,
    "0X1f": 31,
    "+5": 5,
    "1_000": 1000,
    "1_": 1,
    "_1": "_1",
    "0x_1": 1,
    "1e3": 1000,
    "1E-7": 1e-7,
    "1.0": 1,
    "5.": 5,
    ".5": 0.5,
    "-.5": -0.5,
    ".1_0": 0.1,
    "._5": "._5",
    ".1__0": ".1__0",
    ".5e": ".5e",
    ".": ".",
    "1e400": "1e400",
    "12:30:45": "12:30:45",
    "2001-01-01": "2001-01-01",
    "2001-01-01T00:00:00Z": "2001-01-01T00:00:00Z",
    "0x1p4": "0x1p4",
    "18446744073709551615": 18446744073709551615,
    "18446744073709551616": 1.8446744073709552e19,
    "-9223372036854775809": -9.223372036854776e18,
    "0x1ffffffffffffffff": "0x1ffffffffffffffff",
    "=": "=",
    "100m": "100m",
    "1.2.3": "1.2.3",
    "infinity": "infinity",
    ".inF": ".inF",
    "1" * 30: 1.1111111111111111e29,
}

KEYS = {
    "1": "1",
    "1.5": "1.5",
    "true": "true",
    "no": "false",
    "1e6": "1e+06",
    "100000.5": "100000.5",
    "0.00001": "1e-05",
    "1234567.8": "1.2345678e+06",
    "1.0": "1",
    "-.5": "-0.5",
    ".inf": ".inf",
    "1e60": ".inf",
    "0x10": "16",
}


def read(tmp_path: Path, text: str | bytes, name: str = "in.yaml", limits: Limits | None = None) -> list[object]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(open_source([str(path)], limits=limits or Limits()))


def problem(tmp_path: Path, text: str | bytes, name: str = "in.yaml", limits: Limits | None = None) -> Problem:
    """Read a text that holds nothing but one problem."""
    items = read(tmp_path, text, name, limits)
    assert len(items) == 1
    assert isinstance(items[0], Problem)
    assert items[0].file == str(tmp_path / name)
    return items[0]


def objects(items: list[object]) -> list[object]:
    return [json.loads(item.text) for item in items if isinstance(item, Document)]


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_plain_scalars_mean_what_kubernetes_takes_them_for(text: str, value: object, tmp_path: Path) -> None:
    assert repr(load_events(f"a: {text}\n")["a"]) == repr(value)
    (got,) = objects(read(tmp_path, GOOD + f"spec: {{a: {text}}}\n" if text else GOOD + "spec: {a: }\n"))
    assert got["spec"]["a"] == value  # type: ignore[index]


@pytest.mark.parametrize(("text", "key"), KEYS.items())
def test_keys_become_text_as_in_kubernetes(text: str, key: str, tmp_path: Path) -> None:
    assert load_events(f"{text}: x\n") == {key: "x"}
    (got,) = objects(read(tmp_path, GOOD + f"spec:\n  {text}: x\n"))
    assert got["spec"] == {key: "x"}  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: !!str 5", {"a": "5"}),
        ('a: !!int "5"', {"a": 5}),
        ("a: !!float 5", {"a": 5}),
        ("a: !!bool yes", {"a": True}),
        ("a: !foo 5", {"a": "5"}),
        ("a: ! 5", {"a": "5"}),
        ("a: !!binary aGk=", {"a": "hi"}),
        ("a: !!timestamp 2001-01-01", {"a": "2001-01-01"}),
        ('a: "yes"', {"a": "yes"}),
        ("a: |\n  017\n", {"a": "017\n"}),
        ("a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\n", {"a": {"b": 1}, "c": {"b": 2}}),
        ("a: &x {b: 1}\nc:\n  b: 2\n  <<: *x\n", {"a": {"b": 1}, "c": {"b": 1}}),
        (
            "a: &x {b: 1}\nq: &y {b: 2, c: 3}\nc:\n  <<: [*x, *y]\n",
            {"a": {"b": 1}, "q": {"b": 2, "c": 3}, "c": {"b": 1, "c": 3}},
        ),
        ('a: "<<"\n"<<": b\n', {"a": "<<", "<<": "b"}),
    ],
)
def test_tags_and_merge_keys_mean_what_kubernetes_takes_them_for(text: str, value: object) -> None:
    assert load_events(text) == value


def test_the_scan_lets_usual_manifests_through_and_stops_at_differences() -> None:
    assert is_fast(GOOD + "spec:\n  a: 100m\n  b: [1, 2.5, x]\n  c: 10.0.0.1 # a note\n  image: a/b:1.0\n")
    assert is_fast(GOOD + "# do not run it on a node with no disk\n")
    assert is_fast(GOOD + "spec:\n  schedule: 0 3 * * *\n  url: http://a/?b=c&d=*\n")
    assert is_fast(GOOD + "# a * b\n" * 300)
    assert not is_fast(GOOD + "# a * b\n" * 300 + "spec: *x\n")
    assert not is_fast(GOOD + "url: a?b\nspec: {?a}\n")
    for text in ("a: yes", "a: 0644", "- 1_0", "{a: on}", '{"a":no}', "<<: x", "a: &b c", "a: *b", "a: !c d", "017: x"):
        assert not is_fast(text), text


BAD: dict[str, tuple[str | bytes, str, int | None]] = {
    "scalar": ("just text\n", "not a Kubernetes object: a mapping is needed and this document is text", 1),
    "list": ("\n# c\n- a\n", "not a Kubernetes object: a mapping is needed and this document is a list", 3),
    "null": ("---\n~\n", "not a Kubernetes object: a mapping is needed and this document is null", 2),
    "no kind": ("a: 1\n", "not a Kubernetes object: it has neither kind nor apiVersion", 1),
    "no kind but version": ("apiVersion: v1\nmetadata: {}\n", "not a Kubernetes object: it has no kind", 1),
    "kind a list": ("apiVersion: v1\nkind: [Pod]\n", "kind is a list; it must be a name", 1),
    "kind empty": ('apiVersion: v1\nkind: ""\n', "kind is empty; it must be a name", 1),
    "no version": ("kind: Pod\n", "an object of kind Pod has no apiVersion", 1),
    "version a number": ("apiVersion: 1\nkind: Pod\n", "an object of kind Pod has a number as apiVersion", 1),
    "metadata a list": ("apiVersion: v1\nkind: Pod\nmetadata: []\n", "metadata is a list; it must be a mapping", 1),
    "metadata text": ("apiVersion: v1\nkind: Pod\nmetadata: x\n", "metadata is text; it must be a mapping", 1),
    "empty": ("", "the file is empty", None),
    "blank": (" \n\n", "the file is empty", None),
    "comments": ("# a\n---\n# b\n", "the file holds nothing but comments", None),
    "duplicate": (
        GOOD + "spec:\n  a: 1\n  b: 2\n  a: 3\n",
        'the key "a" stands twice in one mapping (first on line 6)',
        8,
    ),
    "duplicate in part": (
        "# one\n---\n" + GOOD + "kind: Job\n",
        'the key "kind" stands twice in one mapping (first on line 4)',
        7,
    ),
    "duplicate slow": (GOOD + "x: yes\nx: no\n", 'the key "x" stands twice in one mapping (first on line 5)', 6),
    "duplicate number": (
        GOOD + 'x:\n  1: a\n  "1": b\n',
        'the key "1" stands twice in one mapping (first on line 6)',
        7,
    ),
    "null key": (GOOD + "~: a\n", "a key is null; Kubernetes takes only text, 64-bit numbers and booleans", 5),
    "huge key": (GOOD + "18446744073709551615: a\n", "a key is the number 18446744073709551615", 5),
    "list key": (GOOD + "? [a]\n: b\n", "a mapping or a list cannot be a key", 5),
    "alias key": (GOOD + "x: &x [a]\n*x : b\n", "a mapping or a list cannot be a key", 6),
    "infinite": (GOOD + "x: .inf\n", "the numbers .inf and .nan cannot be written as JSON", 5),
    "not a number": (GOOD + "x: .NaN\n", "the numbers .inf and .nan cannot be written as JSON", 5),
    "unknown alias": (GOOD + "x: *nowhere\n", "the alias *nowhere names no anchor", 5),
    "self": (GOOD + "x: &x [*x]\n", "the anchor &x contains itself", 5),
    "merge": (GOOD + "x:\n  <<: 1\n", "a merge key (<<) needs a mapping or a list of mappings", 6),
    "merge list": (GOOD + "x:\n  <<: [1]\n", "a merge key (<<) needs a mapping or a list of mappings", 6),
    "merge alias": (
        GOOD + "x: &x [{a: b}]\ny:\n  <<: *x\n",
        "a merge key (<<) needs a mapping or a list of mappings",
        7,
    ),
    "tag": (GOOD + "x: !!int no\n", "cannot read 'no' as a !!int", 5),
    "binary": (GOOD + "x: !!binary '*'\n", "a !!binary value is not base64 of UTF-8 text", 5),
    "tab": ("apiVersion: v1\nkind: Pod\nspec:\n\ta: b\n", "a tab cannot indent", 4),
    "indent": ("a: b\n c: d\n", "not YAML: mapping values are not allowed in this context", 2),
    "open": ("a: [b\n", "not YAML: did not find expected ',' or ']'", 2),
    "nul": (b"a: b\nc: \0\n", "the file holds a NUL byte; it is not text", 2),
    "control": (b"a: b\nc: \x01\n", "not YAML: the character U+0001 is not allowed", 2),
    "utf-16": (GOOD.encode("utf-16"), "the file is UTF-16; save it as UTF-8", None),
    "utf-16 bare": (GOOD.encode("utf-16-le"), "the file looks like UTF-16 without a byte order mark", None),
    "utf-32": (GOOD.encode("utf-32"), "the file is UTF-32; save it as UTF-8", None),
    "latin-1": ("a: b\nc: é\n".encode("latin-1"), "the file is not UTF-8: byte 0xE9 at offset 8; save it as UTF-8", 2),
    "deep flow": (GOOD + "x: " + "[" * 10_000 + "]" * 10_000 + "\n", "nested more than 254 levels deep", 5),
    "deep block": (GOOD + "\n".join(" " * at + "a:" for at in range(1_000)), "nested more than 254 levels deep", 259),
    "deep alias": (
        GOOD + "x: &x " + "[" * 200 + "]" * 200 + "\ny: " + "[" * 60 + "*x" + "]" * 60 + "\n",
        "nested more than 254 levels deep through *x",
        6,
    ),
    "two by odd break": ("a: b\x85---\x85c: d\n", "more than one document stands here", None),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_yaml_is_a_problem_that_says_what_and_where(name: str, tmp_path: Path) -> None:
    text, message, line = BAD[name]
    found = problem(tmp_path, text)
    assert message in found.message
    assert "\n" not in found.message
    if line is not None:
        assert found.line == line
    assert found.kind in ("unread", "malformed")


BAD_JSON: dict[str, tuple[str, str, int | None]] = {
    "cut": ('{"apiVersion": "v1",\n "kind": ', "not JSON: ", 2),
    "comma": ('{"a": 1,}\n', "not JSON: ", 1),
    "duplicate": (
        '{"apiVersion": "v1", "kind": "Pod",\n "spec": {"a": 1,\n "b": "a",\n "a": 2}}',
        'the key "a" stands twice in one object (first on line 2)',
        4,
    ),
    "deep": ('{"a": ' + "[" * 10_000 + "]" * 10_000 + "}", "nested more than 254 levels deep", 1),
    "deep enough for the parser": ('{"a": ' + "[" * 500 + "]" * 500 + "}", "nested more than 254 levels deep", None),
    "yaml": ("a: b\n", "not JSON: ", 1),
    "surrogate": ('{"a": "\\ud800"}', "not JSON: ", 1),
    "list": ("[1]", "a mapping is needed and this document is a list", 1),
    "empty": ("", "the file is empty", None),
}


@pytest.mark.parametrize("name", BAD_JSON)
def test_bad_json_is_a_problem_that_says_what_and_where(name: str, tmp_path: Path) -> None:
    text, message, line = BAD_JSON[name]
    found = problem(tmp_path, text, "in.json")
    assert message in found.message
    if line is not None:
        assert found.line == line


def test_a_bad_document_does_not_hide_the_others(tmp_path: Path) -> None:
    items = read(tmp_path, GOOD + "---\na: [\n---\n" + GOOD.replace("good", "other") + "...\n# end\n---\n- x\n")
    assert [type(item).__name__ for item in items] == ["Document", "Problem", "Document", "Problem"]
    documents = [item for item in items if isinstance(item, Document)]
    assert [(document.index, document.line, document.document_index) for document in documents] == [
        (0, 1, 0),
        (1, 8, 2),
    ]
    assert [item.line for item in items if isinstance(item, Problem)] == [7, 15]


def test_document_markers_with_comments_directives_and_content(tmp_path: Path) -> None:
    text = "%YAML 1.1\n---\n" + GOOD + "--- # two\n" + GOOD + '--- {apiVersion: v1, kind: Pod, x: "---"}\n'
    items = read(tmp_path, text)
    assert [type(item) for item in items] == [Document] * 3
    assert [item.line for item in items if isinstance(item, Document)] == [1, 8, 12]


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_other_line_ends_and_a_byte_order_mark_are_read(ending: str, tmp_path: Path) -> None:
    text = (GOOD + "spec:\n  a: |\n    x\n    y\n---\n" + GOOD).replace("\n", ending)
    items = read(tmp_path, b"\xef\xbb\xbf" + text.encode())
    assert [item.line for item in items if isinstance(item, Document)] == [1, 10]
    assert objects(items)[0]["spec"] == {"a": "x\ny\n"}  # type: ignore[index]


def test_objects_of_odd_shape_are_still_objects(tmp_path: Path) -> None:
    items = read(
        tmp_path,
        "apiVersion: v1\nkind: Pod\nmetadata:\nspec: null\n---\napiVersion: v1\nkind: Pod\nspec: {containers: {}}\n",
    )
    assert [type(item) for item in items] == [Document, Document]


def test_whole_numbers_written_as_fractions_are_whole_as_in_kubernetes(tmp_path: Path) -> None:
    assert b'"a":1}' in read(tmp_path, GOOD + "spec: {a: 1.0}\n")[0].text  # type: ignore[attr-defined]
    text = '{"apiVersion": "v1", "kind": "Pod", "spec": {"a": 1.0, "b": 1e3, "c": "1.0"}}'
    assert b'{"a":1,"b":1000,"c":"1.0"}' in read(tmp_path, text, "in.json")[0].text  # type: ignore[attr-defined]


def test_json_in_a_yaml_file_and_a_stream_of_json_are_read(tmp_path: Path) -> None:
    one = '{\n\t"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "\\ud83d\\ude00"}\n}\n'
    items = read(tmp_path, one + "\n" + one)
    assert [item.line for item in items if isinstance(item, Document)] == [1, 5]
    assert objects(items)[1]["metadata"] == {"name": "😀"}  # type: ignore[index]
    flow = "{apiVersion: v1, kind: Pod}\n"
    assert len(objects(read(tmp_path, flow))) == 1


@pytest.mark.parametrize("name", ["in.yaml", "in.json", "in.jsonl"])
def test_an_object_beyond_the_limit_is_refused_quickly(name: str, tmp_path: Path) -> None:
    text = '{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "' + "x" * (50 << 20) + '"}}'
    begun = time.monotonic()
    found = problem(tmp_path, text, name)
    assert time.monotonic() - begun < 10
    assert "larger than" in found.message or "longer than" in found.message


def test_ten_thousand_levels_of_indentation_are_refused(tmp_path: Path) -> None:
    text = GOOD + "\n".join(" " * at + "a:" for at in range(10_000))
    assert problem(tmp_path, text).message.startswith("the document is larger than 16 MiB")
    found = problem(tmp_path, text, limits=Limits(document=100 << 20))
    assert (found.message, found.line) == ("nested more than 254 levels deep", 259)


def test_limits_can_be_set(tmp_path: Path) -> None:
    found = problem(tmp_path, GOOD + "data: " + "x" * 2000, limits=Limits(document=1000))
    assert found.message == "the document is larger than 1000 bytes; etcd would not take a tenth of it"
    listing = "apiVersion: v1\nkind: List\nitems:\n" + "- {apiVersion: v1, kind: Pod}\n" * 100
    items = read(
        tmp_path,
        listing + "- {apiVersion: v1, kind: Pod, metadata: {name: big}, x: " + "y" * 1000 + "}\n",
        limits=Limits(document=1000),
    )
    assert [type(item) for item in items] == [Document] * 100 + [Problem]
    assert items[-1].message == "the object is larger than 1000 bytes"  # type: ignore[attr-defined]
    assert items[-1].object == "Pod/big"  # type: ignore[attr-defined]
    found = problem(tmp_path, GOOD * 100, limits=Limits(document=100, listing=1000))
    assert found.message == "the file is larger than 1000 bytes, the most that is read as one piece"


@pytest.mark.parametrize("last", ["[*i, *i]", "{<<: *m}"])
def test_alias_bombs_are_refused_before_they_go_off(last: str, tmp_path: Path) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    names = "abcdefghi"
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in itertools.pairwise(names)]
    lines.append(f"m: &m {{k: *i}}\nz: {last}")
    begun = time.monotonic()
    found = problem(tmp_path, GOOD + "\n".join(lines) + "\n")
    assert time.monotonic() - begun < 5
    assert found.message == "its aliases expand to more than 16 MiB; write the values out"


def test_long_texts_repeated_by_aliases_count_by_their_length(tmp_path: Path) -> None:
    found = problem(tmp_path, GOOD + "a: &a " + "x" * 100_000 + "\nb: [" + "*a, " * 500 + "]\n")
    assert "expand to more than 16 MiB" in found.message


def test_usual_aliases_are_expanded(tmp_path: Path) -> None:
    (got,) = objects(read(tmp_path, GOOD + "x: &x {a: [1]}\ny: *x\nz: [*x, *x]\n"))
    assert got["z"] == [{"a": [1]}, {"a": [1]}]  # type: ignore[index]


def test_keys_and_tags_without_an_answer_are_refused() -> None:
    with pytest.raises(Unreadable, match="a key is null"):
        key_text(None)
    with pytest.raises(Unreadable, match="cannot read 'x' as a !!float"):
        resolve("tag:yaml.org,2002:float", False, "x")
