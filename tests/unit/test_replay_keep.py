"""Counterexamples that are kept: cases of the declared suite that its own loader reads."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import yaml
from replay_bed import ground, judged

from thunderguard.catalogue import load_catalogue
from thunderguard.conformance.load import load_cases
from thunderguard.errors import UsageError
from thunderguard.model import JsonObject
from thunderguard.replay.edit import drop, put
from thunderguard.replay.manifests import keep, manifest

RULES = load_catalogue().object_rules


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cases").mkdir()
    return tmp_path / "cases" / "regressions"


def unbounded() -> JsonObject:
    home = ground().samples.home("mlflow")
    assert home is not None
    return drop(home, ("spec", "template", "spec", "containers", 0, "resources"))


def test_a_kept_case_is_one_of_the_suite(folder: Path) -> None:
    obj = put(unbounded(), ("metadata", "name"), "copy")
    path = keep(obj, "resource-limits", judged(obj), folder=folder)
    assert path == folder / "resource-limits.yaml"
    (case,) = load_cases(folder.parent, RULES)
    assert case.rule == "resource-limits"
    assert case.objects == (orjson.loads(orjson.dumps(obj)),)
    assert {(one.rule, one.path) for one in case.findings} == {
        (finding.rule, finding.path) for finding in judged(obj).findings
    }
    (check, request) = case.checks()
    assert check.findings == request.findings == {finding.key for finding in judged(obj).findings}


def test_the_same_case_is_kept_once_and_others_stay(folder: Path) -> None:
    obj = unbounded()
    for _ in range(2):
        keep(obj, "resource-limits", judged(obj), folder=folder)
    other = put(obj, ("metadata", "labels"), {"a": "b"})
    path = keep(other, "resource-limits", judged(other), folder=folder)
    assert len(load_cases(folder.parent, RULES)) == 2
    assert len(yaml.safe_load(path.read_text("utf-8"))["resource-limits"]) == 2
    assert [file.name for file in folder.iterdir()] == ["resource-limits.yaml"]


def test_a_case_joins_those_that_people_wrote(folder: Path) -> None:
    folder.mkdir()
    file = folder / "resource-limits.yaml"
    written = "# People wrote this.\nresource-limits:\n    - name: by-hand\n      object: {apiVersion: v1, kind: X}\n"
    file.write_text(written + "      findings: []\n", encoding="utf-8")
    keep(unbounded(), "resource-limits", judged(unbounded()), folder=folder)
    assert file.read_text("utf-8").startswith(written)
    assert len(load_cases(folder.parent, RULES)) == 2


def test_what_no_api_server_is_asked_is_a_manifest_only(folder: Path) -> None:
    chart: JsonObject = {
        "apiVersion": "v2",
        "name": "x",
        "version": "1.0.0",
        "dependencies": [{"name": "thunder-stack"}],
    }
    keep(chart, "deprecated-chart", judged(chart), folder=folder)
    nowhere = drop(unbounded(), ("metadata", "namespace"))
    keep(nowhere, "resource-limits", judged(nowhere), folder=folder)
    cases = load_cases(folder.parent, RULES)
    assert [len(list(case.checks())) for case in cases] == [1, 1]
    assert cases[1].unjudged == {"namespace-boundary", "singleton-service"}


def test_an_update_is_kept_with_what_was_before(folder: Path) -> None:
    home = ground().samples.home("mlflow")
    assert home is not None
    keep(unbounded(), "resource-limits", judged(unbounded()), folder=folder, old=home)
    (case,) = load_cases(folder.parent, RULES)
    assert case.operation == "UPDATE"
    assert case.old == orjson.loads(orjson.dumps(home))


def test_nothing_is_kept_where_no_suite_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not here"):
        keep(unbounded(), "resource-limits", judged(unbounded()), folder=tmp_path / "a" / "b")


def test_a_folder_that_cannot_be_written_is_told(folder: Path) -> None:
    folder.write_text("not a folder", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be written"):
        keep(unbounded(), "resource-limits", judged(unbounded()), folder=folder)


def test_a_manifest_is_read_as_it_was() -> None:
    odd: JsonObject = {"spec": {"b": "yes", "a": ["\u0000\u202e", 1e21, None]}, "kind": "X", "apiVersion": "v1"}
    text = manifest([odd, odd])
    assert list(yaml.safe_load_all(text)) == [odd, odd]
    assert text.startswith("apiVersion: v1\nkind: X\n")
    assert "&id" not in text
    assert text.isascii()
