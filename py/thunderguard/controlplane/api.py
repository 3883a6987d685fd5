"""A small client of an API server: requests in and answers out, as they are, from any number of threads."""

from __future__ import annotations

import http.client
import queue
import re
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from thunderguard.cleanup import on_failure
from thunderguard.controlplane.server import Certificates, address
from thunderguard.errors import ControlPlaneError
from thunderguard.model import JsonObject

FIELD_MANAGER = "thunderguard"

# https://www.rfc-editor.org/rfc/rfc7234#section-5.5: a code, an agent, and the text in quotes.
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, by impersonation."""

    user: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def headers(self) -> list[tuple[str, str]]:
        """Give the headers that say so. Raises ValueError for what a header cannot carry."""
        said = [("Impersonate-User", self.user), *(("Impersonate-Group", group) for group in self.groups)]
        if self.uid:
            said.append(("Impersonate-Uid", self.uid))
        for key, values in self.extra.items():
            said += [(f"Impersonate-Extra-{quote(key, safe='')}", value) for value in values]
        for name, value in said:
            if not value or not value.isprintable() or not value.isascii() or value != value.strip():
                raise ValueError(f"{name} cannot be {value!r:.80}")
        return said


@dataclass(frozen=True, slots=True)
class Answer:
    """What an API server says: the HTTP status, the body as JSON (None when it is none) and its warnings."""

    status: int
    body: Any
    warnings: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether it did what it was asked."""
        return 200 <= self.status < 300

    @property
    def message(self) -> str:
        """The message of a Status, "" without one."""
        return self._text("message")

    @property
    def reason(self) -> str:
        """The reason of a Status, such as ``Invalid``, "" without one."""
        return self._text("reason")

    def _text(self, key: str) -> str:
        value = self.body.get(key) if isinstance(self.body, dict) and self.body.get("kind") == "Status" else None
        return value if isinstance(value, str) else ""


class Api:
    """A client of the API server at ``port`` of this machine, by the certificate of an administrator."""

    def __init__(self, port: int, certificates: Certificates, *, deadline: float = 30.0) -> None:
        """Take where it is; nothing is asked yet. ``deadline`` is the number of seconds an answer may take."""
        self._host = urlsplit(address(port)).netloc
        self._context: ssl.SSLContext = certificates.context()
        self._deadline = deadline
        self._idle: queue.LifoQueue[http.client.HTTPSConnection] = queue.LifoQueue()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: str = "application/json",
        headers: Iterable[tuple[str, str]] = (),
    ) -> Answer:
        """Ask once and give the answer, whatever it is.

        ``path`` has its query with it; ``body`` is bytes, or a value to be sent as JSON. Raises ControlPlaneError when
        there is no answer, and ValueError when the request cannot be put into HTTP.
        """
        data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        said = list(headers)
        if all(name != "Accept" for name, _ in said):
            said.append(("Accept", "application/json"))
        if data is not None:
            said.append(("Content-Type", content))
        for fresh in (False, True):
            connection, used = self._connection(fresh=fresh)
            try:
                with on_failure(connection.close):
                    answer = self._exchange(connection, method, path, data, said)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
                # The server may have closed a connection that was idle; then nothing was asked yet.
                if used:
                    continue
                raise self._silent(error) from None
            except (OSError, http.client.HTTPException) as error:
                raise self._silent(error) from None
            self._idle.put(connection)
            return answer
        raise ControlPlaneError("the API server closes every connection")

    def get(self, path: str) -> JsonObject | None:
        """Give the object at ``path``, None when there is none. Raises ControlPlaneError for any other answer."""
        answer = self.request("GET", path)
        return None if answer.status == 404 else self._good(answer, f"GET {path}")

    def create(self, path: str, obj: JsonObject) -> JsonObject:
        """Create ``obj`` in the collection at ``path`` and give what it became. Raises ControlPlaneError."""
        return self._good(self.request("POST", path, obj), f"POST {path}")

    def apply(self, path: str, obj: JsonObject) -> JsonObject:
        """Create or change the object at ``path`` by a server-side apply of ``obj``. Raises ControlPlaneError."""
        query = urlencode({"fieldManager": FIELD_MANAGER, "force": "true"})
        answer = self.request("PATCH", f"{path}?{query}", obj, content="application/apply-patch+yaml")
        return self._good(answer, f"apply to {path}")

    def delete(self, path: str) -> None:
        """Delete the object at ``path``, at once and whether it is there or not. Raises ControlPlaneError."""
        answer = self.request("DELETE", path, {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0})
        if answer.status != 404:
            self._good(answer, f"DELETE {path}")

    def close(self) -> None:
        """Close the connections that are idle."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    def _connection(self, *, fresh: bool) -> tuple[http.client.HTTPSConnection, bool]:
        if not fresh:
            try:
                return self._idle.get_nowait(), True
            except queue.Empty:
                pass
        return http.client.HTTPSConnection(self._host, timeout=self._deadline, context=self._context), False

    def _exchange(
        self,
        connection: http.client.HTTPSConnection,
        method: str,
        path: str,
        data: bytes | None,
        headers: Iterable[tuple[str, str]],
    ) -> Answer:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if data is not None:
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        response = connection.getresponse()
        text = response.read()
        try:
            body = orjson.loads(text)
        except ValueError:
            body = None
        return Answer(response.status, body, tuple(warnings_of(response.headers.get_all("Warning") or ())))

    def _good(self, answer: Answer, what: str) -> JsonObject:
        if not answer.is_good or not isinstance(answer.body, dict):
            said = answer.message or f"HTTP status {answer.status}"
            raise ControlPlaneError(f"the API server refuses {what}: {' '.join(said.split())[:600]}")
        return answer.body

    def _silent(self, error: Exception) -> ControlPlaneError:
        if isinstance(error, TimeoutError):
            return ControlPlaneError(f"the API server gives no answer within {self._deadline:g} s")
        return ControlPlaneError(f"the API server does not answer: {' '.join(str(error).split())[:200] or repr(error)}")


def path_of(resource: str, *, api_version: str, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """Give the path of a collection, an object or a subresource; ``resource`` is its plural name."""
    lead = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    parts = ["namespaces", namespace, resource] if namespace else [resource]
    parts += [part for part in (name, subresource) if part]
    return "/".join([lead, *(quote(part, safe="") for part in parts)])


def warnings_of(headers: Iterable[str]) -> Iterable[str]:
    """Give the texts of ``Warning`` headers."""
    for header in headers:
        # The server writes UTF-8, and http.client reads every header as Latin-1.
        told = header.encode("latin-1", "replace").decode("utf-8", "replace")
        for text in _WARNING.findall(told):
            yield _ESCAPED.sub(r"\1", text)
