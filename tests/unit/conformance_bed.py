"""What tests of the suite share: a directory of few cases, and engines that say what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, cast

import orjson

from thunderguard.catalogue import Catalogue, load_catalogue
from thunderguard.conformance.cases import Case
from thunderguard.conformance.deviations import NONE, Deviations
from thunderguard.conformance.load import load_cases
from thunderguard.conformance.result import Conformance
from thunderguard.conformance.run import Opener, run_cases
from thunderguard.engines.base import ContextManaged, failure, outcome_kind
from thunderguard.engines.reference import ReferenceEngine
from thunderguard.estate import DEFAULT_ESTATE, Estate, load_estate
from thunderguard.model import Document, Outcome, OutcomeKind, Status

CATALOGUE: Catalogue = load_catalogue()
RULES = CATALOGUE.object_rules
ESTATE: Estate = load_estate(DEFAULT_ESTATE)

TWO = """\
namespace-boundary:
  - name: stray
    as: [manifest]
    object: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}
    findings:
      - path: metadata.namespace
  - name: home
    as: [manifest]
    object: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: thunderline}}
    findings: []
"""


def cases_of(folder: Path, text: str, name: str = "namespace-boundary.yaml") -> tuple[Case, ...]:
    """Load the cases of ``text``, written to a file below ``folder``."""
    (folder / name).write_text(text, encoding="utf-8")
    return load_cases(folder, RULES)


class FakeEngine(ContextManaged):
    """The reference, but for what a test puts in its place."""

    name = "fake"
    version = "fake 1"

    def __init__(self, estate: Estate, **instead: Callable[..., Any]) -> None:
        self._judge = ReferenceEngine(estate=estate, catalogue=CATALOGUE)
        self._instead = instead

    def cannot_express(self, document: Document) -> str | None:
        asked = self._instead.get("cannot_express")
        return asked(document) if asked else None

    def judge(self, documents: Iterable[Document]) -> Iterator[Outcome]:
        outcomes = self._judge.judge(documents)
        asked = self._instead.get("judge")
        return asked(outcomes) if asked else outcomes


def run(
    cases: Iterable[Case],
    *,
    deviations: Deviations = NONE,
    opener: Callable[[str, Estate, date | None], Any] | None = None,
    engines: tuple[str, ...] = ("fake",),
    **instead: Callable[..., Any],
) -> Conformance:
    """Run ``cases`` on a fake engine whose methods are ``instead``."""
    return run_cases(
        tuple(cases),
        engines,
        estate=ESTATE,
        catalogue=CATALOGUE,
        deviations=deviations,
        opener=cast("Opener", opener or (lambda _name, estate, _at: FakeEngine(estate, **instead))),
    )


def passing(*_ignored: Any) -> Outcome:
    """Give an outcome in which every rule passed."""
    statuses = dict.fromkeys(RULES, Status.PASSED)
    return Outcome(outcome_kind((), statuses), statuses=statuses)


def failing(reason: str) -> Outcome:
    """Give an outcome that is no verdict."""
    return failure(OutcomeKind.ENGINE_FAILED, reason, RULES)


def name_of(document: Document) -> Any:
    """Give the namespace of a document, by which the two cases are told apart."""
    return orjson.loads(document.text)["metadata"]["namespace"]
