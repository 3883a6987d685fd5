"""Waivers where nobody comes after the engine, each by its own clock: `conftest test`, OPA's webhook, policies."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from thunderguard.admission import review
from thunderguard.catalogue import load_catalogue
from thunderguard.engines import open_engine
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import Document, Status

ROOT = Path(__file__).resolve().parents[2]
OBJECT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "api", "namespace": "thunderline", "labels": {"team": "x"}},
    "spec": {"template": {"spec": {"containers": [{"name": "api", "image": "acme/api:1.0.0"}]}}},
}
EVER, NEVER = "2999-12-31", "2001-01-01"


def run(name: str, *arguments: str | Path) -> tuple[int, Any]:
    program = ROOT / ".tools" / "bin" / name
    if not program.exists():
        pytest.fail("run `make tools`")
    done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(params=[EVER, NEVER])
def waived(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, bool]:
    """Give an Estate that waives what OBJECT breaks up to a day, and whether that day is to come."""
    waiver = {
        "rule": "resource-limits",
        "selector": {"matchLabels": {"team": "x"}},
        "reason": "sizes are being measured",
        "owner": "ops",
        "expires": request.param,
    }
    data = load_estate(DEFAULT_ESTATE).data
    path = tmp_path / "estate.yaml"
    path.write_text(json.dumps({**data, "spec": {**data["spec"], "waivers": [waiver]}}))
    return path, request.param == EVER


def test_conftest_at_the_root_honours_a_waiver_until_it_ends(waived: tuple[Path, bool], tmp_path: Path) -> None:
    estate, in_force = waived
    file = tmp_path / "api.json"
    file.write_text(json.dumps(OBJECT))
    code, (answer,) = run("conftest", "test", "--output", "json", "--data", "rego", "--data", f"estate:{estate}", file)
    assert code == (0 if in_force else 1)
    said = [one["msg"] for level in ("failures", "warnings") for one in answer.get(level) or []]
    assert [message.partition(":")[0] for message in said] == [
        f"waived until {EVER} by ops" if in_force else "resource-limits"
    ]


def test_the_webhook_of_opa_honours_a_waiver_until_it_ends(waived: tuple[Path, bool], tmp_path: Path) -> None:
    estate, in_force = waived
    file = tmp_path / "review.json"
    file.write_text(json.dumps(review(OBJECT)))
    _, answer = run(
        "opa",
        "eval",
        "--data",
        "rego",
        "--data",
        f"estate:{estate}",
        "--input",
        file,
        "data.thunderguard.webhook.response",
    )
    response = answer["result"][0]["expressions"][0]["value"]
    assert response["allowed"] is in_force
    assert [warning.partition(":")[0] for warning in response["warnings"]] == [f"waived until {EVER}"] * in_force


@pytest.mark.parametrize("name", ["kyverno", "native"])
def test_a_policy_honours_a_waiver_until_it_ends(waived: tuple[Path, bool], name: str) -> None:
    path, in_force = waived
    with open_engine(name, estate=load_estate(path), catalogue=load_catalogue()) as engine:
        (outcome,) = engine.judge([Document(0, json.dumps(OBJECT).encode())])
    assert [found.rule for found in outcome.findings] == ([] if in_force else ["resource-limits"])
    assert outcome.statuses["resource-limits"] is (Status.PASSED if in_force else Status.VIOLATED)
