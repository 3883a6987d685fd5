"""How the result of a replay is shown: every state, in text, JUnit and JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from junit_schema import parsed
from report_values import check_golden

from thunderguard import schemas
from thunderguard.replay import State
from thunderguard.replay.properties.base import Mismatch
from thunderguard.replay.result import Cell, Counterexample, Replay
from thunderguard.replay.run import PROFILES
from thunderguard.reports.replay import render, render_json, render_junit, summary
from thunderguard.reports.text import Look

MANIFEST = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  initContainers:\n  - image: a:1\n"
MISMATCH = Mismatch(
    "reference",
    "opa",
    ("resource-limits at Pod/x spec.initContainers[0].resources",),
    (),
    frozenset({"-resource-limits"}),
)


def result(**changes: Any) -> Replay:
    example = Counterexample(
        MANIFEST,
        "add-unbounded(initial=True)",
        MISMATCH,
        "thunderguard replay s.jsonl --engines opa --property a --seed 7 --examples 3",
        "tests/cases/regressions/resource-limits.yaml",
    )
    bad = Counterexample(MANIFEST.replace("x", "\u202ex\x1b[31m"), "", MISMATCH, "thunderguard replay s.jsonl")
    note = "change of policy since s.findings.json: the rules are others\n+ resource-limits at Pod/x spec"
    cells = {
        "a": {
            "embedded": Cell(examples=40, seconds=1.5),
            "opa": Cell(examples=40, failures=3, counterexamples=[example]),
            "native": Cell(unjudged=40, reason="kubectl-kyverno is neither in .tools/bin nor on PATH"),
        },
        "f": {
            "embedded": Cell(examples=40),
            "opa": Cell(examples=40, failures=1, counterexamples=[bad]),
            "native": Cell(unjudged=40, reason="kubectl-kyverno is neither in .tools/bin nor on PATH"),
        },
        "g": {
            "embedded": Cell(examples=1, changed=True, notes=[note]),
            "opa": Cell(examples=1, changed=True, notes=[note]),
            "native": Cell(),
        },
        "h": {
            "embedded": Cell(examples=40),
            "opa": Cell(examples=38, inexpressible=2, why_inexpressible="it knows no users"),
            "native": Cell(inexpressible=40, why_inexpressible="it knows no requests"),
        },
    }
    values: dict[str, Any] = {
        "snapshots": ("s.jsonl",),
        "objects": 100,
        "estate": "estate.yaml",
        "seed": 7,
        "profile": "dev",
        "wanted": 40,
        "versions": {"embedded": "regorus 0.13.0", "opa": "OPA 1.22.2", "native": ""},
        "cells": cells,
        "unmade": {"odd": "no text was found"},
    }
    return Replay(**{**values, **changes})


def test_the_text_is_the_golden_one() -> None:
    check_golden("replay.txt", render(result().to_json(), look=Look()))


def test_colours_change_nothing_but_colours() -> None:
    import re

    plain, coloured = (render(result().to_json(), look=Look(color=on)) for on in (False, True))
    assert "\x1b[" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_a_poor_terminal_gets_ascii() -> None:
    assert render(result().to_json(), look=Look(encoding="ascii", width=60)).isascii()


def test_the_summary_counts_every_state() -> None:
    assert summary(result().to_json()) == (
        "4 properties, 3 engines; 4 agrees; 2 disagrees; 2 could not judge; 2 policy changed; 2 nothing to judge; "
        "exit 3"
    )
    value = result(interrupted=True).to_json()
    assert summary(value).endswith("; interrupted, so this is not all; exit 130")


def test_junit_tells_every_state() -> None:
    root = parsed(render_junit(result().to_json()))
    found = {(case.get("classname"), case.get("name")): [child.tag for child in case] for case in root.iter("testcase")}
    assert found["replay.a", "embedded"] == []
    assert found["replay.a", "opa"] == ["failure"]
    assert found["replay.a", "native"] == ["error"]
    assert found["replay.g", "embedded"] == ["skipped"]
    assert found["replay.g", "native"] == ["skipped"]
    assert found["replay.h", "native"] == ["skipped"]
    assert found["replay.h", "opa"] == []
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "3 of 40 examples disagree"
    assert failure.text is not None
    assert "kind: Pod" in failure.text
    assert "repeat it: thunderguard replay" in failure.text


@pytest.mark.parametrize("interrupted", [False, True])
def test_json_is_the_value_that_the_schema_describes(interrupted: bool) -> None:
    value = result(interrupted=interrupted).to_json()
    assert json.loads(render_json(value)) == value
    schemas.validator("replay").validate(value)
    described = schemas.load("replay")
    assert described["$defs"]["cell"]["properties"]["state"]["enum"] == list(State)
    assert described["properties"]["profile"]["enum"] == list(PROFILES)
