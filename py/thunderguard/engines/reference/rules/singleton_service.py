"""A service with a home exists nowhere else, and at home stays within its replica maximum."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from thunderguard.engines.reference.verdict import NOT_MATCHED, Verdict, Violation, verdict
from thunderguard.facts.services import Home
from thunderguard.facts.values import as_integer, value_text
from thunderguard.facts.workloads import PARALLEL
from thunderguard.paths import format_path

if TYPE_CHECKING:
    from thunderguard.facts.admission import Scale
    from thunderguard.facts.contract import Contract
    from thunderguard.facts.services import Service
    from thunderguard.facts.subject import Subject
    from thunderguard.model import Resource

_AUTOSCALER = ("autoscaling", "HorizontalPodAutoscaler")
_MAX_REPLICAS = ("spec", "maxReplicas")


def judge(subject: Subject) -> Verdict:
    """Judge workloads that run a service with a home, and autoscalers of a home."""
    if subject.type == _AUTOSCALER:
        scaled = [s for s in subject.contract.services if s.home and _scales(subject, s.home)]
        if not scaled:
            return NOT_MATCHED
        return verdict(v for s in scaled for v in _replicas(subject, s, _MAX_REPLICAS, absent=None))
    homed = [s for name in subject.services if (s := subject.contract.service[name]).home]
    if not homed:
        return NOT_MATCHED
    undecided = any(s.home and _may_be(subject, s.home) and not subject.namespace for s in homed)
    return verdict((v for s in homed for v in _workload(subject, s)), undecided=undecided)


def judge_scale(scale: Scale, contract: Contract) -> Verdict:
    """Judge a request to scale the home of a service."""
    there = scale.workload
    at_home = [s for s in contract.services if s.home == Home(there.kind, there.namespace, there.name)]
    if not at_home:
        return NOT_MATCHED
    return verdict(v for s in at_home for v in _count(scale.replicas, s, ("spec", "replicas"), there))


def _workload(subject: Subject, service: Service) -> Iterator[Violation]:
    if service.home and _may_be(subject, service.home):
        if field := PARALLEL.get(subject.type):
            yield from _replicas(subject, service, field, absent=1)
        return
    first = subject.containers_running(service.name)[0]
    args = {"service": service.name, "home": str(service.home), "remove": subject.remove}
    yield Violation("away", first.path, args, service.name)


def _may_be(subject: Subject, home: Home) -> bool:
    """Say whether the object is at ``home``, or would be in the namespace of that home."""
    return subject.type == home.type and subject.name == home.name and subject.namespace in ("", home.namespace)


def _scales(autoscaler: Subject, home: Home) -> bool:
    target = (autoscaler.dig("spec", "scaleTargetRef", "kind"), autoscaler.dig("spec", "scaleTargetRef", "name"))
    return target == (home.kind, home.name) and autoscaler.namespace in ("", home.namespace)


def _replicas(subject: Subject, service: Service, field: tuple[str, ...], absent: int | None) -> Iterator[Violation]:
    asked = subject.dig(*field)
    return _count(absent if asked is None else asked, service, field)


def _count(
    asked: Any, service: Service, field: tuple[str, ...], resource: Resource | None = None
) -> Iterator[Violation]:
    if service.maximum is None:
        return
    count = as_integer(asked)
    if count is None or not 0 <= count <= service.maximum:
        args = {
            "service": service.name,
            "replicas": value_text(asked),
            "maximum": str(service.maximum),
            "field": format_path(field),
        }
        yield Violation("replicas", field, args, service.name, resource)
