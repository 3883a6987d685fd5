"""One audit from beginning to end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeAlias

import orjson

from thunderguard.audit.judging import Judged, Row, Task, located, prepared
from thunderguard.audit.waiving import Waiving
from thunderguard.audit.workers import SHARDS_PER_WORKER, WORTH_SHARING, cores, judge_shards
from thunderguard.catalogue import load_catalogue
from thunderguard.documents import Source, open_source
from thunderguard.engines import open_engine
from thunderguard.engines.base import Engine
from thunderguard.errors import SourceError
from thunderguard.estate import DEFAULT_ESTATE, Estate, load_estate
from thunderguard.facts.ownership import resolve_roots
from thunderguard.facts.waivers import Waivers, today, without_waivers
from thunderguard.files import seen_from_here
from thunderguard.model import (
    Document,
    EstateRequest,
    ExitCode,
    Finding,
    JsonObject,
    LedgerRow,
    Level,
    Outcome,
    Problem,
    Report,
    Resource,
    Status,
    in_order,
)

# What is being done, how much of it is done, how much there is.
Progress: TypeAlias = Callable[[str, int, int | None], None]


def run_audit(
    paths: Sequence[str],
    *,
    estate: Path | None = None,
    engine: str = "embedded",
    opa_url: str | None = None,
    rego_dir: Path | None = None,
    fail_on: Level | None = Level.DENY,
    namespace: str | None = None,
    namespaces: Mapping[str, str] | None = None,
    rules: Sequence[str] = (),
    complete: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
    at: date | None = None,
    using: Engine | None = None,
) -> Report:
    """Judge everything in ``paths`` and give the report.

    ``rego_dir`` is a folder of Rego in place of the project's own. ``namespace`` stands in where a namespaced object
    names none, and ``namespaces`` where the file that it is from has one. ``rules`` selects by id (none: all); without
    ``complete`` the rules that need a whole estate are left out. ``at`` is the day that waivers are held against (None:
    today, in UTC). ``using`` is an engine that :func:`opener` gave, which stays open. Raises EstateError, SourceError
    (nothing to judge among others), PolicyError, EngineError and ToolMissingError; everything less is a problem of the
    report.
    """
    contract = load_estate(estate or DEFAULT_ESTATE)
    catalogue = load_catalogue()
    selected = frozenset(
        rule.id
        for rule in catalogue.rules.values()
        if (not rules or rule.id in rules) and (complete or not rule.complete)
    )
    # Whether a waiver is used is known only when every rule was asked.
    about_waivers = selected.intersection(catalogue.report_rules)
    asked = [rule for rule in catalogue.estate_rules if rule in selected or about_waivers]
    waiving = Waiving(Waivers.of(contract.data), at or today())
    open_one = opener(contract, engine, rego_dir=rego_dir, opa_url=opa_url)
    with open_source(paths) as source, nullcontext(using) if using is not None else open_one() as opened:
        task = Task(catalogue.object_rules, namespace, source.spool_path, waiving.waivers, namespaces or {})
        judged = _judged(source, opened, open_one, task, workers, progress)
        problems = [*_snapshot_problems(source, paths), *source.problems, *judged.problems]
        if not judged.rows:
            raise _nothing(paths, problems, source)
        rows, roots = _through_owners(judged.rows, task.rules)
        rows = [waiving.row(row, task.rules) for row in rows]
        records = _records(rows, roots)
        findings = [finding for row in rows for finding in row.findings]
        statuses: dict[str, Status] = {}
        if asked:
            again: Callable[[], Iterator[Document]] = partial(prepared, source, namespace, task.namespaces)
            outcome = opened.judge_estate(EstateRequest(records, again))
            of_the_set = list(_of_the_set(outcome, rows, contract, source, waiving))
            findings += of_the_set
            if not outcome.kind.is_verdict:
                problems.append(Problem("unjudged", outcome.told, None, None, "the whole set"))
            statuses.update(_set_statuses(asked, outcome, of_the_set))
        for rule in sorted(about_waivers):
            found, status = waiving.findings(catalogue.rules[rule], contract, certain=not problems)
            findings += found
            statuses[rule] = status
        kept = in_order(finding for finding in findings if finding.rule in selected)
        ledger = _ledger(rows, task.rules, statuses, selected)
        return Report(
            source=_source(source, paths, len(rows), judged),
            estate={"path": seen_from_here(contract.path), "name": contract.name, "sha256": contract.sha256},
            engine={"name": opened.name, "version": opened.version, "policySha256": opened.policy_sha256},
            findings=tuple(kept),
            totals=_totals(ledger, [*task.rules, *statuses], selected),
            rows=tuple(ledger),
            problems=tuple(problems),
            fail_on=fail_on,
            inventory=_Inventory(records, kept, contract),
        )


def opener(
    contract: Estate, engine: str = "embedded", *, rego_dir: Path | None = None, opa_url: str | None = None
) -> Callable[[], Engine]:
    """Give what opens the engine that audits judge by: it sees no waivers, which are applied to what it finds."""
    bare = replace(contract, data=without_waivers(contract.data))
    return partial(open_engine, engine, estate=bare, catalogue=load_catalogue(), rego_dir=rego_dir, opa_url=opa_url)


def exit_code(report: Report, *, allow_partial: bool = False) -> int:
    """Give the exit code of a command that shows ``report``.

    With ``allow_partial`` it does not matter what a capture could not read.
    """
    if any(not allow_partial or problem.kind != "uncaptured" for problem in report.problems):
        return ExitCode.INCOMPLETE
    return ExitCode.FINDINGS if any(map(report.fails, report.findings)) else ExitCode.CLEAN


def _judged(
    source: Source,
    engine: Engine,
    open_one: Callable[[], Engine],
    task: Task,
    workers: int | None,
    progress: Progress | None,
) -> Judged:
    # External programs use the processors themselves, and each process has to start its own.
    here = engine.name == "embedded"
    wanted = workers or (cores() if here and source.size >= WORTH_SHARING else 1)
    shards = source.shards(wanted * SHARDS_PER_WORKER if wanted > 1 else 1)
    total = Judged([], [], [])
    size = sum(shard.size for shard in shards)
    done = 0
    parts = judge_shards(shards, open_one, engine, task, wanted, inherit=here)
    for shard, part in zip(shards, parts, strict=True):
        total.rows.extend(part.rows)
        total.problems.extend(part.problems)
        total.left_out.extend(part.left_out)
        done += shard.size
        if progress is not None:
            progress("judging", done, size)
    return total


def _snapshot_problems(source: Source, paths: Sequence[str]) -> list[Problem]:
    if source.kind != "snapshot":
        return []
    from thunderguard.snapshot import verify

    # What a line holds is told when it is read; here only what the header promises.
    told = [problem for problem in verify(paths[0]) if problem.kind == "snapshot"]
    gaps = (source.header or {}).get("unread") or ()
    told.extend(
        Problem("uncaptured", f"{gap.get('what')} was not captured: {gap.get('reason')}", paths[0], 1)
        for gap in gaps
        if isinstance(gap, dict)
    )
    return told


def _nothing(paths: Sequence[str], problems: Sequence[Problem], source: Source) -> SourceError:
    named = " ".join(paths)
    if problems:
        first = problems[0]
        place = f"{first.file}:{first.line}: " if first.line else f"{first.file}: " if first.file else ""
        more = f" ({len(problems)} problems in all)" if len(problems) > 1 else ""
        return SourceError(f"nothing could be judged in {named}: {place}{first.message}{more}")
    passed = f"; {len(source.left_out)} files were left out" if source.left_out else ""
    return SourceError(
        f"no Kubernetes object in {named}{passed}", hint="name a snapshot, manifests, or a directory of manifests"
    )


def _through_owners(rows: Sequence[Row], rules: Sequence[str]) -> tuple[list[Row], list[int]]:
    """Leave the verdict about an owned object to its root owner."""
    roots = resolve_roots([row.identity for row in rows])
    unmatched = (Status.NOT_MATCHED,) * len(rules)
    settled = [
        row if roots[place] == place else replace(row, findings=(), statuses=unmatched)
        for place, row in enumerate(rows)
    ]
    return settled, roots


def _records(rows: Sequence[Row], roots: Sequence[int]) -> list[bytes]:
    """Put the records together that are alike but for the name of their object."""
    names: dict[tuple[bytes, Resource | None], list[str]] = {}
    for place, row in enumerate(rows):
        if row.record is not None:
            owner = None if roots[place] == place else rows[roots[place]].resource
            names.setdefault((row.record, owner), []).append(row.resource.name)
    records = []
    for (text, owner), alike in names.items():
        record = {**orjson.loads(text), "names": alike}
        if owner is not None:
            record["root"] = _address(owner)
        records.append(orjson.dumps(record))
    return records


def _address(resource: Resource) -> JsonObject:
    return {key: getattr(resource, key) for key in ("apiVersion", "kind", "namespace", "name")}


def _of_the_set(
    outcome: Outcome, rows: Sequence[Row], estate: Estate, source: Source, waiving: Waiving
) -> Iterator[Finding]:
    wanted = {raw.resource for raw in outcome.findings}
    places: dict[Resource, Row] = {}
    for row in rows:
        if row.resource in wanted:
            places.setdefault(row.resource, row)
    for raw in outcome.findings:
        place = places.get(raw.resource)
        if place is not None:
            found = located(raw, place.where, place.owner, None, source.spool_path)
            covering = place.covering
        else:
            obj = estate.data if raw.resource.kind == "Estate" else None
            found = located(raw, None, (raw.resource.kind, raw.resource.name), obj)
            covering = waiving.waivers.covering(raw.resource, {})
        yield from waiving.applied([found], covering)


def _set_statuses(asked: Sequence[str], outcome: Outcome, findings: Sequence[Finding]) -> dict[str, Status]:
    """Give the status of each rule about the set; one all of whose findings are waived has the status waived."""
    failing = {finding.rule for finding in findings if finding.waived is None}
    statuses = {rule: outcome.statuses.get(rule, Status.FAILED) for rule in asked}
    return {
        rule: Status.WAIVED if status is Status.VIOLATED and rule not in failing else status
        for rule, status in statuses.items()
    }


def _ledger(
    rows: Sequence[Row], rules: Sequence[str], of_the_set: Mapping[str, Status], selected: frozenset[str]
) -> list[LedgerRow]:
    shared: dict[tuple[Status, ...], Mapping[str, Status]] = {}
    ledger = []
    for row in rows:
        if row.statuses not in shared:
            pairs = zip(rules, row.statuses, strict=True)
            shared[row.statuses] = {rule: status for rule, status in pairs if rule in selected}
        ledger.append(LedgerRow(row.resource, row.where.file, shared[row.statuses]))
    told = {rule: status for rule, status in of_the_set.items() if rule in selected}
    if told:
        ledger.append(LedgerRow(None, None, told))
    return ledger


def _totals(
    ledger: Sequence[LedgerRow], rules: Sequence[str], selected: frozenset[str]
) -> dict[str, dict[Status, int]]:
    counts: dict[str, Counter[Status]] = {rule: Counter() for rule in rules if rule in selected}
    # Rows share their statuses, so each combination is counted once.
    combinations = Counter(id(row.statuses) for row in ledger)
    known = {id(row.statuses): row.statuses for row in ledger}
    for key, times in combinations.items():
        for rule, status in known[key].items():
            counts[rule][status] += times
    return {rule: {status: counts[rule][status] for status in Status} for rule in sorted(counts)}


class _Inventory:
    """The records that a report may show, read when they are looked at.

    What stands on exempt ground and breaks nothing is left out: it is none of this estate's business.
    """

    def __init__(self, records: Sequence[bytes], findings: Sequence[Finding], estate: Estate) -> None:
        self._records = records
        self._exempt = frozenset(estate.data["spec"]["namespaces"].get("exempt", ()))
        self._found = {
            (finding.resource.kind, finding.resource.namespace, finding.resource.name) for finding in findings
        }

    def __iter__(self) -> Iterator[JsonObject]:
        for text in self._records:
            record: JsonObject = orjson.loads(text)
            resource = record["resource"]
            for name in record.pop("names"):
                address = (resource["kind"], resource["namespace"], name)
                if resource["namespace"] not in self._exempt or address in self._found:
                    yield {**record, "resource": {**resource, "name": name}}


def _source(source: Source, paths: Sequence[str], objects: int, judged: Judged) -> JsonObject:
    header = source.header or {}
    return {
        "path": " ".join(paths),
        "kind": source.kind,
        "capturedAt": header.get("capturedAt"),
        "clusterVersion": header.get("clusterVersion"),
        "objects": objects,
        "leftOut": [{"file": file, "reason": reason} for file, reason in sorted({*source.left_out, *judged.left_out})],
    }
