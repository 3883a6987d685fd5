"""Waivers applied to what was found, once for every engine, and the findings about the waivers themselves.

An engine is opened without them, so that a waived finding is still found and shown. Whether a waiver is of any use can
be said only here, after all objects, by whatever rule, were judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from thunderguard.estate.source import API_VERSION, KIND, read_estate
from thunderguard.facts.waivers import Waivers
from thunderguard.files import seen_from_here
from thunderguard.fingerprint import fingerprint
from thunderguard.model import Finding, Resource, Status

if TYPE_CHECKING:
    from thunderguard.audit.judging import Row
    from thunderguard.catalogue import Rule
    from thunderguard.estate import Estate

#: The rule about waivers.
RULE = "waiver"
#: A waiver that covers the findings of more objects is too broad to be an exception.
MOST_OBJECTS = 10


@dataclass
class Waiving:
    """The waivers of an Estate on the day ``at``, and which objects each of them covered so far."""

    waivers: Waivers
    at: date
    _covered: dict[int, set[Resource]] = field(default_factory=lambda: defaultdict(set))

    def applied(self, findings: Iterable[Finding], covering: Collection[int]) -> tuple[Finding, ...]:
        """Give ``findings`` about one object, those waived that a waiver of ``covering`` covers."""
        return tuple(self._applied(finding, covering) for finding in findings)

    def _applied(self, finding: Finding, covering: Collection[int]) -> Finding:
        holding = self.waivers.in_force(finding.rule, covering, self.at) if covering else ()
        for place in holding:
            self._covered[place].add(finding.resource)
        return replace(finding, waived=self.waivers.all[holding[0]].waived) if holding else finding

    def row(self, row: Row, rules: Sequence[str]) -> Row:
        """Give ``row`` with its findings waived; a rule all of whose findings are has the status waived."""
        if not row.findings or not row.covering:
            return row
        findings = self.applied(row.findings, row.covering)
        kept = {finding.rule for finding in findings if finding.waived is None}
        waived = {finding.rule for finding in findings} - kept
        statuses = tuple(
            Status.WAIVED if rule in waived and status is Status.VIOLATED else status
            for rule, status in zip(rules, row.statuses, strict=True)
        )
        return replace(row, findings=findings, statuses=statuses)

    def findings(self, rule: Rule, estate: Estate, *, certain: bool) -> tuple[list[Finding], Status]:
        """Give the findings about the waivers themselves, and the status of ``rule`` for the whole set.

        They have the place of the waiver in the file of ``estate``. Unless it is ``certain`` that everything was
        judged, no waiver is called unused, and the rule is not judged if one might be.
        """
        if not self.waivers.all:
            return [], Status.NOT_MATCHED
        told: dict[int, tuple[str, Mapping[str, str]]] = {}
        open_ = False
        for place, waiver in enumerate(self.waivers.all):
            number = len(self._covered[place])
            if not waiver.is_in_force(self.at):
                told[place] = "expired", {"expires": waiver.expires.isoformat(), "owner": waiver.owner}
            elif number > MOST_OBJECTS:
                told[place] = "broad", {"count": str(number), "most": str(MOST_OBJECTS)}
            elif not number and certain:
                told[place] = "unused", {}
            elif not number:
                open_ = True
        made = [self._finding(rule, estate, place, key, args) for place, (key, args) in told.items()]
        return made, Status.VIOLATED if made else Status.NOT_JUDGED if open_ else Status.PASSED

    def _finding(self, rule: Rule, estate: Estate, place: int, key: str, args: Mapping[str, str]) -> Finding:
        waiver = self.waivers.all[place]
        message, remedy = rule.text(key, {"rule": waiver.rule, "subject": waiver.subject, **args})
        resource = Resource(API_VERSION, KIND, "", estate.name)
        line, column = read_estate(estate.path).place(("spec", "waivers", place))
        # Its place in the list says nothing of a waiver: what it is about does.
        identity = f"spec.waivers.{waiver.rule}.{waiver.subject}"
        return Finding(
            rule=rule.id,
            level=rule.level,
            service=None,
            resource=resource,
            path=f"spec.waivers[{place}]",
            file=seen_from_here(estate.path),
            line=line,
            column=column,
            message=message,
            remedy=remedy,
            fingerprint=fingerprint(rule.id, resource, identity, owner=(KIND, estate.name), obj=None),
        )
