"""Judging one shard of a source: what a worker process does, and what it gives back."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from thunderguard.audit.subject import subject_of
from thunderguard.documents import LeftOut, Shard, locate
from thunderguard.engines.base import Engine
from thunderguard.facts.namespaces import is_unknown
from thunderguard.facts.ownership import Address, Identity, identity_of
from thunderguard.facts.waivers import NO_WAIVERS, Waivers, labels_of
from thunderguard.fingerprint import fingerprint, stable_owner
from thunderguard.model import (
    Document,
    Finding,
    JsonObject,
    Outcome,
    OutcomeKind,
    Problem,
    RawFinding,
    Resource,
    Status,
)
from thunderguard.paths import Segment, parse_path

NO_NAMESPACES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Row:
    """One object judged, without its text: small enough to keep 100,000 of them.

    ``owner`` is the kind and name that fingerprints use. ``statuses`` follows the order of the catalogue's object
    rules. ``where`` is its document, emptied. ``record`` is the JSON text of its record without its name, which many
    objects share. ``covering`` are the places of the waivers that are about the object.
    """

    resource: Resource
    identity: Identity
    owner: tuple[str, str]
    where: Document
    statuses: tuple[Status, ...]
    findings: tuple[Finding, ...]
    record: bytes | None
    covering: tuple[int, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes in few parts: pickling a value for each takes three times as long."""
        resource, identity, where = self.resource, self.identity, self.where
        return _put_together, (
            (resource.apiVersion, resource.kind, resource.namespace, resource.name),
            tuple(identity.address),
            (identity.uid, identity.is_workload, identity.controller),
            self.owner,
            (where.index, where.text, where.file, where.line, where.document_index, where.list_index),
            self.statuses,
            self.findings,
            self.record,
            self.covering,
        )


def _put_together(
    resource: tuple[str, str, str, str],
    address: tuple[str, str, str, str],
    identity: tuple[str, bool, tuple[Address, str] | None],
    owner: tuple[str, str],
    where: tuple[int, bytes, str | None, int | None, int, int | None],
    statuses: tuple[Status, ...],
    findings: tuple[Finding, ...],
    record: bytes | None,
    covering: tuple[int, ...],
) -> Row:
    identified = Identity(Address(*address), *identity)
    return Row(Resource(*resource), identified, owner, Document(*where), statuses, findings, record, covering)


@dataclass(frozen=True, slots=True)
class Judged:
    """What one shard gave: rows and problems in reading order, and what was left out on purpose."""

    rows: list[Row]
    problems: list[Problem]
    left_out: list[LeftOut]


@dataclass(frozen=True, slots=True)
class Task:
    """How every document is to be judged: the object rules in order, and the namespace of those that name none.

    ``spool`` is the file to look into for documents of standard input. ``waivers`` are those of the Estate.
    ``namespaces`` are the namespaces of files that have one of their own.
    """

    rules: tuple[str, ...]
    namespace: str | None = None
    spool: str | None = None
    waivers: Waivers = NO_WAIVERS
    namespaces: Mapping[str, str] = field(default_factory=dict)


def judge(shard: Shard, engine: Engine, task: Task) -> Judged:
    """Read ``shard`` and judge each of its documents."""
    judged = Judged([], [], [])
    shared: dict[object, Any] = {}
    waiting: deque[tuple[Document, JsonObject]] = deque()
    for outcome in engine.judge(_prepared(shard, task, waiting, judged.problems)):
        judged.rows.append(_row(*waiting.popleft(), outcome, task, judged.problems, shared))
    stopped = Outcome(OutcomeKind.NO_ANSWER, reason="the engine stopped before it")
    judged.rows.extend(_row(*left, stopped, task, judged.problems, shared) for left in waiting)
    judged.left_out.extend(shard.left_out)
    return judged


def prepared(
    items: Iterable[Document | Problem], namespace: str | None, namespaces: Mapping[str, str] = NO_NAMESPACES
) -> Iterator[Document]:
    """Give the documents of ``items`` as engines see them, for a second reading; problems were told the first time."""
    task = Task((), namespace, namespaces=namespaces)
    waiting: deque[tuple[Document, JsonObject]] = deque()
    for document in _prepared(items, task, waiting, []):
        waiting.clear()
        yield document


def _prepared(
    items: Iterable[Document | Problem],
    task: Task,
    waiting: deque[tuple[Document, JsonObject]],
    problems: list[Problem],
) -> Iterator[Document]:
    for item in items:
        if isinstance(item, Problem):
            problems.append(item)
            continue
        document, obj = item, orjson.loads(item.text)
        namespace = task.namespaces.get(document.file or "", task.namespace)
        if namespace is not None and is_unknown(obj):
            obj["metadata"]["namespace"] = namespace
            document = replace(item, text=orjson.dumps(obj))
        waiting.append((document, obj))
        yield document


def _row(
    document: Document,
    obj: JsonObject,
    outcome: Outcome,
    task: Task,
    problems: list[Problem],
    shared: dict[object, Any],
) -> Row:
    subject = subject_of(obj)
    named = subject.resource
    resource = Resource(sys.intern(named.apiVersion), sys.intern(named.kind), sys.intern(named.namespace), named.name)
    where = Document(document.index, b"", document.file, document.line, document.document_index, document.list_index)
    problems.extend(
        Problem("malformed", sentence, document.file, document.line, str(resource)) for sentence in subject.malformed
    )
    if not outcome.kind.is_verdict:
        problems.append(Problem("unjudged", outcome.told, document.file, document.line, str(resource)))
    owner = stable_owner(subject.obj, resource.kind, resource.name)
    findings = tuple(
        located(raw, where, owner, subject.obj, task.spool, inside=subject.inside) for raw in outcome.findings
    )
    statuses = tuple(outcome.statuses.get(rule, Status.FAILED) for rule in task.rules)
    record = None
    if outcome.record is not None and subject.exists:
        record = orjson.dumps({key: value for key, value in outcome.record.items() if key != "names"})
    return Row(
        resource,
        identity_of(obj),
        shared.setdefault(owner, owner),
        where,
        shared.setdefault(statuses, statuses),
        findings,
        shared.setdefault(record, record),
        task.waivers.covering(resource, labels_of(subject.obj)),
    )


def located(
    raw: RawFinding,
    where: Document | None,
    owner: tuple[str, str],
    obj: JsonObject | None,
    spool: str | None = None,
    *,
    inside: tuple[Segment, ...] = (),
) -> Finding:
    """Give an engine's finding its place in the file it came from, and its fingerprint.

    ``inside`` is where in its document the object stands.
    """
    position = None if where is None else locate(where, (*inside, *parse_path(raw.path)), path=spool)
    return Finding(
        rule=raw.rule,
        level=raw.level,
        service=raw.service,
        resource=raw.resource,
        path=raw.path,
        file=None if where is None else where.file,
        line=None if position is None else position[0],
        column=None if position is None else position[1],
        message=raw.message,
        remedy=raw.remedy,
        fingerprint=fingerprint(raw.rule, raw.resource, raw.path, owner=owner, obj=obj),
    )
