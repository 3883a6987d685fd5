"""Snapshots: a cluster, or any set of objects, in one file.

JSON Lines, gzip or zstd by its suffix. The first line is the header, each further line one object as compact JSON with
sorted keys, ordered by kind, apiVersion, namespace, name and text, so that two captures of the same objects differ in
their headers only. ``sha256`` in the header is over every byte behind the header line.
"""

from __future__ import annotations

import gzip
import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import orjson
import zstandard

from thunderguard.documents.header import API_VERSION, FORMAT_VERSION, HEADER_KIND, check_format, header_of
from thunderguard.documents.objects import describe
from thunderguard.documents.streams import FAILURES, open_stream, why
from thunderguard.errors import SourceError
from thunderguard.files import replacing
from thunderguard.model import JsonObject, Problem
from thunderguard.redaction import redact_with_reason

_LONGEST_HEADER = 16 << 20


def write_snapshot(
    path: str | Path,
    objects: Iterable[JsonObject],
    *,
    captured_at: str,
    cluster_version: str | None,
    context: str | None,
    unread: Sequence[Mapping[str, str]] = (),
    left_out: Sequence[Mapping[str, str]] = (),
    redact: bool = True,
) -> JsonObject:
    """Write ``objects`` to ``path`` and give the header.

    ``captured_at`` is RFC 3339. ``context`` is the name of the kubeconfig context; only its hash is written. ``unread``
    says {"what", "reason"} of whatever could not be captured, ``left_out`` of what was passed over on purpose; both are
    looked at when the last object has been drawn. With ``redact`` every object goes through
    :mod:`thunderguard.redaction`. Memory holds one object and one sort key each; the file appears under its name only
    when it is complete and on the disk, readable by its owner alone. Raises SourceError when it cannot be written.
    """
    path = Path(path)
    missing: list[dict[str, str]] = []
    try:
        with tempfile.TemporaryFile(dir=path.parent) as spool:
            counts, order = _spool(objects, spool, missing, redact)
            missing += [dict(entry) for entry in unread]
            header = _header(spool, order, counts, captured_at, cluster_version, context, missing)
            if left_out:
                header["leftOut"] = _sorted(left_out)
            with replacing(path) as raw, _compressing(path, raw) as out:
                out.write(orjson.dumps(header) + b"\n")
                for line in _ordered(spool, order):
                    out.write(line)
    except OSError as error:
        raise SourceError(f"{path}: the snapshot cannot be written: {error.strerror or error}") from None
    return header


def read_header(path: str | Path) -> JsonObject:
    """Give a snapshot's header. Raises SourceError when the file has none, or is of another format version."""
    try:
        with open_stream(path) as stream:
            header = header_of(stream.readline(_LONGEST_HEADER).strip())
    except FAILURES as error:
        raise SourceError(f"{path}: {why(error)}") from None
    if header is None:
        raise SourceError(
            f"{path}: not a snapshot: its first line is no {HEADER_KIND}", hint="snapshots are written by capture"
        )
    check_format(header, path)
    return header


def verify(path: str | Path) -> list[Problem]:
    """Check a snapshot's hash and counts against its header, streaming; no Problem means that it is whole.

    Raises SourceError as :func:`read_header` does.
    """
    header = read_header(path)
    digest = hashlib.sha256()
    counts: Counter[str] = Counter()
    name = str(path)
    problems = []
    try:
        with open_stream(path) as stream:
            stream.readline(_LONGEST_HEADER)
            number = 1
            last = b"\n"
            for line in stream:
                number += 1
                digest.update(line)
                last = line
                kind = _kind_of(line)
                if kind is not None:
                    counts[kind] += 1
            if not last.endswith(b"\n"):
                problems.append(Problem("snapshot", "the last line is cut short", name, number))
    except FAILURES as error:
        return [Problem("snapshot", f"{why(error)}; the snapshot is not whole", name)]
    return problems + _differences(header, digest.hexdigest(), counts, name)


def hash_context(name: str) -> str:
    """Hash the name of a kubeconfig context, so that captures of one cluster can be told apart from others' only."""
    return "sha256:" + hashlib.sha256(name.encode()).hexdigest()


def _differences(header: JsonObject, digest: str, counts: Counter[str], name: str) -> list[Problem]:
    problems = []
    if header.get("sha256") != digest:
        problems.append(
            Problem(
                "snapshot",
                f"the header says sha256 {header.get('sha256')} and the objects hash to {digest}: "
                "the snapshot was changed after it was captured",
                name,
                1,
            )
        )
    total = sum(counts.values())
    if header.get("objects") != total:
        problems.append(
            Problem("snapshot", f"the header says {header.get('objects')} objects and there are {total}", name, 1)
        )
    stated = header.get("counts")
    stated = stated if isinstance(stated, dict) else {}
    wrong = [kind for kind in sorted({*stated, *counts}) if stated.get(kind, 0) != counts[kind]]
    told = [f"the header says {stated.get(kind, 0)} of {kind} and there are {counts[kind]}" for kind in wrong]
    return problems + [Problem("snapshot", message, name, 1) for message in told]


def _kind_of(line: bytes) -> str | None:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return f"{value.get('apiVersion')}/{value.get('kind')}" if isinstance(value, dict) else None


_Key = tuple[str, str, str, str, bytes, int, int]


def _spool(
    objects: Iterable[JsonObject], spool: BinaryIO, missing: list[dict[str, str]], redact: bool
) -> tuple[Counter[str], list[_Key]]:
    counts: Counter[str] = Counter()
    order: list[_Key] = []
    at = 0
    for captured in objects:
        value = captured
        if redact:
            value, reason = redact_with_reason(captured)
            if reason is not None:
                missing.append({"what": describe(value), "reason": reason})
        line = orjson.dumps(value, option=orjson.OPT_SORT_KEYS) + b"\n"
        spool.write(line)
        kind, version, namespace, name = _parts(value)
        counts[f"{version}/{kind}"] += 1
        order.append((kind, version, namespace, name, hashlib.sha256(line).digest(), at, len(line)))
        at += len(line)
    order.sort()
    return counts, order


def _ordered(spool: BinaryIO, order: Sequence[_Key]) -> Iterator[bytes]:
    for key in order:
        spool.seek(key[5])
        yield spool.read(key[6])


def _header(
    spool: BinaryIO,
    order: Sequence[_Key],
    counts: Counter[str],
    captured_at: str,
    cluster_version: str | None,
    context: str | None,
    missing: list[dict[str, str]],
) -> JsonObject:
    digest = hashlib.sha256()
    for line in _ordered(spool, order):
        digest.update(line)
    return {
        "apiVersion": API_VERSION,
        "kind": HEADER_KIND,
        "formatVersion": FORMAT_VERSION,
        "capturedAt": captured_at,
        "clusterVersion": cluster_version,
        "context": None if context is None else hash_context(context),
        "unread": _sorted(missing),
        "counts": dict(sorted(counts.items())),
        "objects": len(order),
        "sha256": digest.hexdigest(),
    }


def _sorted(told: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    return sorted(map(dict, told), key=lambda entry: (entry.get("what", ""), entry.get("reason", "")))


@contextmanager
def _compressing(path: Path, raw: BinaryIO) -> Iterator[BinaryIO]:
    if path.suffix == ".gz":
        # No name and no time inside, so that the same objects give the same bytes.
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
            yield cast(BinaryIO, packed)
    elif path.suffix == ".zst":
        with zstandard.ZstdCompressor(level=10, write_checksum=True).stream_writer(raw, closefd=False) as packed:
            yield cast(BinaryIO, packed)
    else:
        yield raw


def _parts(value: JsonObject) -> tuple[str, str, str, str]:
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    stated = (value.get("kind"), value.get("apiVersion"), metadata.get("namespace"), metadata.get("name"))
    kind, version, namespace, name = (part if isinstance(part, str) else "" for part in stated)
    return kind, version, namespace, name
