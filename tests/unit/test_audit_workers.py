"""Processes that judge shards end when nobody waits for them any more, and never halfway through an answer."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from typing import Any

import pytest

from thunderguard.audit import workers
from thunderguard.documents import Limits, Shard


class Masked:
    """Says which signals are held back, here and where it is sent from."""

    def __init__(self, *masks: set[signal.Signals]) -> None:
        self.masks = masks

    def __reduce__(self) -> tuple[Any, ...]:
        return Masked, (*self.masks, held_back())


def held_back() -> set[signal.Signals]:
    return {signal.Signals(one) for one in signal.pthread_sigmask(signal.SIG_BLOCK, ())}


def judged(monkeypatch: pytest.MonkeyPatch, judge: Callable[..., Any], shards: int) -> Any:
    """Have ``judge`` stand in for the work on shards, each of which has its number as a limit."""
    monkeypatch.setattr(workers, "judge", judge)
    # The processes have to inherit what stands in for the work.
    monkeypatch.setattr(workers, "start_method", lambda: "fork")
    numbered = [Shard((), Limits(document=number)) for number in range(shards)]
    nothing: Any = None
    return workers.judge_shards(numbered, lambda: nothing, nothing, nothing, 2, inherit=True)


def test_ctrl_c_is_heard_at_work_and_not_while_an_answer_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    before = held_back()
    found = list(judged(monkeypatch, lambda *_: Masked(held_back()), 3))
    assert [one.masks for one in found] == [(before - {signal.SIGINT}, before | {signal.SIGINT})] * 3
    assert held_back() == before


def test_whoever_leaves_early_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow_but_for_the_first(shard: Shard, *_: Any) -> str:
        if shard.limits.document:
            signal.pause()
        return "judged"

    parts = judged(monkeypatch, slow_but_for_the_first, 8)
    assert next(parts) == "judged"
    parts.close()
    assert multiprocessing.active_children() == []
