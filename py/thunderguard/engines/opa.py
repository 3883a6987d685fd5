"""The OPA engine: a real OPA server, on loopback or already running elsewhere.

It is the judge of what Rego means. Policies, data and the Estate are loaded from a private copy, so that what is
judged by is what was hashed; a random token among the data proves that the server that answers is the one started.

Importing the client takes 0.4 s, so the registry imports this module only when it is chosen.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import orjson
import requests
from opa_client.errors import RegoParseError
from opa_client.opa import OpaClient

from thunderguard.cleanup import on_failure
from thunderguard.engines.base import ContextManaged, EngineOptions, failure
from thunderguard.engines.batches import Answer, in_batches, outcomes_of
from thunderguard.engines.pins import check_version, find_program, pinned
from thunderguard.engines.sources import RegoSources, data_of, load_sources, rego_root
from thunderguard.engines.verdict import BATCH, INVENTORY, decode_inventory_verdict
from thunderguard.errors import EngineError, PolicyError, UsageError
from thunderguard.model import Document, EstateRequest, Outcome, OutcomeKind

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.estate import Estate

_PACKAGE = "thunderguard.main"
_BATCH_DOCUMENTS = 200
_BATCH_BYTES = 2 * 1024 * 1024
_START_DEADLINE = 20.0
_START_ATTEMPTS = 5
_STOP_DEADLINE = 3.0
_POLL = 0.02

# Starts the server and ends it when our end of the pipe on standard input closes, whatever ended us.
_LEASH = """
exec 3<&0
"$@" 3<&- </dev/null &
child=$!
{ cat <&3 >/dev/null; kill -TERM $child; } 2>/dev/null &
wait $child
"""


class OpaEngine(ContextManaged):
    """Judges by a real OPA server."""

    name = "opa"
    needs_documents = False

    def __init__(self, *, estate: Estate, catalogue: Catalogue, options: EngineOptions) -> None:
        """Start a server, or give the policies to the one at ``options.opa_url``.

        Raises PolicyError (with OPA's own words), ToolMissingError, EngineError and, for a bad URL, UsageError.
        """
        self._options = options
        self._sources = load_sources(rego_root(options))
        self._object_rules = tuple(catalogue.object_rules)
        self._estate_rules = tuple(catalogue.estate_rules)
        self._gone = ""
        self._server: _Server | None = None
        data = data_of(self._sources, estate.data, options.at)
        with on_failure(self.close):
            if options.opa_url is None:
                self._server = _Server(self._sources, data, options)
                self._client = self._server.client
                self._version = self._server.version
            else:
                self._client = _client(*_address(options.opa_url), options.deadline)
                self._version = _push(self._client, options.opa_url, self._sources, data)

    @property
    def version(self) -> str:
        """OPA and its version."""
        return f"OPA {self._version}"

    @property
    def policy_sha256(self) -> str:
        """The hash over the Rego sources."""
        return self._sources.sha256

    def judge(self, documents: Iterable[Document]) -> Iterator[Outcome]:
        """Give the outcome of each document, asked in batches."""
        for batch in in_batches(documents, most=_BATCH_DOCUMENTS, most_bytes=_BATCH_BYTES):
            yield from outcomes_of(batch, self._ask_batch, self._ask_one, self._object_rules)

    def judge_estate(self, request: EstateRequest) -> Outcome:
        """Give the outcome of the rules of scope estate, from the records."""
        value, reason = self._ask(
            "inventory_verdict", {**INVENTORY, "records": [orjson.loads(record) for record in request.records]}
        )
        if reason:
            return failure(OutcomeKind.ENGINE_FAILED, reason, self._estate_rules)
        return decode_inventory_verdict(value, self._estate_rules)

    def close(self) -> None:
        """End the server, if it is ours, and leave nothing behind."""
        self._gone = self._gone or "the engine is closed"
        if self._server is not None:
            self._server.stop()
        elif (client := getattr(self, "_client", None)) is not None:
            client.close_connection()

    def _ask_batch(self, batch: Sequence[Document]) -> Answer:
        read = [_read(document) for document in batch]
        reasons = [reason for _, reason in read if reason]
        if reasons:
            return None, reasons[0]
        return self._ask("batch", {**BATCH, "objects": [value for value, _ in read]})

    def _ask_one(self, document: Document) -> Answer:
        value, reason = _read(document)
        return (None, reason) if reason else self._ask("verdict", value)

    def _ask(self, rule: str, value: Any) -> Answer:
        """Query one rule of the main package: (value or None when undefined, why there is none)."""
        if self._gone:
            return None, self._gone
        try:
            answer = self._client.query_rule(value, _PACKAGE, rule)
        except requests.exceptions.HTTPError as error:
            return None, f"OPA cannot evaluate it: {_opa_message(error.response)}"
        except requests.exceptions.InvalidJSONError:
            return None, "it holds a number that JSON cannot carry"
        except (requests.exceptions.RequestException, ValueError) as error:
            self._gone = f"OPA does not answer: {self._why(error)}"
            return None, self._gone
        if not isinstance(answer, dict):
            return None, f"OPA answers {answer!r:.80}"
        return answer.get("result"), ""

    def _why(self, error: Exception) -> str:
        if isinstance(error, requests.exceptions.Timeout):
            return f"nothing within {self._options.deadline:g} s"
        ended = self._server.ended() if self._server is not None else None
        return ended or " ".join(str(error).split())[:200]


def _read(document: Document) -> tuple[Any, str]:
    try:
        return orjson.loads(document.text), ""
    except ValueError as error:
        return None, f"it is not JSON: {error}"


def _client(host: str, port: int, deadline: float) -> OpaClient:
    client = OpaClient(host=host, port=port, retries=0, timeout=deadline)
    # A proxy that is set for the internet must not see loopback traffic.
    client._session.trust_env = host not in {"127.0.0.1", "localhost"}
    return client


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or parts.path not in {"", "/"} or parts.query:
        raise UsageError(f"{url!r} is not the address of an OPA server", hint="give http://HOST:PORT")
    try:
        return parts.hostname, parts.port or 8181
    except ValueError:
        raise UsageError(f"{url!r} has no port number", hint="give http://HOST:PORT") from None


def _opa_message(response: Any) -> str:
    """Give OPA's own words about a refused request as one line."""
    try:
        body = response.json()
        errors = body.get("errors") or []
        parts = [body.get("message", "")]
        for error in errors[:3]:
            place = error.get("location") or {}
            at = f"{place['file']}:{place['row']}: " if place.get("file") else ""
            parts.append(f"{at}{error.get('message', '')}")
        return "; ".join(" ".join(str(part).split()) for part in parts if part)
    except (ValueError, AttributeError, KeyError):
        return f"HTTP status {response.status_code}"


def _push(client: OpaClient, url: str, sources: RegoSources, data: dict[str, Any]) -> str:
    """Give policies and data to a server that already runs; give its version."""
    try:
        for value, path in _leaves(data):
            client.update_or_create_data(value, path)
        old = [name for name in client.get_policies_list() if name.startswith("thunderguard/")]
        for name in set(old) - {f"thunderguard/{path}" for path in sources.policies}:
            client.delete_policy(name)
        waiting = dict(sources.policies)
        while waiting:
            refused: dict[str, RegoParseError] = {}
            for path, text in waiting.items():
                try:
                    client.update_policy_from_string(text, f"thunderguard/{path}", rego_compat=False)
                except RegoParseError as error:
                    refused[path] = error
            # OPA takes one file at a time and refuses one that calls a function it does not have yet.
            if len(refused) == len(waiting):
                path, why = next(iter(refused.items()))
                raise PolicyError(f"{sources.root / path} does not compile: {_parse_error(why)}")
            waiting = {path: waiting[path] for path in refused}
        answer = client.ad_hoc_query("x = opa.runtime().version")
        return str(answer["result"][0]["x"])
    except (requests.exceptions.RequestException, ValueError, LookupError) as error:
        raise EngineError(f"the OPA server at {url} cannot be used: {' '.join(str(error).split())[:200]}") from None


def _leaves(data: dict[str, Any], prefix: str = "") -> Iterator[tuple[dict[str, Any], str]]:
    # Data is put below the packages of the policies, never over a whole document others may use.
    for key, value in data.items():
        if key == "thunderguard" and not prefix and isinstance(value, dict):
            yield from _leaves(value, "thunderguard/")
        else:
            yield value, f"{prefix}{key}"


def _parse_error(error: Any) -> str:
    details = [
        str(item.get("message", "")) for item in (getattr(error, "errors", None) or []) if isinstance(item, dict)
    ]
    return " ".join("; ".join([str(error.message), *details[:3]]).split())


class _Server:
    """An OPA process of ours on a free loopback port."""

    def __init__(self, sources: RegoSources, data: dict[str, Any], options: EngineOptions) -> None:
        program = find_program("opa", options)
        self.version = check_version(program, ["version"], "Version", pinned("opa"), options.deadline)
        self._sources = sources
        self._process: subprocess.Popen[bytes] | None = None
        self._client: OpaClient | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="thunderguard-opa-"))
        self._log = self._folder / "log"
        self._token = secrets.token_hex(16)
        with on_failure(self.stop):
            loaded = self._folder / "loaded"
            sources.stage(loaded)
            (loaded / "data.json").write_bytes(orjson.dumps({**data, "thunderguard_session": {"token": self._token}}))
            self._start(program, loaded, min(_START_DEADLINE, options.deadline), options.deadline)

    @property
    def client(self) -> OpaClient:
        """The client of the server, which runs."""
        return cast("OpaClient", self._client)

    def ended(self) -> str | None:
        """Say how the process ended; None while it runs."""
        if self._process is None:
            return "it was stopped"
        # A connection that breaks is often seen before the process that held it is gone.
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(timeout=1)
            return f"it ended with status {code}{self._last_words()}"
        return None

    def stop(self) -> None:
        """End the process and everything it started, and remove its files."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        if self._client is not None:
            self._client.close_connection()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, program: Path, loaded: Path, start: float, deadline: float) -> None:
        for attempt in range(_START_ATTEMPTS):
            port = _free_port()
            command = [str(program), "run", "--server", "--addr", f"127.0.0.1:{port}", "--skip-version-check"]
            command += ["--log-level", "error", str(loaded)]
            self._process = _spawn(command, self._log)
            client = _client("127.0.0.1", port, 2.0)
            self._client = client
            trouble = self._await(self._process, client, time.monotonic() + start)
            if trouble is None:
                client.timeout = deadline
                return
            words = self._last_words()
            process, self._process = self._process, None
            _end(process)
            client.close_connection()
            if "address already in use" in words and attempt + 1 < _START_ATTEMPTS:
                continue
            if "rego_" in words or "error during" in words or "merge error" in words:
                raise PolicyError(f"the policy does not compile{words}")
            raise EngineError(f"{program} does not start: {trouble}{words}")

    def _await(self, process: subprocess.Popen[bytes], client: OpaClient, until: float) -> str | None:
        """Wait until the server shows our token; None when it does, else what is wrong."""
        while time.monotonic() < until:
            code = process.poll()
            if code is not None:
                return f"it ended with status {code}"
            # Not ready yet, or another server got the port first: then ours has ended, which the next round sees.
            with contextlib.suppress(requests.exceptions.RequestException, ValueError, LookupError, TypeError):
                if client.get_data("thunderguard_session")["result"]["token"] == self._token:
                    return None
            time.sleep(_POLL)
        return "it is not ready in time"

    def _last_words(self) -> str:
        try:
            text = self._log.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return ""
        text = self._sources.real_paths(" ".join(text.split()), self._folder / "loaded")
        return f": {text[-600:]}" if text else ""


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _spawn(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    leash = os.name == "posix"
    if leash:
        command = ["/bin/sh", "-c", _LEASH, "thunderguard-opa", *command]
    with log.open("wb") as out:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            # A group of its own: Ctrl-C in a terminal ends us first, and we end it.
            start_new_session=leash,
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process started by :func:`_spawn` with all its children; waits for it."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_STOP_DEADLINE)
    if os.name == "posix":
        # Also when the leader is gone: a child that ignored SIGTERM is still in the group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()
