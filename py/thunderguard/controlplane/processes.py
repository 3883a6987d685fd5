"""Processes that outlive the command that started them, and are ended by their own ids."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from thunderguard.errors import ControlPlaneError

GRACE = 10.0
INTERVAL = 0.1

# Reads process ids and a folder, a line each, until its input ends, as it does when whoever writes them is gone.
_WATCH = """
folder=
processes=
while read -r word; do
  case $word in
    done) exit ;;
    /*) folder=$word ;;
    *) processes="$processes $word" ;;
  esac
done
[ -z "$processes" ] || kill -KILL $processes
[ -z "$folder" ] || rm -rf "$folder"
"""


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


class Watch:
    """Ends processes and removes their folder when this process ends without having done so, whatever ends it."""

    def __init__(self, folder: Path) -> None:
        """Start watching for ``folder``, of which nothing may be left. Raises ControlPlaneError."""
        try:
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _WATCH],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise ControlPlaneError(f"/bin/sh cannot be started: {error.strerror}") from None
        self._tell(str(folder.resolve()))

    def add(self, running: Running) -> None:
        """Watch over one process more."""
        self._tell(str(running.pid))

    def close(self) -> None:
        """Watch no longer, since nothing is left to be ended."""
        with contextlib.suppress(OSError):
            self._tell("done")
        if self._shell.stdin is not None:
            with contextlib.suppress(OSError):
                self._shell.stdin.close()
        self._shell.wait()

    def _tell(self, word: str) -> None:
        if self._shell.stdin is not None:
            self._shell.stdin.write(f"{word}\n".encode())
            self._shell.stdin.flush()


def free_ports(number: int) -> list[int]:
    """Give ``number`` ports of 127.0.0.1 that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def start(name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None) -> Running:
    """Start ``command`` in a session of its own, with what it says in ``log``. Raises ControlPlaneError.

    ``environment`` is all that it finds in its environment; by default that of this process.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as out:
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment,
            )
        except OSError as error:
            raise ControlPlaneError(f"{command[0]} cannot be started: {error.strerror}; run `make tools`") from None
    # It is meant to outlive this process, which therefore does not wait for it.
    child.returncode = 0
    try:
        return Running(name, child.pid, psutil.Process(child.pid).create_time(), str(log))
    except psutil.NoSuchProcess:
        raise ControlPlaneError(f"{name} ended at once: {tail(log)}") from None


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
    """Ask ``ready`` until it says yes.

    Raises ControlPlaneError when it does not in time, or one of ``alive`` ends meanwhile.
    """

    def is_ready() -> bool:
        if ready():
            return True
        for running in alive:
            if running.process() is None:
                raise ControlPlaneError(f"{running.name} ended: {tail(running.log)}")
        return False

    if not eventually(is_ready, seconds=seconds):
        told = "; ".join(f"{running.name}: {tail(running.log)}" for running in alive)
        raise ControlPlaneError(f"{what} did not come about within {seconds:.0f} s{f' ({told})' if told else ''}")


def tail(log: str | Path, size: int = 400) -> str:
    """Give the end of a log in one line."""
    return " ".join(Path(log).read_text(encoding="utf-8", errors="replace")[-size:].split()) or "it said nothing"
