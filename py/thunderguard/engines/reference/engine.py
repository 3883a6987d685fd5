"""The reference engine: each rule's own module, over facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thunderguard import assets, facts
from thunderguard.admission import is_review
from thunderguard.engines.base import ContextManaged, EngineOptions, digest, failure, outcome_kind
from thunderguard.engines.reference.inventory import Inventory
from thunderguard.engines.reference.rules import ESTATE_RULES, OBJECT_RULES
from thunderguard.engines.reference.rules.singleton_service import judge_scale
from thunderguard.engines.reference.verdict import NOT_MATCHED, Verdict, Violation, verdict
from thunderguard.errors import CatalogueError
from thunderguard.facts.admission import asked, judging, significant_labels
from thunderguard.facts.contract import Contract
from thunderguard.facts.subject import Subject
from thunderguard.facts.values import load_json
from thunderguard.facts.waivers import Waivers, labels_of, today
from thunderguard.model import (
    Document,
    EstateRequest,
    JsonObject,
    Level,
    Outcome,
    OutcomeKind,
    RawFinding,
    Resource,
    Scope,
    Status,
)
from thunderguard.paths import format_path

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.estate import Estate

_NOWHERE = Resource("", "", "", "")


class ReferenceEngine(ContextManaged):
    """Judges with the Python rules. Never raises on a document, whatever JSON value it holds."""

    name = "reference"
    version = assets.version()
    needs_documents = True

    def __init__(self, *, estate: Estate, catalogue: Catalogue, options: EngineOptions | None = None) -> None:
        """Take the Estate (its ``data`` is read) and the catalogue (its texts are used); the one option is the day.

        Raises EstateError for a pattern that RE2 refuses, CatalogueError when the catalogue has a rule that this
        engine lacks, or lacks one.
        """
        self._contract = Contract.of(estate.data)
        self._waivers = Waivers.of(estate.data)
        self._at = (options.at if options else None) or today()
        self._labels = significant_labels(self._contract)
        self._catalogue = catalogue
        for scope, rules in ((Scope.OBJECT, OBJECT_RULES), (Scope.ESTATE, ESTATE_RULES)):
            known = {id_ for id_, rule in catalogue.rules.items() if rule.scope == scope}
            if odd := known ^ set(rules):
                raise CatalogueError(
                    f"the catalogue and the reference engine differ about the rules {', '.join(sorted(odd))}",
                    hint="give each rule of the catalogue a module in engines/reference/rules",
                )

    @property
    def policy_sha256(self) -> str:
        """The SHA-256 over the source of the rules and of the facts they read."""
        roots = [Path(__file__).parent, Path(facts.__file__).parent]
        sources = (path for root in roots for path in root.rglob("*.py"))
        return digest({path.relative_to(roots[0].parents[1]).as_posix(): path.read_bytes() for path in sources})

    def judge(self, documents: Iterable[Document]) -> Iterator[Outcome]:
        """Give the outcome of the rules of scope object for each of ``documents``, in their order."""
        for document in documents:
            try:
                obj = load_json(document.text)
            except (ValueError, RecursionError) as error:
                yield failure(OutcomeKind.ENGINE_FAILED, f"the document is not readable JSON: {error}", OBJECT_RULES)
            else:
                yield self.judge_review(obj) if is_review(obj) else self.judge_object(obj)

    def judge_review(self, review: JsonObject) -> Outcome:
        """Give the outcome of the rules of scope object for an AdmissionReview."""
        subject = asked(review, self._labels)
        if isinstance(subject, dict):
            return self._judge(subject, judging(review))
        verdicts = dict.fromkeys(OBJECT_RULES, NOT_MATCHED)
        if subject is not None:
            # A Scale is no object of its own: it only says how many there are to be of another one.
            verdicts["singleton-service"] = judge_scale(subject, self._contract)
        return self._outcome(verdicts, _NOWHERE, lambda _: {})

    def judge_object(self, obj: Any) -> Outcome:
        """Give the outcome of the rules of scope object for one JSON value."""
        return self._judge(obj, None)

    def _judge(self, obj: Any, rules: frozenset[str] | None) -> Outcome:
        """Judge by ``rules``, or by all; the others have nothing to say."""
        subject = Subject(obj, self._contract)
        verdicts = {
            rule: judge(subject) if rules is None or rule in rules else NOT_MATCHED
            for rule, judge in OBJECT_RULES.items()
        }
        return self._outcome(verdicts, subject.resource, lambda _: labels_of(obj))

    def judge_estate(self, request: EstateRequest) -> Outcome:
        """Give the outcome of the rules of scope estate for all objects of ``request``, read once more."""
        objects = []
        for document in request.documents():
            try:
                objects.append(load_json(document.text))
            except (ValueError, RecursionError) as error:
                where = f"{document.file or 'document'}, number {document.index}"
                return failure(OutcomeKind.ENGINE_FAILED, f"{where}, is not readable JSON: {error}", ESTATE_RULES)
        return self.judge_objects(objects)

    def judge_objects(self, objects: Iterable[Any]) -> Outcome:
        """Give the outcome of the rules of scope estate for a set of JSON values."""
        inventory = Inventory(objects, self._contract)
        verdicts = {rule: verdict(judge(inventory)) for rule, judge in ESTATE_RULES.items()}
        return self._outcome(verdicts, _NOWHERE, inventory.labels)

    def _outcome(
        self, verdicts: Mapping[str, Verdict], resource: Resource, labels: Callable[[Resource], JsonObject]
    ) -> Outcome:
        """Put verdicts together; ``labels`` gives those of an object. What a waiver covers is not found."""
        found = {
            rule: [
                self._finding(rule, violation, resource)
                for violation in _distinct(verdicts[rule].violations, resource)
                if not self._is_waived(rule, violation.resource or resource, labels)
            ]
            for rule in sorted(verdicts)
        }
        statuses = {
            rule: Status.PASSED if verdicts[rule].violations and not found[rule] else verdicts[rule].status
            for rule in found
        }
        findings = [finding for members in found.values() for finding in members]
        findings.sort(key=lambda finding: finding.key)
        return Outcome(outcome_kind(findings, statuses), tuple(findings), statuses)

    def _is_waived(self, rule: str, resource: Resource, labels: Callable[[Resource], JsonObject]) -> bool:
        if not self._waivers.all:
            return False
        return bool(self._waivers.in_force(rule, self._waivers.covering(resource, labels(resource)), self._at))

    def _finding(self, rule: str, violation: Violation, judged: Resource) -> RawFinding:
        entry, resource = self._catalogue.rules[rule], violation.resource or judged
        known = {key: value for key, value in asdict(resource).items() if key != "apiVersion"}
        message, remedy = entry.text(violation.key, {**known, "resource": str(resource), **violation.args})
        return RawFinding(
            rule=rule,
            resource=resource,
            path=format_path(violation.path),
            level=Level(entry.level),
            service=violation.service,
            message=message,
            remedy=remedy,
        )


def _distinct(violations: Iterable[Violation], judged: Resource) -> list[Violation]:
    # One place breaks one rule once; of several services there, the first by name speaks.
    kept: dict[tuple[Resource, tuple[Any, ...]], Violation] = {}
    for violation in sorted(violations, key=lambda v: v.service or ""):
        kept.setdefault((violation.resource or judged, violation.path), violation)
    return list(kept.values())
