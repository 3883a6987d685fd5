"""Pairwise covering: few rows in which every two factors take every two of their values together.

Most faults of a configuration need one or two settings, so that trying all pairs finds them without trying all rows.
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Mapping, Sequence
from itertools import combinations
from random import Random
from typing import TypeAlias, TypeVar

Name = TypeVar("Name", bound=Hashable)
Value = TypeVar("Value", bound=Hashable)

_Pair: TypeAlias = tuple[tuple[Name, Value], tuple[Name, Value]]

_TRIES = 25
_SEED = 1


def covering(factors: Mapping[Name, Sequence[Value]]) -> list[dict[Name, Value]]:
    """Give rows that set every factor and have every pair of values of every two factors in at least one of them.

    Greedy: of several rows, each built in another order of the factors, the one that covers most is taken. The same
    factors give the same rows. A single factor gives a row for each value; a factor without values is an
    error (ValueError).
    """
    names = list(factors)
    for name in names:
        if not factors[name]:
            raise ValueError(f"the factor {name!r} has no values")
    if len(names) < 2:
        return [{name: value} for name in names for value in dict.fromkeys(factors[name])]
    missing = _pairs(factors)
    random = Random(_SEED)  # noqa: S311 - rows are chosen, not secrets
    rows = []
    while missing:
        # What random order covers nothing of is covered by beginning with it.
        row = _row(factors, missing, random) or _with(next(iter(missing)), factors)
        rows.append(row)
        for pair in _pairs_of(row, names):
            missing.pop(pair, None)
    return rows


def pairs(factors: Mapping[Name, Sequence[Value]]) -> int:
    """Count the pairs of values that :func:`covering` covers."""
    return len(_pairs(factors)) if len(factors) > 1 else sum(len(dict.fromkeys(v)) for v in factors.values())


def covered(factors: Mapping[Name, Sequence[Value]], rows: Sequence[Mapping[Name, Value]]) -> int:
    """Count the pairs of values that ``rows`` have together, each once."""
    if len(factors) < 2:
        return len({(name, row[name]) for row in rows for name in factors if name in row})
    names = list(factors)
    known = _pairs(factors)
    return len({pair for row in rows for pair in _pairs_of(row, names) if pair in known})


def _pairs(
    factors: Mapping[Name, Sequence[Value]],
) -> dict[_Pair[Name, Value], None]:
    # A dict instead of a set, so that the order is that of the factors.
    return {
        ((one, a), (other, b)): None
        for one, other in combinations(factors, 2)
        for a in factors[one]
        for b in factors[other]
    }


def _pairs_of(row: Mapping[Name, Value], names: Sequence[Name]) -> list[_Pair[Name, Value]]:
    present = [name for name in names if name in row]
    return [((one, row[one]), (other, row[other])) for one, other in combinations(present, 2)]


def _row(
    factors: Mapping[Name, Sequence[Value]], missing: Container[_Pair[Name, Value]], random: Random
) -> dict[Name, Value]:
    """Give, of several rows that are built value by value, the one that covers most of what is ``missing``."""
    names = list(factors)
    best: dict[Name, Value] = {}
    most = 0
    for _ in range(_TRIES):
        row: dict[Name, Value] = {}
        total = 0
        for name in random.sample(names, len(names)):
            gains = [(_gain(name, value, row, missing), value) for value in factors[name]]
            highest = max(gain for gain, _ in gains)
            row[name] = random.choice([value for gain, value in gains if gain == highest])
            total += highest
        if total > most:
            best, most = row, total
    return {name: best[name] for name in names if name in best}


def _with(pair: _Pair[Name, Value], factors: Mapping[Name, Sequence[Value]]) -> dict[Name, Value]:
    chosen = dict(pair)
    return {name: chosen.get(name, factors[name][0]) for name in factors}


def _gain(name: Name, value: Value, row: Mapping[Name, Value], missing: Container[_Pair[Name, Value]]) -> int:
    this = (name, value)
    return sum((this, that) in missing or (that, this) in missing for that in row.items())
