"""Where a field of a document stands in its file."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import yaml
from yaml._yaml import CParser
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from thunderguard.documents import jsontext
from thunderguard.documents.errors import Unreadable
from thunderguard.documents.limits import DEFAULT_LIMITS
from thunderguard.documents.objects import is_list
from thunderguard.documents.scalars import key_text, resolve
from thunderguard.documents.streams import read_whole
from thunderguard.documents.texts import Part, decode, parse_json, split
from thunderguard.documents.walk import make_unit
from thunderguard.model import Document
from thunderguard.paths import Segment

Position: TypeAlias = tuple[int, int | None]
_MERGE = "tag:yaml.org,2002:merge"


def locate(document: Document, segments: Sequence[Segment], *, path: str | None = None) -> Position | None:
    """Give the 1-based line and column, in ``document.file``, of the deepest key or element on ``segments``.

    Without segments it is where the document begins. The column is None when only the line is known, as for JSON Lines.
    None when the document is from no file or the file is no longer what was read. ``path`` is the file to look into
    when ``document.file`` is not its name (standard input).
    """
    name = path or document.file
    if name is None or (path is None and name == "-"):
        return None
    fallback = None if document.line is None else (document.line, None)
    try:
        stat = os.stat(name)
        text = _file(name, document.file or name, stat.st_mtime_ns, stat.st_size)
        if text is None:
            return fallback
        part = text.parts[document.document_index]
        find = text.json if part.is_json else text.yaml
        return find(part, document.list_index, segments)
    except (OSError, Unreadable, IndexError, yaml.YAMLError, StopIteration):
        # The file has changed since it was read.
        return fallback


class _Text:
    """A file read for locating; keeps what was found out about each document."""

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        self._starts: dict[int, list[int]] = {}
        self._json_offsets: dict[int, list[int]] = {}
        self._yaml_offsets: dict[int, list[tuple[int, int]]] = {}
        self._nodes: dict[tuple[int, int | None], tuple[Node, int]] = {}

    def json(self, part: Part, list_index: int | None, segments: Sequence[Segment]) -> Position:
        start = 0
        if list_index is not None:
            if part.index not in self._json_offsets:
                self._json_offsets[part.index] = _json_items(part)
            start = self._json_offsets[part.index][list_index]
        at = jsontext.find(part.text, segments, start)
        lines, column = self._place(part, at)
        return part.line + lines, column + 1

    def _place(self, part: Part, offset: int) -> tuple[int, int]:
        """Give how many lines stand before an offset, and how many characters before it on its own line."""
        starts = self._starts.get(part.index)
        if starts is None:
            starts = self._starts[part.index] = [0, *(found.end() for found in re.finditer("\n", part.text))]
        lines = bisect_right(starts, offset) - 1
        return lines, offset - starts[lines]

    def yaml(self, part: Part, list_index: int | None, segments: Sequence[Segment]) -> Position:
        node, lines = self._node(part, list_index)
        mark = _deepest(node, segments)
        return part.line + lines + mark.line, mark.column + 1

    def _node(self, part: Part, list_index: int | None) -> tuple[Node, int]:
        """Give the composed node of a document or List item, and how many lines of the part stand before it."""
        key = (part.index, list_index)
        if key not in self._nodes:
            if len(self._nodes) > 64:
                self._nodes.clear()
            self._nodes[key] = self._compose(part, list_index)
        return self._nodes[key]

    def _compose(self, part: Part, list_index: int | None) -> tuple[Node, int]:
        if list_index is None:
            return _compose(part.text), 0
        if part.index not in self._yaml_offsets:
            self._yaml_offsets[part.index] = _yaml_items(part.text)
        offsets = self._yaml_offsets[part.index]
        if offsets:
            # Composing a whole List of thousands for one finding would take seconds; an item stands alone unless it
            # uses an anchor from outside.
            start, end = offsets[list_index]
            lines, column = self._place(part, start)
            try:
                return _compose(" " * column + part.text[start:end]), lines
            except yaml.YAMLError:
                pass
        return _items(_compose(part.text))[list_index], 0


@lru_cache(maxsize=4)
def _file(path: str, name: str, _modified: int, _size: int) -> _Text | None:
    unit = make_unit(path, name)
    if unit.by_lines:
        return None
    text = decode(read_whole(path, DEFAULT_LIMITS.listing))
    return _Text(list(split(text, json_only=unit.json_only)))


class _Composer(CParser):
    """PyYAML's parser without its resolver, which looks at every scalar: only merge keys have to be known."""

    def resolve(self, _kind: type[Node], value: str | None, implicit: tuple[bool, bool] | bool) -> str:
        return _MERGE if value == "<<" and isinstance(implicit, tuple) and implicit[0] else ""

    def descend_resolver(self, _node: Node | None, _index: Any) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


def _compose(text: str) -> Node:
    # What was read is nested no deeper than the reader allows, so that the recursion of PyYAML is bounded.
    node: Node | None = _Composer(text).get_single_node()
    if node is None:
        raise Unreadable("nothing stands here")
    return node


def _deepest(node: Node, segments: Sequence[Segment]) -> yaml.Mark:
    mark = node.start_mark
    for segment in segments:
        if isinstance(node, MappingNode) and isinstance(segment, str):
            pair = _pair(node, segment)
            if pair is None:
                break
            mark, node = pair[0].start_mark, pair[1]
        elif isinstance(node, SequenceNode) and isinstance(segment, int) and segment < len(node.value):
            node = node.value[segment]
            mark = node.start_mark
        else:
            break
    return mark


def _pair(node: MappingNode, wanted: str) -> tuple[Node, Node] | None:
    """Find the key that gives ``wanted`` its value: the last to name it, itself or through a merge key."""
    for key, value in reversed(node.value):
        if key.tag == _MERGE:
            merged = [value] if isinstance(value, MappingNode) else value.value
            for source in merged:
                found = _pair(source, wanted) if isinstance(source, MappingNode) else None
                if found is not None:
                    return found
        elif _key(key) == wanted:
            return key, value
    return None


def _key(node: Node) -> str | None:
    if not isinstance(node, ScalarNode):
        return None
    try:
        # A composed node has lost whether its tag was written; keys have none in practice.
        plain = not node.style
        return key_text(resolve(None, plain, node.value))
    except Unreadable:
        return None


def _list_paths(value: Any, above: tuple[Segment, ...] = ()) -> list[tuple[Segment, ...]]:
    """Give the path of each item in the order in which Lists are flattened."""
    paths: list[tuple[Segment, ...]] = []
    for place, item in enumerate(value["items"]):
        path = (*above, "items", place)
        paths += _list_paths(item, path) if is_list(item) else [path]
    return paths


def _json_items(part: Part) -> list[int]:
    paths = _list_paths(parse_json(part.text))
    if all(len(path) == 2 for path in paths):
        return jsontext.element_offsets(part.text, ("items",))
    return [jsontext.find(part.text, path) for path in paths]


def _items(node: Node) -> list[Node]:
    """Give the items of a composed List, flattened as the reader flattens it."""
    pair = _pair(node, "items") if isinstance(node, MappingNode) else None
    found: list[Node] = []
    if pair is not None and isinstance(pair[1], SequenceNode):
        for item in pair[1].value:
            found += _items(item) if _is_list_node(item) else [item]
    return found


def _is_list_node(node: Node) -> bool:
    if not isinstance(node, MappingNode):
        return False
    kind, items = _pair(node, "kind"), _pair(node, "items")
    return (
        kind is not None
        and items is not None
        and isinstance(kind[1], ScalarNode)
        and kind[1].value.endswith("List")
        and isinstance(items[1], SequenceNode)
    )


def _yaml_items(text: str) -> list[tuple[int, int]]:
    """Give start and end of each item of a List; an empty list when Lists are nested or an item is an alias."""
    parser = CParser(text)
    spans: list[tuple[int, int]] = []
    depth = 0
    in_items = False
    key = None
    start = 0
    event: Any
    while not isinstance(event := _next(parser), yaml.StreamEndEvent):
        marks: Any = event
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth == 2:
                in_items = key == "items" and isinstance(event, yaml.SequenceStartEvent)
            elif depth == 3:
                start = marks.start_mark.index
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            if depth == 2 and in_items:
                spans.append((start, marks.end_mark.index))
            elif depth == 1:
                in_items = False
                key = None
        elif depth == 1 and isinstance(event, yaml.ScalarEvent):
            key = event.value if key is None else None
        elif (
            (depth == 1 and isinstance(event, yaml.AliasEvent))
            or (depth == 2 and in_items)
            or (depth == 3 and in_items and isinstance(event, yaml.ScalarEvent) and event.value == "items")
        ):
            return []
    return spans


def _next(parser: CParser) -> Any:
    return parser.get_event()
