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


# One package in three files, the package that asks it, and what they judge. In one file the answer is {"b"}.
SPREAD = (
    """\
package p

import future.keywords.not

docs := [d | some d in _src]

_src := input.a if is_set_

_src := [input] if not is_set_

is_set_ if is_array(input.a)

readable(d) if is_string(d.kind)

readable(d) if chart(d)

chart(d) if not d.kind
""",
    """\
package p

import future.keywords.not

entries := [e | some d in docs; readable(d); e := object.union({"o": d, "g": group(d)}, tf(d))]

tf(d) := {"t": t} if t := tpl(d)

tf(d) := {} if not tpl(d)

tpl(d) := ["spec"] if d.kind == "Pod"

group(d) := "x" if not chart(d)

group(d) := "c" if chart(d)
""",
    """\
package p

import future.keywords.not

roots := [r | some i, _ in entries; r := root(i)]

root(i) := t if {
	t := up(i)
	par[t] == -1
}

root(i) := i if {
	t := up(i)
	par[t] != -1
}

up(i) := i if par[i] == -1

up(i) := par[i] if par[i] != -1

par := [-1] if count(entries) == 1

par := [x | some i, e in entries; x := pr(i, e)] if count(entries) != 1

pr(i, e) := -1 if count(cand(i, e)) == 0

pr(i, e) := min(c) if {
	c := cand(i, e)
	count(c) > 0
}

cand(i, e) := [j | some j in places[e.o.owner]; j != i]

places := {k: v | some k, v in pl}

pl[k] contains i if {
	some i, e in entries
	e.t
	k := e.o.name
}

judged := [e | some i, x in entries; roots[i] == i; e := object.union(x, {"i": i})]
""",
)
ASKING = """\
package m

import data.p
import future.keywords.not

out contains f if {
	some e in p.judged
	f := e.o.name
}
"""
SPREAD_INPUT = {"a": [{"kind": "Pod", "name": "a", "owner": "b"}, {"kind": "Pod", "name": "b"}]}

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
