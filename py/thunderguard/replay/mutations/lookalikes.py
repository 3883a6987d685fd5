"""Texts that people take for another: letters of other alphabets, and characters that nobody sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from thunderguard.facts.charts import LABEL
from thunderguard.facts.subject import Subject
from thunderguard.paths import Segment
from thunderguard.replay.domains import OneOf, Whole
from thunderguard.replay.edit import at, put
from thunderguard.replay.effects import OPEN, Mutated, Promise
from thunderguard.replay.mutations.base import Family, any_object, one_of

if TYPE_CHECKING:
    from thunderguard.replay.ground import Ground

FAMILY = Family("lookalikes")
_WHERE = Whole()

# Latin letters and digits, each with one that looks like it (Unicode's confusables.txt), and what has no shape at all.
_ALIKE = {
    "a": "\u0430",
    "c": "\u0441",
    "e": "\u0435",
    "i": "\u0456",
    "l": "\u217c",
    "o": "\u043e",
    "p": "\u0440",
    "s": "\u0455",
    "x": "\u0445",
    "1": "\uff11",
    "0": "\uff10",
    "-": "\u2010",
    "/": "\u2215",
    ":": "\ua789",
    ".": "\u2024",
}
_UNSEEN = ("\u200b", "\u00ad", "\u202e", "\ufeff", "\u0000", "\n", "\u0301")


def _texts(view: Subject) -> list[tuple[Segment, ...]]:
    """Give where an object has texts that rules read."""
    places: list[tuple[Segment, ...]] = [
        ("metadata", "name"),
        ("metadata", "namespace"),
        ("metadata", "labels", LABEL),
        ("metadata", "labels", "app.kubernetes.io/component"),
        ("spec", "chart", "name"),
        ("spec", "scaleTargetRef", "name"),
    ]
    for container in view.containers:
        places += [
            (*container.path, "image"),
            (*container.path, "name"),
            (*container.path, "resources", "limits", "cpu"),
        ]
        for field in ("command", "args"):
            words = container.body.get(field)
            places += [(*container.path, field, n) for n in range(len(words))] if isinstance(words, list) else []
    return [place for place in places if isinstance(text := at(view.obj, place), str) and text]


def _respelled(view: Subject, where: int, respell: Callable[[str], str]) -> Mutated | None:
    """Write one of the texts in another way."""
    path = one_of(_texts(view), where)
    return None if path is None else Mutated(put(view.obj, path, respell(at(view.obj, path))), OPEN)


@FAMILY.add("look-alike", Promise.OPEN, any_object, where=_WHERE, letter=_WHERE)
def look_alike(view: Subject, ground: Ground, where: int, letter: int) -> Mutated | None:
    """A letter of a name, an image, a label or a command gives way to one that looks like it."""
    del ground

    def respell(text: str) -> str:
        chosen = one_of([place for place, character in enumerate(text) if character in _ALIKE], letter)
        return text if chosen is None else text[:chosen] + _ALIKE[text[chosen]] + text[chosen + 1 :]

    return _respelled(view, where, respell)


@FAMILY.add("add-unseen-character", Promise.OPEN, any_object, where=_WHERE, place=_WHERE, character=OneOf(_UNSEEN))
def add_unseen_character(view: Subject, ground: Ground, where: int, place: int, character: str) -> Mutated | None:
    """A name, an image, a label or a command gets a character that nobody sees."""
    del ground

    def respell(text: str) -> str:
        cut = place % (len(text) + 1)
        return text[:cut] + character + text[cut:]

    return _respelled(view, where, respell)


@FAMILY.add("change-case", Promise.OPEN, any_object, where=_WHERE, upper=OneOf((True, False)))
def change_case(view: Subject, ground: Ground, where: int, upper: bool) -> Mutated | None:
    """A name, an image, a label or a command is written in upper or in mixed case."""
    del ground
    return _respelled(view, where, str.upper if upper else str.title)
