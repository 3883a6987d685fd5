"""One example of each rule that fails and one that passes: ``examples.json``, made from the declared suite.

``tools/rule_examples.py`` writes the file from ``tests/cases`` and ``examples``, which no wheel carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import orjson


@dataclass(frozen=True, slots=True)
class Example:
    """Objects as YAML; ``source`` is the case or file that they come from."""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Examples:
    """The two examples of a rule."""

    fails: Example
    passes: Example


@cache
def _all() -> dict[str, Examples]:
    data = orjson.loads((files("thunderguard.explain") / "examples.json").read_bytes())
    return {
        rule: Examples(*(Example(entry[key]["source"], entry[key]["text"]) for key in ("fails", "passes")))
        for rule, entry in data.items()
    }


def examples_of(rule: str) -> Examples | None:
    """Give the examples of ``rule``; None when it has none, because no object and no set breaks it."""
    return _all().get(rule)
