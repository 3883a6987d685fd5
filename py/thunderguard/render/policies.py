"""The two wrappers round one CEL body: Kyverno's ValidatingPolicy and the API server's own ValidatingAdmissionPolicy.

https://kyverno.io/docs/policy-types/validating-policy/
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from thunderguard.facts.resources import API_VERSION, OWN_GROUP
from thunderguard.model import JsonObject, Level
from thunderguard.render.bodies import ESTATE, Body, Facts, Variable, needed
from thunderguard.render.waivers import READS, WAIVED, annotated, by_the_clock, written_out

if TYPE_CHECKING:
    from thunderguard.catalogue import Rule
    from thunderguard.facts.waivers import Waiver

#: Between two findings in one message: the API server refuses a message with a line break.
SEPARATOR = " | "
#: What follows where a message would be too long; the API server refuses one of more than 5 KiB.
MORE = f"{SEPARATOR}and more"

_LONGEST = 5000
_PREFIX = "thunderguard"
_LINES = "lines"
_TEXT = "text"
_WORD = re.compile(r"\{([^{}]*)\}")
# Words that describe the object found, whatever the violation, and the variables that hold them.
_OBJECT_WORDS = {"kind": "kind", "name": "name", "namespace": "ownNamespace", "resource": "resource"}

_ACTIONS = {Level.DENY: ["Deny"], Level.WARN: ["Warn", "Audit"], Level.INFO: ["Audit"]}
# Each Kyverno policy is a webhook, and the API server tells the denial of one. The others' are told as warnings.
_KYVERNO_ACTIONS = {**_ACTIONS, Level.DENY: ["Deny", "Warn"]}
_SEVERITIES = {Level.DENY: "high", Level.WARN: "medium", Level.INFO: "low"}

# What the cluster needs to live, and what has to be mended while a policy denies everything for want of an Estate. In
# no rule's words are these wrong, or, as a definition with the label of a chart, they are too dear to be denied.
NEVER_MATCHED: Mapping[str, Sequence[str]] = {
    "": ["bindings", "events", "nodes"],
    "admissionregistration.k8s.io": ["*"],
    "apiextensions.k8s.io": ["*"],
    "apiregistration.k8s.io": ["*"],
    "authentication.k8s.io": ["*"],
    "authorization.k8s.io": ["*"],
    "certificates.k8s.io": ["*"],
    "coordination.k8s.io": ["*"],
    "discovery.k8s.io": ["*"],
    "events.k8s.io": ["*"],
    "flowcontrol.apiserver.k8s.io": ["*"],
    "internal.apiserver.k8s.io": ["*"],
    "metrics.k8s.io": ["*"],
    "networking.k8s.io": ["ipaddresses", "servicecidrs"],
    "policies.kyverno.io": ["*"],
    "resource.k8s.io": ["resourceslices"],
    "storage.k8s.io": ["csinodes", "csistoragecapacities", "volumeattachments"],
    OWN_GROUP: ["*"],
}


def kyverno(rule: Rule, body: Body, facts: Facts, estate: str) -> JsonObject:
    """Give the ValidatingPolicy of ``rule``, which reads the Estate called ``estate`` from the API server."""
    get = f'resource.Get("{API_VERSION}", "estates", "", {json.dumps(estate)})'
    return {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "ValidatingPolicy",
        "metadata": _metadata(rule, kyverno_only=True),
        "spec": {
            "autogen": {"podControllers": {"controllers": []}},
            "evaluation": {"admission": {"enabled": True}, "background": {"enabled": False}},
            "failurePolicy": "Fail",
            "validationActions": _KYVERNO_ACTIONS[rule.level],
            **_decision(rule, body, facts, get, f"variables.{_TEXT}", by_the_clock(rule.id)),
        },
    }


def native(
    rule: Rule, body: Body, facts: Facts, estate: str, waivers: Sequence[Waiver]
) -> tuple[JsonObject, JsonObject]:
    """Give the ValidatingAdmissionPolicy of ``rule`` and its binding, which names the Estate called ``estate``.

    ``waivers`` are those in force: the API server has no clock, so that they are written into the policy.
    """
    metadata = _metadata(rule)
    metadata["annotations"].update(annotated(rule.id, waivers, OWN_GROUP))
    policy: JsonObject = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata,
        "spec": {
            "failurePolicy": "Fail",
            "paramKind": {"apiVersion": API_VERSION, "kind": "Estate"},
            **_decision(rule, body, facts, "params", _fitting(), written_out(rule.id, waivers)),
        },
    }
    binding: JsonObject = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": policy_name(rule.id)},
        "spec": {
            "policyName": policy_name(rule.id),
            "paramRef": {"name": estate, "parameterNotFoundAction": "Deny"},
            "validationActions": _ACTIONS[rule.level],
        },
    }
    return policy, binding


def policy_name(rule: str) -> str:
    """Give the name under which the policy of ``rule`` stands in a cluster."""
    return f"{_PREFIX}-{rule}"


def _metadata(rule: Rule, *, kyverno_only: bool = False) -> JsonObject:
    lead = "policies.kyverno.io" if kyverno_only else OWN_GROUP
    annotations = {
        f"{lead}/title": rule.title,
        f"{lead}/description": " ".join(rule.why.split()),
        f"{lead}/severity": _SEVERITIES[rule.level],
    }
    return {"name": policy_name(rule.id), "annotations": annotations}


def _decision(
    rule: Rule, body: Body, facts: Facts, estate: str, message: str, waiving: Sequence[Variable]
) -> JsonObject:
    """Give what both wrappers hold alike: what is matched, the variables and the one validation, with its message.

    One, since neither engine says more than the first that fails: its message has every finding. Conditions are asked
    before the Estate is read, and the API server asks those of Kyverno's policies itself before it calls Kyverno.
    """
    lists = " + ".join(_lines(rule, key, found) for key, found in body.found.items())
    own = (
        *body.variables,
        *waiving,
        Variable("subject", f"variables.asked && ({body.subject})"),
        Variable(_LINES, f"variables.subject && !variables.{WAIVED} ? {lists} : []"),
        Variable(_TEXT, f"variables.{_LINES}.join({json.dumps(SEPARATOR)})"),
    )
    variables = needed([f"variables.{_TEXT}", *READS], (*facts.variables, *own))
    conditions = {**facts.always, f"may-break-{rule.id}": body.only}
    return {
        "matchConstraints": _constraints(body),
        "matchConditions": [{"name": name, "expression": expression} for name, expression in conditions.items()],
        "variables": [
            {"name": ESTATE, "expression": estate},
            *({"name": variable.name, "expression": variable.expression} for variable in variables),
        ],
        "validations": [
            {
                "expression": f"size(variables.{_LINES}) == 0",
                "message": f"{rule.id}: {rule.title}",
                "messageExpression": message,
                "reason": "Forbidden",
            }
        ],
    }


def _fitting() -> str:
    """Give the CEL of the message as the API server takes it: one line, with as many findings as have room."""
    some = f"variables.{_LINES}.slice(0, n + 1).join({json.dumps(SEPARATOR)})"
    room = f"size(bytes({some})) <= {_LONGEST - len(MORE)}"
    count = f"size(lists.range(size(variables.{_LINES})).filter(n, {room}))"
    cut = f"variables.{_LINES}.slice(0, {count}).join({json.dumps(SEPARATOR)}) + {json.dumps(MORE)}"
    whole = f"size(bytes(variables.{_TEXT})) <= {_LONGEST} ? variables.{_TEXT} : {cut}"
    return f'({whole}).replace("\\n", " ")'


def _lines(rule: Rule, key: str, found: str) -> str:
    """Give the CEL of the lines of one violation: ``<rule>: <path>: <message>. <remedy>`` in the catalogue's words."""
    message, remedy = rule.violations[key]
    words = [json.dumps(f"{rule.id}: "), "v.path", '": "', *_template(message), '". "', *_template(remedy)]
    return f"({found}).map(v, {' + '.join(words)})"


def _template(text: str) -> list[str]:
    pieces = []
    for place, part in enumerate(_WORD.split(text)):
        if place % 2 == 0:
            if part:
                pieces.append(json.dumps(part, ensure_ascii=False))
        else:
            pieces.append(f"variables.{_OBJECT_WORDS[part]}" if part in _OBJECT_WORDS else f"v[{json.dumps(part)}]")
    return pieces


def matched_rules(subresources: Sequence[str]) -> list[JsonObject]:
    """Give what is matched for every rule, and ``subresources`` of any group besides."""
    return [_resources("*", ["*", *subresources])]


def _constraints(body: Body) -> JsonObject:
    matched = matched_rules(body.subresources)
    never = [_resources(group, [*resources], ["*"]) for group, resources in NEVER_MATCHED.items()]
    return {"matchPolicy": "Equivalent", "resourceRules": matched, "excludeResourceRules": never}


def _resources(group: str, resources: list[str], operations: Sequence[str] = ("CREATE", "UPDATE")) -> JsonObject:
    return {
        "apiGroups": [group],
        "apiVersions": ["*"],
        "operations": [*operations],
        "resources": resources,
        "scope": "*",
    }
