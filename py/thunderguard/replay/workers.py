"""Sharing examples out to processes, for engines that judge inside one."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from thunderguard.errors import EngineError
from thunderguard.replay.deck import Deck
from thunderguard.replay.examine import Examined, drawn, examine
from thunderguard.replay.judges import Bench
from thunderguard.replay.properties import PROPERTIES
from thunderguard.replay.properties.base import ObjectPart

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

#: So many examples are drawn and judged at once; enough for the batches of an engine, few enough for progress.
CHUNK = 256
#: With fewer a second process costs more than it saves.
_WORTH_SHARING = 512

_world: list[tuple[Deck, Bench]] = []

# A property and its part, where the examples begin and end, and the engines.
_Task = tuple[str, int, int, int, tuple[str, ...]]


class Workers:
    """Processes that examine chunks; with one, it is done here. A context manager that ends them."""

    def __init__(self, deck: Deck, bench: Bench, open_bench: Callable[[], Bench], number: int) -> None:
        """Take what is judged, and ``open_bench``, which each process calls to have engines of its own."""
        self._deck, self._bench = deck, bench
        self._pool: ProcessPoolExecutor | None = None
        can_fork = "fork" in multiprocessing.get_all_start_methods() and os.uname().sysname == "Linux"
        if number > 1:
            self._pool = ProcessPoolExecutor(
                number,
                mp_context=multiprocessing.get_context("fork" if can_fork else "spawn"),
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

    def examine(
        self, id_: str, place: int, count: int, engines: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Examined]]]:
        """Examine ``count`` examples of a part of a property by ``engines``, and give each chunk with its size.

        Raises EngineError when a process dies.
        """
        starts = range(0, count, CHUNK)
        tasks = [(id_, place, start, min(start + CHUNK, count), tuple(engines)) for start in starts]
        if self._pool is None or count < _WORTH_SHARING:
            for task in tasks:
                yield task[3] - task[2], _examined(task, self._deck, self._bench)
            return
        try:
            for task, found in zip(tasks, self._pool.map(_work, tasks), strict=True):
                yield task[3] - task[2], found
        except BrokenProcessPool as error:
            raise EngineError(
                "a worker process died, perhaps for want of memory", hint="try again with --workers 1"
            ) from error

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        """Give the workers themselves."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the processes."""
        self.close()


def _nothing() -> None:
    pass


def _start(deck: Deck, open_bench: Callable[[], Bench]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _world.append((deck, open_bench()))


def _work(task: _Task) -> dict[str, Examined]:
    return _examined(task, *_world[0])


def _examined(task: _Task, deck: Deck, bench: Bench) -> dict[str, Examined]:
    id_, place, start, end, engines = task
    part = PROPERTIES[id_].parts[place]
    if not isinstance(part, ObjectPart):
        raise TypeError(f"part {place} of property {id_} is about sets")
    trials = drawn(part, deck, range(start, end))
    return {name: examine(part, trials, bench.judges[name], bench.arbiter) for name in engines}
