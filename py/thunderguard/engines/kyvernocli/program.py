"""Running ``kubectl-kyverno apply`` and reading the report that it prints."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from thunderguard.engines.external import HangError, RunError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# A whole expression, and the lines under an error that draw its place.
_REPEATED = re.compile(r'Invalid value: "(?:[^"\\]|\\.)*": ')
_DRAWN = re.compile(r"^ \| .*\n?", re.MULTILINE)
_LONGEST = 1200
_LOGGED = re.compile(r'error=("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True, slots=True)
class Row:
    """What one policy says about one object. ``tag`` is the object's uid."""

    policy: str
    tag: str
    result: str
    message: str


@dataclass(frozen=True, slots=True)
class Said:
    """All that one run says; ``complaints`` are the errors that it passed over."""

    rows: tuple[Row, ...]
    complaints: tuple[str, ...]


class Program:
    """The program, run in ``folder``. After a run that did not end in time no other is tried."""

    def __init__(self, path: Path, folder: Path, deadline: float) -> None:
        """Take the binary, the folder and the seconds that one run may take."""
        self._path = path
        self._folder = folder
        self._deadline = deadline
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended: set[subprocess.Popen[bytes]] = set()
        self.gone = ""

    def apply(self, arguments: Sequence[str], *, complaining: bool = False) -> Said:
        """Run ``apply``, in whatever thread; ``complaining``, it tells what it passes over. Raises RunError."""
        command = [str(self._path), "apply", *arguments, "--policy-report", "--output-format", "json", "--remove-color"]
        code, output, errors = self._run([*command, "--v", "3"] if complaining else command)
        words = _COLOUR.sub("", errors.decode(errors="replace"))
        # 1 is said of a violation, too; then there is a report.
        if code not in {0, 1} or (code == 1 and not output.strip()):
            raise RunError(f"kubectl-kyverno ends with status {code}: {_gist(words)}")
        return Said(_rows(output), tuple(dict.fromkeys(_unquoted(found) for found in _LOGGED.findall(words))))

    def end(self, reason: str) -> None:
        """End what runs, and say ``reason`` from now on."""
        with self._lock:
            self.gone = self.gone or reason
            self._ended |= self._running
            for process in self._running:
                process.kill()

    def _run(self, command: list[str]) -> tuple[int, bytes, bytes]:
        with self._lock:
            if self.gone:
                raise RunError(self.gone)
            try:
                process = subprocess.Popen(
                    command,
                    cwd=self._folder,
                    env=_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            except OSError as error:
                self.gone = f"kubectl-kyverno does not start: {error}"
                raise RunError(self.gone) from None
            self._running.add(process)
        with process:
            try:
                output, errors = process.communicate(timeout=self._deadline)
            except subprocess.TimeoutExpired:
                self.end(f"kubectl-kyverno gives no answer within {self._deadline:g} s")
                raise HangError(self.gone) from None
            finally:
                process.kill()
                with self._lock:
                    self._running.discard(process)
        if process in self._ended and process.returncode < 0:
            # Its status is no word about why it was ended.
            raise RunError(self.gone)
        return process.returncode, output, errors


def _environment() -> dict[str, str]:
    # Most of its time goes into garbage, of which a run makes little enough to keep.
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KYVERNO_") and key != "KUBECONFIG"}
    return {"GOGC": "400", **kept}


def _rows(output: bytes) -> tuple[Row, ...]:
    """Read a report; nothing at all is one about no object."""
    text = output.strip()
    if not text:
        return ()
    try:
        report = orjson.loads(text)
    except ValueError:
        raise RunError(f"kubectl-kyverno answers {text[:200]!r}, which is not JSON") from None
    results = report.get("results") if isinstance(report, dict) else None
    if not isinstance(results, list):
        raise RunError(f"kubectl-kyverno answers {text[:200]!r}, which is no report")
    return tuple(_row(result) for result in results)


def _row(result: Any) -> Row:
    try:
        (subject,) = result["resources"]
        row = Row(result["policy"], subject.get("uid", ""), result["result"], result.get("message") or "")
    except (KeyError, TypeError, ValueError, AttributeError):
        row = None
    if row is None or not all(isinstance(part, str) for part in (row.policy, row.tag, row.result, row.message)):
        raise RunError(f"kubectl-kyverno gives the result {result!r:.200}")
    return row


def _unquoted(text: str) -> str:
    try:
        value: str = orjson.loads(text)
    except ValueError:
        return text
    return value


def _gist(words: str) -> str:
    """Give what a person needs of what the program says in its last moments."""
    for sign in ("Error:", "panic:", "fatal error:"):
        found = re.search(rf"^{sign}.*?(?=^goroutine |\Z)", words, re.MULTILINE | re.DOTALL)
        if found is not None:
            return shortened(found[0])
    return shortened(words)


def shortened(words: str) -> str:
    """Spell what the program says in one line, without the CEL that it repeats."""
    return " ".join(_DRAWN.sub("", _REPEATED.sub("", words)).split())[-_LONGEST:]
