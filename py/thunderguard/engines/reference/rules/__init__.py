"""The rules, one module each, by id. A rule of scope object takes a subject, one of scope estate an inventory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from thunderguard.engines.reference.rules import (
    deprecated_chart,
    deprecated_service,
    duplicate_release,
    duplicate_service,
    failing_workload,
    health_probes,
    image_reference,
    job_only_service,
    missing_service,
    namespace_boundary,
    namespace_quota,
    parked_workload,
    resource_limits,
    runaway_usage,
    singleton_service,
    undeclared_workload,
)

if TYPE_CHECKING:
    from thunderguard.engines.reference.inventory import Inventory
    from thunderguard.engines.reference.verdict import Verdict, Violation
    from thunderguard.facts.subject import Subject

OBJECT_RULES: Mapping[str, Callable[[Subject], Verdict]] = {
    "deprecated-chart": deprecated_chart.judge,
    "deprecated-service": deprecated_service.judge,
    "health-probes": health_probes.judge,
    "image-reference": image_reference.judge,
    "job-only-service": job_only_service.judge,
    "namespace-boundary": namespace_boundary.judge,
    "resource-limits": resource_limits.judge,
    "singleton-service": singleton_service.judge,
}

ESTATE_RULES: Mapping[str, Callable[[Inventory], Iterable[Violation]]] = {
    "duplicate-release": duplicate_release.judge,
    "duplicate-service": duplicate_service.judge,
    "failing-workload": failing_workload.judge,
    "missing-service": missing_service.judge,
    "namespace-quota": namespace_quota.judge,
    "parked-workload": parked_workload.judge,
    "runaway-usage": runaway_usage.judge,
    "undeclared-workload": undeclared_workload.judge,
}
