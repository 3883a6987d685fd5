"""All engines give one verdict: on the October snapshot, on both example estates, with any number of workers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from thunderguard.audit import exit_code, run_audit
from thunderguard.catalogue import load_catalogue
from thunderguard.compare import differences
from thunderguard.documents import open_source
from thunderguard.engines import ENGINE_NAMES, open_engine
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import Document, ExitCode, Outcome, Status
from thunderguard.reports.json import comparable, to_json

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOT = "examples/thunderline/2025-10-08.jsonl"
EXPECTED = "examples/thunderline/2025-10-08.findings.json"
SOURCES = (SNAPSHOT, "examples/good", "examples/bad")
OTHERS = tuple(name for name in ENGINE_NAMES if name != "reference")


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def report(path: str, engine: str, **options: Any) -> dict[str, Any]:
    return comparable(to_json(run_audit([path], engine=engine, **options)))


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_the_october_report_is_the_one_that_is_checked_in(engine: str) -> None:
    assert report(SNAPSHOT, engine) == json.loads(Path(EXPECTED).read_text(encoding="utf-8"))


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("source", SOURCES)
def test_an_engine_says_of_every_object_what_the_reference_says(source: str, engine: str) -> None:
    estate, catalogue = load_estate(DEFAULT_ESTATE), load_catalogue()
    with open_source([source]) as opened:
        documents = [item for item in opened if isinstance(item, Document)]
    outcomes: dict[str, list[Outcome]] = {}
    for name in ("reference", engine):
        with open_engine(name, estate=estate, catalogue=catalogue) as judge:
            outcomes[name] = list(judge.judge(documents))
    sides = [(name, outcomes[name]) for name in ("reference", engine)]
    found = list(differences(documents, sides[0], sides[1], texts=True))
    assert not found, "\n\n".join(str(difference) for difference in found)


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("source", SOURCES)
def test_an_audit_by_an_engine_is_the_one_by_the_reference(source: str, engine: str) -> None:
    assert report(source, engine) == report(source, "reference")


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_number_of_workers_changes_nothing(workers: int) -> None:
    assert report("examples/bad", "embedded", workers=workers) == report("examples/bad", "embedded")


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_every_rule_fires_and_passes_somewhere(engine: str) -> None:
    fired: set[str] = set()
    passed: set[str] = set()
    for source in SOURCES:
        totals = run_audit([source], engine=engine).totals
        fired |= {rule for rule, counts in totals.items() if counts[Status.VIOLATED]}
        passed |= {rule for rule, counts in totals.items() if counts[Status.PASSED]}
    assert fired == passed == set(load_catalogue().rules)


@pytest.mark.parametrize(
    ("source", "code"),
    [(SNAPSHOT, ExitCode.FINDINGS), ("examples/bad", ExitCode.FINDINGS), ("examples/good", ExitCode.CLEAN)],
)
def test_exit_codes(source: str, code: int) -> None:
    assert exit_code(run_audit([source])) == code
