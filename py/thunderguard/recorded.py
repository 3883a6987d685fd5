"""Reports that were written before: read back for a baseline, and compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from thunderguard import schemas
from thunderguard.errors import SourceError
from thunderguard.model import Finding, JsonObject, Level, Report, Resource, Waived, in_order

FORMAT_VERSION = "1"

_LARGEST = 1 << 30


@dataclass(frozen=True, slots=True)
class Recorded:
    """What of a report counts later: its findings, the rules that were asked, and whether it was incomplete."""

    name: str
    findings: tuple[Finding, ...]
    rules: frozenset[str]
    incomplete: bool

    @property
    def fingerprints(self) -> frozenset[str]:
        """The fingerprints of the findings, but for those waived: they are borne for a while only."""
        return frozenset(finding.fingerprint for finding in self.findings if finding.waived is None)

    @classmethod
    def of(cls, name: str, report: Report) -> Recorded:
        """Take what counts from a report just made."""
        return cls(name, tuple(report.findings), frozenset(report.totals), bool(report.problems))


@dataclass(frozen=True, slots=True)
class Changes:
    """How one report differs from an earlier one, by fingerprint.

    ``unknown`` are findings of one side about which the other says nothing: its rule was not asked there, or not
    everything could be judged. ``waived`` are those that the later report waives; one whose waiver ended is new.
    """

    new: tuple[Finding, ...]
    fixed: tuple[Finding, ...]
    unchanged: tuple[Finding, ...]
    unknown: tuple[Finding, ...]
    waived: tuple[Finding, ...] = ()


def changes(before: Recorded, after: Recorded) -> Changes:
    """Compare two reports: what is only in ``after`` is new, what is only in ``before`` is fixed."""
    new: list[Finding] = []
    fixed: list[Finding] = []
    unchanged: list[Finding] = []
    unknown: list[Finding] = []
    waived: list[Finding] = []
    for finding in after.findings:
        if finding.waived is not None:
            waived.append(finding)
        elif finding.fingerprint in before.fingerprints:
            unchanged.append(finding)
        elif _silent(before, finding):
            unknown.append(finding)
        else:
            new.append(finding)
    known = frozenset(finding.fingerprint for finding in after.findings)
    for finding in before.findings:
        if finding.fingerprint not in known:
            (unknown if _silent(after, finding) else fixed).append(finding)
    return Changes(*(tuple(in_order(group)) for group in (new, fixed, unchanged, unknown, waived)))


def _silent(other: Recorded, finding: Finding) -> bool:
    return other.incomplete or finding.rule not in other.rules


def read(path: Path) -> Recorded:
    """Read a JSON report. Raises SourceError when ``path`` is none, or one of another format version."""
    try:
        if path.stat().st_size > _LARGEST:
            raise SourceError(f"{path} is larger than any report")
        value = orjson.loads(path.read_bytes())
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        hint = "name a report written with --format json"
        raise SourceError(f"{path} is not a JSON report: {error}", hint=hint) from None
    version = value.get("formatVersion") if isinstance(value, dict) else None
    if version != FORMAT_VERSION:
        raise SourceError(
            f"{path} has the report format version {version!r}, not {FORMAT_VERSION!r}",
            hint="write it anew with --format json",
        )
    if wrong := next(iter(schemas.validator("report").iter_errors(value)), None):
        where = "/".join(map(str, wrong.instance_path))
        raise SourceError(f"{path} is not a report: {where}: {wrong.message:.200}", hint="write it anew")
    return Recorded(
        str(path),
        tuple(_finding(entry) for entry in value["findings"]),
        frozenset(value["ledger"]["totals"]),
        bool(value["problems"]),
    )


def is_report(path: Path) -> bool:
    """Say whether ``path`` looks like a JSON report, from its first bytes."""
    try:
        with path.open("rb") as file:
            return file.read(200).replace(b" ", b"").replace(b"\n", b"").startswith(b'{"formatVersion":')
    except OSError:
        return False


def _finding(entry: JsonObject) -> Finding:
    address = entry["resource"]
    resource = Resource(*(address[key] or "" for key in ("apiVersion", "kind", "namespace", "name")))
    waived = entry.get("waived")
    read = {"resource": resource, "level": Level(entry["level"]), "waived": Waived(**waived) if waived else None}
    return Finding(**{**entry, **read})
