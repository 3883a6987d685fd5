"""The matrix for people, the JSON for programs, and the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conformance_bed import RULES, TWO, FakeEngine, cases_of, failing, name_of, passing, run
from report_values import check_golden

from thunderguard import schemas
from thunderguard.cli.app import app
from thunderguard.conformance.deviations import Deviation
from thunderguard.conformance.kyvernotest import render_tests
from thunderguard.conformance.load import load_cases
from thunderguard.conformance.result import Conformance
from thunderguard.errors import PolicyError
from thunderguard.estate import Estate
from thunderguard.model import Outcome
from thunderguard.reports.conformance import render, to_json
from thunderguard.reports.text import Look

SCHEMA = schemas.validator("conformance")

MORE = """\
  - name: other
    as: [manifest]
    object: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: other}}
    findings:
      - path: metadata.namespace
  - name: third
    as: [manifest]
    object: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: third}}
    findings:
      - path: metadata.namespace
"""


def blind(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    """Find nothing in the first two objects, and burst at the third."""
    for place, outcome in enumerate(outcomes):
        yield {0: passing(), 2: failing("it burst")}.get(place, outcome)


@pytest.fixture
def mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Conformance:
    """Give a run with every kind of result: agreement, differences, failures, deviations, and what cannot be asked."""
    monkeypatch.chdir(tmp_path)
    cases = [replace(case, file="tests/cases/namespace-boundary.yaml") for case in cases_of(tmp_path, TWO + MORE)]
    known = Deviation("it knows no shop", "https://example.org/issues/1")

    def opener(name: str, estate: Estate, _at: date | None) -> Any:
        if name == "broken":
            raise PolicyError("policy.yaml:3: no such thing")
        instead: dict[str, dict[str, Any]] = {
            "good": {},
            "blind": {"judge": blind},
            "narrow": {"cannot_express": lambda one: "it knows no third" if name_of(one) == "third" else None},
            "listed": {"judge": lambda outcomes: (passing() if n == 0 else o for n, o in enumerate(outcomes))},
        }
        return FakeEngine(estate, **instead[name])

    listed = {
        "listed": {"namespace-boundary/stray": known, "namespace-boundary/home": known},
    }
    result = run(cases, opener=opener, deviations=listed, engines=("good", "blind", "broken", "narrow", "listed"))
    return replace(result, estate="examples/thunderline/estate.yaml")


@pytest.mark.parametrize(
    ("name", "look", "verbose"),
    [
        ("conform.txt", Look(), False),
        ("conform-verbose-ascii.txt", Look(width=60, encoding="ascii"), True),
        ("conform-color.txt", Look(width=120, color=True), False),
    ],
)
def test_the_text_is_the_golden_file(mixed: Conformance, name: str, look: Look, verbose: bool) -> None:
    check_golden(name, render(mixed, look=look, verbose=verbose))


def test_without_colour_there_is_no_escape_and_ascii_is_enough(mixed: Conformance) -> None:
    assert "\x1b" not in render(mixed, look=Look())
    assert render(mixed, look=Look(encoding="ascii"), verbose=True).isascii()
    assert "\x1b[" in render(mixed, look=Look(color=True))


def test_what_an_engine_says_cannot_steer_the_terminal(tmp_path: Path) -> None:
    cases = cases_of(tmp_path, TWO)
    result = run(cases, judge=lambda outcomes: (failing("\x1b[2J\nagree") for _ in outcomes))
    text = render(result, look=Look())
    assert "\x1b" not in text
    assert "\\x1b[2J\\nagree" in text


def test_many_differences_are_cut_unless_verbose(tmp_path: Path) -> None:
    body = "".join(
        f"  - name: n-{number}\n    as: [manifest]\n    findings: [{{path: metadata.namespace}}]\n"
        f"    object: {{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, namespace: shop-{number}}}}}\n"
        for number in range(30)
    )
    cases = cases_of(tmp_path, TWO + body)
    result = run(cases, judge=lambda outcomes: (passing() for _ in outcomes))
    short, long = render(result, look=Look()), render(result, look=Look(), verbose=True)
    assert "and 11 more; --verbose shows all of them" in short
    assert "namespace-boundary/n-29" not in short
    assert "namespace-boundary/n-29" in long
    assert '"namespace": "shop-29"' in long


def test_the_json_says_the_same(mixed: Conformance) -> None:
    value = json.loads(to_json(mixed))
    assert (value["formatVersion"], value["exitCode"], value["cases"]) == ("1", 3, 4)
    engines = {engine["name"]: engine for engine in value["engines"]}
    assert engines["good"]["matrix"] == {"namespace-boundary": {"agrees": 4}}
    assert engines["good"]["cases"] == []
    assert engines["blind"]["matrix"]["namespace-boundary"] == {"agrees": 2, "differs": 1, "failed": 1}
    assert (engines["broken"]["version"], engines["broken"]["matrix"]["namespace-boundary"]) == (None, {"failed": 4})
    (left,) = engines["narrow"]["cases"]
    assert (left["id"], left["result"]) == ("namespace-boundary/third", "not expressible")
    assert left["checks"][0]["reason"] == "it knows no third"
    stray, home = engines["listed"]["cases"]
    assert (stray["result"], stray["link"]) == ("listed deviation", "https://example.org/issues/1")
    assert (home["result"], home["checks"]) == ("stale deviation", [])
    differing = engines["blind"]["cases"][0]["checks"][0]
    assert differing["document"]["metadata"] == {"name": "a", "namespace": "shop"}
    assert differing["expected"][1] == "namespace-boundary: violated"


def test_the_json_keeps_its_schema(mixed: Conformance) -> None:
    value = json.loads(to_json(mixed))
    assert {case["result"] for engine in value["engines"] for case in engine["cases"]} == {
        *("differs", "failed", "listed deviation", "not expressible", "stale deviation"),
    }
    SCHEMA.validate(value)


@pytest.mark.parametrize(
    ("path", "key", "wrong"),
    [
        ((), "formatVersion", "2"),
        ((), "exitCode", 2),
        ((), "new", 1),
        (("engines", 0), "version", ""),
        (("engines", 0, "matrix", "namespace-boundary"), "agreed", 4),
        (("engines", 1, "cases", 0), "result", "passed"),
        (("engines", 1, "cases", 0, "checks", 0), "result", "agrees"),
        (("engines", 1, "cases", 0, "checks", 0), "form", "review"),
        (("engines", 4, "cases", 0), "link", "nowhere"),
    ],
)
def test_the_schema_says_what_json_may_be(mixed: Conformance, path: tuple[Any, ...], key: str, wrong: Any) -> None:
    value = json.loads(to_json(mixed))
    at = value
    for step in path:
        at = at[step]
    at[key] = wrong
    assert not SCHEMA.is_valid(value)


# ---- the command


def conform(*words: str) -> Result:
    return CliRunner().invoke(app, ["conform", *words])


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    cases_of(tmp_path, TWO)
    return tmp_path


def test_the_command_agrees_with_the_reference(directory: Path) -> None:
    done = conform("--cases", str(directory), "--engine", "reference,embedded", "--engine", "reference")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[0] == "Conformance: 2 cases, 1 rule, 2 engines"
    assert done.output.splitlines()[-1] == "4 agree; exit 0"


def test_the_command_fails_for_a_wrong_case(directory: Path) -> None:
    file = directory / "namespace-boundary.yaml"
    file.write_text(file.read_text().replace("path: metadata.namespace", "path: metadata.name"))
    done = conform("--cases", str(directory), "--engine", "reference", "--format", "json")
    assert done.exit_code == 1
    value = json.loads(done.output)
    assert value["exitCode"] == 1
    SCHEMA.validate(value)


def test_one_rule_of_several(directory: Path) -> None:
    cases_of(
        directory, "resource-limits:\n  - {name: a, object: {apiVersion: v1}, findings: []}\n", "resource-limits.yaml"
    )
    done = conform("--cases", str(directory), "--engine", "reference", "--rule", "namespace-boundary")
    assert done.output.splitlines()[0] == "Conformance: 2 cases, 1 rule, 1 engine"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--engine", "opo"], "no engine is called 'opo'"),
        (["--rule", "namespace-bound"], "no rule is called 'namespace-bound'"),
        (["--rule", "missing-service"], "no rule is called 'missing-service'"),
        (["--rule", "health-probes"], "has no cases of health-probes"),
        (["--cases", "nowhere"], "nowhere is not a directory"),
        (["--format", "xml"], "Invalid value for '--format'"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(directory: Path, words: list[str], message: str) -> None:
    done = conform("--cases", str(directory), *words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.output


# ---- the tests of kubectl-kyverno


def test_every_question_is_rendered_or_has_a_reason() -> None:
    """What `kubectl-kyverno test` is asked and what it cannot be asked are all questions."""
    from conformance_bed import ESTATE

    cases = load_cases(Path(__file__).parents[1] / "cases", RULES)
    tests = render_tests(cases, ESTATE.data)
    questions = sum(len(case.objects) for case in cases)
    assert tests.asked + sum(tests.left_out.values()) == questions
    assert tests.asked > 2 * sum(tests.left_out.values())
    resources = [text for name, text in tests.files.items() if "resources-" in name]
    assert sum(text.count("---\n") for text in resources) == tests.asked


def test_a_test_is_about_one_verdict_one_user_and_one_estate(tmp_path: Path) -> None:
    from conformance_bed import ESTATE

    text = TWO.replace("    as: [manifest]\n", "") + (
        "  - name: deleted\n    operation: DELETE\n    findings: []\n"
        "    object: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}\n"
    )
    tests = render_tests(cases_of(tmp_path, text), ESTATE.data)
    folder = "namespace-boundary/.kyverno-test"
    names = [line for line in tests.files[f"{folder}/kyverno-test.yaml"].splitlines() if line.startswith("  name:")]
    assert names == [
        "  name: namespace-boundary-create-fail-01",
        "  name: namespace-boundary-create-pass-02",
        "  name: namespace-boundary-delete-pass-03",
    ]
    assert "# stray\n" in tests.files[f"{folder}/resources-01.yaml"]
    assert "operation: DELETE" in tests.files[f"{folder}/kyverno-test.yaml"]
    assert "name: thunderline" in tests.files[f"{folder}/cluster-01.yaml"]
