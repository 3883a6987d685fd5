"""What an audit saw, in the words of the pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from thunderguard.docs.services import ServiceEntry
from thunderguard.model import Finding, Report, in_order
from thunderguard.reports.inventory import Workload, workloads


@dataclass(frozen=True, slots=True)
class Seen:
    """A workload that is a service, declared or deprecated.

    ``state`` is one of ``home``, ``away``, ``deprecated`` and ``free``, where its services have no home; ``parked`` and
    ``failing`` come on top.
    """

    namespace: str
    kind: str
    name: str
    services: tuple[str, ...]
    state: str
    parked: bool
    failing: bool

    @property
    def words(self) -> str:
        """Its state in words."""
        place = {"home": "at home", "away": "away from its home", "deprecated": "deprecated", "free": ""}[self.state]
        said = [place, "scaled to 0" if self.parked else "", "failing" if self.failing else ""]
        return ", ".join(word for word in said if word) or "running"


@dataclass(frozen=True, slots=True)
class Captured:
    """What an audit saw: ``path`` and ``time`` of the snapshot, the services that run and the findings by rule."""

    path: str
    time: str
    seen: tuple[Seen, ...]
    findings: Mapping[str, tuple[Finding, ...]]

    def of(self, service: str) -> tuple[Seen, ...]:
        """Give where ``service`` was seen."""
        return tuple(one for one in self.seen if service in one.services)


def captured(report: Report, services: Iterable[ServiceEntry]) -> Captured:
    """Read ``report``, the audit of a snapshot by the Estate that declares ``services``."""
    homes = {service.name: service.home for service in services}
    by_rule: dict[str, list[Finding]] = {}
    for finding in in_order(report.findings):
        by_rule.setdefault(finding.rule, []).append(finding)

    def state(one: Workload) -> str:
        if one.deprecated:
            return "deprecated"
        at = [homes.get(name) for name in one.services]
        address = (one.resource.kind, one.resource.namespace, one.resource.name)
        if any(home is not None and (home.kind, home.namespace, home.name) != address for home in at):
            return "away"
        return "home" if any(home is not None for home in at) else "free"

    seen = tuple(
        Seen(
            namespace=one.resource.namespace,
            kind=one.resource.kind,
            name=one.resource.name,
            services=(*one.services, *one.deprecated),
            state=state(one),
            parked=one.parked,
            failing=one.failing,
        )
        for one in workloads(report.inventory)
        if one.services or one.deprecated
    )
    source = report.source
    return Captured(
        path=str(source.get("path") or ""),
        time=str(source.get("capturedAt") or ""),
        seen=tuple(sorted(seen, key=lambda one: (one.namespace, one.kind, one.name))),
        findings={rule: tuple(found) for rule, found in by_rule.items()},
    )
