"""One policy that says what several say.

The program compiles each policy again for each object, and most of each is what the rules share. So an object is
asked about first by a copy that holds all rules, and only where that one does not answer plainly by each policy alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import orjson

from thunderguard.engines.kyvernocli.matching import without_subresources
from thunderguard.engines.kyvernocli.policies import NO_SUBJECT
from thunderguard.render.bodies import Variable
from thunderguard.render.union import Union, renamed

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
        union = Union()
        answers = [_added(union, policy, variant) for policy in self.policies]
        answer = f"[{', '.join(answers)}].join({json.dumps(_BETWEEN)})"
        # It fails whatever it finds, since only a failure has a message that is made from the object.
        validation = {"expression": "false", "messageExpression": answer}
        variables = [asdict(variable) for variable in union.variables]
        return self.policies[0].text(self.name, variables, [validation], conditions=())

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


def _added(union: Union, policy: Policy, variant: Variant) -> str:
    """Put the variables of ``policy`` into ``union``, and give the CEL of its answer."""
    names = union.add(Variable(one["name"], one["expression"]) for one in policy.variables(variant))
    answer = _answer(policy.validations, names)
    if not policy.conditions:
        return answer
    met = [union.share(_CONDITION, condition["expression"]) for condition in policy.conditions]
    return f"({' && '.join(f'variables.{name}' for name in met)} ? {answer} : {json.dumps(NO_SUBJECT)})"


def _answer(validations: Sequence[JsonObject], names: Mapping[str, str]) -> str:
    """Give the CEL of what the first failing one of ``validations`` says."""
    answer = json.dumps(_PASSES)
    for validation in reversed(validations):
        told = validation.get("messageExpression") or json.dumps(validation.get("message") or "failed")
        answer = f"(({renamed(validation['expression'], names)}) ? {answer} : ({renamed(told, names)}))"
    return answer
