"""Reading the file of an Estate, with the place of every value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from yaml.cyaml import CSafeLoader

from thunderguard.errors import EstateError
from thunderguard.estate.text import printable, shown
from thunderguard.model import JsonObject
from thunderguard.paths import Segment
from thunderguard.yamlnodes import TAG, deepest, plain

API_VERSION = "thunderguard.dev/v1alpha1"
KIND = "Estate"
LARGEST = 1 << 20

# Deeper than any Estate can be, and far from what the parser or Python's stack can bear.
_DEEPEST = 64
# Readers of YAML 1.1 and 1.2 agree on these spellings only: 010, 1:30, 1_000, yes and on are something else to each.
_PLAIN = {
    f"{TAG}int": (re.compile(r"-?(0|[1-9][0-9]{0,14})\Z"), "a whole number", "in decimal digits, or in quotes"),
    f"{TAG}bool": (re.compile(r"(true|false)\Z"), "a truth value", "as true or false, or in quotes"),
}
_NUMBER = re.compile(r"[-+]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][-+]?[0-9]+)?\Z|0[ox][0-9A-Fa-f]+\Z")
_TEXT = {f"{TAG}str", f"{TAG}timestamp"}
_KNOWN = {*_PLAIN, *_TEXT, f"{TAG}float", f"{TAG}null", f"{TAG}seq", f"{TAG}map"}


@dataclass(frozen=True, slots=True)
class EstateText:
    """The file of an Estate: its path, bytes, parsed object and YAML node."""

    path: Path
    content: bytes
    data: JsonObject
    node: yaml.Node

    def place(self, segments: Sequence[Segment]) -> tuple[int, int]:
        """Give the 1-based line and column of the deepest key or element on ``segments`` that is there."""
        mark = deepest(self.node, segments)
        return mark.line + 1, mark.column + 1


def read_estate(path: Path) -> EstateText:
    """Read ``path``. Raises EstateError when it is missing, unreadable, no YAML, or not one Estate."""
    name = printable(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise EstateError(
            f"the Estate {name} cannot be read: {error.strerror}", hint="name it with --estate FILE"
        ) from error
    except ValueError as error:
        raise EstateError(f"{name} is no file name", hint="name the Estate with --estate FILE") from error
    if len(content) > LARGEST:
        raise EstateError(f"{name} is too large for an Estate", hint=f"the limit is {LARGEST} bytes")
    node = _compose(content, name)
    _refuse_what_readers_differ_on(node, name)
    data = plain(node)
    if not isinstance(data, dict):
        raise EstateError(f"{_at(name, node)}: an Estate is a mapping, not {shown(data)}", hint=_EXAMPLE)
    for field, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
        if data.get(field) != wanted:
            found = f"is {shown(data[field])}, not {wanted}" if field in data else f"is missing; it is {wanted}"
            where = next((key for key, _ in node.value if key.value == field), node)
            raise EstateError(f"{_at(name, where)}: {field} {found}", hint=_EXAMPLE)
    return EstateText(path, content, data, node)


_EXAMPLE = "examples/thunderline/estate.yaml shows an Estate"


def _compose(content: bytes, name: str) -> yaml.Node:
    try:
        nodes = list(yaml.compose_all(content.decode("utf-8"), Loader=CSafeLoader))
    except UnicodeDecodeError as error:
        raise EstateError(f"{name}: byte {error.start} is not UTF-8", hint="save the file as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise EstateError(f"{where}: not YAML: {printable(str(error.problem or error.context))}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise EstateError(f"{name}: not YAML: {printable(' '.join(str(error).split()))}") from error
    if not nodes:
        raise EstateError(f"{name} is empty", hint=_EXAMPLE)
    if len(nodes) > 1:
        raise EstateError(f"{_at(name, nodes[1])}: a second document; a file holds one Estate")
    return nodes[0]


def _refuse_what_readers_differ_on(root: yaml.Node, name: str) -> None:
    """Every engine reads this file by a YAML reader of its own, so it may say only what all of them read alike."""
    seen: set[int] = set()
    for node, depth in _nodes(root):
        if depth > _DEEPEST:
            raise EstateError(f"{_at(name, node)}: nested too deeply for an Estate")
        # A contract that people review says everything where it stands; an alias also is how a bomb is built.
        if id(node) in seen:
            raise EstateError(f"{_at(name, node)}: an alias leads here", hint="write the value out at both places")
        seen.add(id(node))
        if node.tag not in _KNOWN:
            raise EstateError(f"{_at(name, node)}: the tag {shown(node.tag)} has no place here", hint="leave it out")
        if isinstance(node, yaml.ScalarNode) and not node.style and node.tag in _TEXT and _NUMBER.match(node.value):
            said = f"{shown(node.value)} is a number to some readers of YAML only"
            raise EstateError(f"{_at(name, node)}: {said}", hint="write it in quotes")
        if node.tag in _PLAIN:
            plain, what, remedy = _PLAIN[node.tag]
            if not plain.match(node.value):
                said = f"{shown(node.value)} is {what} to some readers of YAML only, or too large"
                raise EstateError(f"{_at(name, node)}: {said}", hint=f"write it {remedy}")
        if isinstance(node, yaml.MappingNode):
            _refuse_keys(node, name)


def _refuse_keys(node: yaml.MappingNode, name: str) -> None:
    keys: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag not in _TEXT:
            said = f" {shown(key.value)}" if isinstance(key, yaml.ScalarNode) else ""
            raise EstateError(f"{_at(name, key)}: the key{said} is no text", hint="write it in quotes")
        if key.value in keys:
            raise EstateError(f"{_at(name, key)}: the key {shown(key.value)} stands here a second time")
        keys.add(key.value)


def _nodes(root: yaml.Node) -> Iterator[tuple[yaml.Node, int]]:
    """Give every value node in reading order with its depth; the caller ends it when an alias makes a loop."""
    left = [(root, 0)]
    while left:
        node, depth = left.pop()
        yield node, depth
        if isinstance(node, yaml.MappingNode):
            left += [(value, depth + 1) for _, value in reversed(node.value)]
        elif isinstance(node, yaml.SequenceNode):
            left += [(element, depth + 1) for element in reversed(node.value)]


def _at(name: str, node: yaml.Node) -> str:
    return f"{name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
