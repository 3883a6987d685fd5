"""Progress of long work, on standard error and only when that is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

# What is being done, how much of it is done, and how much there is (None: not known yet).
Progress: TypeAlias = Callable[[str, int, int | None], None]

_INTERVAL = 0.1


@contextmanager
def shown_progress() -> Iterator[Progress | None]:
    """Give a function to report progress to, or None when nobody would see it; what was shown goes at the end."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        # rich would redraw from a thread of its own, and engines fork.
        auto_refresh=False,
    )
    tasks = {}
    drawn = 0.0

    def report(what: str, done: int, total: int | None = None) -> None:
        nonlocal drawn
        if what not in tasks:
            tasks[what] = bars.add_task(what, total=total)
        bars.update(tasks[what], completed=done, total=total)
        now = time.monotonic()
        if now - drawn >= _INTERVAL or done == total:
            drawn = now
            bars.refresh()

    with bars:
        yield report
