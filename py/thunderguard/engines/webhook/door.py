"""One plane and one way, shared by every engine of a process that judges so: only the Estate and the day change."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Final

from thunderguard.cleanup import on_failure
from thunderguard.controlplane.processes import eventually
from thunderguard.engines.webhook import probe
from thunderguard.engines.webhook.asking import Asking
from thunderguard.engines.webhook.plane import Plane
from thunderguard.engines.webhook.way import DoorError, Way
from thunderguard.errors import ControlPlaneError, EngineError

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.engines.base import EngineOptions
    from thunderguard.model import JsonObject

_IN_FORCE = 60.0
_POLL = 0.02


class Door:
    """A plane with the policies of a way in force, and one Estate on one day at a time."""

    def __init__(self, way: Way, catalogue: Catalogue, options: EngineOptions) -> None:
        """Start the plane and install the policies. Raises PolicyError, ToolMissingError and EngineError."""
        self.way = way
        self.plane = Plane(options, door_flags=way.flags)
        self.users = 0
        self._in_force: tuple[JsonObject, date | None] | None = None
        self._lock = threading.RLock()
        with on_failure(self.close):
            self.asking = Asking(self.plane)
            way.open(self.plane, catalogue, options)

    @contextmanager
    def judging_by(self, estate: JsonObject, at: date | None = None) -> Iterator[None]:
        """Have ``estate`` in force as on the day ``at`` (None: today), and nothing else, until this is left.

        Raises PolicyError and EngineError.
        """
        with self._lock:
            if self._in_force != (estate, at):
                self._in_force = None
                self._put(estate, at)
                self._in_force = (estate, at)
            yield

    def forget_estate(self) -> None:
        """Have the next one who judges put its Estate into force anew."""
        with self._lock:
            self._in_force = None

    @property
    def is_of_use(self) -> bool:
        """Whether all that it consists of still runs."""
        return not self.plane.closed and self.plane.ended() is None

    def close(self) -> None:
        """End and remove everything."""
        try:
            self.way.close()
        finally:
            self.plane.close()

    def _put(self, estate: JsonObject, at: date | None) -> None:
        """Put ``estate`` into force and wait until it is proved to be there: rules may be asked by it from then on."""
        sign = probe.Probe.make()
        self.way.use(sign.planted(estate), at)
        seen = ""

        def is_in_force() -> bool:
            nonlocal seen
            try:
                verdict = self.way.verdict(self.plane.ask("POST", probe.PATH, sign.workload))
            except DoorError as error:
                seen = str(error)
                return False
            except ControlPlaneError as error:
                raise EngineError(f"{error.message}; {self.plane.ended() or 'its processes run'}") from None
            seen = "another Estate is in force"
            return sign.is_seen(verdict)

        if not eventually(is_in_force, seconds=_IN_FORCE, interval=_POLL):
            raise EngineError(f"the Estate is not in force within {_IN_FORCE:g} s: {seen}")


class _Doors:
    """The doors of this process. One that nobody uses is kept, since most engines are opened again and again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[tuple[object, ...], Door] = {}
        self._process = os.getpid()

    def take(self, kind: type[Way], catalogue: Catalogue, options: EngineOptions) -> Door:
        with self._lock:
            if self._process != os.getpid():
                # What the process that this one was forked from has started is no business of this one.
                self._open, self._process = {}, os.getpid()
            key = (kind, options.policies_dir, options.rego_dir, options.tools_dir, options.deadline)
            door = self._open.get(key)
            if door is not None and not door.is_of_use:
                del self._open[key]
                door.close()
                door = None
            if door is None:
                self._close_unused()
                door = self._open[key] = Door(kind(), catalogue, options)
            door.users += 1
            return door

    def give_back(self, door: Door) -> None:
        with self._lock:
            door.users -= 1

    def close_unused(self) -> None:
        with self._lock:
            self._close_unused()

    def _close_unused(self) -> None:
        for key in [key for key, door in self._open.items() if door.users == 0]:
            self._open.pop(key).close()


_DOORS: Final = _Doors()


def take_door(kind: type[Way], catalogue: Catalogue, options: EngineOptions) -> Door:
    """Give the door of the way ``kind``, a new one if there is none; :func:`give_back` it.

    Raises PolicyError, ToolMissingError and EngineError.
    """
    return _DOORS.take(kind, catalogue, options)


def give_back(door: Door) -> None:
    """Say that a door is used no longer. It stays open for the next engine, or until another one is opened."""
    _DOORS.give_back(door)


def close_unused() -> None:
    """Close every door that nobody uses."""
    _DOORS.close_unused()
