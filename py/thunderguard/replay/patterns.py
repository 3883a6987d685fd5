"""A text in which a pattern is found: what an Estate's recogniser would recognise."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from random import Random
from typing import Any

from thunderguard.facts.services import Pattern
from thunderguard.replay.domains import randomness

_TRIES = 60
_REPEATS = 2
_ANY = "abcxyz019-_./ "


def texts(pattern: Pattern, *, fits: Callable[[str], bool] = bool, wanted: int = 1) -> list[str]:
    """Give up to ``wanted`` different texts in which ``pattern`` is found and that ``fits`` accepts, always the same.

    The list is shorter, or empty, where none is found by trying: patterns are RE2, and are read here as Python reads
    them.
    """
    tree = _parsed(pattern.text)
    found: dict[str, None] = {}
    for attempt in range(_TRIES if tree is not None else 0):
        # The first attempt takes the simplest way through, and every other a random one.
        text = "".join(_texts(tree, randomness(attempt) if attempt else None))
        if fits(text) and pattern.found_in(text):
            found.setdefault(text)
            if len(found) == wanted:
                break
    return list(found)


def _parsed(text: str) -> Any:
    # The parser of the regular expressions is a module of its own without a public name.
    parser = import_module("re._parser")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return parser.parse(text)
    except (re.error, OverflowError, RecursionError):
        return None


def _texts(tree: Any, random: Random | None) -> Iterator[str]:
    for kind, argument in tree:
        yield from _node(str(kind), argument, random)


def _node(kind: str, argument: Any, random: Random | None) -> Iterator[str]:
    if kind == "LITERAL":
        yield chr(argument)
    elif kind == "NOT_LITERAL":
        yield _one([character for character in _ANY if ord(character) != argument], random)
    elif kind == "ANY":
        yield _one(_ANY, random)
    elif kind == "IN":
        yield _of_class(argument, random)
    elif kind == "BRANCH":
        yield from _texts(_one(argument[1], random), random)
    elif kind == "SUBPATTERN":
        yield from _texts(argument[3], random)
    elif kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        low, high, repeated = argument
        most = min(int(high), low + _REPEATS)
        for _ in range(low if random is None else random.randint(low, most)):
            yield from _texts(repeated, random)
    # An anchor takes no character; whether it holds is seen when the pattern is searched for.


def _of_class(members: list[Any], random: Random | None) -> str:
    ranges = [(int(low), int(high)) for low, high in map(_range, members) if high >= low]
    if str(members[0][0]) == "NEGATE":
        outside = [one for one in _ANY if not any(low <= ord(one) <= high for low, high in ranges)]
        return _one(outside, random) if outside else ""
    if not ranges:
        return ""
    low, high = _one(ranges, random)
    return chr(low if random is None else random.randint(low, high))


def _range(member: Any) -> tuple[int, int]:
    kind, argument = str(member[0]), member[1]
    if kind == "LITERAL":
        return argument, argument
    if kind == "RANGE":
        return int(argument[0]), int(argument[1])
    if kind == "CATEGORY":
        return {"CATEGORY_DIGIT": (48, 57), "CATEGORY_SPACE": (32, 32), "CATEGORY_WORD": (97, 122)}.get(
            str(argument), (1, 0)
        )
    return 1, 0


def _one(among: Any, random: Random | None) -> Any:
    return among[0] if random is None else random.choice(among)
