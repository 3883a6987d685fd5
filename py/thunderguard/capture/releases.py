"""Helm's releases: of each the newest revision, as a small record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from thunderguard.facts.values import as_object
from thunderguard.model import JsonObject
from thunderguard.redaction import redact_with_reason

# The namespace and the name of a release.
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Damaged:
    """A revision that cannot be decoded: its number (None: unknown), its object without its data, and why."""

    key: _Key
    revision: int | None
    bare: JsonObject
    reason: str


class Releases:
    """Takes what Helm stored, decodes it at once and keeps the newest of each release."""

    def __init__(self) -> None:
        self._newest: dict[_Key, JsonObject] = {}
        self._damaged: list[_Damaged] = []

    def add(self, stored: JsonObject) -> None:
        """Take a Secret or ConfigMap in which Helm keeps a revision, as ``helmrelease.is_release`` says."""
        kept, reason = redact_with_reason(stored)
        if reason is not None:
            self._damaged.append(_damaged(kept, reason))
            return
        key = (str(kept["metadata"]["namespace"] or ""), kept["metadata"]["name"])
        known = self._newest.get(key)
        if known is None or _revision(kept) > _revision(known):
            self._newest[key] = kept

    def records(self) -> Iterator[JsonObject]:
        """Give the newest revision that could be decoded of each release."""
        for key in sorted(self._newest):
            yield self._newest[key]

    def damaged(self) -> Iterator[tuple[JsonObject, str]]:
        """Give what could not be decoded and may be newer than what could, with the reason."""
        for one in self._damaged:
            known = self._newest.get(one.key)
            if known is None or one.revision is None or one.revision > _revision(known):
                yield one.bare, one.reason


def _damaged(bare: JsonObject, reason: str) -> _Damaged:
    metadata = as_object(bare.get("metadata"))
    labels = as_object(metadata.get("labels"))
    version = labels.get("version")
    revision = int(version) if isinstance(version, str) and version.isdecimal() else None
    key = (str(metadata.get("namespace", "")), str(labels.get("name", "")))
    return _Damaged(key, revision, bare, reason)


def _revision(record: JsonObject) -> int:
    revision = record["spec"]["revision"]
    return revision if isinstance(revision, int) else 0
