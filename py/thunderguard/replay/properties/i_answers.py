"""No generated input makes an engine answer nothing.

For any object, changed by any mutations, malformed ones among them: an engine gives a verdict, not "no answer", not
"engine failed" and not "policy does not compile".
"""

from __future__ import annotations

from collections.abc import Sequence

from thunderguard.model import Outcome
from thunderguard.replay.cases import Played
from thunderguard.replay.deck import Deck
from thunderguard.replay.judges import UNDECIDED, reason
from thunderguard.replay.properties.base import Mismatch, ObjectPart, Property, last_texts, stated


def _draw(deck: Deck, number: int) -> Played | None:
    return deck.draw("a", number, steps=(0 if number % 8 == 0 else 1, 3), careful=False)


def _check(played: Played, outcomes: Sequence[Outcome], arbiter: Sequence[Outcome]) -> Mismatch | None:
    del played, arbiter
    for outcome in outcomes:
        if outcome.kind in UNDECIDED:
            why = reason(outcome)
            return Mismatch("wanted", "engine", ("a verdict",), (why,), frozenset({str(outcome.kind)}))
    return None


PROPERTY = Property("i", stated(__doc__), (ObjectPart(_draw, last_texts, _check, undecided=True),))
