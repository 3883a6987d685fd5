"""Counterexamples lose every key that they can do without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from thunderguard.charts.shrink import fewest
from thunderguard.charts.values import Key

ALL = st.sets(st.integers(0, 15), min_size=1)


class Need:
    """Fails when all the keys of one of ``groups`` are there; counts the rounds."""

    def __init__(self, *groups: set[int]) -> None:
        self.groups = groups
        self.rounds = 0

    def __call__(self, sets: Sequence[Mapping[Any, Any]]) -> list[bool]:
        self.rounds += 1
        return [any({(key,) for key in group} <= set(changes) for group in self.groups) for changes in sets]


@given(ALL, ALL)
def test_no_key_that_is_left_can_be_spared(needed: set[int], others: set[int]) -> None:
    """What is left fails, and without any one of its keys it does not; here that makes it exactly what is needed."""
    changes: dict[Key, int] = {(key,): key for key in sorted(needed | others)}
    assert fewest(changes, Need(needed)) == {(key,): key for key in sorted(needed)}


@given(st.lists(ALL, min_size=1, max_size=3), ALL)
def test_what_fails_for_several_reasons_ends_with_one(groups: list[set[int]], others: set[int]) -> None:
    """Whichever reason is left, it is minimal."""
    changes: dict[Key, int] = {(key,): key for key in sorted(set().union(*groups) | others)}
    left = fewest(changes, Need(*groups))
    assert Need(*groups)([left]) == [True]
    for key in left:
        assert Need(*groups)([{k: v for k, v in left.items() if k != key}]) == [False]


def test_a_single_key_is_found_in_two_rounds() -> None:
    need = Need({7})
    assert fewest({(key,): 1 for key in range(40)}, need) == {(7,): 1}
    assert need.rounds == 2


def test_the_fewest_keys_win_over_the_first() -> None:
    changes: dict[Key, int] = {(key,): key for key in range(6)}
    assert len(fewest(changes, Need({0, 1, 2, 3}, {4, 5}))) == 2


def test_what_fails_with_nothing_at_all_needs_nothing() -> None:
    assert fewest({("a",): 1}, lambda sets: [True] * len(sets)) == {}
