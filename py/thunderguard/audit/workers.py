"""Sharing the shards of a source out to processes. Results do not depend on how many there are."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial

from thunderguard.audit.judging import Judged, Task, judge
from thunderguard.documents import Shard
from thunderguard.engines.base import Engine
from thunderguard.errors import EngineError

# Below this many bytes a second process costs more than it saves.
WORTH_SHARING = 1 << 20

# Enough for progress and balance, few enough that opening files again costs nothing.
SHARDS_PER_WORKER = 4

_OpenEngine = Callable[[], Engine]
_opened: list[tuple[Engine, Task]] = []


def cores() -> int:
    """Give the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def start_method() -> str:
    """Say how processes are started: where that is safe they are forked, and share what is in memory already."""
    return "fork" if "fork" in multiprocessing.get_all_start_methods() and os.uname().sysname == "Linux" else "spawn"


@contextmanager
def deaths_told() -> Iterator[None]:
    """Raise EngineError when a process dies whose results are waited for inside."""
    try:
        yield
    except BrokenProcessPool as error:
        raise EngineError(
            "a worker process died, perhaps for want of memory", hint="try again with --workers 1"
        ) from error


def judge_shards(
    shards: Sequence[Shard],
    open_worker: _OpenEngine,
    engine: Engine,
    task: Task,
    workers: int,
    *,
    inherit: bool = False,
) -> Iterator[Judged]:
    """Judge ``shards`` and give what came of each, in order.

    With one worker it is done here, by ``engine``; else each process opens an engine of its own with ``open_worker``.
    With ``inherit`` an engine that holds nothing outside of this process is not opened again where processes are
    forked: each has a copy of it. Raises EngineError when a process dies.
    """
    if workers <= 1 or len(shards) <= 1:
        for shard in shards:
            yield judge(shard, engine, task)
        return
    method = start_method()
    pool = ProcessPoolExecutor(
        min(workers, len(shards)),
        mp_context=multiprocessing.get_context(method),
        initializer=_start,
        initargs=(partial(_same, engine) if inherit and method == "fork" else open_worker, task),
    )
    # Whoever leaves pool.map early cancels what waits, and so may the pool when its processes end at the same time: one
    # of the two would fail. Here the pool alone does it.
    waiting: deque[Future[Judged]] = deque()
    try:
        with ctrl_c(signal.SIG_BLOCK):
            waiting.extend(pool.submit(_work, shard) for shard in shards)
        with deaths_told():
            while waiting:
                judged = waiting[0].result()
                waiting.popleft()
                yield judged
    finally:
        if waiting:
            # Nobody will look at what is still being judged, and a Ctrl-C may have come to this process alone.
            for pid in [child.pid for child in multiprocessing.active_children() if child.pid is not None]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGINT)
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def ctrl_c(how: int) -> Iterator[None]:
    """Hold Ctrl-C back (SIG_BLOCK) or let it through (SIG_UNBLOCK); processes that begin inside do likewise."""
    before = signal.pthread_sigmask(how, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _same(engine: Engine) -> Engine:
    return engine


def _start(open_worker: _OpenEngine, task: Task) -> None:
    # Ctrl-C goes to the whole group; the parent tells the user. It is held back but for the work: the parent would wait
    # without end for the rest of an answer that breaks off.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    with ctrl_c(signal.SIG_UNBLOCK):
        _opened.append((open_worker(), task))


def _work(shard: Shard) -> Judged:
    engine, task = _opened[0]
    with ctrl_c(signal.SIG_UNBLOCK):
        return judge(shard, engine, task)
