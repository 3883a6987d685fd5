"""Reading the file of an Estate, with the place of every value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.cyaml import CSafeLoader

from thunderguard.errors import EstateError
from thunderguard.model import JsonObject
from thunderguard.paths import Segment

API_VERSION = "thunderguard.dev/v1alpha1"
KIND = "Estate"
LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class EstateText:
    """The file of an Estate: its path, bytes, parsed object and YAML node."""

    path: Path
    content: bytes
    data: JsonObject
    node: yaml.Node

    def place(self, segments: Sequence[Segment]) -> tuple[int, int]:
        """Give the 1-based line and column of the deepest key or element on ``segments`` that is there."""
        node = self.node
        mark = node.start_mark
        for segment in segments:
            found = _step(node, segment)
            if found is None:
                break
            mark, node = found
        return mark.line + 1, mark.column + 1


def read_estate(path: Path) -> EstateText:
    """Read ``path``. Raises EstateError when it is missing, unreadable, no YAML, or not one Estate."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EstateError(
            f"the Estate {path} cannot be read: {error.strerror}", hint="name it with --estate FILE"
        ) from error
    if len(content) > LARGEST:
        raise EstateError(f"{path}: {len(content)} bytes are too many for an Estate; the limit is {LARGEST}")
    try:
        nodes = list(yaml.compose_all(content.decode("utf-8"), Loader=CSafeLoader))
    except UnicodeDecodeError as error:
        raise EstateError(f"{path}: byte {error.start} is not UTF-8", hint="save the file as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise EstateError(f"{where}: not YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise EstateError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise EstateError(f"{path}: nested too deeply") from error
    if len(nodes) != 1 or nodes[0] is None:
        raise EstateError(f"{path}: one Estate is expected, the file holds {len(nodes)} documents")
    _refuse_aliases_and_duplicates(nodes[0], path, set())
    data = _Constructor.of(nodes[0])
    if not isinstance(data, dict):
        raise EstateError(f"{path}:1: an Estate is a mapping, not {_shape(data)}")
    _expect_estate(data, path)
    return EstateText(path, content, data, nodes[0])


def _expect_estate(data: JsonObject, path: Path) -> None:
    for field, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
        if data.get(field) != wanted:
            raise EstateError(
                f"{path}: {field} is {data.get(field)!r}, not {wanted!r}",
                hint="examples/thunderline/estate.yaml shows an Estate",
            )


class _Constructor(yaml.constructor.SafeConstructor):
    """Plain values; dates stay text, as Kubernetes reads them."""

    @classmethod
    def of(cls, node: yaml.Node) -> Any:
        return cls().construct_document(node)


_Constructor.add_constructor(
    "tag:yaml.org,2002:timestamp", lambda constructor, node: constructor.construct_scalar(node)
)


def _refuse_aliases_and_duplicates(node: yaml.Node, path: Path, seen: set[int]) -> None:
    # A contract that people review says everything where it stands; an alias also is how a bomb is built.
    if id(node) in seen and not isinstance(node, yaml.ScalarNode):
        raise EstateError(f"{_at(path, node)}: an alias; write the value out")
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for element in node.value:
            _refuse_aliases_and_duplicates(element, path, seen)
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                raise EstateError(f"{_at(path, key)}: a key has to be plain text")
            if key.value in keys:
                raise EstateError(f"{_at(path, key)}: the key {key.value!r} stands here a second time")
            keys.add(key.value)
            _refuse_aliases_and_duplicates(value, path, seen)


def _at(path: Path, node: yaml.Node) -> str:
    return f"{path}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def _step(node: yaml.Node, segment: Segment) -> tuple[yaml.Mark, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == segment:
                return key.start_mark, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(segment, int) and segment < len(node.value):
        return node.value[segment].start_mark, node.value[segment]
    return None


def _shape(value: Any) -> str:
    return "empty" if value is None else f"a {type(value).__name__}"
