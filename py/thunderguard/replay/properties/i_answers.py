"""No generated input makes an engine answer nothing.

For any object, changed by any mutations, malformed ones among them: an engine gives a verdict, not "no answer", not
"engine failed" and not "policy does not compile".
"""

from __future__ import annotations

from collections.abc import Sequence

from thunderguard.model import Outcome
from thunderguard.replay.cases import Played
from thunderguard.replay.properties.base import Mismatch, ObjectPart, Property, any_example, last_texts, stated


def _check(played: Played, outcomes: Sequence[Outcome], arbiter: Sequence[Outcome]) -> Mismatch | None:
    del played, arbiter
    for outcome in outcomes:
        if not outcome.kind.is_verdict:
            return Mismatch("wanted", "engine", ("a verdict",), (outcome.told,), frozenset({str(outcome.kind)}))
    return None


PROPERTY = Property("i", stated(__doc__), (ObjectPart(any_example, last_texts, _check, undecided=True),))
