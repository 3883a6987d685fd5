"""The engines that ask OPA and Kyverno behind a real API server, and a server that fails."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bed.engines import missing, opened
from thunderguard.controlplane.processes import end
from thunderguard.engines.webhook.door import close_unused
from thunderguard.engines.webhook.plane import PROGRAMS
from thunderguard.errors import PolicyError
from thunderguard.model import Document, OutcomeKind, Status

ROOT = Path(__file__).resolve().parents[2]
ENGINES = ("opa-webhook", "kyverno-webhook")
SERVERS = {"opa-webhook": "opa", "kyverno-webhook": "kyverno"}


@pytest.fixture(autouse=True)
def _the_programs_are_built() -> None:
    if missing(*PROGRAMS, *SERVERS.values()):
        pytest.fail("run `make tools`")


@pytest.fixture(scope="module", autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    close_unused()


def pod(name: str) -> Document:
    amounts = {"cpu": "100m", "memory": "64Mi"}
    container = {"name": "c", "image": "nginx:1.27.0", "resources": {"requests": amounts, "limits": amounts}}
    metadata = {"name": name, "namespace": "thunderline"}
    value = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}
    return Document(0, json.dumps(value).encode())


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
