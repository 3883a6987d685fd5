"""Sharing examples out to processes, for engines that judge inside one."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from thunderguard.audit.workers import deaths_told, start_method
from thunderguard.replay.deck import Deck
from thunderguard.replay.examine import Examined, drawn, examine
from thunderguard.replay.judges import Bench
from thunderguard.replay.properties import PROPERTIES
from thunderguard.replay.properties.base import ObjectPart

#: So many examples are drawn and judged at once; enough for the batches of an engine, few enough for progress.
CHUNK = 256
#: With fewer a second process costs more than it saves.
_WORTH_SHARING = 512

_world: list[tuple[Deck, Bench]] = []

# A property and the place of its part, the numbers of the examples, and the engines.
_Task = tuple[str, int, range, tuple[str, ...]]


class Workers:
    """Processes that examine the examples of a property by chunks; where one is enough, it is done here."""

    def __init__(self, deck: Deck, bench: Bench, open_bench: Callable[[], Bench], count: int, number: int) -> None:
        """Take what is judged, how many examples, and ``open_bench``, by which each process has engines of its own."""
        self._deck, self._bench = deck, bench
        self._chunks = [range(count)[start : start + CHUNK] for start in range(0, count, CHUNK)]
        self._pool: ProcessPoolExecutor | None = None
        if number > 1 and count >= _WORTH_SHARING:
            self._pool = ProcessPoolExecutor(
                min(number, len(self._chunks)),
                mp_context=multiprocessing.get_context(start_method()),
                initializer=_start,
                initargs=(deck, open_bench),
            )
            # Processes start with the first task. They are born deaf to Ctrl-C, which goes to the whole group: the
            # parent hears it, a moment later, and ends them.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                self._pool.submit(_nothing)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def examine(self, id_: str, place: int, engines: Sequence[str]) -> Iterator[tuple[int, dict[str, Examined]]]:
        """Examine all examples of a part of a property by ``engines``, and give each chunk with its size.

        Raises EngineError when a process dies.
        """
        tasks: list[_Task] = [(id_, place, chunk, tuple(engines)) for chunk in self._chunks]
        here = partial(_examined, deck=self._deck, bench=self._bench)
        with deaths_told():
            results = map(here, tasks) if self._pool is None else self._pool.map(_work, tasks)
            for chunk, found in zip(self._chunks, results, strict=True):
                yield len(chunk), found

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _nothing() -> None:
    pass


def _start(deck: Deck, open_bench: Callable[[], Bench]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _world.append((deck, open_bench()))


def _work(task: _Task) -> dict[str, Examined]:
    return _examined(task, *_world[0])


def _examined(task: _Task, deck: Deck, bench: Bench) -> dict[str, Examined]:
    id_, place, numbers, engines = task
    part = PROPERTIES[id_].parts[place]
    if not isinstance(part, ObjectPart):
        raise TypeError(f"part {place} of property {id_} is about sets")
    trials = drawn(part, deck, numbers)
    return {name: examine(part, trials, bench.judges[name], bench.arbiter) for name in engines}
