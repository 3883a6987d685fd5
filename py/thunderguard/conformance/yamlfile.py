"""Reading the YAML files of the suite: plain values, and the line of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.cyaml import CSafeLoader

from thunderguard.errors import UsageError
from thunderguard.paths import Segment
from thunderguard.yamlnodes import TAG, deepest, plain


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A file that was read: its name, its value and its YAML node."""

    name: str
    value: Any
    node: yaml.Node

    def line(self, path: Sequence[Segment]) -> int:
        """Give the 1-based line of the deepest key or element on ``path`` that is there."""
        return deepest(self.node, path).line + 1


def read_yaml(path: Path) -> YamlFile:
    """Read the one document of ``path``. Raises UsageError, with the line, for what is not that."""
    name = str(path)
    try:
        text = path.read_text(encoding="utf-8")
        nodes = list(yaml.compose_all(text, Loader=CSafeLoader))
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        raise UsageError(f"{where}: not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{name}: not YAML: {' '.join(str(error).split())}") from None
    if len(nodes) != 1:
        raise UsageError(f"{name} has {len(nodes)} documents; a file of the suite is one")
    try:
        value = plain(nodes[0])
    except yaml.MarkedYAMLError as error:
        line = (error.problem_mark or nodes[0].start_mark).line + 1
        raise UsageError(f"{name}:{line}: {error.problem}") from None
    # By now every key is known to be one scalar.
    _refuse_twice(nodes[0], name)
    return YamlFile(name, value, nodes[0])


def _refuse_twice(root: yaml.Node, name: str) -> None:
    """Refuse a key that stands twice in one mapping: readers differ on which one counts."""
    seen: set[int] = set()
    left = [root]
    while left:
        node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            left += node.value
        elif isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                if key.value in keys and key.tag != f"{TAG}merge":
                    raise UsageError(f"{name}:{key.start_mark.line + 1}: {key.value} stands here a second time")
                keys.add(key.value)
                left.append(value)
