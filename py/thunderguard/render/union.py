"""The variables of several policies in one, each that they share once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from thunderguard.render.bodies import REFERENCE, Variable, names

# What matters to where a variable is read: texts, the parentheses of macros that go through a list, and all others.
_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<macro>[.](?:all|exists|exists_one|filter|map)\()|(?P<open>\()|"""
    rf"(?P<close>\))|(?P<read>{REFERENCE.pattern})"
)


class Union:
    """Variables that are put together; a name that is taken for something else is changed, and all that read it."""

    def __init__(self) -> None:
        self.variables: list[Variable] = []
        self._names: set[str] = set()
        self._known: dict[tuple[str, str], str] = {}

    def add(self, variables: Iterable[Variable], ending: str = "") -> dict[str, str]:
        """Take variables, each of which reads only those before it, and give the name that each has got.

        A name is made another one by ``ending``, or by a number.
        """
        names: dict[str, str] = {}
        for variable in variables:
            names[variable.name] = self.share(variable.name, renamed(variable.expression, names), ending)
        return names

    def share(self, name: str, expression: str, ending: str = "") -> str:
        """Give the name of the variable that says ``expression``, which is ``name`` unless that is taken."""
        if (name, expression) not in self._known:
            self._known[name, expression] = self._free(name, ending)
            self.variables.append(Variable(self._known[name, expression], expression))
        return self._known[name, expression]

    def _free(self, name: str, ending: str) -> str:
        numbered = (f"{name}{ending}{number}" for number in range(2, 1000))
        free = next(one for one in (name, f"{name}{ending}", *numbered) if one not in self._names)
        self._names.add(free)
        return free


def renamed(expression: str, names: Mapping[str, str]) -> str:
    """Give a CEL expression that reads variables by the ``names`` that they have got."""
    return REFERENCE.sub(lambda found: f"variables.{names.get(found[1], found[1])}", expression)


def read_once(variables: Sequence[Variable]) -> set[str]:
    """Give the names of those of ``variables`` that are read at one place, at which they are evaluated once at most."""
    counts = Counter(name for variable in variables for name in names(variable.expression))
    repeated = {name for variable in variables for name in _repeated(variable.expression)}
    return {variable.name for variable in variables if counts[variable.name] == 1} - repeated


def inlined(variables: Iterable[Variable], chosen: Collection[str]) -> list[Variable]:
    """Put the expressions of the ``chosen`` ones of ``variables`` where those are read."""
    texts: dict[str, str] = {}
    kept = []
    for one in variables:
        expression = REFERENCE.sub(lambda read: f"({texts[read[1]]})" if read[1] in texts else read[0], one.expression)
        if one.name in chosen:
            texts[one.name] = expression
        else:
            kept.append(Variable(one.name, expression))
    return kept


def _repeated(expression: str) -> Iterator[str]:
    """Give the names of the variables that are read once for each element of a list."""
    macros = [False]
    for token in _TOKEN.finditer(expression):
        match token.lastgroup:
            case "macro":
                macros.append(True)
            case "open":
                macros.append(macros[-1])
            case "close":
                macros.pop()
            case "read" if macros[-1]:
                yield token["read"].partition(".")[2]
