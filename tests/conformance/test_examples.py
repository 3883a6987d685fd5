"""What the examples claim, asked of conftest and OPA: bad/ breaks every rule, good/ none, October gives the audit."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CONFTEST = ROOT / ".tools" / "bin" / "conftest"
OPA = ROOT / ".tools" / "bin" / "opa"
ESTATE = ROOT / "examples" / "thunderline" / "estate.yaml"
OCTOBER = ROOT / "examples" / "thunderline" / "2025-10-08.jsonl"
README = ROOT / "examples" / "thunderline" / "README.md"
CATALOGUE: dict[str, dict[str, Any]] = yaml.safe_load(
    (ROOT / "rego" / "thunderguard" / "catalogue" / "data.yaml").read_text(encoding="utf-8")
)["rules"]
OBJECT_RULES = {rule for rule, entry in CATALOGUE.items() if entry["scope"] == "object"}
# No engine is asked the rules about what was found.
ASKED_RULES = {rule for rule, entry in CATALOGUE.items() if entry["scope"] != "report"}
# conftest shows what is denied and what is warned of; it has no third level.
SHOWN_RULES = {rule for rule in ASKED_RULES if CATALOGUE[rule]["level"] in {"deny", "warn"}}
# October has no measurements; whatever is required is there, if only in name; and the Estate names all that is there.
SILENT_IN_OCTOBER = {"runaway-usage", "missing-service", "undeclared-workload"}


def run(binary: Path, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a pinned tool at the root of the repository."""
    if not binary.exists():
        pytest.fail("run `make tools`")
    return subprocess.run(
        [str(binary), *arguments], cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=240, check=False
    )


def conftest(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Give the exit code of `conftest test` and what it found: the metadata of each failure and warning."""
    done = run(CONFTEST, "test", "--output", "json", *arguments)
    try:
        answers = json.loads(done.stdout)
    except ValueError:
        pytest.fail(f"no answer from conftest: {done.stdout}{done.stderr}")
    return done.returncode, [
        {**one.get("metadata", {}), "msg": one["msg"], "file": Path(answer["filename"]).name}
        for answer in answers
        for level in ("failures", "warnings", "exceptions")
        for one in answer.get(level) or []
    ]


def rules(found: list[dict[str, Any]]) -> set[str]:
    """Give the ids of the rules that fired; a message without one is no finding and fails the test."""
    assert all("rule" in one for one in found), [one["msg"] for one in found if "rule" not in one]
    return {one["rule"] for one in found}


def opa(documents: list[Any]) -> list[dict[str, Any]]:
    """Judge a set of documents with `opa eval`, as the array that `conftest test --combine` hands over."""
    entries = [{"path": f"{i:04}", "contents": one} for i, one in enumerate(documents)]
    whole = {"estate": yaml.safe_load(ESTATE.read_text(encoding="utf-8")), "entries": entries}
    done = run(
        OPA,
        *("eval", "--format", "raw", "--data", "rego", "--stdin-input"),
        "data.thunderguard.main.findings with data.estate as input.estate with input as input.entries",
        stdin=json.dumps(whole),
    )
    assert done.returncode == 0, done.stderr
    value: list[dict[str, Any]] = json.loads(done.stdout)
    return value


def documents(directory: str) -> list[Any]:
    """Read the manifests of a directory of examples."""
    files = sorted((ROOT / "examples" / directory).glob("*.yaml"))
    return [one for file in files for one in yaml.safe_load_all(file.read_text(encoding="utf-8")) if one is not None]


def text(resource: dict[str, str]) -> str:
    """Give ``namespace/Kind/name``."""
    return "/".join(filter(None, (resource["namespace"], resource["kind"], resource["name"])))


@pytest.fixture(scope="module")
def october() -> dict[str, set[str]]:
    """Give for each rule the objects of October that break it."""
    lines = OCTOBER.read_text(encoding="utf-8").splitlines()[1:]
    by_rule: dict[str, set[str]] = {}
    for one in opa([json.loads(line) for line in lines]):
        by_rule.setdefault(one["rule"], set()).add(text(one["resource"]))
    return by_rule


def test_the_bad_files_break_every_object_rule_one_by_one() -> None:
    code, found = conftest("examples/bad")
    assert code == 1
    assert rules(found) == OBJECT_RULES


def test_the_bad_set_breaks_every_rule_that_conftest_shows() -> None:
    code, found = conftest("--combine", "examples/bad")
    assert code == 1
    assert rules(found) == SHOWN_RULES


def test_the_bad_set_breaks_every_rule_that_an_engine_is_asked() -> None:
    assert {one["rule"] for one in opa(documents("bad"))} == ASKED_RULES


def test_a_bad_file_is_named_after_a_rule_and_breaks_it() -> None:
    names = {file.stem for file in (ROOT / "examples" / "bad").glob("*.yaml")} - {"Chart"}
    assert names == ASKED_RULES
    _, found = conftest("examples/bad")
    for rule in OBJECT_RULES:
        assert rule in {one["rule"] for one in found if one["file"] == f"{rule}.yaml"}
    assert {one["rule"] for one in found if one["file"] == "Chart.yaml"} == {"deprecated-chart"}


@pytest.mark.parametrize("name", sorted(ASKED_RULES - OBJECT_RULES))
def test_a_bad_file_of_an_estate_rule_holds_what_is_found(name: str) -> None:
    file = ROOT / "examples" / "bad" / f"{name}.yaml"
    held = [one for one in yaml.safe_load_all(file.read_text(encoding="utf-8")) if one is not None]
    addresses = {
        text({"namespace": m.get("namespace", ""), "kind": one["kind"], "name": m["name"]})
        for one in held
        for m in [one["metadata"]]
    }
    found = {text(one["resource"]) for one in opa(documents("bad")) if one["rule"] == name}
    if name == "missing-service":  # what is missing has no object; the Estate stands for it
        assert found == {"Estate/thunderline"}
    else:
        assert found & addresses


@pytest.mark.parametrize("flags", [[], ["--combine"]], ids=["one-by-one", "combined"])
def test_the_good_estate_has_nothing_to_say(flags: list[str]) -> None:
    code, found = conftest(*flags, "examples/good")
    assert found == []
    assert code == 0


def test_the_good_estate_breaks_no_rule_of_any_level() -> None:
    assert opa(documents("good")) == []


def test_october_breaks_every_rule_that_the_audit_could_see(october: dict[str, set[str]]) -> None:
    assert set(october) == ASKED_RULES - SILENT_IN_OCTOBER


def test_the_readme_maps_the_audit_to_what_is_found(october: dict[str, set[str]]) -> None:
    section = README.read_text(encoding="utf-8").partition("## The audit, line by line")[2]
    rows = [row.split("|")[1:-1] for row in section.splitlines() if row.startswith("| ")][1:]
    answered = set()
    for says, objects, rule in rows:
        names = re.findall(r"`([^`]+)`", objects)
        assert names, says
        if rule.strip().startswith("none"):
            assert not any(name in found for name in names for found in october.values()), says
            continue
        answered.add(rule.strip())
        assert set(names) <= october[rule.strip()], says
    # health-probes answers "dashboard health checks", which is a wish and no state.
    assert answered == set(october) - {"health-probes"}


def test_the_readme_counts_by_provenance() -> None:
    counts: dict[tuple[str, str], int] = {}
    for line in OCTOBER.read_text(encoding="utf-8").splitlines()[1:]:
        one = json.loads(line)
        key = (one["kind"], one["metadata"]["annotations"]["thunderguard.dev/provenance"])
        counts[key] = counts.get(key, 0) + 1
    rows = re.findall(r"^\| ([A-Za-z]+) \| ([0-9]+) \| ([0-9]+) \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    told = {(kind, p): int(n) for kind, a, i in rows for p, n in (("audit", a), ("inferred", i)) if int(n)}
    assert told == counts
