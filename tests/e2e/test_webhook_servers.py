"""The engines that ask OPA and Kyverno behind a real API server: the declared suite, and a server that fails."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from thunderguard.catalogue import load_catalogue
from thunderguard.conformance.deviations import load_deviations
from thunderguard.conformance.load import load_cases
from thunderguard.conformance.result import Result
from thunderguard.conformance.run import run_cases
from thunderguard.controlplane.processes import end
from thunderguard.engines import ENGINE_NAMES, EngineOptions, open_engine
from thunderguard.engines.webhook.door import close_unused
from thunderguard.engines.webhook.engine import WebhookEngine
from thunderguard.errors import PolicyError
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import Document, ExitCode, OutcomeKind, Status
from thunderguard.reports.conformance import render
from thunderguard.reports.text import Look

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases"
CATALOGUE = load_catalogue()
ESTATE = load_estate(DEFAULT_ESTATE)
ENGINES = ("opa-webhook", "kyverno-webhook")
SERVERS = {"opa-webhook": "opa", "kyverno-webhook": "kyverno"}


@pytest.fixture(autouse=True)
def _the_programs_are_built() -> None:
    for program in ("etcd", "kube-apiserver", *SERVERS.values()):
        if not (ROOT / ".tools" / "bin" / program).is_file():
            pytest.fail("run `make tools`")


@pytest.fixture(scope="module", autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    close_unused()


def opened(name: str, **options: Any) -> WebhookEngine:
    chosen = EngineOptions(**options)
    return cast("WebhookEngine", open_engine(name, estate=ESTATE, catalogue=CATALOGUE, options=chosen))


def pod(name: str) -> Document:
    amounts = {"cpu": "100m", "memory": "64Mi"}
    container = {"name": "c", "image": "nginx:1.27.0", "resources": {"requests": amounts, "limits": amounts}}
    metadata = {"name": name, "namespace": "thunderline"}
    value = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}
    return Document(0, json.dumps(value).encode())


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_at_the_door_says_what_every_case_says(name: str) -> None:
    """Every case that an API server can be asked about is answered so, and most can be."""
    cases = load_cases(CASES, CATALOGUE.object_rules)
    known = load_deviations(CASES, engines=ENGINE_NAMES, cases={case.id for case in cases})
    result = run_cases(cases, (name,), estate=ESTATE, catalogue=CATALOGUE, deviations=known)
    assert result.exit_code == ExitCode.CLEAN, render(result, look=Look(), verbose=True)
    (engine,) = result.engines
    assert len([one for one in engine.results if one.result is Result.AGREES]) > len(cases) / 2


@pytest.mark.parametrize("name", ENGINES)
def test_a_server_that_is_gone_gives_no_verdict_and_another_one_is_started(name: str) -> None:
    with opened(name) as engine:
        assert engine.door is not None
        plane = engine.door.plane
        (outcome,) = engine.judge([pod("before")])
        assert outcome.kind is OutcomeKind.PASS
        end([one for one in plane.running if one.name == SERVERS[name]])
        (outcome,) = engine.judge([pod("after")])
        assert outcome.kind is OutcomeKind.ENGINE_FAILED
        assert "failed calling webhook" in (outcome.reason or "")
        assert set(outcome.statuses.values()) == {Status.FAILED}
    with opened(name) as engine:
        (outcome,) = engine.judge([pod("after")])
        assert outcome.kind is OutcomeKind.PASS


def test_rego_that_does_not_compile_is_told_in_opas_words(tmp_path: Path) -> None:
    rego = Path(shutil.copytree(ROOT / "rego", tmp_path / "rego"))
    with open(rego / "thunderguard" / "webhook" / "webhook.rego", "a", encoding="utf-8") as file:
        file.write("\nbroken if nothing.of.the.kind(1)\n")
    with pytest.raises(PolicyError, match=r"does not compile: .*rego_type_error"):
        opened("opa-webhook", rego_dir=rego)


def test_a_kyverno_policy_that_does_not_compile_is_told_by_its_file(tmp_path: Path) -> None:
    policies = Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))
    file = policies / "resource-limits" / "kyverno.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("size(variables.lines) == 0", "size(variables.lines) == ]"), encoding="utf-8")
    with pytest.raises(PolicyError, match=r"does not compile: .*resource-limits/kyverno[.]yaml: "):
        opened("kyverno-webhook", policies_dir=policies)
