"""Pairs of switches: all of them, in few rows, the same ones every time."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thunderguard.charts.pairwise import covered, covering, pairs

FACTORS = st.dictionaries(
    st.sampled_from("abcdefgh"), st.lists(st.integers(0, 4), min_size=1, max_size=4, unique=True), max_size=7
)


@given(FACTORS)
def test_every_pair_of_values_is_in_a_row(factors: dict[str, list[int]]) -> None:
    """Whatever the factors, each two values of each two of them stand in one row, and every row sets every factor."""
    rows = covering(factors)
    for one, other in combinations(factors, 2):
        seen = {(row[one], row[other]) for row in rows}
        assert seen == set(product(factors[one], factors[other]))
    assert all(list(row) == list(factors) for row in rows)
    assert covered(factors, rows) == pairs(factors)


def test_twenty_switches_take_few_rows() -> None:
    factors = {f"s{number}": [True, False] for number in range(20)}
    rows = covering(factors)
    assert len(rows) <= 12
    assert rows == covering(factors)
    assert pairs(factors) == 190 * 4
    assert covered(factors, rows[:1]) == 190


def test_one_factor_and_none() -> None:
    assert covering({"a": [1, 2, 1]}) == [{"a": 1}, {"a": 2}]
    assert covering({}) == []
    assert (pairs({"a": [1, 2]}), covered({"a": [1, 2]}, [{"a": 1}])) == (2, 1)


def test_a_factor_without_values_is_an_error() -> None:
    with pytest.raises(ValueError, match="'b' has no values"):
        covering({"a": [1], "b": []})
