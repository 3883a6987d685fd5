"""Every engine judges admission requests alike, and the webhook answers by the same verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from review_table import TABLE, deployment, scale
from thunderguard.admission import review
from thunderguard.catalogue import load_catalogue
from thunderguard.compare import differences
from thunderguard.engines import Engine, open_engine
from thunderguard.engines.embedded import EmbeddedEngine
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.facts.admission import unreadable
from thunderguard.model import Document, Level, Outcome, OutcomeKind, RawFinding, Status

ENGINES = ("embedded", "opa", "conftest")
DOCUMENTS = [Document(n, json.dumps(asked.review).encode()) for n, asked in enumerate(TABLE.values())]


def engine_called(name: str) -> Engine:
    return open_engine(name, estate=load_estate(DEFAULT_ESTATE), catalogue=load_catalogue())


def outcomes_of(name: str, documents: list[Document]) -> list[Outcome]:
    with engine_called(name) as engine:
        return list(engine.judge(documents))


@pytest.fixture(scope="module")
def reference() -> list[Outcome]:
    return outcomes_of("reference", DOCUMENTS)


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_says_of_every_request_what_the_reference_says(name: str, reference: list[Outcome]) -> None:
    sides = ("reference", reference), (name, outcomes_of(name, DOCUMENTS))
    found = list(differences(DOCUMENTS, *sides, texts=True))
    assert not found, "\n\n".join(str(difference) for difference in found)


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_finds_what_the_table_says(name: str) -> None:
    for (case, asked), outcome in zip(TABLE.items(), outcomes_of(name, DOCUMENTS), strict=True):
        found: dict[str, list[str]] = {}
        for finding in outcome.findings:
            found.setdefault(finding.rule, []).append(finding.path)
        assert found == (asked.found or {}), case
        assert (set(outcome.statuses.values()) == {Status.NOT_MATCHED}) == (asked.found is None), case


@pytest.mark.parametrize("name", ENGINES)
def test_requests_and_manifests_may_be_mixed_in_any_order(name: str, reference: list[Outcome]) -> None:
    manifest = Document(0, json.dumps(deployment()).encode())
    mixed = [document for request in reversed(DOCUMENTS) for document in (manifest, request)]
    seen = outcomes_of(name, mixed)
    assert [outcome.findings for outcome in seen[1::2]] == [outcome.findings for outcome in reversed(reference)]
    assert [dict(outcome.statuses) for outcome in seen[1::2]] == [
        dict(outcome.statuses) for outcome in reversed(reference)
    ]
    assert {outcome.kind for outcome in seen[::2]} == {OutcomeKind.FINDINGS}


def test_requests_are_asked_about_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """One question for each would cost ten times as much."""
    monkeypatch.setattr(EmbeddedEngine, "_ask_one", lambda *_: pytest.fail("a request is asked about alone"))
    assert len(outcomes_of("embedded", DOCUMENTS)) == len(DOCUMENTS)


@pytest.mark.parametrize("name", ["reference", *ENGINES])
def test_every_engine_can_express_every_request(name: str) -> None:
    with engine_called(name) as engine:
        assert {engine.cannot_express(document) for document in DOCUMENTS} == {None}


@pytest.fixture(scope="module")
def webhook() -> Iterator[str]:
    with engine_called("opa") as engine:
        yield f"http://127.0.0.1:{cast('Any', engine)._client.port}/v0/data/thunderguard/webhook"


def answer(webhook: str, value: Any) -> dict[str, Any]:
    """Give what the API server gets: the bare document."""
    answered = requests.post(webhook, json=value, timeout=30)
    assert answered.status_code == 200
    document: dict[str, Any] = answered.json()
    assert document.keys() == {"apiVersion", "kind", "response"}
    return document


def lines(findings: tuple[RawFinding, ...], level: Level) -> list[str]:
    return [f"{f.rule}: {f.path}: {f.message}. {f.remedy}" for f in findings if f.level == level]


def test_the_webhook_answers_by_the_verdict_of_the_reference(webhook: str, reference: list[Outcome]) -> None:
    for (case, asked), outcome in zip(TABLE.items(), reference, strict=True):
        seen = answer(webhook, asked.review)
        request = asked.review.get("request")
        assert seen["apiVersion"] == asked.review["apiVersion"], case
        assert seen["kind"] == "AdmissionReview", case
        uid = request.get("uid") if isinstance(request, dict) else None
        if reason := unreadable(asked.review):
            status = {"code": 400, "message": f"thunderguard cannot read the AdmissionReview: {reason}"}
            wanted: dict[str, Any] = {"uid": uid or "", "allowed": False, "status": status, "warnings": []}
        else:
            denied, warned = lines(outcome.findings, Level.DENY), lines(outcome.findings, Level.WARN)
            spoken = sorted(rule for rule, said in outcome.statuses.items() if said in {Status.PASSED, Status.VIOLATED})
            annotations = {"rules": ",".join(spoken)} if spoken else {}
            wanted = {"uid": uid, "allowed": not denied, "warnings": warned, "auditAnnotations": annotations}
            if denied:
                wanted["status"] = {"code": 403, "message": "\n".join(denied)}
        assert seen["response"] == wanted, case


def test_the_webhook_warns_and_denies_at_once(webhook: str) -> None:
    obj = deployment("ghcr.io/mlflow/mlflow:v2.14.1")
    obj["spec"]["template"]["spec"]["containers"][0]["command"] = ["mlflow", "server"]
    response = answer(webhook, review(obj))["response"]
    assert response["allowed"] is False
    assert "kubectl delete deployment x -n thunder" in response["status"]["message"]
    assert [warning.split(":")[0] for warning in response["warnings"]] == ["health-probes", "health-probes"]


def test_the_webhook_denies_a_scale(webhook: str) -> None:
    response = answer(webhook, scale(1, 2))["response"]
    assert response["status"]["message"] == (
        "singleton-service: spec.replicas: mlflow asks for 2 replicas; its maximum is 1. set spec.replicas to 1 or less"
    )


@pytest.mark.parametrize(
    "value", [None, True, 0, "x", [], {}, [review(deployment())], {"apiVersion": "v1", "kind": "Pod"}]
)
def test_the_webhook_refuses_what_it_cannot_read(webhook: str, value: Any) -> None:
    seen = answer(webhook, value)
    assert seen["apiVersion"] == "admission.k8s.io/v1"
    assert seen["response"]["allowed"] is False
    assert seen["response"]["status"]["code"] == 400
    assert seen["response"]["uid"] == ""


def test_the_webhook_refuses_a_body_that_is_none(webhook: str) -> None:
    seen = requests.post(webhook, timeout=30).json()
    assert seen["response"]["allowed"] is False
    # What is not JSON never reaches the policy: OPA itself answers with an error, which the API server takes for one.
    assert requests.post(webhook, data=b'{"apiVersion": "admission', timeout=30).status_code == 400


WHOLE = review(deployment("ghcr.io/mlflow/mlflow:v2.14.1"))
DENIED = json.dumps(WHOLE).encode()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw the bytes of a request that is denied when it is whole, cut off or with bytes put in or changed."""
    place = draw(st.integers(0, len(DENIED) - 1))
    wrong = draw(st.binary(max_size=4))
    how = draw(st.sampled_from(("cut", "put in", "changed")))
    if how == "cut":
        return DENIED[:place]
    return DENIED[:place] + wrong + DENIED[place + (len(wrong) if how == "changed" else 0) :]


def is_admitted(webhook: str, body: bytes) -> bool:
    """Say whether an API server would admit what it asked with ``body`` when it meant ``WHOLE``."""
    seen = requests.post(webhook, data=body, timeout=30)
    if seen.status_code != 200:
        return False
    said = seen.json()["response"]
    return said["allowed"] is True and said["uid"] == WHOLE["request"]["uid"]


@given(body=damaged())
def test_a_damaged_request_is_admitted_only_if_what_it_says_now_is_allowed(webhook: str, body: bytes) -> None:
    """Of a denied request that arrives damaged, nothing is admitted but what the reference allows as it stands."""
    admitted = is_admitted(webhook, body)
    try:
        value = json.loads(body)
    except ValueError:
        assert not admitted
        return
    (outcome,) = outcomes_of("reference", [Document(0, json.dumps(value).encode())])
    if unreadable(value) or lines(outcome.findings, Level.DENY):
        assert not admitted


def test_the_webhook_survives_what_nobody_should_send(webhook: str) -> None:
    request = WHOLE["request"]
    long = "x" * 3_000_000
    bodies = {
        "3 MB": {**WHOLE, "request": {**request, "object": {**request["object"], "data": long}}},
        "another version": {**WHOLE, "apiVersion": "admission.k8s.io/v1beta1"},
        "no version": {"kind": "AdmissionReview", "request": request},
        "no uid": {**WHOLE, "request": {key: value for key, value in request.items() if key != "uid"}},
        "a number for a uid": {**WHOLE, "request": {**request, "uid": 7}},
        "no object": {**WHOLE, "request": {**request, "object": None}},
    }
    for name, body in bodies.items():
        assert not is_admitted(webhook, json.dumps(body).encode()), name
    deep = b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":' + b"[" * 100_000
    for raw in (deep, deep + b"]" * 100_000 + b"}", bytes(range(256)) * 4096, b"\x00", b"\xff\xfe{}"):
        assert not is_admitted(webhook, raw)
    assert not is_admitted(webhook, DENIED)
    assert is_admitted(webhook, json.dumps({**WHOLE, "request": {**request, "operation": "DELETE"}}).encode())
