"""Values as trees: what one file does over another, and the smallest file that changes a key."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from thunderguard.charts.values import at, leaves, maps, merged, setting, settings, spelled, stacked, written

KEYS = st.sampled_from(["a", "b", "c", "enabled", "tag"])
LEAVES = st.one_of(st.booleans(), st.integers(0, 9), st.sampled_from(["x", "yes", "1.2.3", ""]))
TREES = st.dictionaries(
    KEYS,
    st.recursive(
        LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3) | st.lists(inner, max_size=3), max_leaves=8
    ),
    max_size=4,
)


def with_nulls(tree: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(KEYS, st.one_of(st.none(), tree), max_size=4)


def test_null_takes_a_key_away_and_lists_are_whole() -> None:
    below = {"web": {"image": "a", "args": [1, 2]}, "db": {"on": True}}
    above = {"web": {"args": [3]}, "db": None}
    assert merged(below, above) == {"web": {"image": "a", "args": [3]}}
    assert below == {"web": {"image": "a", "args": [1, 2]}, "db": {"on": True}}


@given(with_nulls(TREES), with_nulls(TREES))
def test_one_file_says_what_two_say(first: dict[str, Any], second: dict[str, Any]) -> None:
    """All that the second file sets is set, nulls included, and all of the first that the second says nothing about."""
    together = stacked(first, second)
    for key, value in settings(second):
        if value != {}:
            assert at(together, key) == value
    for key, value in settings(first):
        if not any(key[: len(other)] == other or other[: len(key)] == key for other, _ in settings(second)):
            assert at(together, key) == value


def test_a_map_that_one_file_takes_away_and_the_next_gives_is_below_as_helm_has_it() -> None:
    # Helm puts values files together before they go over those of the chart, so that what it says of the rest stays.
    assert merged({"a": {"b": 1}}, stacked({"a": None}, {"a": {"c": 2}})) == {"a": {"b": 1, "c": 2}}


@given(TREES, st.data())
def test_setting_a_key_changes_that_key_alone(values: dict[str, Any], data: st.DataObject) -> None:
    """Over the values, the file gives the key its value, and every other leaf keeps its own."""
    known = list(leaves(values))
    if not known:
        return
    key, _ = data.draw(st.sampled_from(known))
    changed = merged(values, setting(values, {key: "new"}))
    assert at(changed, key) == "new"
    assert [one for one in leaves(changed) if one[0] != key] == [one for one in known if one[0] != key]


@given(TREES)
def test_what_is_written_reads_the_same(values: dict[str, Any]) -> None:
    """YAML text gives the values back, ``yes`` and version numbers as the texts they are."""
    assert yaml.safe_load(written(values)) == values


def test_two_changes_in_one_list_are_one_list() -> None:
    values = {"extra": [{"image": "a"}, {"image": "b"}]}
    assert setting(values, {("extra", 0, "image"): "x", ("extra", 1, "image"): "y"}) == {
        "extra": [{"image": "x"}, {"image": "y"}]
    }


def test_keys_of_values() -> None:
    values = {"a": {"b": [1, {}], "c": {}}, "d": None}
    assert [spelled(key) for key, _ in leaves(values)] == ["a.b[0]", "a.b[1]", "a.c", "d"]
    assert [spelled(key) for key, _ in settings(values)] == ["a.b", "a.c", "d"]
    assert list(maps(values)) == [(), ("a",), ("a", "c")]
