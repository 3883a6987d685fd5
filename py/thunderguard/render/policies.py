"""The two wrappers round one CEL body: Kyverno's ValidatingPolicy and the API server's own ValidatingAdmissionPolicy.

https://kyverno.io/docs/policy-types/validating-policy/
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
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

#: Variables of every policy: whether its rule speaks about the object, what it finds, and that as one text.
SUBJECT = "subject"
LINES = "lines"
TEXT = "text"

#: By which a native policy reads the Estate that its binding names.
PARAMS = "params"

_LONGEST = 5000
_PREFIX = "thunderguard"
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
        "metadata": _metadata(rule, lead="policies.kyverno.io"),
        "spec": {
            "autogen": {"podControllers": {"controllers": []}},
            "evaluation": {"admission": {"enabled": True}, "background": {"enabled": False}},
            "failurePolicy": "Fail",
            "validationActions": _KYVERNO_ACTIONS[rule.level],
            **_decision(rule, body, facts, get, f"variables.{TEXT}", by_the_clock(rule.id)),
        },
    }


def native(
    rule: Rule, body: Body, facts: Facts, estate: str, waivers: Sequence[Waiver]
) -> tuple[JsonObject, JsonObject]:
    """Give the ValidatingAdmissionPolicy of ``rule`` and its binding, which names the Estate called ``estate``.

    ``waivers`` are those in force: the API server has no clock, so that they are written into the policy.
    """
    metadata = _metadata(rule)
    metadata["annotations"].update(annotated([rule.id], waivers, OWN_GROUP))
    decision = _decision(rule, body, facts, PARAMS, fitting(), written_out(rule.id, waivers))
    return admitted_by(metadata, decision, estate, rule.level)


def admitted_by(metadata: JsonObject, decision: JsonObject, estate: str, level: Level) -> tuple[JsonObject, JsonObject]:
    """Give a ValidatingAdmissionPolicy with ``decision``, and the binding by which it does what ``level`` asks for."""
    policy: JsonObject = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata,
        "spec": {
            "failurePolicy": "Fail",
            "paramKind": {"apiVersion": API_VERSION, "kind": "Estate"},
            **decision,
        },
    }
    binding: JsonObject = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": metadata["name"]},
        "spec": {
            "policyName": metadata["name"],
            "paramRef": {"name": estate, "parameterNotFoundAction": "Deny"},
            "validationActions": _ACTIONS[level],
        },
    }
    return policy, binding


def policy_name(rule: str) -> str:
    """Give the name under which the policy of ``rule``, or of the rules of a level, stands in a cluster."""
    return f"{_PREFIX}-{rule}"


def described(name: str, title: str, description: str, level: Level, lead: str = OWN_GROUP) -> JsonObject:
    """Give the metadata of a policy, which people read."""
    annotations = {f"{lead}/title": title, f"{lead}/description": description, f"{lead}/severity": _SEVERITIES[level]}
    return {"name": policy_name(name), "annotations": annotations}


def _metadata(rule: Rule, *, lead: str = OWN_GROUP) -> JsonObject:
    return described(rule.id, rule.title, " ".join(rule.why.split()), rule.level, lead)


def _decision(
    rule: Rule, body: Body, facts: Facts, estate: str, message: str, waiving: Sequence[Variable]
) -> JsonObject:
    """Give what both wrappers hold alike: what is matched, the variables and the one validation, with its message.

    One, since neither engine says more than the first that fails: its message has every finding. Conditions are asked
    before the Estate is read, and the API server asks those of Kyverno's policies itself before it calls Kyverno.
    """
    own = (*decided(rule, body, waiving), Variable(TEXT, f"variables.{LINES}.join({json.dumps(SEPARATOR)})"))
    variables = needed([f"variables.{TEXT}", *READS], (*facts.variables, *own))
    return decision(
        matched_rules([body]),
        {**facts.always, f"may-break-{rule.id}": body.only},
        (Variable(ESTATE, estate), *variables),
        f"{rule.id}: {rule.title}",
        message,
    )


def decided(rule: Rule, body: Body, waiving: Sequence[Variable]) -> tuple[Variable, ...]:
    """Give the variables of ``rule`` itself, up to the lines that it has to tell; ``waiving`` says what is waived."""
    lists = " + ".join(_lines(rule, key, found) for key, found in body.found.items())
    looked = f"variables.{SUBJECT} && !variables.{WAIVED}"
    if body.clear:
        # Asked before the subject, which may take longer to find out.
        looked = f"!({body.clear}) && {looked}"
    return (
        *body.variables,
        *waiving,
        Variable(SUBJECT, f"variables.asked && ({body.subject})"),
        Variable(LINES, f"{looked} ? {lists} : []"),
    )


def decision(
    matched: Sequence[JsonObject],
    conditions: Mapping[str, str],
    variables: Sequence[Variable],
    words: str,
    message: str,
) -> JsonObject:
    """Give what a policy asks: ``matched`` requests that meet ``conditions``, whose lines have to be none.

    ``message`` is the CEL of what is said otherwise, and ``words`` is said where it cannot be evaluated.
    """
    return {
        "matchConstraints": _constraints(matched),
        "matchConditions": [{"name": name, "expression": expression} for name, expression in conditions.items()],
        "variables": [asdict(variable) for variable in variables],
        "validations": [
            {
                "expression": f"size(variables.{LINES}) == 0",
                "message": words,
                "messageExpression": message,
                "reason": "Forbidden",
            }
        ],
    }


def fitting(lines: str = LINES, text: str = f"variables.{TEXT}") -> str:
    """Give the CEL of the message as the API server takes it: one line, with as many findings as have room.

    ``lines`` is the variable that has them, ``text`` the CEL of all of them.
    """
    some = f"variables.{lines}.slice(0, n + 1).join({json.dumps(SEPARATOR)})"
    room = f"size(bytes({some})) <= {_LONGEST - len(MORE)}"
    count = f"size(lists.range(size(variables.{lines})).filter(n, {room}))"
    cut = f"variables.{lines}.slice(0, {count}).join({json.dumps(SEPARATOR)}) + {json.dumps(MORE)}"
    return f'(size(bytes({text})) <= {_LONGEST} ? {text} : {cut}).replace("\\n", " ")'


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


def matched_rules(bodies: Iterable[Body]) -> list[JsonObject]:
    """Give what is matched for every rule, and the subresources that those of ``bodies`` are asked about besides."""
    return [_resources("*", ["*", *sorted({name for body in bodies for name in body.subresources})])]


def is_of(subresources: Iterable[str]) -> str:
    """Give the CEL that says whether a request is about an object itself or one of ``subresources``."""
    return f"(!has(request.subResource) || request.subResource in {json.dumps(['', *sorted(subresources)])})"


def may_break_any(bodies: Iterable[Body]) -> str:
    """Give the CEL of the condition that a request may break the rule of one of ``bodies``."""
    return " || ".join(dict.fromkeys(f"({body.only})" for body in bodies))


def _constraints(matched: Sequence[JsonObject]) -> JsonObject:
    never = [_resources(group, [*resources], ["*"]) for group, resources in NEVER_MATCHED.items()]
    return {"matchPolicy": "Equivalent", "resourceRules": [*matched], "excludeResourceRules": never}


def _resources(group: str, resources: list[str], operations: Sequence[str] = ("CREATE", "UPDATE")) -> JsonObject:
    return {
        "apiGroups": [group],
        "apiVersions": ["*"],
        "operations": [*operations],
        "resources": resources,
        "scope": "*",
    }
