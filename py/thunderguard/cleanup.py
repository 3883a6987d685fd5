"""Undoing what was begun when it cannot be brought to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def on_failure(undo: Callable[[], object]) -> Iterator[None]:
    """Call ``undo`` when what stands within is left by an exception, an interruption among them."""
    with ExitStack() as stack:
        stack.callback(undo)
        yield
        stack.pop_all()
