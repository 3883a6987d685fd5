"""The native policies of the rules of one level as one, in which a denial names every finding of every rule.

A policy costs the API server more than its rule: it makes its values of the Estate anew for each, and evaluates what
rules share once for each. So those that do the same when they find something are put together.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from thunderguard.facts.resources import OWN_GROUP
from thunderguard.model import JsonObject, Level
from thunderguard.render.bodies import ESTATE, Body, Facts, Variable, needed
from thunderguard.render.policies import (
    LINES,
    PARAMS,
    SEPARATOR,
    SUBJECT,
    TEXT,
    admitted_by,
    decided,
    decision,
    described,
    fitting,
    is_of,
    matched_rules,
    may_break_any,
)
from thunderguard.render.union import Union, inlined, read_once, renamed
from thunderguard.render.waivers import WAIVED, annotated, written_out

if TYPE_CHECKING:
    from thunderguard.catalogue import Rule
    from thunderguard.facts.waivers import Waiver

_ASKED = "mayBreak"


def together(
    judged: Sequence[tuple[Rule, Body]], facts: Facts, estate: str, waivers: Sequence[Waiver]
) -> list[JsonObject]:
    """Give a ValidatingAdmissionPolicy for the rules of each level among ``judged``, each followed by its binding.

    They ask for the Estate called ``estate``, and hold ``waivers``, which are those in force.
    """
    levels = {level: [(rule, body) for rule, body in judged if rule.level is level] for level in Level}
    unions = {level: _union(alike, facts, waivers) for level, alike in levels.items() if alike}
    # A variable costs the API server more than most of what stands in it. What policies share stays the same in all.
    kept = {own(name, rule.id) for name in (SUBJECT, LINES) for rule, _ in judged}
    kept |= {one.name for made in unions.values() for one in made if one.name not in read_once(made)}
    documents: list[JsonObject] = []
    for level, variables in unions.items():
        chosen = {one.name for one in variables} - kept
        documents += _policy(level, levels[level], inlined(variables, chosen), facts, estate, waivers)
    return documents


def _policy(
    level: Level,
    judged: Sequence[tuple[Rule, Body]],
    variables: Sequence[Variable],
    facts: Facts,
    estate: str,
    waivers: Sequence[Waiver],
) -> tuple[JsonObject, JsonObject]:
    rules, bodies = [rule.id for rule, _ in judged], [body for _, body in judged]
    metadata = described(level, f"The rules of level {level}", "; ".join(rule.title for rule, _ in judged), level)
    metadata["annotations"].update(annotated(rules, waivers, OWN_GROUP))
    every = (
        Variable(LINES, " + ".join(f"variables.{own(LINES, rule)}" for rule in rules)),
        Variable(TEXT, f"variables.{LINES}.join({json.dumps(SEPARATOR)})"),
    )
    made = decision(
        matched_rules(bodies),
        {**facts.always, "may-break-a-rule": may_break_any(bodies)},
        (*variables, *every),
        f"{', '.join(rules)}: one of them is broken",
        fitting(),
    )
    return admitted_by(metadata, made, estate, level)


def _union(judged: Sequence[tuple[Rule, Body]], facts: Facts, waivers: Sequence[Waiver]) -> list[Variable]:
    """Give the variables of rules, each that they share once."""
    bodies = [body for _, body in judged]
    union = Union()
    union.add([Variable(ESTATE, PARAMS)])
    for rule, body in judged:
        _add(union, rule, body, facts, waivers, _asked(body, bodies))
    return union.variables


def own(name: str, rule: str) -> str:
    """Give the name that the variable ``name`` of ``rule`` has where rules are together."""
    return name + _ending(rule)


def _ending(rule: str) -> str:
    return f"Of{''.join(word.capitalize() for word in rule.split('-'))}"


def _add(union: Union, rule: Rule, body: Body, facts: Facts, waivers: Sequence[Waiver], asked: str) -> None:
    """Put the variables of a rule into ``union``; it speaks about nothing but what ``asked`` says."""
    names = {name: own(name, rule.id) for name in (WAIVED, SUBJECT, LINES)}
    mine = [
        Variable(names.get(one.name, one.name), renamed(one.expression, names))
        for one in decided(rule, body, written_out(rule.id, waivers))
    ]
    if asked:
        # What is clear is asked before the subject.
        first = {names[SUBJECT], names[LINES]} if body.clear else {names[SUBJECT]}
        mine = [
            Variable(_ASKED, asked),
            *(
                replace(one, expression=f"variables.{_ASKED} && {one.expression}") if one.name in first else one
                for one in mine
            ),
        ]
    wanted = needed([f"variables.{names[LINES]}"], (*facts.variables, *mine))
    union.add(wanted, _ending(rule.id))


def _asked(body: Body, bodies: Sequence[Body]) -> str:
    """Give the CEL that says whether the rule of ``body`` is asked where those of ``bodies`` are; "" when it always is.

    Where rules are together, what a request has to be for one of them is no condition of the policy.
    """
    conditions = [f"({body.only})"] if any(other.only != body.only for other in bodies) else []
    if any(set(other.subresources) - set(body.subresources) for other in bodies):
        conditions.append(is_of(name.partition("/")[2] for name in body.subresources))
    return " && ".join(conditions)
