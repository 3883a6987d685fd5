"""A strict reader of the part of Mermaid's flowcharts that the pages use: what it does not know, it refuses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LABEL = r'"((?:[A-Za-z0-9 .,()/+-]|#[0-9]+;|<br/>)*)"'
_GROUP = re.compile(rf"  subgraph (g[0-9]+)\[{_LABEL}\]\Z")
_NODE = re.compile(rf"    (\w+)\[{_LABEL}\](?::::(\w+))?\Z")
_FREE = re.compile(rf"  (\w+)(?:\[{_LABEL}\]|\(\[{_LABEL}\]\))(?::::(\w+))?\Z")
_EDGE = re.compile(r"  (\w+) --> (\w+)\Z")
_CLASS = re.compile(r"  classDef (\w+) [a-z-]+:\s?[#a-z0-9 ]+(?:,[a-z-]+:\s?[#a-z0-9 ]+)*\Z")
_RESERVED = {"end", "graph", "subgraph", "flowchart", "class", "classDef", "style", "click"}


@dataclass
class Flowchart:
    """What a flowchart has: the labels of its nodes by id, its edges, and the titles of its subgraphs."""

    nodes: dict[str, str] = field(default_factory=dict)
    edges: set[tuple[str, str]] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)


def check_flowchart(text: str) -> Flowchart:
    """Read ``text``; an AssertionError names the line that is no syntax."""
    head, *lines = text.rstrip("\n").split("\n")
    assert head == "flowchart LR", head
    chart, inside, used, defined = Flowchart(), False, set(), set()
    for line in lines:
        if group := _GROUP.match(line):
            assert not inside, line
            inside = True
            chart.groups.add(group[2])
        elif line == "  end":
            assert inside, line
            inside = False
        elif edge := _EDGE.match(line):
            assert {edge[1], edge[2]} <= set(chart.nodes), line
            chart.edges.add((edge[1], edge[2]))
        elif style := _CLASS.match(line):
            defined.add(style[1])
        else:
            node = _NODE.match(line) if inside else _FREE.match(line)
            assert node, line
            assert node[1] not in chart.nodes, line
            assert node[1] not in _RESERVED, line
            chart.nodes[node[1]] = node[2] if node[2] is not None else node[3]
            used |= {node[node.re.groups]} - {None}
    assert not inside, "a subgraph is not ended"
    assert used == defined, used ^ defined
    return chart
