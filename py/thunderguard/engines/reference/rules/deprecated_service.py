"""A deprecated service is not run, whatever chart brought it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thunderguard.engines.reference.verdict import NOT_MATCHED, Verdict, Violation, verdict

if TYPE_CHECKING:
    from thunderguard.facts.subject import Subject


def judge(subject: Subject) -> Verdict:
    """Judge workloads, in exempt namespaces too."""
    if not subject.is_workload:
        return NOT_MATCHED
    return verdict(_violation(subject, name) for name in subject.deprecated_services)


def _violation(subject: Subject, name: str) -> Violation:
    service = subject.contract.deprecated_service[name]
    args = {"service": name, "reason": service.reason, "command": subject.uninstall or service.remedy}
    return Violation("service", subject.containers_running(name)[0].path, args, name)
