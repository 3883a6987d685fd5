"""A list, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from thunderguard.capture.kinds import Kind, Reading
from thunderguard.capture.requests import ExpiredError, Requests, UnreadError
from thunderguard.model import JsonObject

_RESTARTS = 5


def items(requests: Requests, reading: Reading, namespace: str | None, *, deadline: float) -> Iterator[JsonObject]:
    """Give the objects of a list, each once; no more than a page is in memory.

    When the server has forgotten the list (410), it is read again from the beginning, and what was given already is
    passed over. Raises UnreadError.
    """
    path = reading.kind.path(namespace)
    given: set[tuple[str, str]] = set()
    token = ""
    restarts = 0
    while True:
        query: dict[str, str | int] = {**reading.query, "limit": reading.page, **({"continue": token} if token else {})}
        try:
            page = requests.get(path, query, deadline=deadline, accept=reading.accept)
        except ExpiredError as error:
            restarts += 1
            if restarts > _RESTARTS:
                raise UnreadError(f"the list changes faster than it can be read ({error.reason})") from None
            token = ""
            continue
        listed = page.get("items")
        if not isinstance(listed, list) and listed is not None:
            raise UnreadError("the answer is no list")
        for value in listed or ():
            if not isinstance(value, dict):
                raise UnreadError("the answer holds something that is no object")
            address = _address(value)
            if address not in given:
                given.add(address)
                yield _whole(value, reading.kind, metadata_only=reading.metadata_only)
        token = _token(page)
        if not token:
            return


def _whole(value: JsonObject, kind: Kind, *, metadata_only: bool) -> JsonObject:
    """Say what an object of a list is: lists leave that out, and lists of metadata say something else."""
    kept = {"metadata": value.get("metadata")} if metadata_only else value
    return {**kept, "apiVersion": kind.api_version, "kind": kind.kind}


def _metadata(value: JsonObject) -> JsonObject:
    metadata: Any = value.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _address(value: JsonObject) -> tuple[str, str]:
    metadata = _metadata(value)
    return str(metadata.get("namespace", "")), str(metadata.get("name", ""))


def _token(page: JsonObject) -> str:
    token = _metadata(page).get("continue")
    return token if isinstance(token, str) else ""
