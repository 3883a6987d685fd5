"""Explaining a rule, or one finding of a source."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from thunderguard.audit import run_audit
from thunderguard.catalogue import load_catalogue
from thunderguard.errors import UsageError
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.explain.examples import Examples, examples_of
from thunderguard.explain.trace import Clue, Trace
from thunderguard.facts.contract import Contract
from thunderguard.plan.judging import Judging
from thunderguard.plan.read import read_objects
from thunderguard.recorded import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from thunderguard.catalogue import Rule
    from thunderguard.model import Finding

_FINGERPRINT = re.compile(r"[0-9a-f]{4,32}\Z")
_NEAR = 3


@dataclass(frozen=True, slots=True)
class Explained:
    """What is to be said of a rule; with ``finding``, of that one.

    ``clues`` say what decided about it. ``untraced`` says why there are none. ``found`` are the findings of the rule in
    the source, when a rule and a source were named. ``incomplete`` says that not all of the source could be judged.
    """

    rule: Rule
    examples: Examples | None
    finding: Finding | None = None
    clues: tuple[Clue, ...] = ()
    untraced: str = ""
    found: tuple[Finding, ...] | None = None
    incomplete: bool = False


def explain(
    what: str, source: str | None, report: Path | None, estate: Path | None, at: date | None = None
) -> Explained:
    """Explain ``what``: the id of a rule, or (the beginning of) a fingerprint.

    A finding is looked for in ``source``, which is audited as on the day ``at`` (None: today), or in ``report``, a JSON
    report; only the objects of a source can be traced. Raises UsageError when there is no such rule or finding, with
    the nearest there are, and what reading the source, report or Estate raises.
    """
    rules = load_catalogue().rules
    if what not in rules and not _FINGERPRINT.match(what):
        raise _unknown(what, rules)
    findings, incomplete = _findings(source, report, estate, at)
    if what in rules:
        mine = None if findings is None else tuple(one for one in findings if one.rule == what)
        return Explained(rules[what], examples_of(what), found=mine, incomplete=incomplete)
    if findings is None:
        raise UsageError(
            f"{what} is no rule, and a fingerprint is looked for in a source",
            hint="name a SNAPSHOT, or a report with --report FILE",
        )
    finding = _chosen(what, findings, source or str(report))
    if finding.rule not in rules:
        raise UsageError(f"the report has a finding of {finding.rule}, which is no rule of this version")
    rule, examples = rules[finding.rule], examples_of(finding.rule)
    if source is None:
        return Explained(rule, examples, finding, untraced="a report does not hold the objects: name the SNAPSHOT")
    clues = _clues(finding, source, estate)
    untraced = "" if clues else "the rule is answered from all findings together, and not from an object"
    return Explained(rule, examples, finding, clues, untraced, incomplete=incomplete)


def _findings(
    source: str | None, report: Path | None, estate: Path | None, at: date | None
) -> tuple[Sequence[Finding] | None, bool]:
    if source is not None:
        audited = run_audit([source], estate=estate, at=at)
        return audited.findings, bool(audited.problems)
    return (None, False) if report is None else (read(report).findings, False)


def _chosen(what: str, findings: Sequence[Finding], where: str) -> Finding:
    fitting = [one for one in findings if one.fingerprint.startswith(what)]
    if not fitting:
        near = _nearest(what, [one.fingerprint for one in findings])
        hint = f"the nearest there are: {', '.join(near)}" if near else f"thunderguard audit {where} --format json"
        raise UsageError(f"no finding of {where} has the fingerprint {what}", hint=hint)
    marks = sorted({one.fingerprint for one in fitting})
    if len(marks) > 1:
        more = ", ..." if len(marks) > _NEAR else ""
        raise UsageError(
            f"{len(marks)} fingerprints begin with {what}: {', '.join(marks[:_NEAR])}{more}", hint="write more of it"
        )
    return fitting[0]


def _nearest(what: str, fingerprints: Iterable[str]) -> list[str]:
    """Give those that have the most of a beginning in common, if any has."""

    def common(mark: str) -> int:
        return next(
            (place for place, pair in enumerate(zip(what, mark, strict=False)) if pair[0] != pair[1]), len(what)
        )

    ranked = sorted(set(fingerprints), key=lambda mark: (-common(mark), mark))
    return [mark for mark in ranked[:_NEAR] if common(mark) > 0]


def _clues(finding: Finding, source: str, estate: Path | None) -> tuple[Clue, ...]:
    data = load_estate(estate or DEFAULT_ESTATE).data
    judging = Judging(Contract.of(data), data)
    objects = read_objects(source)
    found = judging.of_set(objects).get(finding.fingerprint)
    return () if found is None else Trace(found, objects, judging).clues()


def _unknown(what: str, rules: Iterable[str]) -> UsageError:
    near = difflib.get_close_matches(what, list(rules), n=_NEAR, cutoff=0.5)
    ask = "thunderguard rules lists all of them"
    hint = f"did you mean {', '.join(near)}? {ask}" if near else ask
    return UsageError(f"{what!r} is neither a rule nor a fingerprint", hint=hint)
