"""Why the guard has each of its rules: what it refuses is judged otherwise by the embedded engine than by OPA.

The modules are in ``tests/guard_modules.py``. Nine of the ten differences are silent: both engines answer. The tenth,
a built-in that the embedded engine lacks, is an error only when an input reaches it, which is shown apart.
"""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from guard_modules import ASKING, EXAMPLES, HEAD, SPREAD, SPREAD_INPUT, Example
from thunderguard.engines._regorus import new_regorus
from thunderguard.engines.base import EngineOptions
from thunderguard.engines.guard import guard_sources
from thunderguard.engines.pins import find_program
from thunderguard.errors import ToolMissingError

UNDEFINED = "undefined"
SILENT = [example for example in EXAMPLES if example.rule != "builtin-allow-list"]
LACKING = next(example for example in EXAMPLES if example.rule == "builtin-allow-list")


@pytest.fixture(scope="module")
def opa() -> Path:
    try:
        return find_program("opa", EngineOptions())
    except ToolMissingError:
        pytest.fail("run `make tools`")


def by_opa(opa: Path, folder: Path, source: str, value: Any) -> Any:
    module = folder / "g.rego"
    module.write_text(source)
    done = subprocess.run(
        [opa, "eval", "--format", "json", "--data", module, "--stdin-input", "data.g.e"],
        input=json.dumps(value).encode(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    result = json.loads(done.stdout).get("result")
    return result[0]["expressions"][0]["value"] if result else UNDEFINED


def by_regorus(source: str, value: Any) -> Any:
    engine = new_regorus()
    engine.add_policy("g.rego", source)
    engine.set_input_json(json.dumps(value))
    result = json.loads(engine.eval_query_as_json("data.g.e")).get("result")
    return result[0]["expressions"][0]["value"] if result else UNDEFINED


@pytest.mark.parametrize("example", SILENT, ids=lambda example: example.rule)
def test_what_is_refused_is_judged_otherwise_without_a_sound(example: Example, opa: Path, tmp_path: Path) -> None:
    assert by_opa(opa, tmp_path, example.refused, example.input) != by_regorus(example.refused, example.input)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("\\d", "٣"), ("\\w", "é"), ("\\s", "\u00a0"), ("a\\b", "aé"), ("[a&&b]", "&"), ("^[+--]$", ",")],
)
def test_a_pattern_that_is_refused_means_something_else(pattern: str, text: str, opa: Path, tmp_path: Path) -> None:
    source = f"{HEAD}e if regex.match(`{pattern}`, input.text)\n"
    assert [violation.rule for violation in guard_sources({"g.rego": source})] == ["regex-classes"]
    value = {"text": text}
    assert by_opa(opa, tmp_path, source, value) != by_regorus(source, value)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.rule)
def test_what_is_accepted_is_judged_alike(example: Example, opa: Path, tmp_path: Path) -> None:
    assert by_opa(opa, tmp_path, example.accepted, example.input) == by_regorus(example.accepted, example.input)


def test_a_package_in_several_files_loses_results_in_some_orders(opa: Path, tmp_path: Path) -> None:
    modules = (*SPREAD, ASKING)
    for place, text in enumerate(modules):
        (tmp_path / f"{place}.rego").write_text(text)
    done = subprocess.run(
        [opa, "eval", "--format", "values", "--data", tmp_path, "--stdin-input", "data.m.out"],
        input=json.dumps(SPREAD_INPUT).encode(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == [["b"]]
    answers = set()
    for order in itertools.permutations(modules):
        engine = new_regorus()
        for place, text in enumerate(order):
            engine.add_policy(f"{place}.rego", text)
        engine.set_input_json(json.dumps(SPREAD_INPUT))
        found = json.loads(engine.eval_query_as_json("data.m.out"))["result"]
        answers.add(tuple(found[0]["expressions"][0]["value"]))
    assert answers == {(), ("b",)}


def test_a_builtin_that_is_lacking_is_noticed_only_when_it_is_reached(opa: Path, tmp_path: Path) -> None:
    unreached = {"a": "never"}
    assert by_opa(opa, tmp_path, LACKING.refused, unreached) == by_regorus(LACKING.refused, unreached) == UNDEFINED
    assert by_opa(opa, tmp_path, LACKING.refused, LACKING.input) != UNDEFINED
    with pytest.raises(RuntimeError, match=r"could not find function crypto\.sha256"):
        by_regorus(LACKING.refused, LACKING.input)
