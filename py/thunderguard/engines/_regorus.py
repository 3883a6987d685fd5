"""The one place that imports the regorus bindings."""

from __future__ import annotations

import os
import re
import threading
import weakref

from regorus import Engine as Regorus

# Rust looks at these once, when the first error is made; a backtrace costs milliseconds an error and fills messages.
_BACKTRACE = ("RUST_BACKTRACE", "RUST_LIB_BACKTRACE")

_AT = re.compile(r"-->\s*(?P<file>.+?):(?P<line>\d+):(?P<column>\d+)\s")


def new_regorus() -> Regorus:
    """Make an empty regorus engine. It works only in the thread that made it."""
    for name in _BACKTRACE:
        os.environ.pop(name, None)
    return Regorus()


class EngineOfThread:
    """The engine of whichever thread asks.

    An engine works, and may be dropped, only in the thread that made it. So each is held by its thread alone, and by
    nothing that the garbage collector of another thread may come to.
    """

    def __init__(self) -> None:
        """Begin without an engine."""
        self._own = weakref.ref(self)

    def get(self) -> Regorus | None:
        """Give the one that was put here by this thread."""
        return _held().get(self._own)

    def put(self, engine: Regorus) -> None:
        """Keep ``engine`` until it is dropped, or the thread ends."""
        held = _held()
        for forgotten in [owner for owner in held if owner() is None]:
            del held[forgotten]
        held[self._own] = engine

    def drop(self) -> None:
        """Let go of that of this thread, if there is one."""
        _held().pop(self._own, None)


_THREAD = threading.local()


def _held() -> dict[weakref.ref[EngineOfThread], Regorus]:
    held: dict[weakref.ref[EngineOfThread], Regorus] = vars(_THREAD).setdefault("held", {})
    return held


def one_line(error: BaseException) -> str:
    """Give what regorus says as one line, ``file:line:column: message`` when it names a place."""
    text = str(error).split("Stack backtrace:")[0]
    place = _AT.search(text)
    message = text.rsplit("error:", 1)[-1] if "error:" in text else text
    message = " ".join(message.split()) or type(error).__name__
    return f"{place['file']}:{place['line']}:{place['column']}: {message}" if place else message
