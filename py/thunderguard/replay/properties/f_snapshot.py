"""A snapshot written and read again gives the same report; redaction changes no verdict.

For any object, changed or not: what an engine says of it is what it says of the object as a snapshot keeps it, without
its secrets. For any set: the findings in the objects are the findings in the snapshot that was written of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from thunderguard.documents import open_source
from thunderguard.helmrelease import is_release
from thunderguard.model import Document, Outcome
from thunderguard.redaction import redact
from thunderguard.replay.cases import Played, texts_of
from thunderguard.replay.deck import Deck
from thunderguard.replay.judges import Judge
from thunderguard.replay.properties.base import (
    Mismatch,
    ObjectPart,
    Property,
    SetExample,
    SetPart,
    World,
    stated,
    verdicts_differ,
)
from thunderguard.replay.sets import drawn_set, keys_differ
from thunderguard.snapshot import write_snapshot


def _draw(deck: Deck, number: int) -> Played | None:
    return deck.draw("f", number, steps=(0, 2), careful=False, fits=lambda played: not is_release(played.after))


def _texts(played: Played) -> Sequence[bytes]:
    texts = texts_of(played.after)
    if len(texts) != 1 or is_release(played.after):
        return ()
    return (texts[0], orjson.dumps(redact(orjson.loads(texts[0]))))


def _check(played: Played, outcomes: Sequence[Outcome], arbiter: Sequence[Outcome]) -> Mismatch | None:
    del played, arbiter
    return verdicts_differ(("as it is", outcomes[0]), ("as a snapshot keeps it", outcomes[1]))


def _sets(world: World, judge: Judge, arbiter: Judge, count: int) -> Iterator[SetExample]:
    del arbiter
    for number in range(count):
        objects, steps = drawn_set(world, "f sets", number)
        flat = [orjson.loads(text) for obj in objects for text in texts_of(obj)]
        with tempfile.TemporaryDirectory(prefix="thunderguard-replay-") as folder:
            path = Path(folder) / "snapshot.jsonl"
            write_snapshot(path, flat, captured_at="2025-10-08T12:00:00Z", cluster_version=None, context=None)
            with open_source([str(path)]) as source:
                read = [orjson.loads(item.text) for item in source if isinstance(item, Document)]
        one, other = judge.judge_set(flat), judge.judge_set(read)
        trouble = one.trouble or other.trouble
        mismatch = None if trouble else keys_differ(("the set", one), ("its snapshot", other))
        yield SetExample(mismatch, trouble, objects=tuple(flat), steps=steps)


PROPERTY = Property("f", stated(__doc__), (ObjectPart(_draw, _texts, _check), SetPart(_sets)))
