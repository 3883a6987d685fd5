"""The commands that remedies begin with, and what each of them resolves."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from thunderguard.model import Finding, Resource

# Only what is safe to paste into a shell counts as a command to run: names of the characters that Kubernetes allows.
_COMMAND = re.compile(
    r"(?:helm uninstall [A-Za-z0-9][A-Za-z0-9._-]* -n [A-Za-z0-9][A-Za-z0-9-]*"
    r"|kubectl delete [a-z][a-z0-9.]* [A-Za-z0-9][A-Za-z0-9._:-]*(?: -n [A-Za-z0-9][A-Za-z0-9-]*)?)"
    r"(?=[,;]|\Z)"
)


@dataclass(frozen=True, slots=True)
class Remedy:
    """A command to run, the places of the findings that it resolves, and what the remedies say about it besides."""

    command: str
    findings: frozenset[int]
    conditions: tuple[str, ...]


def command(remedy: str) -> str:
    """Give the command that ``remedy`` begins with; the empty text when it begins with none."""
    match = _COMMAND.match(remedy)
    return "" if match is None else match.group()


def commands(findings: Sequence[Finding]) -> list[Remedy]:
    """Give each command of the remedies of ``findings`` once: releases first, namespaces last.

    A command that removes an object resolves every finding about that object. What a chart renders would be back with
    the next upgrade: its findings say what to put into the values, and give no command.
    """
    resolved: dict[str, set[int]] = defaultdict(set)
    conditions: dict[str, set[str]] = defaultdict(set)
    removes: dict[Resource, set[str]] = defaultdict(set)
    for place, finding in enumerate(findings):
        run = command(finding.remedy)
        if not run or finding.origin is not None:
            continue
        resolved[run].add(place)
        removes[finding.resource].add(run)
        condition = finding.remedy[len(run) :].strip(" ,;")
        if condition:
            conditions[run].add(condition)
    for place, finding in enumerate(findings):
        for run in removes.get(finding.resource, ()):
            resolved[run].add(place)
    found = [Remedy(run, frozenset(places), tuple(sorted(conditions[run]))) for run, places in resolved.items()]
    # Releases first, since they take most with them; namespaces last, once they are empty.
    return sorted(found, key=lambda one: (_rank(one.command), -len(one.findings), one.command))


def _rank(run: str) -> int:
    if run.startswith("helm "):
        return 0
    return 2 if run.startswith("kubectl delete namespace ") else 1
