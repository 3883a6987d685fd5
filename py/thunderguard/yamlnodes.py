"""What readers of small YAML files share that say where a value stands: plain values, and the marks of nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import yaml

from thunderguard.paths import Segment

TAG = "tag:yaml.org,2002:"


class PlainConstructor(yaml.constructor.SafeConstructor):
    """Plain values; dates stay text, as Kubernetes reads them."""

    yaml_constructors: ClassVar[dict[str | None, Any]] = {
        **yaml.constructor.SafeConstructor.yaml_constructors,
        f"{TAG}timestamp": yaml.constructor.SafeConstructor.construct_yaml_str,
    }


def plain(node: yaml.Node) -> Any:
    """Give the value of a document's node. Raises yaml.MarkedYAMLError."""
    return PlainConstructor().construct_document(node)


def deepest(node: yaml.Node, segments: Sequence[Segment]) -> yaml.Mark:
    """Give the mark of the deepest key or element on ``segments`` below ``node`` that is there."""
    mark = node.start_mark
    for segment in segments:
        found = _step(node, segment)
        if found is None:
            break
        mark, node = found
    return mark


def _step(node: yaml.Node, segment: Segment) -> tuple[yaml.Mark, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == segment:
                return key.start_mark, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(segment, int) and segment < len(node.value):
        return node.value[segment].start_mark, node.value[segment]
    return None
