"""An engine that finds out by asking what it cannot express is told beforehand what will be asked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from thunderguard.catalogue import load_catalogue
from thunderguard.conformance.load import load_cases
from thunderguard.conformance.run import run_cases
from thunderguard.engines.base import AsksAhead, EngineOptions
from thunderguard.engines.reference import ReferenceEngine
from thunderguard.estate import DEFAULT_ESTATE, Estate, load_estate
from thunderguard.model import Document, ExitCode
from thunderguard.replay.judges import Judge

CASES = Path(__file__).resolve().parents[1] / "cases"
CATALOGUE = load_catalogue()


class Curious(ReferenceEngine):
    """The reference, which writes down what it was told of, and refuses to be asked about anything else."""

    told: list[bytes]

    def ask_ahead(self, documents: Iterable[Document]) -> None:
        self.told = [document.text for document in documents]

    def cannot_express(self, document: Document) -> str | None:
        return None if document.text in self.told else "nobody said so"


def curious(estate: Estate) -> Curious:
    return Curious(estate=estate, catalogue=CATALOGUE, options=EngineOptions())


def test_every_document_of_a_suite_is_told_beforehand() -> None:
    cases = [case for case in load_cases(CASES, CATALOGUE.object_rules) if case.rule == "image-reference"]
    result = run_cases(
        cases,
        ("reference",),
        estate=load_estate(DEFAULT_ESTATE),
        catalogue=CATALOGUE,
        opener=lambda _name, estate, _at: curious(estate),
    )
    assert result.exit_code in {ExitCode.CLEAN, ExitCode.FINDINGS}
    answers = [answer for one in result.engines[0].results for answer in one.answers]
    assert answers
    assert not [answer for answer in answers if answer.reason]


def test_a_judge_of_a_replay_tells_its_engine() -> None:
    engine = curious(load_estate(DEFAULT_ESTATE))
    assert isinstance(engine, AsksAhead)
    Judge("curious", engine).ask_ahead([b"{}", b"[]"])
    assert engine.told == [b"{}", b"[]"]


@pytest.mark.parametrize("engine", [None, ReferenceEngine])
def test_other_engines_are_told_nothing(engine: type[ReferenceEngine] | None) -> None:
    estate = load_estate(DEFAULT_ESTATE)
    opened = None if engine is None else engine(estate=estate, catalogue=CATALOGUE, options=EngineOptions())
    Judge("plain", opened).ask_ahead([b"{}"])
