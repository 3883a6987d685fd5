"""The verdict on CREATE is the verdict of the audit on the same object.

For any object that an API server can be asked to admit, changed or not: what an engine says of the manifest is what it
says of the request of a person to create it.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from thunderguard.admission import review
from thunderguard.model import Outcome
from thunderguard.replay.cases import Played
from thunderguard.replay.deck import Deck
from thunderguard.replay.properties.askable import is_askable
from thunderguard.replay.properties.base import (
    Mismatch,
    ObjectPart,
    Property,
    stated,
    verdicts_differ,
)


def _draw(deck: Deck, number: int) -> Played | None:
    return deck.draw("h", number, steps=(0, 2), careful=False, fits=lambda played: is_askable(played.after))


def _texts(played: Played) -> Sequence[bytes]:
    if not is_askable(played.after):
        return ()
    return (orjson.dumps(played.after), orjson.dumps(review(played.after)))


def _check(played: Played, outcomes: Sequence[Outcome], arbiter: Sequence[Outcome]) -> Mismatch | None:
    del played, arbiter
    return verdicts_differ(("the manifest", outcomes[0]), ("the request", outcomes[1]))


PROPERTY = Property("h", stated(__doc__), (ObjectPart(_draw, _texts, _check),))
