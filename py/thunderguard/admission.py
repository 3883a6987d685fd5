"""Admission requests as documents: an AdmissionReview round an object, as the API server sends it to a webhook.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from thunderguard.model import JsonObject

PERSON = "alice"
PERSON_GROUPS = ("system:authenticated",)

# The kinds whose resource name is not their own name in small letters and an s.
_PLURALS = {
    "Endpoints": "endpoints",
    "HelmChartConfig": "helmchartconfigs",
    "Ingress": "ingresses",
    "IngressClass": "ingressclasses",
    "NetworkPolicy": "networkpolicies",
    "PriorityClass": "priorityclasses",
    "StorageClass": "storageclasses",
}


def review(
    obj: JsonObject | None,
    *,
    operation: str = "CREATE",
    old: JsonObject | None = None,
    subresource: str = "",
    username: str = PERSON,
    groups: Sequence[str] = PERSON_GROUPS,
    kind: str | None = None,
    api_version: str | None = None,
) -> JsonObject:
    """Give the AdmissionReview that asks about ``obj``.

    ``kind`` and ``api_version`` name the resource that is asked for where it is not that of the object: the workload
    of a Scale. The uid is made from the rest, so that one request always has one.
    """
    asked = obj if obj is not None else (old or {})
    group, version = split_api_version(api_version if api_version is not None else _text(asked.get("apiVersion")))
    resource_kind = kind if kind is not None else _text(asked.get("kind"))
    own_group, own_version = split_api_version(_text(asked.get("apiVersion")))
    metadata: Any = asked.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    request: JsonObject = {
        "kind": {"group": own_group, "version": own_version, "kind": _text(asked.get("kind"))},
        "resource": {"group": group, "version": version, "resource": plural(resource_kind)},
        "subResource": subresource,
        "name": _text(metadata.get("name")),
        "namespace": _text(metadata.get("namespace")),
        "operation": operation,
        "userInfo": {"username": username, "groups": list(groups)},
        "object": obj,
        "oldObject": old,
        "dryRun": False,
    }
    digest = hashlib.sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS)).hexdigest()
    uid = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": uid, **request}}


def is_review(document: Any) -> bool:
    """Say whether a JSON value is an AdmissionReview."""
    return (
        isinstance(document, dict)
        and document.get("kind") == "AdmissionReview"
        and document.get("apiVersion") in {"admission.k8s.io/v1", "admission.k8s.io/v1beta1"}
    )


def plural(kind: str) -> str:
    """Give the resource name of ``kind``, as the API server's path spells it."""
    return _PLURALS.get(kind, f"{kind.lower()}s")


def split_api_version(api_version: str) -> tuple[str, str]:
    """Give (group, version) of ``apps/v1``; the core group is empty."""
    group, slash, version = api_version.rpartition("/")
    return (group, version) if slash else ("", api_version)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
