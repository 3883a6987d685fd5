"""A list, page by page."""

from __future__ import annotations

from collections.abc import Iterator

from thunderguard.capture.kinds import Kind, Reading
from thunderguard.capture.requests import ExpiredError, Requests, UnreadError
from thunderguard.facts.values import as_object, as_text, dig
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
        token = as_text(dig(page, ("metadata", "continue")))
        if not token:
            return


def _whole(value: JsonObject, kind: Kind, *, metadata_only: bool) -> JsonObject:
    """Say what an object of a list is: lists leave that out, and lists of metadata say something else."""
    kept = {"metadata": value.get("metadata")} if metadata_only else value
    return {**kept, "apiVersion": kind.api_version, "kind": kind.kind}


def _address(value: JsonObject) -> tuple[str, str]:
    metadata = as_object(value.get("metadata"))
    return str(metadata.get("namespace", "")), str(metadata.get("name", ""))
