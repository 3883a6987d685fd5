"""The ids of rules are for ever: waivers, dashboards and baselines name them."""

from __future__ import annotations

from pathlib import Path

from thunderguard.catalogue import load_catalogue

LIST = Path(__file__).with_name("rule-ids.txt")


def test_no_rule_id_ever_goes_and_a_new_one_is_listed() -> None:
    listed = LIST.read_text(encoding="utf-8").split()
    known = list(load_catalogue().rules)
    assert sorted(set(listed) - set(known)) == [], "a released id may not go"
    assert sorted(set(known) - set(listed)) == [], f"add the new id to {LIST.name}"
    assert listed == sorted(set(listed)), "the list is sorted, each id once"
