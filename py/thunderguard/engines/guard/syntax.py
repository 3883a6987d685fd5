"""The tree of a Rego module as ``regorus.Engine.get_ast_as_json`` gives it, made easy to walk.

A node is ``{"Kind": {"span": {"line": …}, …}}``: one key, capitalised. Anything else is a plain field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

Json: TypeAlias = Any

CONSTANTS = frozenset({"String", "RawString", "Number", "Bool", "Null", "True", "False"})


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the tree: its kind, its fields and the 1-based line where it begins."""

    kind: str
    fields: dict[str, Json]

    @property
    def line(self) -> int:
        """The line where the node begins; 0 when the tree does not say."""
        span = self.fields.get("span")
        return int(span["line"]) if isinstance(span, dict) else 0

    def child(self, name: str) -> Node | None:
        """Give the node under the field ``name``, None when there is none."""
        return as_node(self.fields.get(name))

    def children(self, name: str) -> list[Node]:
        """Give the nodes of the list under the field ``name``."""
        return [node for item in self.fields.get(name) or [] if (node := as_node(item)) is not None]

    @property
    def value(self) -> Json:
        """The text of a variable or the value of a constant."""
        return self.fields.get("value")


def as_node(item: Json) -> Node | None:
    """Read ``item`` as a node, None when it is something else."""
    if isinstance(item, dict) and len(item) == 1:
        ((kind, fields),) = item.items()
        if kind[:1].isupper() and isinstance(fields, dict):
            return Node(kind, fields)
    return None


_COLLECTED = frozenset({"NotExpr", "Call", "Expr", "String", "RawString"})


@dataclass(frozen=True, slots=True)
class Found:
    """What the guard looks for in the bodies and heads of a module, collected in one walk over its large tree."""

    nodes: dict[str, list[Node]]
    modifiers: list[tuple[Node | None, Node | None, int]]

    def of(self, *kinds: str) -> Iterator[Node]:
        """Give the collected nodes of ``kinds`` (NotExpr, Call, Expr, String, RawString)."""
        for kind in kinds:
            yield from self.nodes[kind]


def collect(item: Json) -> Found:
    """Walk over ``item`` once."""
    found = Found({kind: [] for kind in _COLLECTED}, [])
    stack = [item]
    while stack:
        top = stack.pop()
        if isinstance(top, list):
            stack.extend(part for part in top if isinstance(part, (dict, list)))
            continue
        for key, value in top.items():
            if key in _COLLECTED and isinstance(value, dict):
                found.nodes[key].append(Node(key, value))
            elif key == "with_mods":
                found.modifiers.extend(
                    (as_node(one["refr"]), as_node(one["as"]), int(one["span"]["line"])) for one in value
                )
            # Spans are half of the tree and hold nothing to find.
            if key != "span" and isinstance(value, (dict, list)):
                stack.append(value)
    return found


def dotted(node: Node | None) -> str | None:
    """Spell a reference of names only (``a.b["c"]``) with dots; None when it holds anything else."""
    if node is None:
        return None
    if node.kind == "Var":
        return str(node.value)
    if node.kind == "RefDot":
        base = dotted(node.child("refr"))
        return None if base is None else f"{base}.{_field_name(node)}"
    if node.kind == "RefBrack":
        base, index = dotted(node.child("refr")), node.child("index")
        if base is not None and index is not None and index.kind in {"String", "RawString"}:
            return f"{base}.{index.value}"
    return None


def _field_name(node: Node) -> str:
    name = node.fields["field"]
    # The field is [span, text].
    return str(name[1]) if isinstance(name, list) else str(name)


def first_name(node: Node | None) -> str | None:
    """Give the variable where a reference begins."""
    while node is not None and node.kind in {"RefDot", "RefBrack"}:
        node = node.child("refr")
    return str(node.value) if node is not None and node.kind == "Var" else None


def indexes(node: Node | None) -> Iterator[Node]:
    """Give what stands in the brackets of a reference."""
    while node is not None and node.kind in {"RefDot", "RefBrack"}:
        if node.kind == "RefBrack" and (index := node.child("index")) is not None:
            yield index
        node = node.child("refr")


@dataclass(frozen=True, slots=True)
class Body:
    """One body of a rule: its value (of ``:=``, None when it is just true), whether it is an else, its query."""

    value: Node | None
    is_else: bool
    line: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: ``kind`` is Compr (complete or partial object), Set, Func or Default."""

    kind: str
    reference: Node
    line: int
    key: Node | None
    value: Node | None
    bodies: tuple[Body, ...]

    @property
    def name(self) -> str:
        """The name under which the package knows the rule."""
        return first_name(self.reference) or ""


@dataclass(frozen=True, slots=True)
class Module:
    """One Rego file."""

    file: str
    package: str
    imports: tuple[tuple[str, str], ...]
    rules: tuple[Rule, ...]
    found: Found = field(repr=False)

    @property
    def aliases(self) -> frozenset[str]:
        """The names that imports bring in."""
        return frozenset(alias for _, alias in self.imports)


def read_module(tree: Json) -> Module:
    """Read one element of the AST of an engine."""
    ast = tree["ast"]
    imports = []
    for item in ast["imports"]:
        path = dotted(as_node(item["refr"])) or ""
        alias = item.get("as")
        imports.append((path, _alias(alias, tree) if alias else path.rsplit(".", 1)[-1]))
    rules = [_read_rule(node) for item in ast["rules"] if (node := as_node(item)) is not None]
    return Module(
        file=str(tree["source"]["file"]),
        package=dotted(as_node(ast["package"]["refr"])) or "",
        imports=tuple(imports),
        rules=tuple(rules),
        found=collect(ast["rules"]),
    )


def _alias(span: Json, tree: Json) -> str:
    # The tree gives only where the alias stands, counted in bytes.
    text = tree["source"]["contents"].encode()
    return str(text[span["start"] : span["end"]].decode())


def _read_rule(node: Node) -> Rule:
    head = node if node.kind == "Default" else cast("Node", node.child("head"))
    # Every rule has a name.
    reference = cast("Node", head.child("refr"))
    if node.kind == "Default":
        return Rule("Default", reference, node.line, None, node.child("value"), ())
    bodies = tuple(
        Body(_assigned(item.get("assign")), bool(item.get("is_else")), int(item["span"]["line"]))
        for item in node.fields["bodies"]
    )
    value = _assigned(head.fields.get("assign"))
    return Rule(head.kind, reference, node.line, head.child("key"), value, bodies)


def _assigned(item: Json) -> Node | None:
    return as_node(item["value"]) if isinstance(item, dict) else None
