"""How much of an input is read before the reader says no."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one reading; picklable, so that every worker reads under the same ones.

    ``document`` is the most bytes of one object, written out with its aliases expanded; etcd takes 1.5 MiB
    (its ``--max-request-bytes``), so that nothing a cluster can hold comes near. ``listing`` is the most bytes of a
    List or of a file that has to be read whole. ``depth`` is how many levels an object may be nested: the most that
    orjson writes. ``nodes`` bounds what one YAML document may hold after its aliases are expanded.
    """

    document: int = 16 * MIB
    listing: int = 512 * MIB
    depth: int = 254
    nodes: int = 20_000_000


DEFAULT_LIMITS = Limits()


def megabytes(size: int) -> str:
    """Spell a number of bytes for people."""
    if size < MIB:
        return f"{size} bytes"
    return f"{size / MIB:.4g} MiB"
