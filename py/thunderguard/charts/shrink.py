"""Making the values of a counterexample few: the fewest keys with which it still fails, found in whole rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any, TypeAlias

from thunderguard.charts.values import Key

#: Keys and the values they are set to.
Changes: TypeAlias = Mapping[Key, Any]
#: Says of each set of changes whether it still fails. The sets of one call may be tried at the same time.
Fails: TypeAlias = Callable[[Sequence[Changes]], Sequence[bool]]

_MOST_PAIRS = 66


def fewest(changes: Changes, fails: Fails) -> dict[Key, Any]:
    """Give as few of ``changes``, which fail, as still do; none of those that are left can be spared.

    Nothing at all is tried first, then single ones, then halves and so on, then, among few, pairs.
    """
    everything = dict(changes)
    if not everything or fails([{}])[0]:
        return {}
    alone = _first([{key: value} for key, value in everything.items()], fails)
    if alone is not None or len(everything) == 1:
        return alone or everything
    left = _halved(everything, fails)
    if len(left) > 2:
        pairs = [dict(pair) for pair in combinations(everything.items(), 2)]
        if len(pairs) <= _MOST_PAIRS:
            return _first(pairs, fails) or left
    return left


def _halved(changes: dict[Key, Any], fails: Fails) -> dict[Key, Any]:
    """Drop halves, quarters and so on, as long as what is left fails (delta debugging)."""
    left, parts = changes, 2
    while len(left) > 1:
        keys = list(left)
        length = -(-len(keys) // parts)
        chunks = [set(keys[start : start + length]) for start in range(0, len(keys), length)]
        smaller = _first([{k: v for k, v in left.items() if k not in chunk} for chunk in chunks], fails)
        if smaller is not None:
            left, parts = smaller, max(parts - 1, 2)
        elif length == 1:
            break
        else:
            parts = min(parts * 2, len(keys))
    return left


def _first(sets: Sequence[dict[Key, Any]], fails: Fails) -> dict[Key, Any] | None:
    return next((one for one, bad in zip(sets, fails(sets), strict=True) if bad), None)
