"""For each rule of the guard a module that it refuses, one that says the same and is accepted, and an input.

``e`` is what both engines are asked for. The refused module is the one on which the embedded engine, left alone,
differs from OPA.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

HEAD = "package g\n\nimport future.keywords.not\n\n"


@dataclass(frozen=True)
class Example:
    """One pair of modules: ``refused`` and ``accepted`` by ``rule``, and the ``input`` that tells engines apart."""

    rule: str
    refused: str
    accepted: str
    input: Any = field(default_factory=dict)


EXAMPLES = (
    Example(
        "head-operands",
        HEAD + "e := r if r := f(input)\n\nf(x) := x.nope if {\n\tx.a\n} else := 2 if {\n\tx.a\n}\n",
        HEAD + "e := r if r := f(input)\n\nf(x) := v if {\n\tx.a\n\tv := x.nope\n} else := 2 if {\n\tx.a\n}\n",
        {"a": 1},
    ),
    Example(
        "not-keyword",
        'package g\n\ne if not regex.match("^v[0-9]", input.tag)\n',
        HEAD + 'e if not regex.match("^v[0-9]", input.tag)\n',
    ),
    Example(
        "not-body",
        HEAD + "e if not { input.a == 1 }\n",
        HEAD + "e if not one\n\none if input.a == 1\n",
        {"a": 2},
    ),
    Example(
        "walk-form",
        HEAD + "e contains path if {\n\t[path, value] := walk(input)\n\tvalue == 1\n}\n",
        HEAD + "e contains path if {\n\twalk(input, [path, value])\n\tvalue == 1\n}\n",
        {"a": 1, "b": {"c": 1}},
    ),
    Example(
        "with-values",
        HEAD + "q := 1\n\ne if q == 1 with input as input.nope with data.x as 1\n",
        HEAD + "q := 1\n\ne if {\n\tv := input.nope\n\tq == 1 with input as v with data.x as 1\n}\n",
        {"a": 1},
    ),
    Example(
        "builtin-allow-list",
        HEAD + 'e := crypto.sha256(input.a) if input.a != "never"\n',
        HEAD + 'e := base64.encode(input.a) if input.a != "never"\n',
        {"a": "x"},
    ),
    Example(
        "builtin-refused",
        HEAD + "e := strings.count(input.a, input.b)\n",
        HEAD + "e := count(split(input.a, input.b)) - 1\n",
        {"a": "aaa", "b": "aa"},
    ),
    Example(
        "sprintf-format",
        HEAD + 'e := sprintf("%d replicas", [input.n])\n',
        HEAD + 'e := sprintf("%v replicas", [input.n])\n',
        {"n": -3},
    ),
    Example(
        "regex-classes",
        HEAD + "e if regex.match(`^v\\d+$`, input.tag)\n",
        HEAD + "e if regex.match(`^v[0-9]+$`, input.tag)\n",
        {"tag": "v٣"},
    ),
)
