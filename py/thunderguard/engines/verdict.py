"""From the JSON that the Rego package ``thunderguard.main`` gives to outcomes.

Nothing is taken on trust: a verdict that lacks a rule, knows another, or contradicts itself is no verdict.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from thunderguard.engines.base import failure, outcome_kind
from thunderguard.model import JsonObject, Level, Outcome, OutcomeKind, RawFinding, Resource, Status

VERDICT = "data.thunderguard.main.verdict"
BATCH_VERDICT = "data.thunderguard.main.batch"
INVENTORY_VERDICT = "data.thunderguard.main.inventory_verdict"
INVENTORY = {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Inventory"}
BATCH = {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Batch"}

_LEVELS = {level.value: level for level in Level}
_STATUSES = {status.value: status for status in Status if status is not Status.FAILED}
_RESOURCE = ("apiVersion", "kind", "namespace", "name")

NO_VERDICT = "the policy gives no verdict about it; it is not a Kubernetes object with apiVersion, kind and metadata"


class VerdictError(ValueError):
    """What an engine answered is not a verdict; the message says why."""


def decode_finding(value: Any, rules: Collection[str]) -> RawFinding:
    """Read one finding; ``rules`` are the ids it may have. Raises VerdictError."""
    if not isinstance(value, dict):
        raise VerdictError(f"a finding is {value!r:.80}")
    rule, level, service = value.get("rule"), value.get("level"), value.get("service")
    if not isinstance(rule, str) or rule not in rules:
        raise VerdictError(f"a finding is of the rule {rule!r}, which the catalogue does not have here")
    if not isinstance(level, str) or level not in _LEVELS:
        raise VerdictError(f"a finding of {rule} has the level {level!r}")
    if service is not None and not isinstance(service, str):
        raise VerdictError(f"a finding of {rule} has the service {service!r}")
    path, message, remedy = value.get("path"), value.get("message"), value.get("remedy")
    if not isinstance(path, str) or not isinstance(message, str) or not isinstance(remedy, str):
        raise VerdictError(f"a finding of {rule} lacks its path, message or remedy")
    resource = decode_resource(value.get("resource"), f"a finding of {rule}")
    return RawFinding(
        rule=rule,
        resource=resource,
        path=path,
        level=_LEVELS[level],
        service=service,
        message=message,
        remedy=remedy,
    )


def decode_resource(value: Any, what: str) -> Resource:
    """Read the address of an object. Raises VerdictError, which begins with ``what``."""
    parts = [value.get(key) for key in _RESOURCE] if isinstance(value, dict) else []
    texts = [part for part in parts if isinstance(part, str)]
    if len(texts) != len(_RESOURCE):
        raise VerdictError(f"{what} names the resource {value!r:.120}")
    return Resource(*texts)


def in_order(findings: Collection[RawFinding]) -> tuple[RawFinding, ...]:
    """Give findings in the order all engines share, the first one of those at one place."""
    ordered = sorted(findings, key=lambda f: (f.rule, f.resource, f.path, f.service or "", f.message))
    return tuple({finding.key: finding for finding in reversed(ordered)}.values())[::-1]


def decode_statuses(value: Any, rules: Collection[str]) -> dict[str, Status]:
    """Read the statuses of one object, which must name exactly ``rules``. Raises VerdictError."""
    if not isinstance(value, dict):
        raise VerdictError("there are no statuses")
    missing, unknown = sorted(set(rules) - value.keys()), sorted(value.keys() - set(rules))
    if missing or unknown:
        raise VerdictError(f"the statuses lack {missing} and name {unknown} beside the catalogue")
    for rule, status in value.items():
        if not isinstance(status, str) or status not in _STATUSES:
            raise VerdictError(f"the status of {rule} is {status!r}")
    return {rule: _STATUSES[value[rule]] for rule in sorted(value)}


def object_outcome(findings: Collection[RawFinding], statuses: Mapping[str, Status], record: Any) -> Outcome:
    """Put the parts of a verdict about one object together. Raises VerdictError when they contradict each other."""
    found = {finding.rule for finding in findings}
    said = {rule for rule, status in statuses.items() if status is Status.VIOLATED}
    if found != said:
        raise VerdictError(f"findings of {sorted(found)} stand beside violated {sorted(said)}")
    if record is not None and not isinstance(record, dict):
        raise VerdictError(f"the record is {record!r:.80}")
    if record is not None:
        record = _placeless(record)
    return Outcome(kind=outcome_kind(findings, statuses), findings=in_order(findings), statuses=statuses, record=record)


def decode_verdict(value: Any, rules: Collection[str]) -> Outcome:
    """Give the outcome of ``data.thunderguard.main.verdict``; None (undefined, null) is no answer.

    ``rules`` are the ids of scope object. Never raises: what is no verdict is an outcome that says so.
    """
    if value is None:
        return failure(OutcomeKind.NO_ANSWER, NO_VERDICT, rules)
    try:
        if not isinstance(value, dict) or not isinstance(value.get("findings"), list):
            raise VerdictError("there is no list of findings")
        findings = [decode_finding(item, rules) for item in value["findings"]]
        return object_outcome(findings, decode_statuses(value.get("statuses"), rules), value.get("record"))
    except VerdictError as error:
        return failure(OutcomeKind.ENGINE_FAILED, f"the verdict cannot be used: {error}", rules)


def decode_batch(value: Any, number: int, rules: Sequence[str]) -> list[Outcome]:
    """Give the outcomes of ``data.thunderguard.main.batch`` about ``number`` objects, in order.

    ``rules`` are the ids of scope object. Raises VerdictError when it is not an answer about just these objects; then
    they are to be asked one by one.
    """
    if not isinstance(value, dict) or value.get("count") != number:
        raise VerdictError(f"the batch is not about {number} objects")
    findings: list[list[RawFinding]] = [[] for _ in range(number)]
    for item in _listed(value, "findings"):
        findings[_place(item, number)].append(decode_finding(item, rules))
    records: list[JsonObject | None] = [None] * number
    for record in _listed(value, "records"):
        place = _place(record, number)
        records[place] = _placeless(record)
    statuses = [[Status.NOT_MATCHED] * len(rules) for _ in range(number)]
    for column, rule in enumerate(rules):
        for word, status in (("subjects", Status.PASSED), ("unjudged", Status.NOT_JUDGED)):
            said = value.get(word)
            if not isinstance(said, dict) or said.keys() != set(rules):
                raise VerdictError(f"the batch does not say which {word} each rule has")
            for place in _listed(said, rule):
                statuses[_within(place, number)][column] = status
    columns = {rule: column for column, rule in enumerate(rules)}
    outcomes = []
    for place in range(number):
        for finding in findings[place]:
            statuses[place][columns[finding.rule]] = Status.VIOLATED
        named = _named(tuple(rules), tuple(statuses[place]))
        kind = outcome_kind(findings[place], named)
        outcomes.append(Outcome(kind=kind, findings=in_order(findings[place]), statuses=named, record=records[place]))
    return outcomes


@lru_cache(maxsize=4096)
def _named(rules: tuple[str, ...], statuses: tuple[Status, ...]) -> Mapping[str, Status]:
    # Few combinations occur, so that objects share them.
    return MappingProxyType(dict(zip(rules, statuses, strict=True)))


def _placeless(record: JsonObject) -> JsonObject:
    """Take the record's place in its batch away, which tells nothing of the object."""
    record.pop("index", None)
    return record


def _listed(value: JsonObject, key: str) -> list[Any]:
    listed = value.get(key)
    if not isinstance(listed, list):
        raise VerdictError(f"{key} is {listed!r:.80}, not a list")
    return listed


def _place(item: Any, number: int) -> int:
    return _within(item.get("index") if isinstance(item, dict) else None, number)


def _within(place: Any, number: int) -> int:
    if type(place) is not int or not 0 <= place < number:
        raise VerdictError(f"the batch speaks of place {place!r}")
    return place


def estate_outcome(findings: Collection[RawFinding], rules: Collection[str]) -> Outcome:
    """Give the outcome of the rules of scope estate, each of which was asked: it is violated or passed."""
    found = {finding.rule for finding in findings}
    statuses = {rule: Status.VIOLATED if rule in found else Status.PASSED for rule in sorted(rules)}
    return Outcome(kind=outcome_kind(findings, statuses), findings=in_order(findings), statuses=statuses)


def decode_inventory_verdict(value: Any, rules: Collection[str]) -> Outcome:
    """Give the outcome of ``data.thunderguard.main.inventory_verdict``. ``rules`` are those of scope estate."""
    if value is None:
        return failure(OutcomeKind.NO_ANSWER, "the policy gives no verdict about the inventory", rules)
    try:
        if not isinstance(value, dict) or not isinstance(value.get("findings"), list):
            raise VerdictError("there is no list of findings")
        return estate_outcome([decode_finding(item, rules) for item in value["findings"]], rules)
    except VerdictError as error:
        return failure(OutcomeKind.ENGINE_FAILED, f"the verdict cannot be used: {error}", rules)
