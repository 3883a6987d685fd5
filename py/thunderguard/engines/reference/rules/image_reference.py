"""Every image is pinned and comes from where it should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thunderguard.engines.reference.verdict import NOT_MATCHED, Verdict, Violation, listed, verdict
from thunderguard.facts.image import parse_image
from thunderguard.paths import format_path

if TYPE_CHECKING:
    from thunderguard.facts.subject import Subject
    from thunderguard.facts.workloads import Container


def judge(subject: Subject) -> Verdict:
    """Judge workloads: every container, ephemeral ones too."""
    if not subject.is_workload or subject.is_exempt:
        return NOT_MATCHED
    found = (_first_fault(subject, container) for container in subject.containers)
    return verdict(violation for violation in found if violation)


def _first_fault(subject: Subject, container: Container) -> Violation | None:
    path = (*container.path, "image")
    text = container.body.get("image")
    args = {"container": container.label, "field": format_path(path)}
    if not isinstance(text, str) or not text:
        return Violation("missing", path, args)
    image = parse_image(text)
    args |= {"image": text, "repository": image.repository, "tag": image.tag}
    if not image.tag and not image.digest:
        return Violation("untagged", path, args)
    if image.tag in subject.contract.forbidden_tags and not image.digest:
        return Violation("forbidden-tag", path, args)
    services = [subject.contract.service[name] for name in subject.services_of(container)]
    for service in services:
        if service.repositories and image.normalised not in service.repositories:
            more = {"service": service.name, "allowed": listed(service.repositories)}
            return Violation("repository", path, args | more, service.name)
    for service in services:
        if service.tag and image.tag and not service.tag.found_in(image.tag):
            return Violation("version", path, args | {"service": service.name, "rule": service.tag.text}, service.name)
    return None
