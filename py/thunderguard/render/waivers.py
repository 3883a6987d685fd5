"""Waivers in CEL: read from the Estate where there is a clock, written out as they are today where there is none.

Kyverno has a clock (https://kyverno.io/docs/policy-types/cel-libraries/), so that its policies look at the Estate's
waivers themselves. The API server has none: a native policy holds those in force when it was rendered, and has to be
rendered again when one ends, which `thunderguard render --check` tells.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from thunderguard.render.bodies import Variable

if TYPE_CHECKING:
    from thunderguard.facts.waivers import Waiver

#: The variable that says whether a waiver covers the object, and the one that gives the present moment.
WAIVED = "waived"
NOW = "now"

#: What a waiver looks at, which a policy therefore has, whatever it waives.
READS = ("variables.kind", "variables.ownNamespace", "variables.name", "variables.labels")

_COVERS = (
    "(!has(w.resource) || (w.resource.kind == variables.kind && w.resource.name == variables.name && "
    '(has(w.resource.namespace) ? string(w.resource.namespace) : "") == variables.ownNamespace)) && '
    "(!has(w.selector) || w.selector.matchLabels.all(k, k in variables.labels && "
    "variables.labels[k] == w.selector.matchLabels[k]))"
)


def by_the_clock(rule: str) -> tuple[Variable, ...]:
    """Give the variables of a policy of ``rule`` that reads the waivers of its Estate whenever it is asked."""
    # A day is in force to its end.
    holds = 'timestamp(string(w.expires) + "T00:00:00Z") + duration("24h") > variables.now'
    return (
        Variable(NOW, "time.now()"),
        Variable(
            WAIVED,
            f"has(variables.spec.waivers) && variables.spec.waivers.exists(w, w.rule == {json.dumps(rule)} && "
            f"{_COVERS} && {holds})",
        ),
    )


def written_out(rule: str, waivers: Sequence[Waiver]) -> tuple[Variable, ...]:
    """Give the variable of a policy of ``rule`` that holds those of ``waivers``, all in force, that are about it."""
    return (Variable(WAIVED, condition(rule, waivers)),)


def condition(rule: str, waivers: Sequence[Waiver]) -> str:
    """Give the CEL that says whether one of ``waivers`` covers the object that ``rule`` looks at."""
    return " || ".join(f"({_covered(waiver)})" for waiver in waivers if waiver.rule == rule) or "false"


def moment(day: date) -> str:
    """Give the CEL of a moment of ``day``, in place of the clock."""
    return f'timestamp("{noon(day)}")'


def noon(day: date) -> str:
    """Give a moment of ``day`` as CEL reads it."""
    return f"{day.isoformat()}T12:00:00Z"


def annotated(rules: Sequence[str], waivers: Sequence[Waiver], group: str) -> Mapping[str, str]:
    """Give the annotation that says what a policy of ``rules`` waives, and until when; none where it waives nothing."""
    told = [
        f"{f'{rule} of ' if len(rules) > 1 else ''}{waiver.subject} until {waiver.expires} by {waiver.owner}"
        for rule in rules
        for waiver in waivers
        if waiver.rule == rule
    ]
    return {f"{group}/waived": "; ".join(told)} if told else {}


def _covered(waiver: Waiver) -> str:
    parts = []
    if waiver.address is not None:
        names = ("kind", "ownNamespace", "name")
        parts += [f"variables.{name} == {_text(part)}" for name, part in zip(names, waiver.address, strict=True)]
    for key in sorted(waiver.labels):
        label = _text(key)
        parts.append(f"{label} in variables.labels && variables.labels[{label}] == {_text(waiver.labels[key])}")
    return " && ".join(parts)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
