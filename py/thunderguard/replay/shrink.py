"""Making a counterexample small, whole rounds of candidates at a time, so that slow engines are asked seldom.

First the steps are dropped that it does without, then parts of the object from the root to the leaves (hierarchical
delta debugging), then texts are made plain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from thunderguard.model import JsonObject
from thunderguard.paths import Segment
from thunderguard.replay.cases import Case
from thunderguard.replay.edit import at, drop, put

#: Says of each case whether it still shows the same fault. One call may cost as much as a start of a program.
Fails: TypeAlias = Callable[[Sequence[Case]], Sequence[bool]]
Path: TypeAlias = tuple[Segment, ...]

_KEPT: frozenset[Path] = frozenset({("apiVersion",), ("kind",), ("metadata",), ("metadata", "name")})
_ROUNDS = 6
_DEEPEST = 14
_MOST_AT_ONCE = 60
_PLAIN_TEXTS = ("x", "a:1")


def shrunk(case: Case, fails: Fails) -> Case:
    """Give a case that ``fails`` as ``case`` does and is as small as was found."""
    case = _fewer_steps(case, fails)
    for _ in range(_ROUNDS):
        size = _size(case.base)
        case = _fewer_parts(case, fails)
        case = _lifted(case, fails)
        if _size(case.base) == size:
            break
    return _plainer(case, fails)


def fewer(objects: Sequence[JsonObject], fails: Callable[[Sequence[JsonObject]], bool]) -> list[JsonObject]:
    """Give as few of ``objects`` as still fail, by halves, quarters and so on (delta debugging)."""
    left, parts = list(objects), 2
    while len(left) > 1:
        length = -(-len(left) // parts)
        chunks = [left[start : start + length] for start in range(0, len(left), length)]
        for place in range(len(chunks)):
            others = [obj for number, chunk in enumerate(chunks) if number != place for obj in chunk]
            if others and fails(others):
                left, parts = others, max(parts - 1, 2)
                break
        else:
            if length == 1:
                break
            parts = min(parts * 2, len(left))
    return left


def _fewer_steps(case: Case, fails: Fails) -> Case:
    while case.steps:
        smaller = [
            replace(case, steps=case.steps[:place] + case.steps[place + 1 :]) for place in range(len(case.steps))
        ]
        if len(case.steps) > 2:
            smaller = [replace(case, steps=case.steps[: len(case.steps) // 2]), *smaller]
        chosen = next((one for one, bad in zip(smaller, fails(smaller), strict=True) if bad), None)
        if chosen is None:
            return case
        case = chosen
    return case


def _fewer_parts(case: Case, fails: Fails) -> Case:
    for depth in range(1, _DEEPEST):
        paths = [path for path in _paths(case.base, depth) if path not in _KEPT]
        for start in range(0, len(paths), _MOST_AT_ONCE):
            case = _without(case, paths[start : start + _MOST_AT_ONCE], fails)
    return case


def _without(case: Case, paths: Sequence[Path], fails: Fails) -> Case:
    """Drop as many of ``paths``, all of one depth, as two questions find out."""
    candidates = [_dropped(case, paths), *(_dropped(case, [path]) for path in paths)]
    everything, *single = fails(candidates)
    if everything:
        return candidates[0]
    spare = [path for path, bad in zip(paths, single, strict=True) if bad]
    if len(spare) < 2:
        return _dropped(case, spare) if spare else case
    # Each alone is spare; together they may not be, so the longest run from the front that is, is taken.
    runs = [_dropped(case, spare[:end]) for end in range(len(spare), 0, -1)]
    return next((run for run, bad in zip(runs, fails(runs), strict=True) if bad), runs[-1])


def _dropped(case: Case, paths: Sequence[Path]) -> Case:
    base = case.base
    # From the back, so that places in lists stay what they are.
    for path in sorted(paths, key=_last_first, reverse=True):
        base = drop(base, path)
    return replace(case, base=base)


def _last_first(path: Path) -> tuple[Any, ...]:
    return tuple((1, segment, "") if isinstance(segment, int) else (0, 0, segment) for segment in path)


def _paths(value: Any, depth: int, path: Path = ()) -> Iterator[Path]:
    if depth == 0:
        yield path
    elif isinstance(value, dict):
        for key in value:
            yield from _paths(value[key], depth - 1, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _paths(item, depth - 1, (*path, place))


def _lifted(case: Case, fails: Fails) -> Case:
    """Empty mappings and lists that are not needed with what they hold, but are needed as such."""
    places = [path for depth in range(2, _DEEPEST) for path in _paths(case.base, depth)]
    full = [path for path in places if isinstance(value := at(case.base, path), dict | list) and value]
    smaller = [replace(case, base=put(case.base, path, type(at(case.base, path))())) for path in full[:_MOST_AT_ONCE]]
    if not smaller:
        return case
    return next((one for one, bad in zip(smaller, fails(smaller), strict=True) if bad), case)


def _plainer(case: Case, fails: Fails) -> Case:
    """Give every text that may be any other a plain value."""
    leaves = [
        path
        for depth in range(1, _DEEPEST)
        for path in _paths(case.base, depth)
        if path[-1] not in ("apiVersion", "kind")
    ]
    changes = [
        (path, plain)
        for path in leaves
        if isinstance(text := at(case.base, path), str)
        for plain in _PLAIN_TEXTS
        if len(plain) < len(text)
    ]
    for start in range(0, len(changes), _MOST_AT_ONCE):
        some = changes[start : start + _MOST_AT_ONCE]
        single = fails([replace(case, base=put(case.base, path, plain)) for path, plain in some])
        taken: dict[Path, str] = {}
        for (path, plain), bad in zip(some, single, strict=True):
            if bad:
                taken.setdefault(path, plain)
        base = case.base
        for path, plain in taken.items():
            base = put(base, path, plain)
        together = replace(case, base=base)
        if taken and fails([together])[0]:
            case = together
    return case


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1
