"""Everything stays inside the allowed namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thunderguard.engines.reference.verdict import NOT_MATCHED, Verdict, Violation, verdict
from thunderguard.facts.namespaces import is_namespaced
from thunderguard.facts.resources import OWN_GROUP

if TYPE_CHECKING:
    from thunderguard.facts.subject import Subject

_NAMESPACE = ("", "Namespace")
_OTHER_GROUPS = {OWN_GROUP, "metrics.k8s.io"}
# What controllers of the control plane make by themselves, wherever there is a namespace.
_MADE_BY_CONTROLLERS = {
    ("", "Event"),
    ("events.k8s.io", "Event"),
    ("coordination.k8s.io", "Lease"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("", "Endpoints"),
    ("apps", "ControllerRevision"),
}
_MADE_EVERYWHERE = {("", "ServiceAccount", "default"), ("", "ConfigMap", "kube-root-ca.crt")}


def judge(subject: Subject) -> Verdict:
    """Judge Namespaces and what stands in one."""
    if _is_of_the_platform(subject):
        return NOT_MATCHED
    if subject.type == _NAMESPACE:
        return _namespace(subject)
    if subject.is_exempt or not (subject.namespace or is_namespaced(subject.obj)):
        return NOT_MATCHED
    if not subject.namespace or subject.is_in_allowed:
        return verdict([], undecided=not subject.namespace)
    args = {"allowed": subject.contract.namespaces.allowed_text, "remove": subject.remove}
    return verdict([Violation("object", ("metadata", "namespace"), args)])


def _namespace(subject: Subject) -> Verdict:
    namespaces = subject.contract.namespaces
    if subject.resource.name in namespaces.exempt:
        return NOT_MATCHED
    if subject.resource.name in namespaces.allowed:
        return verdict([])
    return verdict([Violation("namespace", ("metadata", "name"), {"allowed": namespaces.allowed_text})])


def _is_of_the_platform(subject: Subject) -> bool:
    group, kind = subject.type
    return (
        group in _OTHER_GROUPS
        or subject.type in _MADE_BY_CONTROLLERS
        or (group, kind, subject.resource.name) in _MADE_EVERYWHERE
        or (subject.type == _NAMESPACE and subject.name == "default")
        or (subject.type == ("", "Service") and (subject.namespace, subject.name) == ("default", "kubernetes"))
        # The record of the release stands for the Secret that Helm keeps it in.
        or (subject.type == ("", "Secret") and subject.dig("type") == "helm.sh/release.v1")
    )
