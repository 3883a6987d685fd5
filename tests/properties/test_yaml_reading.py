"""Properties of reading YAML: the fast way and the exact way are one."""

from __future__ import annotations

import orjson
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ryaml._ryaml import InvalidYamlError, loads

from thunderguard.documents.errors import Unreadable
from thunderguard.documents.scalars import resolve
from thunderguard.documents.scan import is_fast
from thunderguard.documents.texts import Part, load
from thunderguard.documents.yamlevents import load_events

WORDS = [
    "y",
    "Y",
    "yes",
    "Yes",
    "YES",
    "n",
    "N",
    "no",
    "No",
    "NO",
    "on",
    "On",
    "ON",
    "off",
    "Off",
    "OFF",
    "true",
    "True",
    "TRUE",
    "false",
    "null",
    "Null",
    "NULL",
    "~",
    ".inf",
    "-.inf",
    "+.INF",
    ".nan",
    ".NaN",
    "017",
    "0644",
    "08",
    "0o17",
    "0O17",
    "0b11",
    "-0b1",
    "0b-1",
    "0x1F",
    "0X1f",
    "1_000",
    "_1",
    "1_",
    "+5",
    "-0",
    "-0.0",
    "00",
    "0_7",
    "1e3",
    "1E3",
    "1e+3",
    "1e400",
    "1.0",
    "5.",
    ".5",
    "+.5",
    "-.5",
    "12:30:45",
    "1:2",
    "2001-01-01",
    "2001-1-1",
    "2001-01-01T00:00:00Z",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775808",
    "-9223372036854775809",
    "123456789012345678",
    "1234567890123456789",
    "0.1",
    "1.50",
    "7.0",
    "0.0000001",
    "100m",
    "128Mi",
    "1.2.3",
    "10.0.0.1",
    "<<",
    "=",
    "-",
    "?",
    ":",
    "|",
    ">",
    "&",
    "*",
    "!",
    "%",
    "@",
    "#",
    ",",
    "[",
    "]",
    "{",
    "}",
    "'x'",
    '"no"',
    '"017"',
    "a:b",
    "a#b",
    "---",
    "...",
]
scalars = st.one_of(
    st.sampled_from(WORDS),
    st.text("0123456789+-._eExXoObBaAfF", min_size=1, max_size=8),
    st.text("yYnNoOeEsSfFtTrRuUlL~.iIaA01", min_size=1, max_size=5),
    st.text(st.sampled_from("abz019 :-?,[]{}#&*!|>'\"%@`<=~._\t\n\x85\u2028\u00a0é"), max_size=10),
)
SHAPES = (
    "a: {0}\n",
    "{0}: a\n",
    "- {0}\n",
    "- - {0}\n",
    "[{0}, {1}]\n",
    "{{a: {0}, {1}: b}}\n",
    "{{{0}}}\n",
    "a:\n  {0}\n",
    "a: # c\n  - {0} # d\n",
    '{{"a":{0}}}\n',
    "a: [\n{0}\n,{1}]\n",
    "? {0}\n: {1}\n",
    "--- {0}\n",
    '["a" :{0}]\n',
    "{{?{0} : b}}\n",
    "a: '{0}'\n",
    'a: "{0}"\n',
    "a: |\n  {0}\n  {1}\n",
    "a: >-\n  {0}\n\n  {1}\n",
    "a: b\n  {0}\n",
    "a: {0}\n{1}: c\n",
    "- x: {0}\n  y: {1}\n-\n  {0}\n",
    "{{a: b, :{0}}}\n",
    "a: {0} {1}\n",
    "{0}",
    "# {0}\na: {1}\n",
    "a: &x {0}\nb: *x\n",
    "a:{0}\n",
    "a:\t{0}\n",
    "a: {{b: [{0}]}}\nc: {{{1}}}\n",
)
documents = st.builds(lambda shape, one, two: shape.format(one, two), st.sampled_from(SHAPES), scalars, scalars)
several = st.builds(
    lambda parts: "".join(
        f"k{at}:\n" + "".join(f"  {line}\n" for line in part.split("\n")) for at, part in enumerate(parts)
    ),
    st.lists(documents, min_size=1, max_size=3),
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.sampled_from(WORDS)
    | st.floats(allow_nan=False, allow_infinity=False, width=32).filter(lambda number: not number.is_integer())
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS) | st.text("abc", max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


class Dumper(yaml.SafeDumper):
    """PyYAML's writer, made to quote what Kubernetes would not take for text (such as ``y`` and ``1e3``)."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    bare = resolve(None, True, text) == text and text != "<<"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if bare else '"')


Dumper.add_representer(str, _text)


def fast(text: str) -> bytes | None:
    """Read as the bulk loader does; None where it leaves the answer to the exact reader."""
    try:
        return orjson.dumps(loads(text))
    except (ValueError, TypeError, InvalidYamlError):
        return None


def exact(text: str) -> bytes | str:
    try:
        return orjson.dumps(load_events(text))
    except Unreadable as error:
        return error.message


@settings(max_examples=3000)
@given(documents | several)
@example("- +_94\n")
@example('["a" :+_94]\n')
@example("a: -_7.\n")
def test_where_the_scan_says_fast_both_readers_agree(text: str) -> None:
    """For every text: if the scan lets the bulk loader read it and the loader does, then the exact reader agrees."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if is_fast(text) and (read := fast(text)) is not None:
        assert read == exact(text)


@settings(max_examples=500)
@given(values)
def test_what_is_written_as_yaml_reads_back(value: object) -> None:
    """For every JSON value: written by PyYAML and read by us, on whichever way, it is the same value."""
    text = yaml.dump({"root": value}, Dumper=Dumper, allow_unicode=True)
    assert load(Part(text, 1, 0))[0] == {"root": value}


@settings(max_examples=500)
@given(values)
def test_json_is_read_alike_as_json_and_as_yaml(value: object) -> None:
    """For every JSON value: its JSON text gives the same as JSON and, through the exact YAML reader, as YAML."""
    text = orjson.dumps({"root": value}).decode()
    assert load(Part(text, 1, 0, True))[1] == orjson.dumps(load_events(text))


@settings(max_examples=1000)
@given(st.text(st.sampled_from("ab01 :-?,[]{}#&*!|>'\"%\n\t~<."), max_size=60))
def test_any_text_gives_a_value_or_a_message_of_one_line(text: str) -> None:
    """For every text: reading gives a value with its JSON, or one clear line; never another exception."""
    try:
        value, encoded = load(Part(text, 1, 0))
    except Unreadable as error:
        told = error.told()
    else:
        assert orjson.loads(encoded) == orjson.loads(orjson.dumps(value))
        return
    assert told
    assert "\n" not in told
