"""The nine rules of the guard. Each names one way in which the embedded engine differs from OPA without a sound.

What each prevents is shown, on both engines, by ``tests/conformance/test_guard_differences.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from thunderguard.engines.guard.builtins import ALLOWED, NUMERIC, REFUSED
from thunderguard.engines.guard.syntax import (
    CONSTANTS,
    Module,
    Node,
    Rule,
    as_node,
    dotted,
    first_name,
    indexes,
)


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """A place in a policy that the embedded engine must not judge by. ``line`` is 1-based, 0 when unknown."""

    file: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        """Give ``file:line: message [rule]``."""
        return f"{self.file}:{self.line}: {self.message} [{self.rule}]"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a module can see by name: the rules of its package (of all its files) and its imports."""

    module: Module
    rules: frozenset[str]
    first_file: str

    def is_local(self, name: str) -> bool:
        """Whether ``name`` is a variable of a rule, and so always has a value where it is used."""
        return name not in self.rules and name not in self.module.aliases and name not in {"input", "data"}


Check = Callable[[Scope], Iterator[tuple[int, str]]]


@dataclass(frozen=True, slots=True)
class GuardRule:
    """One rule of the guard: its id, what it asks for, why, and the check that gives (line, message)."""

    id: str
    title: str
    reason: str
    check: Check
    tests_exempt: bool = False


def _plain(node: Node | None, scope: Scope) -> Node | None:
    """Give the first part of a head that is not a variable or a constant, None when all are."""
    if node is None or node.kind in CONSTANTS:
        return None
    if node.kind == "Var":
        return None if scope.is_local(str(node.value)) else node
    if node.kind in {"Array", "Set"}:
        parts = node.children("items")
    elif node.kind == "Object":
        parts = [part for _, *pair in node.fields["fields"] for item in pair if (part := as_node(item))]
    else:
        return node
    return next((bad for part in parts if (bad := _plain(part, scope)) is not None), None)


def _heads(rule: Rule) -> Iterator[Node | None]:
    yield from indexes(rule.reference)
    partial_object = any(index.kind not in CONSTANTS for index in indexes(rule.reference))
    if rule.kind == "Set":
        yield rule.key
    if partial_object or any(body.is_else for body in rule.bodies):
        yield rule.value
        for body in rule.bodies:
            yield body.value


def _head_operands(scope: Scope) -> Iterator[tuple[int, str]]:
    for rule in scope.module.rules:
        for head in _heads(rule):
            bad = _plain(head, scope)
            if bad is not None:
                yield bad.line or rule.line, f"the head of {rule.name} computes a value; bind it in the body first"


def _not_keyword(scope: Scope) -> Iterator[tuple[int, str]]:
    if any(path == "future.keywords.not" for path, _ in scope.module.imports):
        return
    lines = [node.line for node in scope.module.found.of("NotExpr")]
    if lines:
        yield min(lines), "the file says not without `import future.keywords.not`"


def _not_body(scope: Scope) -> Iterator[tuple[int, str]]:
    for node in scope.module.found.of("NotExpr"):
        inner = node.child("expr")
        if inner is not None and inner.kind in {"Set", "Object", "SetCompr", "ObjectCompr"}:
            yield node.line, "`not { … }` is used; put the body into a rule or function of its own and negate that"


def _walk_form(scope: Scope) -> Iterator[tuple[int, str]]:
    good: set[int] = set()
    for node in scope.module.found.of("Expr"):
        # A statement that is the call itself, with the pair as its second argument.
        call = node.child("expr")
        if call is not None and call.kind == "Call" and dotted(call.child("fcn")) == "walk":
            arguments = call.children("params")
            if len(arguments) == 2 and arguments[1].kind == "Array" and len(arguments[1].children("items")) == 2:
                good.add(id(call.fields))
    for node in scope.module.found.of("Call"):
        if dotted(node.child("fcn")) == "walk" and id(node.fields) not in good:
            yield node.line, "walk is used as a value; write the statement `walk(x, [path, value])`"


def _with_values(scope: Scope) -> Iterator[tuple[int, str]]:
    for target, value, line in scope.module.found.modifiers:
        if first_name(target) not in {"input", "data"}:
            yield line, "`with` replaces something other than input or data"
        elif _plain(value, scope) is not None:
            yield line, "the value of `with` is computed; bind it to a variable first"


def _calls(scope: Scope) -> Iterator[tuple[Node, str]]:
    """Give the calls of built-ins, with their names."""
    for node in scope.module.found.of("Call"):
        function = node.child("fcn")
        name, first = dotted(function), first_name(function)
        if first is not None and name is not None and scope.is_local(first):
            yield node, name


def _builtin_allow_list(scope: Scope) -> Iterator[tuple[int, str]]:
    for node, name in _calls(scope):
        if name not in ALLOWED and name not in REFUSED:
            yield node.line, f"{name} is not among the built-ins that were compared with OPA"


def _builtin_refused(scope: Scope) -> Iterator[tuple[int, str]]:
    for node, name in _calls(scope):
        if name in REFUSED:
            yield node.line, f"{name} is refused: the embedded engine {REFUSED[name]}"


_VERB = re.compile(r"%(.?)", re.DOTALL)


def _sprintf_format(scope: Scope) -> Iterator[tuple[int, str]]:
    for node, name in _calls(scope):
        if name != "sprintf":
            continue
        arguments = node.children("params")
        template = arguments[0] if arguments else None
        if template is None or template.kind not in {"String", "RawString"}:
            yield node.line, "the format of sprintf is not a literal"
            continue
        verbs = [verb for verb in _VERB.findall(str(template.value)) if verb != "%"]
        odd = sorted({f"%{verb}" for verb in verbs if verb not in {"v", "s", "q"}})
        if odd:
            yield node.line, f"sprintf uses {', '.join(odd)}; only %v, %s and %q mean the same to both engines"
            continue
        values = arguments[1] if len(arguments) == 2 else None
        if values is None or values.kind != "Array":
            yield node.line, "the values of sprintf are not a literal array"
            continue
        items = values.children("items")
        if len(items) != len(verbs):
            yield node.line, f"sprintf has {len(verbs)} verbs and {len(items)} values"
            continue
        for verb, item in zip(verbs, items, strict=True):
            if verb in {"s", "q"} and _never_string(item):
                yield item.line, f"sprintf gives %{verb} a value that is not a string; use %v"


def _never_string(node: Node) -> bool:
    if node.kind == "Call":
        return dotted(node.child("fcn")) in NUMERIC
    return node.kind in {
        "Number",
        "Bool",
        "True",
        "False",
        "Null",
        "Array",
        "Set",
        "Object",
        "ArrayCompr",
        "SetCompr",
        "ObjectCompr",
        "ArithExpr",
        "BoolExpr",
    }


_CLASS = re.compile(r"(?<!\\)(?:\\\\)*(\\[dDwWsSbBpP])")


def _regex_classes(scope: Scope) -> Iterator[tuple[int, str]]:
    # Every literal is looked at, since a pattern may be bound far from where it is used.
    for node in scope.module.found.of("String", "RawString"):
        if found := _CLASS.search(str(node.value)):
            yield node.line, f"the pattern uses {found[1]}; spell the characters out, as in [0-9A-Za-z_]"
    for node, name in _calls(scope):
        if name.startswith("regex."):
            for argument in node.children("params"):
                if argument.kind in {"String", "RawString"} and (odd := _set_notation(str(argument.value))):
                    yield (
                        node.line,
                        f"the pattern has {odd} in a class, which the embedded engine reads as set notation",
                    )


# What may follow inside a bracketed class, longest first; anything else in it stands for itself.
_IN_CLASS = re.compile(r"\\.|\[:\^?[a-z]+:\]|(?P<odd>&&|--|~~|\[)|(?P<end>\])|.", re.DOTALL)
_OUTSIDE = re.compile(r"\\.|(?P<begin>\[\^?\]?)|.", re.DOTALL)


def _set_notation(pattern: str) -> str:
    """Give what stands in a bracketed class of ``pattern`` and is set notation to Rust, "" when there is nothing."""
    inside, at = False, 0
    while at < len(pattern):
        token = (_IN_CLASS if inside else _OUTSIDE).match(pattern, at)
        if token is None:
            break
        if inside and token["odd"]:
            return token["odd"]
        inside = not token["end"] if inside else bool(token["begin"])
        at = token.end()
    return ""


def _one_module(scope: Scope) -> Iterator[tuple[int, str]]:
    if scope.module.file != scope.first_file:
        yield 1, f"package {scope.module.package} has a file already, {scope.first_file}"


RULES: tuple[GuardRule, ...] = (
    GuardRule(
        "head-operands",
        "Heads of partial rules and of rules with else hold only variables and constants",
        "an undefined reference in such a head loses other findings too, or skips the else",
        _head_operands,
    ),
    GuardRule(
        "not-keyword",
        "A file that says not imports future.keywords.not",
        "without it OPA leaves the negation of an undefined argument undefined, and the rule does not fire",
        _not_keyword,
    ),
    GuardRule("not-body", "There is no `not { … }`", "the embedded engine reads a set, not a body", _not_body),
    GuardRule(
        "walk-form",
        "walk is a statement, `walk(x, [path, value])`",
        "as a value it gives nothing in the embedded engine",
        _walk_form,
    ),
    GuardRule(
        "with-values",
        "Values of with are constants or local variables",
        "the embedded engine evaluates them otherwise than OPA when they are undefined or call rules",
        _with_values,
        tests_exempt=True,
    ),
    GuardRule(
        "builtin-allow-list",
        "Only built-ins that were compared are called",
        "a built-in the embedded engine lacks is noticed only when a rule reaches it",
        _builtin_allow_list,
    ),
    GuardRule(
        "builtin-refused",
        "No built-in is called that is known to differ",
        "the embedded engine has it and computes something else",
        _builtin_refused,
    ),
    GuardRule(
        "sprintf-format",
        "sprintf has a literal format of %v, %s and %q, and as many values",
        "other verbs, and %s for anything but a string, are spelled otherwise",
        _sprintf_format,
    ),
    GuardRule(
        "regex-classes",
        r"Patterns spell characters out instead of \d, \w, \s and \b",
        "they are Unicode classes in the embedded engine and ASCII classes in OPA",
        _regex_classes,
    ),
    GuardRule(
        "one-module-per-package",
        "A package is one file",
        "rules of a package that is spread over files lose results, depending on the order in which these are loaded",
        _one_module,
    ),
)


def check_modules(modules: Mapping[str, Module]) -> list[Violation]:
    """Judge modules (by file) together, since they see each other's names. Sorted by place."""
    names: dict[str, set[str]] = {}
    first: dict[str, str] = {}
    for file, module in sorted(modules.items()):
        names.setdefault(module.package, set()).update(rule.name for rule in module.rules)
        first.setdefault(module.package, file)
    found = []
    for file, module in modules.items():
        scope = Scope(module, frozenset(names[module.package]), first[module.package])
        for rule in RULES:
            if rule.tests_exempt and file.endswith("_test.rego"):
                continue
            found += [Violation(file, line, rule.id, message) for line, message in rule.check(scope)]
    return sorted(set(found))
