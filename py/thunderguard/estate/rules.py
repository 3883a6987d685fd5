"""The validation rules (CEL) of the CustomResourceDefinition, and where exactly a broken one is broken.

https://kubernetes.io/docs/reference/using-api/cel/ says what a rule sees: ``self`` is the value it stands at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from itertools import islice
from typing import Any, TypeAlias

from thunderguard.estate.schema import Breach
from thunderguard.estate.text import shown
from thunderguard.model import JsonObject
from thunderguard.paths import Segment, lookup

Judge: TypeAlias = Callable[[str, Any], bool]
Path: TypeAlias = tuple[Segment, ...]


def rule_breaches(
    value: Any, schema: JsonObject, holds: Judge, broken: frozenset[Path] = frozenset(), path: Path = ()
) -> Iterator[Breach]:
    """Give the rules of ``schema`` that ``value`` breaks, as ``holds`` (see :func:`by_cel`) answers them.

    ``broken`` are paths that do not fit the schema; a rule about a value with one inside is not asked, as the API
    server does not ask it.
    """
    if not any(bad[: len(path)] == path for bad in broken):
        for rule in schema.get("x-kubernetes-validations", ()):
            if not holds(rule["rule"], value):
                for field in _narrow(value, rule["fieldPath"].strip(".").split("."), rule["rule"], holds):
                    said = f"{shown(lookup(value, field)[0])} breaks the rule: {rule['message']}"
                    yield Breach((*path, *field), said, "change this value, or what it has to agree with")
    if isinstance(value, list):
        for place, element in enumerate(value):
            yield from rule_breaches(element, schema.get("items", {}), holds, broken, (*path, place))
    elif isinstance(value, dict):
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                yield from rule_breaches(value[name], inner, holds, broken, (*path, name))


def _narrow(value: JsonObject, field: list[str], rule: str, holds: Judge) -> list[Path]:
    """Follow ``field`` further: to each list element that breaks the rule alone, and to what in it does."""
    found, _ = lookup(value, field)
    if not isinstance(found, list):
        return [tuple(field)]
    culprits: list[Path] = []
    for place, element in enumerate(found):
        if not holds(rule, _with(value, field, [element])):
            fields = element if isinstance(element, dict) else {}
            done_by = [
                name
                for name in fields
                if holds(rule, _with(value, field, [{key: fields[key] for key in fields if key != name}]))
            ]
            culprits.append((*field, place, *(done_by or ["name"] if "name" in fields else done_by)[:1]))
    if not culprits:
        # None does it alone: the first one that does not go with those before it.
        breaking = (n for n in range(len(found)) if not holds(rule, _with(value, field, found[: n + 1])))
        culprits = [(*field, place) for place in islice(breaking, 1)]
    return culprits or [tuple(field)]


def _with(value: JsonObject, field: list[str], new: Any) -> JsonObject:
    first, *rest = field
    return {**value, first: _with(value[first], rest, new) if rest else new}


def by_cel(rule: str, value: Any) -> bool:
    """Say whether ``rule`` holds of ``value``, by CEL. A rule that cannot be answered does not hold."""
    from celpy.adapter import json_to_cel
    from celpy.evaluation import CELEvalError

    try:
        return bool(_program(rule).evaluate({"self": json_to_cel(value)}))
    except CELEvalError:
        return False


@cache
def _program(rule: str) -> Any:
    import celpy

    environment = celpy.Environment()
    return environment.program(environment.compile(rule))


def _home_allowed(spec: Any) -> bool:
    homes = [service["home"] for service in spec["services"] if "home" in service]
    return all(home["namespace"] in spec["namespaces"]["allowed"] for home in homes)


def _declared_or_deprecated(spec: Any) -> bool:
    declared = {service["name"] for service in spec["services"]}
    return all(service["name"] not in declared for service in spec.get("deprecated", {}).get("services", ()))


def _allowed_or_exempt(namespaces: Any) -> bool:
    return not set(namespaces["allowed"]) & set(namespaces.get("exempt", ()))


def _waived_once(spec: Any) -> bool:
    covered = [
        json.dumps([waiver.get(key) for key in ("rule", "resource", "selector")], sort_keys=True)
        for waiver in spec.get("waivers", ())
    ]
    return len(set(covered)) == len(covered)


def _covers_something(waiver: Any) -> bool:
    return "resource" in waiver or "selector" in waiver


def _day_of_the_calendar(waiver: Any) -> bool:
    return date.fromisoformat(waiver["expires"]) >= date(2000, 1, 1)


def _least_and_most(replicas: Any) -> bool:
    return "min" not in replicas or "max" not in replicas or bool(replicas["min"] <= replicas["max"])


# cel-python takes a third of a second to import and to compile four rules, on every run. So loading answers the rules
# of the CRD as it is now by these, which a property test holds to CEL; a rule that has changed goes to CEL again.
TWINS: dict[str, Callable[[Any], bool]] = {
    "self.services.all(s, !has(s.home) || s.home.namespace in self.namespaces.allowed)": _home_allowed,
    "!has(self.deprecated) || !has(self.deprecated.services) || "
    "self.deprecated.services.all(d, !self.services.exists(s, s.name == d.name))": _declared_or_deprecated,
    "!has(self.exempt) || self.exempt.all(n, !(n in self.allowed))": _allowed_or_exempt,
    "!has(self.waivers) || self.waivers.all(w, self.waivers.exists_one(o, o.rule == w.rule && "
    "has(o.resource) == has(w.resource) && (!has(w.resource) || o.resource == w.resource) && "
    "has(o.selector) == has(w.selector) && (!has(w.selector) || o.selector == w.selector)))": _waived_once,
    "has(self.resource) || has(self.selector)": _covers_something,
    'timestamp(self.expires + "T00:00:00Z") >= timestamp("2000-01-01T00:00:00Z")': _day_of_the_calendar,
    "!has(self.min) || !has(self.max) || self.min <= self.max": _least_and_most,
}


def by_twin(rule: str, value: Any) -> bool:
    """Say whether ``rule`` holds of ``value``, fast: by its twin in Python if it has one, else by CEL."""
    twin = TWINS.get(rule)
    if twin is None:
        return by_cel(rule, value)
    try:
        return twin(value)
    except (KeyError, ValueError):
        return False
