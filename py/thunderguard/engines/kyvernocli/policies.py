"""The rendered admission policies, and the copies of them that the program is given.

A copy says two things more than the policy it is made from, which the API server has no need of: whether the rule
speaks about the object at all, and what holds when the namespace is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from yaml.cyaml import CSafeLoader

from thunderguard import assets
from thunderguard.engines.base import digest
from thunderguard.engines.kyvernocli.matching import ConstraintError, check_constraints
from thunderguard.engines.kyvernocli.questions import as_yaml
from thunderguard.errors import PolicyError
from thunderguard.facts.values import as_list, as_text, dig

if TYPE_CHECKING:
    from thunderguard.engines.base import EngineOptions
    from thunderguard.model import JsonObject

#: What a copy says of an object that breaks nothing because the rule does not speak about it.
NO_SUBJECT = "thunderguard: the rule does not speak about the object"

# Variables that every body may have, by these names.
_SUBJECT = "subject"
_NAMESPACE = "ownNamespace"

_HINT = "thunderguard render writes the policies anew"
_READS_ESTATE = re.compile(r"""["']estates["'],\s*["']["'],\s*["']([^"']+)["']""")


class Variant(StrEnum):
    """Which copy of the policies: as they are, or with an object whose namespace is not known."""

    PLACED = "placed"
    UNPLACED = "unplaced"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a flavour of policy is called. ``binding`` is the kind that puts it into force, if it needs one."""

    group: str
    policy: str
    binding: str | None


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy of one rule, read from ``path``. ``constraints`` decide what it is asked about.

    ``instead`` are the expressions that variables of a copy have, by name, in place of their own.
    """

    rule: str
    name: str
    path: Path
    policy: JsonObject
    binding: JsonObject | None
    constraints: JsonObject
    instead: Mapping[str, str] = field(default_factory=dict)

    def variables(self, variant: Variant) -> list[JsonObject]:
        """Give the variables of a copy."""
        variables = [dict(variable) for variable in as_list(self.policy["spec"].get("variables"))]
        for variable in variables:
            variable["expression"] = self.instead.get(variable.get("name", ""), variable.get("expression"))
        if variant is Variant.UNPLACED:
            for variable in variables:
                if variable.get("name") == _NAMESPACE:
                    variable["expression"] = '""'
        return variables

    @property
    def validations(self) -> list[JsonObject]:
        """The validations of a copy."""
        validations = list(self.policy["spec"]["validations"])
        if any(variable.get("name") == _SUBJECT for variable in self.variables(Variant.PLACED)):
            validations.append({"expression": f"variables.{_SUBJECT} == true", "message": NO_SUBJECT})
        return validations

    @property
    def conditions(self) -> list[JsonObject]:
        """What has to hold of a request that it matches; conditions read no variables."""
        return as_list(self.policy["spec"].get("matchConditions"))

    def copy(self, variant: Variant) -> str:
        """Give the YAML that the program loads."""
        return self.text(self.name, self.variables(variant), self.validations, self.conditions)

    def text(
        self,
        name: str,
        variables: Sequence[JsonObject],
        validations: Sequence[JsonObject],
        conditions: Sequence[JsonObject],
    ) -> str:
        """Give the YAML of a policy like this one, but for its name and what it says."""
        metadata = {"name": name}
        spec = {"variables": list(variables), "validations": list(validations)}
        if conditions or self.conditions:
            spec["matchConditions"] = list(conditions)
        documents = [{**self.policy, "metadata": metadata, "spec": {**self.policy["spec"], **spec}}]
        if self.binding is not None:
            # Offline only the binding's own constraints are heeded.
            bound = {**self.binding["spec"], "policyName": name, "matchResources": self.constraints}
            documents.append({**self.binding, "metadata": metadata, "spec": bound})
        return "\n---\n".join(as_yaml(document) for document in documents)

    @property
    def estates(self) -> set[str]:
        """The names by which it asks for the Estate."""
        named = as_text(dig(self.binding, ("spec", "paramRef", "name")))
        return {named} if named else set(_READS_ESTATE.findall(str(self.policy["spec"].get("variables"))))


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies by rule, and the hash over their files."""

    by_rule: Mapping[str, Policy]
    sha256: str


def load_policies(
    options: EngineOptions,
    rules: Sequence[str],
    file: str,
    kind: Kind,
    instead: Callable[[str], Mapping[str, str]] = lambda _: {},
) -> Policies:
    """Read ``<rule>/<file>`` for each of ``rules``; ``instead`` gives what its copies say otherwise (see Policy).

    Raises PolicyError when one is missing or not what it should be.
    """
    root = options.policies_dir if options.policies_dir is not None else assets.root("policies")
    contents: dict[str, bytes] = {}
    policies: dict[str, Policy] = {}
    for rule in rules:
        path = root / rule / file
        try:
            contents[f"{rule}/{file}"] = path.read_bytes()
        except OSError as error:
            raise PolicyError(f"the policy {path} cannot be read: {error.strerror}", hint=_HINT) from None
        read = _policy(rule, path, contents[f"{rule}/{file}"], kind)
        policies[rule] = replace(read, instead=instead(rule))
    names = [policy.name for policy in policies.values()]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise PolicyError(f"several policies below {root} are called {', '.join(twice)}", hint=_HINT)
    return Policies(policies, digest(contents))


def _policy(rule: str, path: Path, content: bytes, kind: Kind) -> Policy:
    documents = list(_documents(path, content))
    policies = _of_kind(documents, kind.group, kind.policy)
    bindings = _of_kind(documents, kind.group, kind.binding)
    if len(policies) != 1 or len(bindings) != (kind.binding is not None) or len(documents) > len(policies + bindings):
        bound = f" and one {kind.binding}" if kind.binding else ""
        raise PolicyError(f"{path} does not hold one {kind.policy}{bound} of {kind.group} alone", hint=_HINT)
    policy, binding = policies[0], (bindings[0] if bindings else None)
    name, spec = as_text(dig(policy, ("metadata", "name"))), policy.get("spec")
    if not name or not isinstance(spec, dict) or not as_list(spec.get("validations")):
        raise PolicyError(f"{path} has no name or no validations", hint=_HINT)
    if binding is not None:
        if dig(binding, ("spec", "policyName")) != name:
            raise PolicyError(f"{path} binds another policy than {name}", hint=_HINT)
        if dig(binding, ("spec", "matchResources")) is not None:
            raise PolicyError(f"the binding in {path} has matchResources of its own", hint=_HINT)
    try:
        check_constraints(spec.get("matchConstraints"))
    except ConstraintError as error:
        raise PolicyError(f"it cannot be decided what {path} is asked about: {error}") from None
    return Policy(rule, name, path, policy, binding, spec["matchConstraints"])


def _documents(path: Path, content: bytes) -> Iterator[JsonObject]:
    try:
        for document in yaml.load_all(content, Loader=CSafeLoader):
            if isinstance(document, dict):
                yield document
            elif document is not None:
                raise PolicyError(f"{path} holds what is no object")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PolicyError(f"the policy does not compile: {path} is not YAML: {' '.join(str(error).split())}") from None


def _of_kind(documents: Sequence[JsonObject], group: str, kind: str | None) -> list[JsonObject]:
    def of_group(document: Any) -> bool:
        return as_text(document.get("apiVersion")).partition("/")[0] == group

    return [document for document in documents if of_group(document) and document.get("kind") == kind]
