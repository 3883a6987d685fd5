"""A service that declares probes has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from thunderguard.engines.reference.verdict import NOT_MATCHED, Verdict, Violation, verdict
from thunderguard.paths import format_path

if TYPE_CHECKING:
    from thunderguard.facts.services import Service
    from thunderguard.facts.subject import Subject

# What runs to its end is not asked for its health.
_ENDING = {("batch", "Job"), ("batch", "CronJob")}


def judge(subject: Subject) -> Verdict:
    """Judge workloads that run a service which declares probes."""
    declared = [s for name in subject.services if (s := subject.contract.service[name]).probes]
    if not declared or subject.is_exempt or subject.type in _ENDING:
        return NOT_MATCHED
    return verdict(violation for service in declared for violation in _absent(subject, service))


def _absent(subject: Subject, service: Service) -> Iterator[Violation]:
    containers = subject.containers_running(service.name)
    for probe in service.probes:
        if not any(isinstance(container.body.get(probe), dict) for container in containers):
            path = (*containers[0].path, probe)
            args = {"container": containers[0].label, "probe": probe, "field": format_path(path)}
            yield Violation("probe", path, {"service": service.name, **args}, service.name)
