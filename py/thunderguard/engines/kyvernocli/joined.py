"""One policy that says what several say.

The program compiles each policy again for each object, and most of each is what the rules share. So an object is
asked about first by a copy that holds all rules, and only where that one does not answer plainly by each policy alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from thunderguard.engines.kyvernocli.matching import without_subresources
from thunderguard.engines.kyvernocli.policies import NO_SUBJECT
from thunderguard.render.bodies import REFERENCE

if TYPE_CHECKING:
    from thunderguard.engines.kyvernocli.policies import Policy, Variant
    from thunderguard.engines.kyvernocli.program import Row
    from thunderguard.model import JsonObject

_PASSES = "pass"
# No text of an object that the API server would take has one.
_BETWEEN = "\x1f"
# What may differ between policies that are asked about the same.
_OWN = {"matchConditions", "matchConstraints", "validationActions", "validations", "variables"}
_CONDITION = "met"


@dataclass(frozen=True, slots=True)
class Joined:
    """Policies that match alike, under one ``name``."""

    name: str
    policies: tuple[Policy, ...]

    def copy(self, variant: Variant) -> str:
        """Give the YAML that the program loads."""
        if len(self.policies) == 1:
            return self.policies[0].copy(variant)
        union = _Union()
        answers = [union.add(policy, variant) for policy in self.policies]
        answer = f"[{', '.join(answers)}].join({json.dumps(_BETWEEN)})"
        # It fails whatever it finds, since only a failure has a message that is made from the object.
        validation = {"expression": "false", "messageExpression": answer}
        return self.policies[0].text(self.name, union.variables, [validation], conditions=())

    def told_apart(self, row: Row) -> list[Row] | None:
        """Give the answer of each policy in ``row``; None when it is no plain answer."""
        if len(self.policies) == 1:
            return [row]
        answers = row.message.split(_BETWEEN)
        if row.result == "skip":
            answers = [""] * len(self.policies)
        elif row.result != "fail" or len(answers) != len(self.policies) or not all(answers):
            return None
        return [
            replace(
                row,
                policy=policy.name,
                result=row.result if answer != _PASSES else _PASSES,
                message=answer,
            )
            for policy, answer in zip(self.policies, answers, strict=True)
        ]


def joined(policies: Iterable[Policy]) -> tuple[Joined, ...]:
    """Put together those of ``policies`` that match alike."""
    groups: dict[bytes, list[Policy]] = defaultdict(list)
    for policy in policies:
        rest = {key: value for key, value in policy.policy["spec"].items() if key not in _OWN}
        binding = (policy.binding or {}).get("spec", {}).get("paramRef")
        alike = [without_subresources(policy.constraints), rest, binding]
        groups[orjson.dumps(alike, option=orjson.OPT_SORT_KEYS)].append(policy)
    return tuple(
        Joined(members[0].name if len(members) == 1 else f"thunderguard-joined-{place}", tuple(members))
        for place, members in enumerate(groups.values())
    )


class _Union:
    """The variables of several policies, each that they share once."""

    def __init__(self) -> None:
        self.variables: list[JsonObject] = []
        self._names: set[str] = set()
        self._known: dict[tuple[str, str], str] = {}

    def add(self, policy: Policy, variant: Variant) -> str:
        """Take the variables of ``policy``, and give the CEL of its answer."""
        names: dict[str, str] = {}
        for variable in policy.variables(variant):
            name, expression = variable["name"], _renamed(variable["expression"], names)
            names[name] = self._shared(name, expression)
        answer = _answer(policy.validations, names)
        if not policy.conditions:
            return answer
        met = [self._shared(_CONDITION, condition["expression"]) for condition in policy.conditions]
        return f"({' && '.join(f'variables.{name}' for name in met)} ? {answer} : {json.dumps(NO_SUBJECT)})"

    def _shared(self, name: str, expression: str) -> str:
        if (name, expression) not in self._known:
            self._known[name, expression] = self._free(name)
            self.variables.append({"name": self._known[name, expression], "expression": expression})
        return self._known[name, expression]

    def _free(self, name: str) -> str:
        free = next(one for one in (name, *(f"{name}{n}" for n in range(2, 1000))) if one not in self._names)
        self._names.add(free)
        return free


def _answer(validations: Sequence[JsonObject], names: Mapping[str, str]) -> str:
    """Give the CEL of what the first failing one of ``validations`` says."""
    answer = json.dumps(_PASSES)
    for validation in reversed(validations):
        told = validation.get("messageExpression") or json.dumps(validation.get("message") or "failed")
        answer = f"(({_renamed(validation['expression'], names)}) ? {answer} : ({_renamed(told, names)}))"
    return answer


def _renamed(expression: str, names: Mapping[str, str]) -> str:
    return REFERENCE.sub(lambda found: f"variables.{names.get(found[1], found[1])}", expression)
