"""Adding a violation never removes another finding.

For any object and any mutations that plant violations, up to four: all that was found before is found afterwards, but
for what a mutation itself puts something else in the place of; and all that was planted and not undone is found.
"""

from __future__ import annotations

from collections.abc import Sequence

from thunderguard.model import Outcome
from thunderguard.replay.cases import Played
from thunderguard.replay.deck import Deck
from thunderguard.replay.effects import Promise
from thunderguard.replay.mutations import Mutation
from thunderguard.replay.properties.base import (
    Mismatch,
    ObjectPart,
    Property,
    both_texts,
    places,
    stated,
    unequal,
)


def _plants(mutation: Mutation) -> bool:
    return mutation.promise is Promise.PLANTS


def _draw(deck: Deck, number: int) -> Played | None:
    return deck.draw("d", number, steps=(2, 4), wanted=_plants)


def _check(played: Played, outcomes: Sequence[Outcome], arbiter: Sequence[Outcome]) -> Mismatch | None:
    del arbiter
    before, after = outcomes
    expected, found = played.expected(places(before)), places(after)
    return unequal(("before and planted", expected), ("after", found & expected))


PROPERTY = Property("d", stated(__doc__), (ObjectPart(_draw, both_texts, _check, forgets_steps=False, careful=True),))
