"""Helm's own storage: from the Secret (or ConfigMap) that holds a release to a small record of it.

Helm 3 keeps a release as base64 of gzip of JSON (helm.sh/helm/v3/pkg/storage/driver/util.go, ``encodeRelease``) under
the key ``release``; in a Secret, Kubernetes puts one more base64 round it. Releases older than gzip are plain JSON. The
values and the manifest hold credentials in plain text and are never kept.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any

import orjson

from thunderguard.errors import UsageError
from thunderguard.model import JsonObject

RELEASE_TYPE = "helm.sh/release.v1"
# A Secret holds 1 MiB at most (Kubernetes, MaxSecretSize); 64 MiB unpacked is more than any chart makes of that.
_LARGEST = 64 << 20


class ReleaseUnreadableError(UsageError):
    """What Helm stored cannot be decoded."""


def is_release(value: JsonObject) -> bool:
    """Say whether an object is a release as Helm stores it, in a Secret or a ConfigMap."""
    if value.get("apiVersion") != "v1":
        return False
    if value.get("kind") == "Secret":
        return value.get("type") == RELEASE_TYPE
    return (
        value.get("kind") == "ConfigMap"
        and _mapping(_mapping(value.get("metadata")).get("labels")).get("owner") == "helm"
    )


def release_record(value: JsonObject) -> JsonObject:
    """Decode the release that ``value`` stores. Raises ReleaseUnreadableError, never naming any of its contents."""
    metadata = _mapping(value.get("metadata"))
    data = _mapping(value.get("data")).get("release")
    if not isinstance(data, str) or not data:
        raise ReleaseUnreadableError("it has no data.release")
    release = _decode(data, 2 if value.get("kind") == "Secret" else 1)
    chart = _mapping(_mapping(release.get("chart")).get("metadata"))
    info = _mapping(release.get("info"))
    name = release.get("name")
    if not isinstance(name, str) or not isinstance(chart.get("name"), str):
        raise ReleaseUnreadableError("the release has no name or no chart")
    return {
        "apiVersion": "thunderguard.dev/v1alpha1",
        "kind": "Release",
        "metadata": {"name": name, "namespace": _text(release.get("namespace")) or _text(metadata.get("namespace"))},
        "spec": {
            "chart": {"name": chart["name"], "version": _text(chart.get("version"))},
            "revision": release.get("version") if isinstance(release.get("version"), int) else None,
            "status": _text(info.get("status")),
            "firstDeployed": _text(info.get("first_deployed")),
            "lastDeployed": _text(info.get("last_deployed")),
        },
    }


def _decode(data: str, rounds: int) -> JsonObject:
    packed = data.encode("utf-8", "replace")
    try:
        for _ in range(rounds):
            packed = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        raise ReleaseUnreadableError("data.release is not base64") from None
    if packed.startswith(b"\x1f\x8b"):
        packed = _gunzip(packed)
    try:
        release: Any = orjson.loads(packed)
    except orjson.JSONDecodeError:
        raise ReleaseUnreadableError("data.release does not hold JSON") from None
    if not isinstance(release, dict):
        raise ReleaseUnreadableError("data.release does not hold a release")
    return release


def _gunzip(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        data = unpacker.decompress(packed, _LARGEST)
    except zlib.error:
        raise ReleaseUnreadableError("the gzip data in data.release is damaged") from None
    if unpacker.unconsumed_tail:
        raise ReleaseUnreadableError("data.release unpacks to more than 64 MiB")
    if not unpacker.eof:
        raise ReleaseUnreadableError("the gzip data in data.release is cut short")
    return data


def _mapping(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
