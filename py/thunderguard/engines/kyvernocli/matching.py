"""Which requests an admission policy is asked about, as the API server decides it by ``matchConstraints``.

Engines need to know it themselves: a policy that should have answered and is silent is not a pass.
https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/validating-admission-policy-v1/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from thunderguard.facts.values import as_list, as_object, as_text, dig
from thunderguard.model import JsonObject

_RULE_KEYS = {"apiGroups", "apiVersions", "operations", "resources", "resourceNames", "scope"}
_CONSTRAINT_KEYS = {"matchPolicy", "namespaceSelector", "objectSelector", "resourceRules", "excludeResourceRules"}
# What says that a label is not there would also be true of the empty old object that Kyverno gives a CREATE.
_OPERATORS = {"In", "Exists"}


class ConstraintError(ValueError):
    """Constraints that this module cannot decide; the message says which."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about. ``labels`` are those of the object, and of the old one if there is one."""

    operation: str
    group: str
    version: str
    resource: str
    labels: tuple[Mapping[str, str], ...]


def check_constraints(constraints: Any) -> None:
    """Raise ConstraintError when :func:`matches` could not decide by ``constraints``."""
    if not isinstance(constraints, dict) or not as_list(constraints.get("resourceRules")):
        raise ConstraintError("matchConstraints has no resourceRules")
    if unknown := constraints.keys() - _CONSTRAINT_KEYS:
        raise ConstraintError(f"matchConstraints has {', '.join(sorted(unknown))}")
    if constraints.get("namespaceSelector"):
        raise ConstraintError("matchConstraints has a namespaceSelector, and a namespace's labels are not known here")
    for rule in _rules(constraints, "resourceRules", "excludeResourceRules"):
        if unknown := rule.keys() - _RULE_KEYS:
            raise ConstraintError(f"a rule of matchConstraints has {', '.join(sorted(unknown))}")
        if rule.get("resourceNames") or rule.get("scope", "*") != "*":
            raise ConstraintError("a rule of matchConstraints has resourceNames or a scope")
    for expression in as_list(dig(constraints, ("objectSelector", "matchExpressions"))):
        if as_object(expression).get("operator") not in _OPERATORS:
            raise ConstraintError(f"the objectSelector has the expression {expression!r:.80}")


def matches(constraints: JsonObject, target: Target) -> bool:
    """Say whether a policy with ``constraints``, which were checked, is asked about ``target``."""
    selector = as_object(constraints.get("objectSelector"))
    return (
        any(_selects(selector, labels) for labels in target.labels)
        and not any(_covers(rule, target) for rule in _rules(constraints, "excludeResourceRules"))
        and any(_covers(rule, target) for rule in _rules(constraints, "resourceRules"))
    )


def without_subresources(constraints: JsonObject) -> JsonObject:
    """Give constraints that match as ``constraints`` do as long as no subresource is asked about."""
    kept = dict(constraints)
    for key in ("resourceRules", "excludeResourceRules"):
        rules = [
            {**rule, "resources": [said for said in as_list(rule.get("resources")) if _is_whole(as_text(said))]}
            for rule in _rules(constraints, key)
        ]
        kept[key] = [rule for rule in rules if rule["resources"]]
    return kept


def _rules(constraints: JsonObject, *keys: str) -> Iterable[JsonObject]:
    return (as_object(rule) for key in keys for rule in as_list(constraints.get(key)))


def _covers(rule: JsonObject, target: Target) -> bool:
    asked = (("operations", target.operation), ("apiGroups", target.group), ("apiVersions", target.version))
    return all(any(said in {wanted, "*"} for said in as_list(rule.get(key))) for key, wanted in asked) and any(
        _names(as_text(said), target.resource) for said in as_list(rule.get("resources"))
    )


def _names(said: str, resource: str) -> bool:
    """Say whether ``said`` names ``resource`` itself, as ``pods``, ``*``, ``pods/*`` and ``*/*`` do."""
    return said.partition("/")[0] in {resource, "*"} and _is_whole(said)


def _is_whole(said: str) -> bool:
    """Say whether ``said`` names more than a subresource."""
    return said.partition("/")[2] in {"", "*"}


def _selects(selector: JsonObject, labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in as_object(selector.get("matchLabels")).items()) and all(
        _holds(as_object(expression), labels) for expression in as_list(selector.get("matchExpressions"))
    )


def _holds(expression: JsonObject, labels: Mapping[str, str]) -> bool:
    key, values = as_text(expression.get("key")), as_list(expression.get("values"))
    return key in labels and (expression.get("operator") == "Exists" or labels[key] in values)
