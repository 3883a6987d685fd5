"""Diagrams in Mermaid, which GitHub and GitLab draw: https://mermaid.js.org/syntax/flowchart.html.

A name stands only in a quoted label, with every sign but the plainest as an entity code (``#34;``), so that no name is
syntax; nodes have numbers for ids.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from thunderguard.docs.captured import Seen
from thunderguard.docs.markdown import line
from thunderguard.docs.services import ServiceEntry, outside

#: More than this many nodes nobody reads, and Mermaid refuses a text of more than 50,000 characters.
MOST = 60

#: As long is a label, in characters.
LONGEST = 80

_PLAIN = re.compile(r"[^A-Za-z0-9 .,()/+-]")
_STYLES = {
    "optional": "stroke-dasharray: 4 3",
    "outside": "fill:none,stroke-dasharray: 2 2",
    "away": "fill:#fde2c8,stroke:#b35900,color:#3d1f00",
    "deprecated": "fill:#f8d0d0,stroke:#a40000,color:#3d0000",
    "home": "fill:#d5efd5,stroke:#1e6b1e,color:#0a2a0a",
}


def label(text: str) -> str:
    """Write ``text`` as a label without its quotes."""
    shown = line(text)
    shown = shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 3]}..."
    return _PLAIN.sub(lambda sign: f"#{ord(sign[0])};", shown)


def declared(services: Sequence[ServiceEntry]) -> str:
    """Draw the services that the Estate declares, each where its home is, and who calls whom."""
    nodes = {service.name: f"s{place}" for place, service in enumerate(services)}
    nodes |= {name: f"x{place}" for place, name in enumerate(outside(services))}
    groups: dict[str, list[ServiceEntry]] = defaultdict(list)
    for service in services:
        groups[service.home.namespace if service.home else ""].append(service)
    lines = ["flowchart LR"]
    for place, namespace in enumerate(sorted(groups, key=lambda name: (not name, name))):
        title = f"namespace {namespace}" if namespace else "no fixed address"
        lines.append(f'  subgraph g{place}["{label(title)}"]')
        lines += [f"    {_service(nodes[service.name], service)}" for service in groups[namespace]]
        lines.append("  end")
    lines += [f'  {nodes[name]}(["{label(name)}"]):::outside' for name in outside(services)]
    lines += [f"  {nodes[use.caller]} --> {nodes[use.callee]}" for service in services for use in service.uses]
    return _styled(lines)


def seen(workloads: Sequence[Seen]) -> str:
    """Draw the services that were seen, namespace by namespace, in the colours of their states."""
    groups: dict[str, list[Seen]] = defaultdict(list)
    for one in workloads[:MOST]:
        groups[one.namespace].append(one)
    lines, number = ["flowchart LR"], 0
    for place, (namespace, members) in enumerate(sorted(groups.items())):
        lines.append(f'  subgraph g{place}["{label(f"namespace {namespace}")}"]')
        for one in members:
            parts = [one.name, f"{', '.join(one.services)} ({one.words})"]
            style = f":::{one.state}" if one.state in _STYLES else ""
            lines.append(f'    n{number}["{"<br/>".join(label(part) for part in parts)}"]{style}')
            number += 1
        lines.append("  end")
    if len(workloads) > MOST:
        lines.append(f'  more["and {len(workloads) - MOST} more"]')
    return _styled(lines)


def _service(node: str, service: ServiceEntry) -> str:
    parts = [service.name]
    if service.home is not None:
        parts += [f"{service.home.kind} {service.home.name}", f"replicas {service.replicas}"]
    elif service.execution:
        parts.append(" or ".join(service.execution))
    if service.ports:
        parts.append("port " + ", ".join(str(number) for _, number in service.ports))
    return f'{node}["{"<br/>".join(label(part) for part in parts)}"]{"" if service.required else ":::optional"}'


def _styled(lines: Iterable[str]) -> str:
    drawn = list(lines)
    text = "\n".join(drawn)
    return "\n".join(
        [*drawn, *(f"  classDef {name} {style}" for name, style in _STYLES.items() if f":::{name}" in text)]
    )
