"""One GET at a time: patient with a busy server, and never longer than it may take."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from thunderguard.model import JsonObject

JSON = "application/json"
_CONNECT = 10.0
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_CHUNK = 1 << 16
_BUSY = frozenset((429, 500, 502, 503, 504))
_TOO_OLD = 410


class UnreadError(Exception):
    """Something could not be read. ``reason`` is for people and quotes nothing that the server sent."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class UnreachableError(UnreadError):
    """There was no answer at all."""


class ExpiredError(UnreadError):
    """The server has forgotten the list that a continue token belongs to."""


class _BusyError(UnreadError):
    """The server has no time, and is to be asked again when ``after`` seconds are over."""

    def __init__(self, reason: str, status: int, after: float) -> None:
        super().__init__(reason, status)
        self.after = after


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the requests see it; ``random`` gives a number from 0 to 1."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random


class Requests:
    """Sends GETs to the server of an ApiClient and reads the JSON that comes back."""

    def __init__(self, client: Any, clock: Clock | None = None) -> None:
        self._client = client
        self.clock = clock or Clock()

    def get(
        self,
        path: str,
        query: Mapping[str, str | int] | None = None,
        *,
        deadline: float,
        accept: str = JSON,
        insist: bool = True,
    ) -> JsonObject:
        """Give the object that the server answers with.

        A busy server (429, 5xx) is asked again, after as long as it says or ever later, until ``deadline``; with
        ``insist`` so is one that cannot be reached. Raises ExpiredError for 410, UnreachableError, and UnreadError for
        the rest.
        """
        url = f"{self._client.configuration.host}{path}{f'?{urlencode(query)}' if query else ''}"
        wait = _FIRST_WAIT
        while True:
            asked = 0.0
            failure: UnreadError
            try:
                return self._once(url, accept, deadline)
            except UnreachableError as error:
                if not insist:
                    raise
                failure = error
            except _BusyError as error:
                failure, asked = error, error.after
            # Clients that were turned away together must not come back together.
            pause = max(asked, wait * (0.5 + self.clock.random() / 2))
            if self.clock.now() + pause >= deadline:
                raise failure
            # Nothing tells when the server has time again: it is left alone for a while.
            self.clock.sleep(pause)
            wait = min(wait * 2, _LONGEST_WAIT)

    def _once(self, url: str, accept: str, deadline: float) -> JsonObject:
        import urllib3
        from urllib3 import exceptions

        left = deadline - self.clock.now()
        if left <= 0:
            raise _late()
        headers = {"Accept": accept, "User-Agent": "thunderguard", **self._credentials()}
        try:
            response = self._client.rest_client.pool_manager.request(
                "GET",
                url,
                headers=headers,
                preload_content=False,
                retries=False,
                redirect=False,
                timeout=urllib3.Timeout(connect=min(_CONNECT, left), read=left),
            )
            try:
                body = self._body(response, deadline)
            finally:
                response.close()
        except exceptions.ReadTimeoutError:
            raise _late() from None
        except (exceptions.HTTPError, OSError) as error:
            raise UnreachableError(_why(error)) from None
        return _answer(response.status, response.headers.get("Retry-After"), body)

    def _body(self, response: Any, deadline: float) -> bytes:
        # In pieces, since a server that sends a byte now and then would never run into a timeout.
        pieces = []
        while piece := response.read1(_CHUNK):
            pieces.append(piece)
            if self.clock.now() > deadline:
                raise _late()
        return b"".join(pieces)

    def _credentials(self) -> dict[str, str]:
        # Asked for each time: the client renews a token that is about to end.
        settings: Mapping[str, Mapping[str, str]] = self._client.configuration.auth_settings()
        return {one["key"]: one["value"] for one in settings.values() if one["in"] == "header" and one["value"]}


def _answer(status: int, after: str | None, body: bytes) -> JsonObject:
    if status in _BUSY:
        seconds = float(after) if after is not None and after.strip().isdecimal() else 0.0
        raise _BusyError(_said(status), status, seconds)
    if status == _TOO_OLD:
        raise ExpiredError(_said(status), status)
    if status != 200:
        raise UnreadError(_said(status), status)
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise UnreadError("the answer is not JSON") from None
    if not isinstance(value, dict):
        raise UnreadError("the answer is no Kubernetes object")
    return value


def _said(status: int) -> str:
    from http.client import responses

    return f"{status} {responses.get(status, '')}".strip()


def _late() -> UnreadError:
    return UnreadError("there was no answer in time")


def _why(error: BaseException) -> str:
    """Say in few words why there was no answer."""
    from urllib3.exceptions import ConnectTimeoutError

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"its certificate is not accepted: {seen.verify_message}"
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror.lower()
        inner = getattr(seen, "reason", None)
        seen = inner if isinstance(inner, BaseException) else seen.__cause__ or seen.__context__
    return "no connection in time" if isinstance(error, ConnectTimeoutError) else type(error).__name__
