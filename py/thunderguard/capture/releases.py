"""Helm's releases: of each the newest revision, as a small record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from thunderguard.helmrelease import ReleaseUnreadableError, release_record
from thunderguard.model import JsonObject
from thunderguard.redaction import redact


@dataclass(frozen=True, slots=True)
class _Damaged:
    """A revision that cannot be decoded: its number (None: unknown), its object without its data, and why."""

    revision: int | None
    bare: JsonObject
    reason: str


class Releases:
    """Takes what Helm stored, decodes it at once and keeps the newest of each release."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], JsonObject] = {}
        self._damaged: list[tuple[tuple[str, str], _Damaged]] = []

    def add(self, stored: JsonObject) -> None:
        """Take a Secret or ConfigMap in which Helm keeps a revision."""
        try:
            record = release_record(stored)
        except ReleaseUnreadableError as error:
            self._damaged.append(_damaged(stored, error.message))
            return
        key = (str(record["metadata"]["namespace"] or ""), record["metadata"]["name"])
        known = self._newest.get(key)
        if known is None or _revision(record) > _revision(known):
            self._newest[key] = record

    def records(self) -> Iterator[JsonObject]:
        """Give the newest revision that could be decoded of each release."""
        for key in sorted(self._newest):
            yield self._newest[key]

    def damaged(self) -> Iterator[tuple[JsonObject, str]]:
        """Give what could not be decoded and may be newer than what could, with the reason."""
        for key, one in self._damaged:
            known = self._newest.get(key)
            if known is None or one.revision is None or one.revision > _revision(known):
                yield one.bare, one.reason


def _damaged(stored: JsonObject, reason: str) -> tuple[tuple[str, str], _Damaged]:
    metadata = _mapping(stored.get("metadata"))
    labels = _mapping(metadata.get("labels"))
    version = labels.get("version")
    revision = int(version) if isinstance(version, str) and version.isdecimal() else None
    key = (str(metadata.get("namespace", "")), str(labels.get("name", "")))
    return key, _Damaged(revision, redact(stored), f"the Helm release cannot be decoded: {reason}")


def _revision(record: JsonObject) -> int:
    revision = record["spec"]["revision"]
    return revision if isinstance(revision, int) else 0


def _mapping(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}
