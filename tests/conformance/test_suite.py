"""The declared suite on the real engines, and natively where a program has tests of its own."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from thunderguard.catalogue import load_catalogue
from thunderguard.conformance.deviations import load_deviations
from thunderguard.conformance.kyvernotest import FILE, FOLDER
from thunderguard.conformance.load import load_cases
from thunderguard.conformance.run import run_cases
from thunderguard.engines import ENGINE_NAMES, USUAL_ENGINES
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import ExitCode
from thunderguard.reports.conformance import render
from thunderguard.reports.text import Look

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases"
TOOLS = ROOT / ".tools" / "bin"
PROGRAMS = {"opa": "opa", "conftest": "conftest", "kyverno": "kubectl-kyverno", "native": "kubectl-kyverno"}
CATALOGUE = load_catalogue()


def program(name: str) -> Path:
    path = TOOLS / name
    if not path.exists():
        pytest.fail("run `make tools`")
    return path


@pytest.mark.parametrize("engine", USUAL_ENGINES)
def test_an_engine_says_what_every_case_says(engine: str) -> None:
    """Every case that the engine can be asked about is answered so or is a listed deviation, and no rule is silent."""
    if engine in PROGRAMS:
        program(PROGRAMS[engine])
    cases = load_cases(CASES, CATALOGUE.object_rules)
    result = run_cases(
        cases,
        (engine,),
        estate=load_estate(DEFAULT_ESTATE),
        catalogue=CATALOGUE,
        deviations=load_deviations(CASES, engines=ENGINE_NAMES, cases={case.id for case in cases}),
    )
    assert result.exit_code == ExitCode.CLEAN, render(result, look=Look(), verbose=True)


def test_opa_runs_the_suite_by_itself() -> None:
    words = ("test", "--timeout", "60s", "--run", "suite_test", "rego", f"estate:{DEFAULT_ESTATE}", f"cases:{CASES}")
    done = subprocess.run(
        [str(program("opa")), *words], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def kyverno_tests(rule: str) -> Iterator[tuple[dict[str, Any], int]]:
    """Give each test of ``rule`` as it is checked in, and how many objects it is about."""
    folder = ROOT / "policies" / rule / FOLDER
    for test in yaml.safe_load_all((folder / FILE).read_text(encoding="utf-8")):
        (resources,) = test["resources"]
        yield test, (folder / resources).read_text(encoding="utf-8").count("---\n")


@pytest.mark.parametrize("rule", CATALOGUE.object_rules)
def test_kyverno_runs_the_suite_by_itself(rule: str) -> None:
    """`kubectl-kyverno test` answers for every object of every test; none that should fail is merely passed over.

    The program counts an object that its policy does not match as a pass, whatever was expected of it.
    """
    command = [
        str(program("kubectl-kyverno")),
        "test",
        f"policies/{rule}",
        "--require-tests",
        "--output-format",
        "json",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    answers = [json.loads(text) for text in re.findall(r"^\[\n.*?^\]$", done.stdout, re.MULTILINE | re.DOTALL)]
    tests = list(kyverno_tests(rule))
    assert [len(rows) for rows in answers] == [number for _, number in tests]
    for rows, (test, _) in zip(answers, tests, strict=True):
        if test["results"][0]["result"] == "fail":
            assert {row["REASON"] for row in rows} == {"Ok"}, test["metadata"]["name"]


def test_the_tests_of_kyverno_are_those_of_the_cases() -> None:
    done = subprocess.run(
        [str(ROOT / ".venv" / "bin" / "python"), "tools/kyverno_tests.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
