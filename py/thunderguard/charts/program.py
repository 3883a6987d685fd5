"""Running helm and kustomize on input that nobody vouches for: without a network, and within bounds."""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from thunderguard.documents.limits import MIB, megabytes
from thunderguard.engines.base import EngineOptions
from thunderguard.engines.pins import find_program, pinned, program_output
from thunderguard.errors import ChartError, EngineError, ToolMissingError

_CHUNK = 1 << 16
# Nothing listens there: a program that asks for a network all the same fails at once.
_NOWHERE = "http://127.0.0.1:9"
_ERRORS_KEPT = 1 << 16
_OUT_OF_MEMORY = ("out of memory", "cannot allocate memory", "errno=12")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one run may take: ``seconds`` of time, ``output`` bytes of text, ``memory`` bytes of memory."""

    seconds: float = 60.0
    output: int = 64 * MIB
    memory: int = 1024 * MIB


DEFAULT_BOUNDS = Bounds()


class FailedRunError(Exception):
    """A run that ended with an exit code other than 0; ``said`` is what it wrote to standard error."""

    def __init__(self, said: str) -> None:
        """Take what the program said."""
        super().__init__(said)
        self.said = said


@cache
def program(name: str) -> Path:
    """Find ``helm`` or ``kustomize`` and check that it is the pinned version.

    Raises ToolMissingError with the command that builds it, EngineError when it does not start.
    """
    found = find_program(name, EngineOptions()).resolve()
    wanted = pinned(name)
    if wanted is None:
        return found
    words = ["version", "--template", "{{.Version}}"] if name == "helm" else ["version"]
    told = program_output(found, words, 30.0).strip().removeprefix("v")
    # A kustomize that was built from the module proxy calls itself "(devel)".
    if told not in {wanted, "(devel)"}:
        raise ToolMissingError(f"{found} is {name} {told or '?'}, not the pinned {wanted}", hint="run `make tools`")
    return found


def run(
    name: str, words: Sequence[str], *, folder: Path, bounds: Bounds = DEFAULT_BOUNDS, what: str = "the chart"
) -> bytes:
    """Run ``helm`` or ``kustomize`` in ``folder`` and give what it prints.

    It sees a home of its own, no cluster, no plugins, no proxies, and no programs. ``what`` names in messages what is
    rendered. Raises FailedRunError when it fails, ChartError when it needs more than ``bounds``.
    """
    found = program(name)
    with tempfile.TemporaryDirectory(prefix="thunderguard-home-") as home:
        try:
            process = subprocess.Popen(
                [str(found), *words],
                cwd=folder,
                env=_environment(home),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"{found} does not start: {error}", hint="run `make tools`") from None
        with process:
            try:
                _bound_memory(process.pid, bounds)
                printed, said = _listen(process, bounds, what)
            finally:
                # It must not outlive its reader.
                if process.poll() is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
    if process.returncode == 0:
        return printed
    if any(sign in said for sign in _OUT_OF_MEMORY) or process.returncode == -signal.SIGKILL:
        raise ChartError(f"{what} needs more than {megabytes(bounds.memory)} of memory to render")
    raise FailedRunError(said)


def _listen(process: subprocess.Popen[bytes], bounds: Bounds, what: str) -> tuple[bytes, str]:
    """Read what a program prints and says until it ends. Raises ChartError when that is too much or takes too long."""
    deadline = time.monotonic() + bounds.seconds
    printed, said = bytearray(), bytearray()
    late = ChartError(f"{what} was not rendered within {bounds.seconds:g} s", hint="does a template loop?")
    with selectors.DefaultSelector() as ready:
        for stream, kept in ((process.stdout, printed), (process.stderr, said)):
            if stream is not None:
                ready.register(stream, selectors.EVENT_READ, kept)
        while ready.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                raise late
            for key, _ in ready.select(left):
                data = os.read(key.fd, _CHUNK)
                if not data:
                    ready.unregister(key.fileobj)
                elif key.data is printed:
                    printed += data
                elif len(said) < _ERRORS_KEPT:
                    said += data
            if len(printed) > bounds.output:
                raise ChartError(f"{what} renders to more than {megabytes(bounds.output)}")
    try:
        process.wait(max(deadline - time.monotonic(), 1.0))
    except subprocess.TimeoutExpired:
        raise late from None
    return bytes(printed), said.decode(errors="replace")


def _bound_memory(pid: int, bounds: Bounds) -> None:
    # A template can fill the memory without printing a byte. What counts is memory that can be written to: Go reserves
    # far more addresses than it uses. Linux only: elsewhere the time alone is bounded.
    if hasattr(resource, "prlimit"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            resource.prlimit(pid, resource.RLIMIT_DATA, (bounds.memory, bounds.memory))


def _environment(home: str) -> dict[str, str]:
    kept = {name: value for name in ("TMPDIR", "SYSTEMROOT") if (value := os.environ.get(name))}
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), _NOWHERE)
    return {
        **kept,
        **proxies,
        "HOME": home,
        # Without git and other programs, a kustomization cannot fetch anything either.
        "PATH": home,
        "KUBECONFIG": os.path.join(home, "none"),
        "HELM_CACHE_HOME": os.path.join(home, "cache"),
        "HELM_CONFIG_HOME": os.path.join(home, "config"),
        "HELM_DATA_HOME": os.path.join(home, "data"),
        "HELM_PLUGINS": os.path.join(home, "plugins"),
        "GOMAXPROCS": "2",
    }
