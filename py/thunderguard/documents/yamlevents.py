"""The exact YAML reader: libyaml's events, put together as Kubernetes puts them together.

Slower than the bulk loader and complete: duplicate keys, merge keys, aliases, tags and depth are all decided here.
It keeps its own stack instead of recursing, so that no input can exhaust Python's or C's.
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml._yaml import CParser

from thunderguard.documents.errors import Unreadable
from thunderguard.documents.limits import DEFAULT_LIMITS, Limits, megabytes
from thunderguard.documents.scalars import json_value, key_text, resolve

_NOTHING = object()
_MERGE = object()
_MERGE_TAG = "tag:yaml.org,2002:merge"


class _Node:
    """A finished value with its written-out size, how many nodes and levels it holds, and what it is."""

    __slots__ = ("alias", "height", "nodes", "size", "value")

    def __init__(self, value: Any, size: int, nodes: int, height: int, alias: bool = False) -> None:
        self.value = value
        self.size = size
        self.nodes = nodes
        self.height = height
        self.alias = alias


class _Frame:
    """A mapping or sequence still being read."""

    __slots__ = ("anchor", "height", "key", "lines", "nodes", "size", "value")

    def __init__(self, value: Any, anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.key: Any = _NOTHING
        self.lines: dict[str, int] = {}
        self.size = 2
        self.nodes = 1
        self.height = 0


class _Builder:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.stack: list[_Frame] = []
        self.anchors: dict[str, _Node | None] = {}
        self.result: _Node | None = None
        self.documents = 0

    def take(self, event: Any, line: int) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self.scalar(event, line)
        elif kind is yaml.MappingStartEvent:
            self.open({}, event.anchor)
        elif kind is yaml.SequenceStartEvent:
            self.open([], event.anchor)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self.close(line)
        elif kind is yaml.AliasEvent:
            self.alias(event.anchor, line)
        elif kind is yaml.DocumentStartEvent:
            self.documents += 1
            if self.documents > 1:
                raise Unreadable("more than one document stands here; put a line `---` between them")

    def open(self, value: Any, anchor: str | None) -> None:
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is _NOTHING:
            raise Unreadable("a mapping or a list cannot be a key", kind="malformed")
        if len(self.stack) >= self.limits.depth:
            raise Unreadable(f"nested more than {self.limits.depth} levels deep", kind="malformed")
        if anchor is not None:
            self.anchors[anchor] = None
        self.stack.append(_Frame(value, anchor))

    def close(self, line: int) -> None:
        frame = self.stack.pop()
        node = _Node(frame.value, frame.size, frame.nodes, frame.height + 1)
        if frame.anchor is not None:
            self.anchors[frame.anchor] = node
        self.add(node, line)

    def scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        value = event.value
        plain = event.implicit[0]
        if value == "<<" and (plain or event.tag == _MERGE_TAG) and self._wants_key():
            self.stack[-1].key = _MERGE
            return
        node = _Node(resolve(event.tag, plain, value), len(value) + 4, 1, 0)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        self.add(node, line)

    def alias(self, name: str, line: int) -> None:
        if name not in self.anchors:
            raise Unreadable(f"the alias *{name} names no anchor", kind="malformed")
        node = self.anchors[name]
        if node is None:
            raise Unreadable(f"the anchor &{name} contains itself", kind="malformed")
        if len(self.stack) + node.height > self.limits.depth:
            raise Unreadable(f"nested more than {self.limits.depth} levels deep through *{name}", kind="malformed")
        self.add(_Node(node.value, node.size, node.nodes, node.height, True), line)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and (frame.size > self.limits.document or frame.nodes > self.limits.nodes):
            raise Unreadable(
                f"its aliases expand to more than {megabytes(self.limits.document)}; write the values out",
                kind="malformed",
            )

    def add(self, node: _Node, line: int) -> None:
        if not self.stack:
            node.value = json_value(node.value)
            self.result = node
            return
        frame = self.stack[-1]
        frame.size += node.size
        frame.nodes += node.nodes
        frame.height = max(frame.height, node.height)
        if isinstance(frame.value, list):
            frame.value.append(json_value(node.value))
        elif frame.key is _NOTHING:
            if isinstance(node.value, dict | list):
                raise Unreadable("a mapping or a list cannot be a key", kind="malformed")
            frame.key = key = key_text(node.value)
            if key in frame.lines:
                raise Unreadable(
                    f'the key "{key}" stands twice in one mapping', kind="malformed", first_line=frame.lines[key]
                )
            frame.lines[key] = line
        elif frame.key is _MERGE:
            self._merge(frame.value, node)
            frame.key = _NOTHING
        else:
            frame.value[frame.key] = json_value(node.value)
            frame.key = _NOTHING

    def _wants_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is _NOTHING

    @staticmethod
    def _merge(into: dict[str, Any], node: _Node) -> None:
        # go-yaml v2 merges in the order of the text: what comes later wins, the merge key included; within a list
        # of mappings the earlier one wins.
        sources = [node.value] if isinstance(node.value, dict) else node.value
        if not isinstance(sources, list) or (node.alias and sources is node.value):
            raise Unreadable("a merge key (<<) needs a mapping or a list of mappings", kind="malformed")
        for source in reversed(sources):
            if not isinstance(source, dict):
                raise Unreadable("a merge key (<<) needs a mapping or a list of mappings", kind="malformed")
            into.update(source)


def load_events(text: str, limits: Limits = DEFAULT_LIMITS) -> Any:
    """Read the one YAML document of ``text`` as Kubernetes would; an empty one gives None.

    Raises Unreadable, its line counted within ``text``, for anything Kubernetes tools would refuse and for what
    goes beyond ``limits``. Values that aliases share are shared in the result, too.
    """
    builder = _Builder(limits)
    line = 1
    try:
        # The reader checks for characters outside YAML as soon as it is made.
        parser = CParser(text)
        while True:
            event: Any = parser.get_event()
            line = event.start_mark.line + 1
            if type(event) is yaml.StreamEndEvent:
                break
            builder.take(event, line)
    except Unreadable as error:
        raise Unreadable(error.message, line, error.kind, error.first_line) from None
    except yaml.MarkedYAMLError as error:
        raise _from_yaml(error, limits) from None
    except yaml.reader.ReaderError as error:
        at = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else None
        raise Unreadable(f"not YAML: the character U+{_code(error):04X} is not allowed", at) from None
    return None if builder.result is None else builder.result.value


def _code(error: yaml.reader.ReaderError) -> int:
    return error.character if isinstance(error.character, int) else ord(error.character[:1] or "\0")


def _from_yaml(error: yaml.MarkedYAMLError, limits: Limits) -> Unreadable:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else None
    what = ", ".join(part for part in (error.problem, error.context) if part)
    if "nesting depth" in what:
        # libyaml looks ahead of its events for a key, and newer ones have a bound of their own.
        return Unreadable(f"nested more than {limits.depth} levels deep", line, "malformed")
    if "cannot start any token" in what and mark is not None:
        what += "; a tab cannot indent, and text that begins with @ or ` must be quoted"
    return Unreadable(f"not YAML: {what}", line)
