"""The hand-written CEL: the shared variables and the body of each rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.cyaml import CSafeLoader

from thunderguard.errors import PolicyError

FACTS = "facts.cel.yaml"
BODY = "body.cel.yaml"

#: The variable that the wrapper gives, since each engine finds the Estate in its own way.
ESTATE = "estate"

#: Where an expression reads a variable, whose name it catches.
REFERENCE = re.compile(r"\bvariables[.]([A-Za-z_][A-Za-z0-9_]*)")
_CONDITION = re.compile(r"\bconditions[.]([A-Za-z_][A-Za-z0-9_]*)")
_FACTS_KEYS = {"always", "conditions", "variables"}
_BODY_KEYS = {"clear", "match", "variables", "subject", "violations"}
_MATCH_KEYS = {"only", "subresources"}
_HINT = "see CONTRIBUTING.md for what a body holds"


@dataclass(frozen=True, slots=True)
class Variable:
    """A CEL variable."""

    name: str
    expression: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What bodies share.

    ``always`` are conditions by name that a request has to meet to be asked about at all; they know no variables.
    ``conditions`` are parts of such conditions, by name.
    """

    always: Mapping[str, str]
    conditions: Mapping[str, str]
    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """The body of one rule.

    ``only`` says in CEL which requests the rule may speak about, without variables; ``subresources`` are matched
    besides those of every rule. ``variables`` are its own. ``subject`` says in CEL whether the rule speaks about the
    object; ``clear``, if there is one, holds only where nothing is found, and is asked before anything else, since it
    is cheap. ``found`` maps the key of each violation in the catalogue to a list of maps with ``path`` and the
    arguments of the message.
    """

    rule: str
    only: str
    subresources: tuple[str, ...]
    variables: tuple[Variable, ...]
    subject: str
    clear: str
    found: Mapping[str, str]


def load_facts(folder: Path) -> Facts:
    """Read what the bodies below ``folder`` share. Raises PolicyError."""
    path = folder / FACTS
    data = _load(path)
    if unknown := data.keys() - _FACTS_KEYS:
        raise PolicyError(f"{path}: unknown key {min(unknown)!r}", hint=_HINT)
    parts = {key: {one.name: one.expression for one in _variables(data, path, key)} for key in ("always", "conditions")}
    return Facts(parts["always"], parts["conditions"], _variables(data, path, "variables"))


def load_body(folder: Path, rule: str, facts: Facts) -> Body:
    """Read the body of ``rule`` below ``folder``, which may name the conditions of ``facts``. Raises PolicyError."""
    path = folder / rule / BODY
    data = _load(path)
    try:
        if unknown := (data.keys() - _BODY_KEYS) | (data["match"].keys() - _MATCH_KEYS):
            raise PolicyError(f"{path}: unknown key {min(unknown)!r}", hint=_HINT)
        return Body(
            rule=rule,
            only=_with_conditions(" ".join(data["match"]["only"].split()), facts, path),
            subresources=tuple(map(str, data["match"].get("subresources", ()))),
            variables=_variables(data, path, "variables"),
            subject=" ".join(data["subject"].split()),
            clear=" ".join(data.get("clear", "").split()),
            found={entry["key"]: " ".join(entry["found"].split()) for entry in data["violations"]},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise PolicyError(f"{path}: {error!r} is missing or of a wrong kind", hint=_HINT) from None


def needed(expressions: Iterable[str], known: Iterable[Variable]) -> tuple[Variable, ...]:
    """Give those of ``known`` that ``expressions`` read, each after those that it reads itself.

    Raises PolicyError for a name that is not known, known twice or read before it is there.
    """
    places: dict[str, int] = {}
    ordered = list(known)
    for place, variable in enumerate(ordered):
        if places.setdefault(variable.name, place) != place:
            raise PolicyError(f"the variable {variable.name} is there twice", hint=_HINT)
    wanted: set[int] = set()
    waiting = [(name, len(ordered)) for text in expressions for name in names(text)]
    while waiting:
        name, before = waiting.pop()
        if name == ESTATE:
            continue
        if name not in places or places[name] >= before:
            raise PolicyError(f"the variable {name} is read and does not stand above", hint=_HINT)
        if places[name] not in wanted:
            wanted.add(places[name])
            waiting += [(inner, places[name]) for inner in names(ordered[places[name]].expression)]
    return tuple(ordered[place] for place in sorted(wanted))


def names(expression: str) -> list[str]:
    """Give the names of the variables that a CEL expression reads."""
    return REFERENCE.findall(expression)


def _load(path: Path) -> dict[str, Any]:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=CSafeLoader)
    except OSError as error:
        raise PolicyError(f"{path} cannot be read: {error.strerror}", hint=_HINT) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path} is not YAML: {' '.join(str(error).split())}", hint=_HINT) from None
    if not isinstance(data, dict):
        raise PolicyError(f"{path} holds no map", hint=_HINT)
    return data


def _variables(data: Mapping[str, Any], path: Path, key: str) -> tuple[Variable, ...]:
    try:
        return tuple(Variable(entry["name"], " ".join(entry["expression"].split())) for entry in data.get(key) or ())
    except (KeyError, TypeError, AttributeError):
        raise PolicyError(f"{path}: something of {key} has no name or no expression", hint=_HINT) from None


def _with_conditions(expression: str, facts: Facts, path: Path) -> str:
    """Put the named conditions of ``facts`` into ``expression``. Raises PolicyError for one that is not there."""
    if unknown := set(_CONDITION.findall(expression)) - facts.conditions.keys():
        raise PolicyError(f"{path}: the condition {min(unknown)} is not there", hint=_HINT)
    return _CONDITION.sub(lambda named: f"({facts.conditions[named[1]]})", expression)
