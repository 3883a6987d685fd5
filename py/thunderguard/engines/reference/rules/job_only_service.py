"""A service runs as the kinds it is declared for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from thunderguard.engines.reference.verdict import NOT_MATCHED, Verdict, Violation, listed, verdict

if TYPE_CHECKING:
    from thunderguard.facts.services import Service
    from thunderguard.facts.subject import Subject
    from thunderguard.facts.workloads import Container


def judge(subject: Subject) -> Verdict:
    """Judge workloads that run a service which names its kinds."""
    particular = [s for name in subject.services if (s := subject.contract.service[name]).execution]
    if not particular or subject.is_exempt:
        return NOT_MATCHED
    return verdict(violation for service in particular for violation in _execution(subject, service))


def _execution(subject: Subject, service: Service) -> Iterator[Violation]:
    container = subject.containers_running(service.name)[0]
    mode = "Sidecar" if _is_beside_another(subject, service, container) else subject.resource.kind
    if mode not in service.execution:
        args = {"execution": mode, "allowed": listed(service.execution), "remove": subject.remove}
        yield Violation("execution", container.path, {"service": service.name, **args}, service.name)


def _is_beside_another(subject: Subject, service: Service, container: Container) -> bool:
    """Say whether another container of the pod runs a service that ``container`` does not."""
    return any(
        name != service.name and name not in subject.services_of(container)
        for other in subject.containers
        if other is not container
        for name in subject.services_of(other)
    )
