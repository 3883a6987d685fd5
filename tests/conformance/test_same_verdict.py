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
from thunderguard.engines import ADMISSION_ENGINES, USUAL_ENGINES, open_engine
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import Document, ExitCode, Outcome, Status
from thunderguard.reports.json import comparable, to_json

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOT = "examples/thunderline/2025-10-08.jsonl"
EXPECTED = "examples/thunderline/2025-10-08.findings.json"
SOURCES = (SNAPSHOT, "examples/good", "examples/bad")
OTHERS = tuple(name for name in USUAL_ENGINES if name != "reference")
# Those that judge a whole estate as well.
WHOLE = tuple(name for name in USUAL_ENGINES if name not in ADMISSION_ENGINES)


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def report(path: str, engine: str, **options: Any) -> dict[str, Any]:
    return comparable(to_json(run_audit([path], engine=engine, **options)))


@pytest.mark.parametrize("engine", WHOLE)
def test_the_october_report_is_the_one_that_is_checked_in(engine: str) -> None:
    assert report(SNAPSHOT, engine) == json.loads(Path(EXPECTED).read_text(encoding="utf-8"))


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("source", SOURCES)
def test_an_engine_says_of_every_object_what_the_reference_says(source: str, engine: str) -> None:
    estate, catalogue = load_estate(DEFAULT_ESTATE), load_catalogue()
    with open_source([source]) as opened:
        documents = [item for item in opened if isinstance(item, Document)]
    outcomes: dict[str, list[Outcome]] = {}
    for name in (engine, "reference"):
        with open_engine(name, estate=estate, catalogue=catalogue) as judge:
            documents = [document for document in documents if judge.cannot_express(document) is None]
            outcomes[name] = list(judge.judge(documents))
    assert documents
    sides = [(name, outcomes[name]) for name in ("reference", engine)]
    found = list(differences(documents, sides[0], sides[1], texts=True))
    assert not found, "\n\n".join(str(difference) for difference in found)


@pytest.mark.parametrize("engine", [name for name in WHOLE if name != "reference"])
@pytest.mark.parametrize("source", SOURCES)
def test_an_audit_by_an_engine_is_the_one_by_the_reference(source: str, engine: str) -> None:
    assert report(source, engine) == report(source, "reference")


@pytest.mark.parametrize("engine", [name for name in USUAL_ENGINES if name in ADMISSION_ENGINES])
def test_an_audit_by_an_admission_engine_says_what_it_does_not_judge(engine: str) -> None:
    found = run_audit(["examples/bad"], engine=engine)
    assert exit_code(found) == ExitCode.INCOMPLETE
    told = [problem for problem in found.problems if problem.object == "the whole set"]
    assert [problem.kind for problem in told] == ["unjudged"]
    assert "one object at a time" in told[0].message
    for rule in load_catalogue().estate_rules:
        assert {status for status, count in found.totals[rule].items() if count} == {Status.NOT_JUDGED}
    reference = run_audit(["examples/bad"], engine="reference")
    objects = set(load_catalogue().object_rules)
    assert {one.fingerprint for one in found.findings} == {
        one.fingerprint
        for one in reference.findings
        if one.rule in objects and one.resource.kind not in {"Chart", "Release"}
    }


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_number_of_workers_changes_nothing(workers: int) -> None:
    assert report("examples/bad", "embedded", workers=workers) == report("examples/bad", "embedded")


@pytest.mark.parametrize("engine", WHOLE)
def test_every_rule_fires_and_passes_somewhere(engine: str) -> None:
    fired: set[str] = set()
    passed: set[str] = set()
    for source in SOURCES:
        totals = run_audit([source], engine=engine).totals
        fired |= {rule for rule, counts in totals.items() if counts[Status.VIOLATED]}
        passed |= {rule for rule, counts in totals.items() if counts[Status.PASSED]}
    catalogue = load_catalogue()
    assert fired == passed == {*catalogue.object_rules, *catalogue.estate_rules}


@pytest.mark.parametrize(
    ("source", "code"),
    [(SNAPSHOT, ExitCode.FINDINGS), ("examples/bad", ExitCode.FINDINGS), ("examples/good", ExitCode.CLEAN)],
)
def test_exit_codes(source: str, code: int) -> None:
    assert exit_code(run_audit([source])) == code
