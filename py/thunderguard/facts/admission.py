"""What an admission request asks about: an object, the replicas of a workload, or nothing that a rule has a say in.

The source for the fields of a request is
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request. Whatever stands in
a request, nothing here raises.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from thunderguard.facts.charts import LABEL
from thunderguard.facts.resources import is_chart_file, namespace_of, resource_of
from thunderguard.facts.values import as_list, as_object, as_text, dig
from thunderguard.model import JsonObject, Resource

if TYPE_CHECKING:
    from thunderguard.facts.contract import Contract
    from thunderguard.facts.services import Recognisable

#: The kinds that a home may be of and that can be scaled, by the group and name of their resource.
_SCALED = {
    ("", "replicationcontrollers"): "ReplicationController",
    ("apps", "deployments"): "Deployment",
    ("apps", "replicasets"): "ReplicaSet",
    ("apps", "statefulsets"): "StatefulSet",
}
_SCALE = "scale"
_JUDGED = ("CREATE", "UPDATE")
#: With these the request brings the whole object, as it does without a subresource.
_WHOLE = ("", "ephemeralcontainers", "resize")
#: The rules that look at the part of a pod that a request with one of these changes. The rest of the pod is its
#: owner's, or was judged when it was made.
_JUDGING = {"ephemeralcontainers": frozenset({"image-reference"}), "resize": frozenset({"resource-limits"})}
_RAISED = ("replicas", "maxReplicas", "parallelism")
_COUNTS = {*_RAISED, "minReplicas"}
#: The controllers that make objects for other objects, each under a service account of its own.
_CONTROLLERS = {
    f"system:serviceaccount:kube-system:{name}-controller"
    for name in ("cronjob", "daemon-set", "deployment", "job", "replicaset", "replication", "statefulset")
}


@dataclass(frozen=True, slots=True)
class Scale:
    """A request to give a workload another number of replicas; ``replicas`` is whatever the request says."""

    workload: Resource
    replicas: Any


def asked(review: JsonObject, labels: Iterable[str]) -> JsonObject | Scale | None:
    """Give what the AdmissionReview ``review`` wants judged; None when every rule lets it be.

    ``labels`` are those that rules look at, from :func:`significant_labels`.
    """
    request = as_object(review.get("request"))
    if request.get("operation") not in _JUDGED:
        return None
    subresource, obj = request.get("subResource"), request.get("object")
    subject: JsonObject | Scale | None = None
    if subresource == _SCALE:
        subject = _scale(request)
    elif (subresource is None or subresource in _WHOLE) and _is_object(obj):
        subject = obj
    if subject is None or _is_clean_up(request, frozenset(labels)) or _is_made_by_a_controller(request):
        return None
    return subject


def judging(review: JsonObject) -> frozenset[str] | None:
    """Give the rules that judge a request to change one part of a pod; None when every rule judges ``review``."""
    subresource = as_object(review.get("request")).get("subResource")
    return _JUDGING.get(subresource) if isinstance(subresource, str) else None


def unreadable(review: JsonObject) -> str | None:
    """Say why no webhook could answer the AdmissionReview ``review``; None when one can."""
    request = review.get("request")
    if not isinstance(request, dict):
        return "it has no request"
    if not as_text(request.get("uid")):
        return "its request has no uid"
    if request.get("operation") not in (*_JUDGED, "DELETE", "CONNECT"):
        return "its request has none of the operations CREATE, UPDATE, DELETE and CONNECT"
    if request["operation"] in _JUDGED and not _is_object(request.get("object")):
        return "its request has no Kubernetes object (kind, apiVersion and metadata are needed)"
    return None


def subject_of(review: JsonObject) -> tuple[JsonObject, Resource]:
    """Give the object that ``review`` brings (of a deletion, the one deleted), and the address of what it is about."""
    request = as_object(review.get("request"))
    obj = as_object(request.get("object")) or as_object(request.get("oldObject"))
    scale = _scale(request) if request.get("subResource") == _SCALE else None
    return obj, resource_of(obj) if scale is None else scale.workload


def significant_labels(contract: Contract) -> frozenset[str]:
    """Give the labels that decide what an object is: that of its chart, and those that services are recognised by."""
    known: tuple[Recognisable, ...] = (*contract.services, *contract.deprecated_services)
    return frozenset({LABEL, *(label for service in known for way in service.recognise for label in way.labels)})


def _is_object(obj: Any) -> bool:
    if not isinstance(obj, dict):
        return False
    addressed = isinstance(obj.get("kind"), str) and isinstance(obj.get("apiVersion"), str)
    return (addressed and isinstance(obj.get("metadata"), dict)) or is_chart_file(obj)


def _scale(request: JsonObject) -> Scale | None:
    """Read a request to scale; None when no home can be of the kind that it scales."""
    obj, resource = request.get("object"), request.get("resource")
    group, version, plural = (dig(resource, (part,)) for part in ("group", "version", "resource"))
    kind = _SCALED.get((group, plural)) if isinstance(group, str) and isinstance(plural, str) else None
    if kind is None:
        return None
    api_version = f"{group}/{as_text(version)}" if group else as_text(version)
    name, replicas = as_text(dig(obj, ("metadata", "name"))), dig(obj, ("spec", "replicas"))
    # A Scale leaves its number out when it is 0.
    return Scale(Resource(api_version, kind, namespace_of(obj), name), 0 if replicas is None else replicas)


def _is_clean_up(request: JsonObject, labels: frozenset[str]) -> bool:
    """Say whether an update takes away, or leaves as it is, everything that a rule looks at."""
    if request["operation"] != "UPDATE":
        return False
    before, after = request.get("oldObject"), request.get("object")
    if isinstance(dig(after, ("metadata", "deletionTimestamp")), str):
        return True
    if not isinstance(before, dict) or not isinstance(after, dict):
        return False
    old, new = before.get("spec", {}), after.get("spec", {})
    if not isinstance(old, dict) or not isinstance(new, dict) or not _same(_without_counts(old), _without_counts(new)):
        return False
    if not all(_same(_label(before, label), _label(after, label)) for label in labels):
        return False
    absent = 0 if request.get("subResource") == _SCALE else 1
    return not any(_may_rise(old.get(field), new.get(field), absent) for field in _RAISED)


def _may_rise(old: Any, new: Any, absent: int) -> bool:
    old, new = (absent if count is None else count for count in (old, new))
    return not (_is_number(old) and _is_number(new) and new <= old)


def _without_counts(spec: JsonObject) -> JsonObject:
    return {field: value for field, value in spec.items() if field not in _COUNTS}


def _label(obj: JsonObject, label: str) -> Any:
    return dig(obj, ("metadata", "labels", label))


def _is_made_by_a_controller(request: JsonObject) -> bool:
    """Say whether a controller of Kubernetes itself asks, on behalf of the owner that the object names.

    Anybody may write an owner reference, so that it proves nothing alone.
    """
    references = as_list(dig(request.get("object"), ("metadata", "ownerReferences")))
    owned = any(dig(reference, ("controller",)) is True for reference in references)
    return owned and as_text(dig(request, ("userInfo", "username"))) in _CONTROLLERS


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(one: Any, other: Any) -> bool:
    """Compare JSON values. To Python ``True == 1``, to JSON it is not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(*pair) for pair in zip(one, other, strict=True))
    return bool(isinstance(one, bool) == isinstance(other, bool) and one == other)
