"""What the tests of the replay share: both Estates with what examples start from, and engines that are broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from thunderguard.catalogue import load_catalogue
from thunderguard.engines import open_engine
from thunderguard.engines.base import ContextManaged, outcome_kind
from thunderguard.engines.reference import ReferenceEngine
from thunderguard.estate import DEFAULT_ESTATE
from thunderguard.model import Document, EstateRequest, JsonObject, Outcome, Report, Status
from thunderguard.replay import Replay, Settings, run_replay
from thunderguard.replay.corpus import Corpus, read_objects
from thunderguard.replay.ground import Ground
from thunderguard.reports.json import comparable, to_json

SNAPSHOT = str(DEFAULT_ESTATE.parent / "2025-10-08.jsonl")
TESTLAND = Path(__file__).parent / "reference_estate.yaml"
ESTATES = {"thunderline": DEFAULT_ESTATE, "testland": TESTLAND}


@cache
def estate(name: str) -> JsonObject:
    value: JsonObject = yaml.safe_load(ESTATES[name].read_text(encoding="utf-8"))
    return value


@cache
def ground(name: str = "thunderline") -> Ground:
    return Ground.of(estate(name))


@cache
def corpus(name: str = "thunderline") -> Corpus:
    return Corpus.of(ground(name), read_objects([SNAPSHOT]))


@cache
def reference(name: str = "thunderline") -> ReferenceEngine:
    holder: Any = SimpleNamespace(data=estate(name))
    return ReferenceEngine(estate=holder, catalogue=load_catalogue())


def judged(obj: Any, name: str = "thunderline") -> Outcome:
    return reference(name).judge_object(json.loads(json.dumps(obj)))


def places(outcome: Outcome) -> set[tuple[str, str]]:
    return {(finding.rule, finding.path) for finding in outcome.findings}


def written(report: Report) -> JsonObject:
    return comparable(to_json(report))


def replayed(*engines: str, snapshot: str = SNAPSHOT, **settings: Any) -> Replay:
    return run_replay(
        [snapshot], Settings(engines=engines, **{"examples": 120, "workers": 1, **settings}), written=written
    )


class Broken(ContextManaged):
    """The reference, with ``change`` made to each of its outcomes; ``change`` may raise, or give None for no answer."""

    version = "broken"
    policy_sha256 = ""
    needs_documents = True

    def __init__(
        self, name: str, inner: ReferenceEngine, change: Callable[[Document, Outcome], Outcome | None]
    ) -> None:
        self.name = name
        self._inner = inner
        self._change = change

    def judge(self, documents: Iterable[Document]) -> Iterator[Outcome]:
        for document in documents:
            (outcome,) = self._inner.judge([document])
            changed = self._change(document, outcome)
            if changed is not None:
                yield changed

    def judge_estate(self, request: EstateRequest) -> Outcome:
        return self._inner.judge_estate(request)


Breaker = Callable[[Callable[[Document, Outcome], Outcome | None]], None]


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> Breaker:
    """Give a function that puts a broken engine in the place of ``embedded``."""

    def put(change: Callable[[Document, Outcome], Outcome | None]) -> None:
        def opened(name: str, **options: Any) -> Any:
            if name != "embedded":
                return open_engine(name, **options)
            inner: Any = open_engine("reference", **options)
            return Broken(name, inner, change)

        monkeypatch.setattr("thunderguard.replay.judges.open_engine", opened)

    return put


def without(outcome: Outcome, rule: str, part: str) -> Outcome:
    """Forget the findings of ``rule`` at paths with ``part``."""
    left = tuple(one for one in outcome.findings if one.rule != rule or part not in one.path)
    if left == outcome.findings:
        return outcome
    violated = {one.rule for one in left}
    statuses = {
        name: Status.PASSED if status is Status.VIOLATED and name not in violated else status
        for name, status in outcome.statuses.items()
    }
    return replace(outcome, kind=outcome_kind(left, statuses), findings=left, statuses=statuses)
