"""The webhook configuration for OPA: what the API server asks it, and what it does when there is no answer.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from thunderguard.model import JsonObject
from thunderguard.render.bodies import Body, Facts
from thunderguard.render.policies import NEVER_MATCHED, matched_rules, may_break_any

#: Where OPA runs, by examples/webhook/opa; nothing that happens in this namespace is asked about.
NAMESPACE = "thunderguard"
SERVICE = "thunderguard-opa"
PATH = "/v0/data/thunderguard/webhook"

_NAME = "kubernetes.io/metadata.name"
_PLATFORM = ["kube-system"]


def webhook(bodies: Sequence[Body], facts: Facts) -> JsonObject:
    """Give the ValidatingWebhookConfiguration by which the API server asks OPA about the rules of ``bodies``.

    It asks what the native policies are asked, and by the same conditions. kube-system has a webhook of its own, which
    is left out when OPA does not answer: a cluster whose own parts cannot start can't start OPA either.
    """
    conditions = {
        "is-not-left-out": _left_out(NEVER_MATCHED),
        **facts.always,
        "may-break-a-rule": may_break_any(bodies),
    }
    asked = {
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"service": {"namespace": NAMESPACE, "name": SERVICE, "path": PATH}},
        "matchConditions": [{"name": name, "expression": expression} for name, expression in conditions.items()],
        "matchPolicy": "Equivalent",
        "rules": matched_rules(bodies),
        "sideEffects": "None",
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": SERVICE},
        "webhooks": [
            {
                "name": "opa.thunderguard.dev",
                "failurePolicy": "Fail",
                "timeoutSeconds": 5,
                "namespaceSelector": _namespaces("NotIn", [*_PLATFORM, NAMESPACE]),
                **asked,
            },
            {
                "name": "platform.opa.thunderguard.dev",
                "failurePolicy": "Ignore",
                "timeoutSeconds": 2,
                "namespaceSelector": _namespaces("In", _PLATFORM),
                **asked,
            },
        ],
    }


def _namespaces(operator: str, names: list[str]) -> JsonObject:
    return {"matchExpressions": [{"key": _NAME, "operator": operator, "values": names}]}


def _left_out(never: Mapping[str, Sequence[str]]) -> str:
    """Give the CEL for what no rule is about, since a webhook's own rules have no exceptions."""
    whole = [group for group, resources in never.items() if "*" in resources]
    some: dict[str, Any] = {group: resources for group, resources in never.items() if "*" not in resources}
    parts = [f"request.resource.group in {json.dumps(whole)}"]
    parts += [
        f"(request.resource.group == {json.dumps(group)} && request.resource.resource in {json.dumps(list(names))})"
        for group, names in some.items()
    ]
    return f"!({' || '.join(parts)})"
