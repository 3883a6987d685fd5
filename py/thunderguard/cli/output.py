"""Where text goes: data on standard output or into a file, everything else on standard error."""

from __future__ import annotations

import os
import select
import stat
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

from thunderguard.errors import UsageError
from thunderguard.reports.terminal import safe

if TYPE_CHECKING:
    from thunderguard.reports.text import Look


def look(color: bool | None) -> Look:
    """Say how text on standard output may look; ``color`` is what the user chose, None for no choice.

    Without a choice there are colours on a terminal, unless NO_COLOR (https://no-color.org) is set or the terminal
    is dumb.
    """
    # Only a report has a look; help and errors do without its module.
    from thunderguard.reports.text import PLAIN_WIDTH, Look

    terminal = sys.stdout.isatty()
    if color is None:
        color = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = None
    if terminal:
        import shutil

        width = shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns
    return Look(width=width, color=color, encoding=sys.stdout.encoding or "ascii")


def write(text: str) -> None:
    """Write ``text`` to standard output; see :func:`write_bytes`."""
    write_bytes(text.encode(sys.stdout.encoding or "ascii", "backslashreplace"))


def write_bytes(data: bytes) -> None:
    """Write ``data`` to standard output as it is.

    A reader that went away (``| head``) is no error, and does not change the exit code. Raises UsageError when the
    output cannot be written for another reason, such as a full disk.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
    except OSError as error:
        _silence(sys.stdout)
        raise UsageError(f"standard output cannot be written: {error.strerror or error}") from None


def error(message: str, *, hint: str | None = None) -> None:
    """Write ``error: message`` and, below it, ``hint: hint`` to standard error."""
    note(f"error: {safe(message)}")
    if hint:
        note(f"hint: {safe(hint)}")


def note(text: str) -> None:
    """Write one line to standard error. Nobody can be told when that fails, so nothing is raised."""
    try:
        data = f"{text}\n".encode(sys.stderr.encoding or "ascii", "backslashreplace")
        sys.stderr.flush()
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()
    except OSError:
        _silence(sys.stderr)


def reader_is_gone() -> bool:
    """Say whether whoever read standard output went away; if so, nothing more is written there."""
    try:
        asked = select.poll()
        asked.register(sys.stdout.fileno(), 0)
        # Linux and the BSDs report an error or a hang-up on the writing end of a pipe that nobody reads.
        gone = any(event & (select.POLLERR | select.POLLHUP) for _, event in asked.poll(0))
    except (OSError, ValueError):
        return False
    if gone:
        _silence(sys.stdout)
    return gone


def _silence(stream: IO[str]) -> None:
    # What is still in the buffer would fail again when the interpreter ends, with a message and exit code 120.
    try:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, stream.fileno())
        os.close(descriptor)
    except (OSError, ValueError):
        pass


def check_target(path: Path) -> None:
    """Raise UsageError when ``path`` cannot be written, before any long work is done for it."""
    if path.is_dir():
        raise UsageError(f"{path} is a directory", hint="name a file")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a directory", hint="make it first, or name another file")
    if not os.access(folder if not path.exists() or _is_plain(path) else path, os.W_OK):
        raise UsageError(f"{path} cannot be written", hint="name another file")


def write_file(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``, which afterwards holds all of it or what it held before.

    The data goes into a temporary file beside it, which is then renamed; a link is followed, and something that is
    not a plain file (``/dev/stdout``, a pipe) is written to directly. Raises UsageError when that is not possible.
    """
    # What writes a report imports it; help and errors do without.
    from thunderguard.files import replacing

    try:
        if path.exists() and not _is_plain(path):
            path.write_bytes(data)
            return
        target = path.resolve()
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
        with replacing(target, mode=mode) as file:
            file.write(data)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None


def _is_plain(path: Path) -> bool:
    return stat.S_ISREG(path.stat().st_mode)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
