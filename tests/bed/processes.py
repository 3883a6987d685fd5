"""Processes that outlive the command that started them, and are ended by their own ids."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

GRACE = 10.0
INTERVAL = 0.1


class BedError(Exception):
    """The cluster could not be started or used; the message says why."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process that was started: its id, when it started, since ids are used again, and the file with what it says."""

    name: str
    pid: int
    started: float
    log: str

    def process(self) -> psutil.Process | None:
        """Give the process if it still runs and is the one that was started."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 0.05
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def free_ports(number: int) -> list[int]:
    """Give ``number`` ports of 127.0.0.1 that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def start(name: str, command: Sequence[str], *, log: Path) -> Running:
    """Start ``command`` in a session of its own, with what it says in ``log``. Raises BedError."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as out:
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            raise BedError(f"{command[0]} cannot be started: {error.strerror}; run `make tools`") from None
    # It is meant to outlive this process, which therefore does not wait for it.
    child.returncode = 0
    try:
        return Running(name, child.pid, psutil.Process(child.pid).create_time(), str(log))
    except psutil.NoSuchProcess:
        raise BedError(f"{name} ended at once: {tail(log)}") from None


def end(processes: Sequence[Running]) -> None:
    """End ``processes`` at once. They have nothing to save, and an API server that is asked to end takes its time."""
    for running in reversed(processes):
        process = running.process()
        with contextlib.suppress(psutil.NoSuchProcess):
            if process is not None:
                process.kill()
    eventually(lambda: all(running.process() is None for running in processes), seconds=GRACE, interval=INTERVAL / 5)
    for running in processes:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(running.pid, os.WNOHANG)


def eventually(condition: Callable[[], bool], *, seconds: float, interval: float = INTERVAL) -> bool:
    """Ask for ``condition`` at intervals until it holds; say whether it did so in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True


def wait(what: str, ready: Callable[[], bool], *, seconds: float, alive: Sequence[Running] = ()) -> None:
    """Ask ``ready`` until it says yes. Raises BedError when it does not in time, or one of ``alive`` ends meanwhile."""

    def is_ready() -> bool:
        if ready():
            return True
        for running in alive:
            if running.process() is None:
                raise BedError(f"{running.name} ended: {tail(running.log)}")
        return False

    if not eventually(is_ready, seconds=seconds):
        told = "; ".join(f"{running.name}: {tail(running.log)}" for running in alive)
        raise BedError(f"{what} did not come about within {seconds:.0f} s{f' ({told})' if told else ''}")


def tail(log: str | Path, size: int = 400) -> str:
    """Give the end of a log in one line."""
    return " ".join(Path(log).read_text(encoding="utf-8", errors="replace")[-size:].split()) or "it said nothing"
