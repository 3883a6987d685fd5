"""Which values key decides a field of a rendered object: found by rendering again, not by reading templates.

Every key that may matter is given a value of its own that occurs nowhere else, all of them at once. Where such a value
comes out again, that key decides. Keys with which nothing renders, or with which an object is gone, are told apart by
halves, so that a chart of a hundred keys takes a few renders and not a hundred; after so many renders the rest is left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from thunderguard.charts.values import Key, at, has, leaves, maps, merged, setting
from thunderguard.facts.resources import type_of
from thunderguard.paths import lookup

if TYPE_CHECKING:
    from thunderguard.charts.trials import Found, Item, Trial, Trials
    from thunderguard.model import JsonObject

# Of six digits: Helm hands larger numbers to templates as 7.00001e+06. As text it is a label, a tag and a name.
_NUMBER = 700_000
_MARK = re.compile(r"tg([0-9]{6})x|(?<![0-9.])(7[0-9]{5})(?![0-9])")
_REFERENCE = re.compile(r"\.Values((?:\.[A-Za-z_][A-Za-z0-9_]*)+)")
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_FIELD = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)")
_MOST_CANDIDATES = 2000
_MOST_RENDERS = 150
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key that may decide, and the value by which it is known again."""

    key: Key
    traced: Any


@dataclass(frozen=True, slots=True)
class Hit:
    """A key that decides a field: the path in the object where its value came out, and what stood there."""

    key: Key
    path: Key
    shown: str
    mark: str

    @property
    def is_whole(self) -> bool:
        """Whether nothing but the key's value stands there."""
        return self.shown == self.mark


def text_mark(number: int) -> str:
    """Give the text by which candidate ``number`` is known again."""
    return f"tg{number:06d}x"


def number_mark(number: int) -> int:
    """Give the number by which candidate ``number`` is known again."""
    return _NUMBER + number


def scalars(
    values: JsonObject, references: Iterable[Key] = (), allows: Callable[[JsonObject], bool] = lambda _: True
) -> list[Candidate]:
    """Give the keys of ``values`` that hold a text, a number or nothing, and those ``references`` that are not there.

    Each gets a value that ``allows`` takes, what no value is allowed for is left out. Switches are none of them: to
    change them all at once would show another chart.
    """
    keys = [key for key, value in leaves(values) if not isinstance(value, bool | dict | list)]
    absent = [key for key in dict.fromkeys(references) if not has(values, key) and _could_hold(values, key)]
    found = []
    for number, key in enumerate([*keys, *absent][:_MOST_CANDIDATES]):
        numeric = isinstance(at(values, key), int | float)
        marks = [number_mark(number)] if numeric else _texts(number)
        fitting = (mark for mark in marks if allows(merged(values, setting(values, {key: mark}))))
        chosen = next(fitting, None)
        if chosen is not None:
            found.append(Candidate(key, chosen))
    return found


def _texts(number: int) -> list[str]:
    """Give texts by which candidate ``number`` is known again: a word, versions, quantities."""
    mark = number_mark(number)
    return [text_mark(number), f"{mark}.0.0", f"v{mark}.0.0", f"{mark}m", f"{mark}Mi", str(mark)]


def blocks(values: JsonObject, name: str, references: Iterable[Key] = ()) -> Iterator[tuple[Key, int]]:
    """Give every key at which a map called ``name`` (such as ``resources``) may stand, with a number for each."""
    there = [key for key in maps(values) if key and name.lower() in str(key[-1]).lower()]
    there += [key for key, value in leaves(values) if value in (None, {}) and name.lower() in str(key[-1]).lower()]
    named = [key for key in references if name.lower() in str(key[-1]).lower() and _could_hold(values, key)]
    possible = [(*key, name) for key in maps(values) if len(key) < _DEEPEST]
    keys = dict.fromkeys([*there, *named, *possible])
    # Of two keys of which one holds the other, the outer would hide the inner.
    chosen = [key for key in keys if not any(key[:end] in keys for end in range(1, len(key)))]
    return ((key, number) for number, key in enumerate(chosen[:_MOST_CANDIDATES]))


def block_candidates(
    values: JsonObject,
    name: str,
    references: Iterable[Key] = (),
    allows: Callable[[JsonObject], bool] = lambda _: True,
) -> list[Candidate]:
    """Give a candidate for each of :func:`blocks` that is allowed: resources for that name, else a probe of a port."""
    found = []
    for key, number in blocks(values, name, references):
        mark = number_mark(number)
        amounts = {"cpu": f"{mark}m", "memory": f"{mark}Mi"}
        block = {"requests": amounts, "limits": amounts} if name == "resources" else {"tcpSocket": {"port": mark}}
        if allows(merged(values, setting(values, {key: block}))):
            found.append(Candidate(key, block))
    return found


def absent(values: JsonObject, fields: Iterable[str]) -> Iterator[Key]:
    """Give the keys that ``fields``, which templates look for in some map, would have in every map that lacks them."""
    names = list(fields)
    yield from (
        (*key, name) for key in maps(values) if len(key) < _DEEPEST for name in names if not has(values, (*key, name))
    )


def fields_in(text: str) -> set[str]:
    """Give the names of the fields that a template's text asks any value for, such as ``name`` of ``$it.name``."""
    return {name for action in _ACTION.findall(text) for name in _FIELD.findall(action)}


def references_in(text: str, above: Key = ()) -> set[Key]:
    """Give the keys that a template's text names as ``.Values.a.b``, below ``above`` for a subchart."""
    return {(*above, *match[1].strip(".").split(".")) for match in _REFERENCE.finditer(text)}


def traced(
    trials: Trials,
    base: Trial,
    values: JsonObject,
    candidates: Sequence[Candidate],
    fields: Mapping[Found, Sequence[Key]],
) -> dict[Found, list[Hit]]:
    """Give for each finding the keys among ``candidates`` that decide its fields, and what is below them.

    ``base`` is the trial that has the findings, ``values`` what the chart and its values files say together.
    ``fields`` are paths in the objects that the findings are about.
    """
    findings = list(fields)
    hits: dict[Found, list[Hit]] = {finding: [] for finding in findings}
    by_number = {_number_of(candidate.traced): candidate for candidate in candidates}
    last = trials.renders + _MOST_RENDERS
    round_: list[tuple[Sequence[Candidate], Sequence[Found]]] = [(candidates, findings)] if candidates else []
    while round_ and trials.renders < last and not trials.spent:
        asked = [setting(values, {one.key: one.traced for one in some}) for some, _ in round_]
        following: list[tuple[Sequence[Candidate], Sequence[Found]]] = []
        for (some, wanted), trial in zip(round_, trials.many(asked), strict=True):
            lost: Sequence[Found] = wanted
            if trial.error is None:
                lost = []
                for finding in wanted:
                    other = counterpart(base, finding.item, trial)
                    if other is None:
                        lost.append(finding)
                    else:
                        hits[finding] += _hits(other, fields[finding], by_number)
            if lost and len(some) > 1:
                middle = len(some) // 2
                following += [(some[:middle], lost), (some[middle:], lost)]
        round_ = following
    return {finding: list(dict.fromkeys(found)) for finding, found in hits.items()}


def counterpart(base: Trial, place: int, trial: Trial) -> Item | None:
    """Find the object of ``base`` at ``place`` in another trial: by its address, else by its place among its like."""
    item = base.items[place]
    like = [other for other in trial.items if _sort(other) == _sort(item)]
    same = [other for other in like if other.resource == item.resource]
    if same:
        return same[0]
    before = [one for one in base.items if _sort(one) == _sort(item)]
    if len(before) != len(like):
        return None
    return like[next(number for number, one in enumerate(before) if one is item)]


def _sort(item: Item) -> tuple[str, tuple[str, str]]:
    return item.template, type_of(item.obj)


def _hits(item: Item, fields: Sequence[Key], known: Mapping[int, Candidate]) -> Iterator[Hit]:
    for field in fields:
        value, depth = lookup(item.obj, field)
        if depth < len(field):
            continue
        for path, shown in leaves(value, field):
            if isinstance(shown, str | int | float) and not isinstance(shown, bool):
                text = str(shown)
                for number, mark in _marks(text):
                    if number in known:
                        whole = str(known[number].traced)
                        yield Hit(known[number].key, path, text, whole if whole in text else mark)


def _marks(text: str) -> list[tuple[int, str]]:
    return [(int(match[1] or match[2]) % _NUMBER, match[0]) for match in _MARK.finditer(text)]


def _number_of(value: Any) -> int:
    """Give the number that a traced value, or any part of one, carries."""
    first = next((shown for _, shown in leaves({"": value})), value)
    return _marks(str(first))[0][0]


def _could_hold(values: JsonObject, key: Key) -> bool:
    """Say whether what is above ``key`` is absent, empty or a map, so that the key can be given."""
    found, depth = lookup(values, key[:-1])
    return found is None or isinstance(found, dict) or depth == len(key)
