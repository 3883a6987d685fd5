"""The estate as a map: which service runs in which namespace, and how it stands there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from thunderguard.model import Finding, Report, Resource
from thunderguard.reports import inventory

RELEASE_VERDICTS = {"deprecated-chart": "deprecated", "duplicate-release": "duplicate"}


class Mark(StrEnum):
    """How an instance stands, the worst first. ``HOME`` is one that nothing is said against."""

    DEPRECATED = "deprecated"
    DUPLICATE = "duplicate"
    AWAY = "away"
    FAILING = "failing"
    PARKED = "parked"
    HOME = "at home"


# The rules that say how an instance stands: about one of its services, or about all of it.
_SERVICE_MARKS = {"singleton-service": Mark.AWAY, "duplicate-service": Mark.DUPLICATE}
_OBJECT_MARKS = {
    "namespace-boundary": Mark.AWAY,
    "deprecated-service": Mark.DEPRECATED,
    "parked-workload": Mark.PARKED,
    "failing-workload": Mark.FAILING,
}

#: Where an instance should not be at all.
ASTRAY = frozenset({Mark.DEPRECATED, Mark.DUPLICATE, Mark.AWAY})


@dataclass(frozen=True, slots=True)
class Picture:
    """``cells`` has the marks of each instance by namespace and service.

    ``missing`` are required services that are nowhere, or of which there are too few; ``judged`` says whether it was
    asked at all what is at home.
    """

    namespaces: tuple[str, ...]
    services: tuple[str, ...]
    cells: Mapping[tuple[str, str], Sequence[frozenset[Mark]]]
    missing: frozenset[str]
    judged: bool


def draw(report: Report, workloads: Iterable[inventory.Workload]) -> Picture:
    """Draw ``workloads``, the root workloads of ``report``."""
    rules_of: dict[Resource, set[tuple[str, str | None]]] = defaultdict(set)
    for finding in report.findings:
        if finding.rule != "singleton-service" or is_astray(finding):
            rules_of[finding.resource].add((finding.rule, finding.service))
    cells: dict[tuple[str, str], list[frozenset[Mark]]] = defaultdict(list)
    for workload in workloads:
        rules = rules_of.get(workload.resource, set())
        for service in (*workload.services, *workload.deprecated):
            cells[workload.resource.namespace, service].append(_marks(workload, service, rules))
    # A required service that is nowhere is a part of the picture too: an empty column.
    missing = frozenset(one.service for one in report.findings if one.rule == "missing-service" and one.service)
    return Picture(
        namespaces=tuple(sorted({namespace for namespace, _ in cells})),
        services=tuple(sorted({service for _, service in cells} | missing)),
        cells=cells,
        missing=missing,
        judged="singleton-service" in report.totals,
    )


def is_astray(finding: Finding) -> bool:
    """Tell an instance away from its home from one at home with too many replicas: only that is about a container."""
    return finding.rule == "singleton-service" and "ontainers[" in finding.path


def _marks(workload: inventory.Workload, service: str, rules: set[tuple[str, str | None]]) -> frozenset[Mark]:
    marks = {_OBJECT_MARKS[rule] for rule, _ in rules if rule in _OBJECT_MARKS}
    marks |= {_SERVICE_MARKS[rule] for rule, about in rules if about == service and rule in _SERVICE_MARKS}
    if service in workload.deprecated:
        marks.add(Mark.DEPRECATED)
    if workload.parked:
        marks.add(Mark.PARKED)
    if workload.failing:
        marks.add(Mark.FAILING)
    return frozenset(marks or {Mark.HOME})
