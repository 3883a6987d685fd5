"""The frozen values that travel from snapshot to report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]


class Level(StrEnum):
    """How much a finding weighs, heaviest first."""

    DENY = "deny"
    WARN = "warn"
    INFO = "info"

    def reaches(self, limit: Level) -> bool:
        """Say whether this weighs as much as ``limit``, or more."""
        order = list(Level)
        return order.index(self) <= order.index(limit)


class Scope(StrEnum):
    """What a rule needs to see before it can decide: an object, the whole set, or all that was found in it."""

    OBJECT = "object"
    ESTATE = "estate"
    REPORT = "report"


class Status(StrEnum):
    """The answer of one rule about one object: an entry of the ledger."""

    PASSED = "passed"
    VIOLATED = "violated"
    WAIVED = "waived"
    NOT_MATCHED = "not matched"
    NOT_JUDGED = "not judged"
    FAILED = "failed"


class OutcomeKind(StrEnum):
    """What came of one request. Only ``PASS`` is a pass."""

    PASS = "pass"
    FINDINGS = "findings"
    NOT_MATCHED = "not matched"
    POLICY_DOES_NOT_COMPILE = "policy does not compile"
    ENGINE_FAILED = "engine failed"
    NO_ANSWER = "no answer"

    @property
    def is_verdict(self) -> bool:
        """Whether the policy decided, whatever it said."""
        return self in (OutcomeKind.PASS, OutcomeKind.FINDINGS, OutcomeKind.NOT_MATCHED)


class ExitCode:
    """The exit codes of every command."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3
    #: By Ctrl-C: 128 and the number of the signal, as shells have it.
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True, order=True)
class Resource:
    """The address of a Kubernetes object. An absent part is the empty string here and null in a report."""

    apiVersion: str  # noqa: N815 - the Kubernetes spelling, as in every report
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Give ``namespace/Kind/name``, the form used in text."""
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{where}{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Document:
    """One Kubernetes object (or Chart.yaml) of a source.

    ``index`` is its place in the source, counted from 0 in reading order. ``text`` is its JSON, exactly
    what engines judge. ``file`` is the path it came from as the user would write it (``-`` for standard
    input, None for the live cluster); ``line`` is the 1-based line where it begins, if known.
    ``list_index`` is its place inside a List, else None.
    """

    index: int
    text: bytes
    file: str | None = None
    line: int | None = None
    document_index: int = 0
    list_index: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Input that was not read or not judged, or only in part: the reason for exit code 3.

    ``kind`` is one of ``unread`` (input that could not be read), ``uncaptured`` (what a capture could not
    read), ``malformed`` (an object whose shape Kubernetes would refuse), ``unjudged`` (an engine gave no
    verdict) and ``snapshot`` (a header, hash or count that does not hold). ``object`` names the object when
    there is one.
    """

    kind: str
    message: str
    file: str | None = None
    line: int | None = None
    object: str | None = None


#: The identity of a finding by which engines are compared: its rule, the address of the object, and the path.
Key: TypeAlias = tuple[str, Resource, str]


@dataclass(frozen=True, slots=True)
class RawFinding:
    """A finding as every engine gives it; file, line and fingerprint are added later.

    ``path`` is in the form of :mod:`thunderguard.paths`, ``""`` for the whole object.
    Two engines agree when (rule, resource, path) agree.
    """

    rule: str
    resource: Resource
    path: str
    level: Level
    service: str | None = None
    message: str = ""
    remedy: str = ""

    @property
    def key(self) -> Key:
        """The identity by which engines are compared."""
        return (self.rule, self.resource, self.path)


@dataclass(frozen=True, slots=True)
class Waived:
    """Why a finding is borne: the words of the waiver in the Estate. ``expires`` is its last day, as ISO 8601."""

    reason: str
    owner: str
    expires: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a finding on a rendered object comes from, and what mends it, shown by rendering again.

    ``template`` is a file of the chart, ``line`` its line (None: not known). ``keys`` are the values keys that decide,
    the one to change first. ``patch`` is the YAML of values with which the finding is gone and nothing new is found,
    ``option`` what installing takes beside it; either may be None. ``note`` is what to know about them. ``into`` says
    where in which manifest the patch goes; None: it is a values file.
    """

    template: str
    line: int | None
    keys: tuple[str, ...] = ()
    patch: str | None = None
    option: str | None = None
    note: str = ""
    into: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding as reports show it. ``line`` and ``column`` are 1-based and true to ``file``.

    One that is ``waived`` is shown as such and fails nothing. One on an object that a chart renders has an ``origin``.
    """

    rule: str
    level: Level
    service: str | None
    resource: Resource
    path: str
    file: str | None
    line: int | None
    column: int | None
    message: str
    remedy: str
    fingerprint: str
    waived: Waived | None = None
    origin: Origin | None = None

    @property
    def sort_key(self) -> tuple[Any, ...]:
        """The order of findings in every report."""
        return (self.rule, self.resource, self.path, self.file or "", self.line or 0, self.message)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Give ``findings`` in the order of every report; of two alike, the smaller fingerprint comes first."""
    return sorted(findings, key=lambda finding: (finding.sort_key, finding.fingerprint))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an engine says about one request.

    ``statuses`` maps each rule of the request's scope to its status. ``record`` is the object's entry in
    the inventory that the rules of scope estate read (None when they have no use for it). ``reason`` says
    why, for every kind but pass, findings and not matched.
    """

    kind: OutcomeKind
    findings: tuple[RawFinding, ...] = ()
    statuses: Mapping[str, Status] = field(default_factory=dict)
    record: JsonObject | None = None
    reason: str = ""

    @property
    def told(self) -> str:
        """Its kind with the reason, for one that is no verdict."""
        return f"{self.kind}: {self.reason}" if self.reason else str(self.kind)


@dataclass(frozen=True, slots=True)
class EstateRequest:
    """The whole set, for the rules of scope estate.

    ``records`` are the records of the object outcomes as JSON texts, which take a fifth of the memory. Records that are
    alike but for the name are one, with all their ``names``; one that something owns has its ``root`` (see
    ``facts.ownership``).
    ``documents`` gives the raw objects again; it may be called only for an engine whose
    ``needs_documents`` is true.
    """

    records: Sequence[bytes]
    documents: Callable[[], Iterable[Document]]


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """All statuses of one object (``resource`` None: the set as a whole)."""

    resource: Resource | None
    file: str | None
    statuses: Mapping[str, Status]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a report format may show.

    ``known`` are the fingerprints of a baseline; a finding with one of them is shown and fails nothing. None: there
    is no baseline.
    """

    source: JsonObject
    estate: JsonObject
    engine: JsonObject
    findings: tuple[Finding, ...]
    totals: Mapping[str, Mapping[Status, int]]
    rows: tuple[LedgerRow, ...]
    problems: tuple[Problem, ...]
    fail_on: Level | None
    inventory: Iterable[JsonObject] = ()
    known: frozenset[str] | None = None

    def is_new(self, finding: Finding) -> bool:
        """Say whether ``finding`` is not one of the baseline's."""
        return self.known is None or finding.fingerprint not in self.known

    def fails(self, finding: Finding) -> bool:
        """Say whether ``finding`` makes the run fail: new, not waived, and of the level that fails, or above."""
        heavy = self.fail_on is not None and finding.level.reaches(self.fail_on)
        return heavy and finding.waived is None and self.is_new(finding)
