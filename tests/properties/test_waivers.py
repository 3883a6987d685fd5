"""What holds of waivers, whatever they cover."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from thunderguard.audit import run_audit
from thunderguard.catalogue import load_catalogue
from thunderguard.engines import EngineOptions, open_engine
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import Document, Finding, Outcome, OutcomeKind, RawFinding, Report, Resource, Status

FEW = settings(max_examples=10, deadline=None)
CATALOGUE = load_catalogue()
_SORTED = orjson.OPT_SORT_KEYS
LAST, AFTER = date(2026, 6, 30), date(2026, 7, 1)
NAMESPACES = ("thunderline", "thunder", "")
KINDS = ("Deployment", "StatefulSet")
NAMES = ("a", "b", "mlflow")
LABELS: tuple[dict[str, str], ...] = ({}, {"team": "x"}, {"team": "x", "tier": "y"})
RULES = ("resource-limits", "namespace-boundary", "image-reference", "singleton-service", "parked-workload")

_ESTATES: dict[bytes, Path] = {}
_FOLDER = tempfile.TemporaryDirectory(prefix="thunderguard-waivers-")


@st.composite
def workloads(draw: st.DrawFn) -> dict[str, Any]:
    image = draw(st.sampled_from(["acme/app:1.0.0", "acme/app", "ghcr.io/mlflow/mlflow:v2.0.0"]))
    metadata = {"name": draw(st.sampled_from(NAMES)), "labels": draw(st.sampled_from(LABELS))}
    if namespace := draw(st.sampled_from(NAMESPACES)):
        metadata["namespace"] = namespace
    spec = {
        "replicas": draw(st.sampled_from([0, 1, 3])),
        "template": {"spec": {"containers": [{"name": "c", "image": image}]}},
    }
    return {"apiVersion": "apps/v1", "kind": draw(st.sampled_from(KINDS)), "metadata": metadata, "spec": spec}


@st.composite
def waivers(draw: st.DrawFn) -> dict[str, Any]:
    covers: dict[str, Any] = {}
    if draw(st.booleans()):
        covers["resource"] = {"kind": draw(st.sampled_from(KINDS)), "name": draw(st.sampled_from(NAMES))}
        if namespace := draw(st.sampled_from(NAMESPACES)):
            covers["resource"]["namespace"] = namespace
    if not covers or draw(st.booleans()):
        covers["selector"] = {"matchLabels": draw(st.sampled_from(LABELS[1:]))}
    return {"rule": draw(st.sampled_from(RULES)), **covers, "reason": "r", "owner": "o", "expires": LAST.isoformat()}


estates = st.lists(
    waivers(),
    min_size=1,
    max_size=4,
    unique_by=lambda one: orjson.dumps([one["rule"], one.get("resource"), one.get("selector")], option=_SORTED),
)


def estate_of(written: list[dict[str, Any]]) -> Path:
    data = load_estate(DEFAULT_ESTATE).data
    text = orjson.dumps({**data, "spec": {**data["spec"], "waivers": written}})
    if text not in _ESTATES:
        _ESTATES[text] = Path(_FOLDER.name) / f"estate-{len(_ESTATES)}.yaml"
        _ESTATES[text].write_text(yaml.safe_dump(orjson.loads(text)), encoding="utf-8")
    return _ESTATES[text]


def audited(objects: list[dict[str, Any]], estate: Path, at: date) -> Report:
    path = Path(_FOLDER.name) / "objects.json"
    path.write_bytes(orjson.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return run_audit([str(path)], estate=estate, at=at)


def told(report: Report) -> list[Finding]:
    return [replace(finding, waived=None) for finding in report.findings if finding.rule != "waiver"]


def is_meant(waiver: dict[str, Any], finding: Finding, labels: dict[str, str]) -> bool:
    """Say in other words than the code's what a waiver covers."""
    where = waiver.get("resource")
    wanted = waiver.get("selector", {}).get("matchLabels", {})
    here = {"kind": finding.resource.kind, "name": finding.resource.name}
    if finding.resource.namespace:
        here["namespace"] = finding.resource.namespace
    return waiver["rule"] == finding.rule and where in (None, here) and wanted.items() <= labels.items()


def _address(obj: dict[str, Any]) -> tuple[str, str, str]:
    return obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


@FEW
@given(st.lists(workloads(), min_size=1, max_size=5, unique_by=_address), estates)
def test_a_waiver_changes_nothing_but_what_it_covers(
    objects: list[dict[str, Any]], written: list[dict[str, Any]]
) -> None:
    """A report under waivers has the findings of the one without, and waived are just those that a waiver covers."""
    plain, waived = audited(objects, DEFAULT_ESTATE, LAST), audited(objects, estate_of(written), LAST)
    assert told(waived) == told(plain)
    labels = {_address(obj): obj["metadata"]["labels"] for obj in objects}
    for finding in waived.findings:
        if finding.rule != "waiver":
            resource = finding.resource
            own = labels.get((resource.kind, resource.namespace, resource.name), {})
            assert (finding.waived is not None) == any(is_meant(one, finding, own) for one in written)
    for rule, counts in plain.totals.items():
        if rule != "waiver":
            broken = Status.VIOLATED, Status.WAIVED
            assert sum(counts[one] for one in broken) == sum(waived.totals[rule][one] for one in broken)


@FEW
@given(st.lists(workloads(), min_size=1, max_size=5, unique_by=_address), estates)
def test_after_the_last_day_it_is_as_if_there_were_no_waiver(
    objects: list[dict[str, Any]], written: list[dict[str, Any]]
) -> None:
    """When every waiver has ended, a report is the one without waivers and a finding for each of them."""
    plain, ended = audited(objects, DEFAULT_ESTATE, AFTER), audited(objects, estate_of(written), AFTER)
    assert [finding for finding in ended.findings if finding.rule != "waiver"] == list(plain.findings)
    about = [finding for finding in ended.findings if finding.rule == "waiver"]
    assert [finding.path for finding in about] == [f"spec.waivers[{place}]" for place in range(len(written))]
    assert all("ended on 2026-06-30" in finding.message for finding in about)
    assert {rule: counts for rule, counts in plain.totals.items() if rule != "waiver"} == {
        rule: counts for rule, counts in ended.totals.items() if rule != "waiver"
    }


@pytest.mark.parametrize("day", [LAST, AFTER])
@FEW
@given(objects=st.lists(workloads(), min_size=1, max_size=6), written=estates)
def test_the_embedded_engine_waives_as_the_reference_does(
    day: date, objects: list[dict[str, Any]], written: list[dict[str, Any]]
) -> None:
    """At the door both engines leave out the same findings, and find the rest."""
    said = []
    for name in ("embedded", "reference"):
        estate = load_estate(estate_of(written))
        with open_engine(name, estate=estate, catalogue=CATALOGUE, options=EngineOptions(at=day)) as engine:
            documents = [Document(place, orjson.dumps(obj)) for place, obj in enumerate(objects)]
            said.append([_bare(outcome) for outcome in engine.judge(documents)])
    assert said[0] == said[1]


def _bare(outcome: Outcome) -> tuple[OutcomeKind, set[tuple[str, Resource, str]], dict[str, Status]]:
    findings: tuple[RawFinding, ...] = outcome.findings
    return outcome.kind, {finding.key for finding in findings}, dict(outcome.statuses)
