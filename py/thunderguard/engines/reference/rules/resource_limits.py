"""Every container has requests and limits, and stays under the ceiling of its service.

Limits stand in for requests, as the API server defaults them (SetDefaults_Pod), and the resources of the whole pod
(KEP-2837) for those of a container that has none of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from thunderguard.engines.reference.verdict import NOT_MATCHED, Verdict, Violation, listed, verdict
from thunderguard.facts.quantity import milli
from thunderguard.facts.values import as_list, value_text
from thunderguard.facts.workloads import Container, Role
from thunderguard.paths import Segment, format_path

if TYPE_CHECKING:
    from thunderguard.facts.subject import Subject


def judge(subject: Subject) -> Verdict:
    """Judge workloads."""
    if not subject.is_workload or subject.is_exempt:
        return NOT_MATCHED
    pod = (*subject.pod_spec, "resources")
    violations = [*_lists(subject), *_amounts(subject, pod, subject.dig(*pod))]
    for container in subject.containers:
        if container.role is not Role.EPHEMERAL:
            own = (*container.path, "resources")
            violations += _amounts(subject, own, container.body.get("resources"))
            violations += _missing(subject, container)
    return verdict([*violations, *_ceilings(subject)])


def _lists(subject: Subject) -> Iterator[Violation]:
    """Say where a list of containers is not one."""
    for field in ("containers", "initContainers"):
        path: tuple[str, ...] = (*subject.pod_spec, field)
        value = subject.dig(*path)
        is_wanting = value in (None, []) if field == "containers" else False
        if is_wanting or (value is not None and not isinstance(value, list)):
            yield Violation("containers", path, {"field": format_path(path)})
        for place, element in enumerate(as_list(value)):
            if not isinstance(element, dict):
                yield Violation("containers", (*path, place), {"field": format_path((*path, place))})


def _amounts(subject: Subject, at: tuple[Segment, ...], resources: Any) -> Iterator[Violation]:
    """Say which required amounts are given and bound nothing."""
    for required in subject.contract.required_resources:
        value = _amount(resources, required)
        if value is not None and not milli(value):
            path = (*at, *required.split("."))
            args = {"field": format_path(path), "value": value_text(value)}
            yield Violation("unreadable" if milli(value) is None else "zero", path, args)


def _missing(subject: Subject, container: Container) -> Iterator[Violation]:
    """Name the required amounts that neither the container nor its pod gives."""
    own, pod = container.body.get("resources"), subject.dig(*subject.pod_spec, "resources")
    missing = []
    for required in subject.contract.required_resources:
        limit = required.replace("requests.", "limits.")
        if all(_amount(*place) is None for place in ((own, required), (own, limit), (pod, required), (pod, limit))):
            missing.append(required)
    if missing:
        args = {"container": container.label, "missing": listed(missing)}
        yield Violation("missing", (*container.path, "resources"), args)


def _ceilings(subject: Subject) -> Iterator[Violation]:
    """Say what is above the ceiling of a service."""
    pod = (*subject.pod_spec, "resources")
    told: set[tuple[Segment, ...]] = set()
    for container in subject.containers:
        for field in ("limits.cpu", "limits.memory", "requests.cpu", "requests.memory"):
            ceiling = subject.ceiling(container, field.partition(".")[2])
            if ceiling is None:
                continue
            service, bound = ceiling
            path: tuple[Segment, ...] = (*container.path, "resources", *field.split("."))
            value = _amount(container.body.get("resources"), field)
            if value is None and field.startswith("limits."):
                path, value = (*pod, *field.split(".")), _amount(subject.dig(*pod), field)
            if (milli(value) or 0) > bound.milli and path not in told:
                told.add(path)
                args = {"field": format_path(path), "value": value_text(value), "service": service}
                yield Violation("ceiling", path, {**args, "ceiling": bound.text}, service)


def _amount(resources: Any, field: str) -> Any:
    """Read ``limits.cpu`` or the like; null is absent."""
    for key in field.split("."):
        resources = resources.get(key) if isinstance(resources, dict) else None
    return resources
