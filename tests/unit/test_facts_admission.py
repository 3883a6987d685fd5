"""What an admission request asks about, and what the reference engine makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from review_table import BAD, CHART, TABLE, WEB, Asked, changed, deployment, scale, thing, update
from thunderguard.admission import review
from thunderguard.catalogue import load_catalogue
from thunderguard.engines.base import ContextManaged, Engine
from thunderguard.engines.reference import ReferenceEngine
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.facts.admission import Scale, asked, significant_labels, subject_of, unreadable
from thunderguard.facts.contract import Contract
from thunderguard.model import Document, Outcome, OutcomeKind, Resource, Status

ESTATE = load_estate(DEFAULT_ESTATE)
ENGINE = ReferenceEngine(estate=ESTATE, catalogue=load_catalogue())
MLFLOW = Resource("apps/v1", "Deployment", "thunderline", "mlflow-tracking")


def judged(document: Any) -> Outcome:
    (outcome,) = ENGINE.judge([Document(0, json.dumps(document).encode())])
    return outcome


@pytest.mark.parametrize("request_", TABLE.values(), ids=TABLE)
def test_the_reference_judges_what_is_asked(request_: Asked) -> None:
    outcome = judged(request_.review)
    found: dict[str, list[str]] = {}
    for finding in outcome.findings:
        found.setdefault(finding.rule, []).append(finding.path)
    assert found == (request_.found or {})
    assert (set(outcome.statuses.values()) == {Status.NOT_MATCHED}) == (request_.found is None)
    assert len(outcome.statuses) == 8


def test_the_object_itself_is_judged() -> None:
    obj = deployment()
    assert asked(review(obj), ()) is obj
    assert judged(review(obj)) == judged(obj)


def test_a_scale_speaks_of_the_workload() -> None:
    assert asked(scale(1, 2), ()) == Scale(MLFLOW, 2)
    (finding,) = judged(scale(1, 2)).findings
    assert finding.resource == MLFLOW
    assert finding.message == "mlflow asks for 2 replicas; its maximum is 1"
    assert finding.remedy == "set spec.replicas to 1 or less"


def test_a_scale_without_a_number_asks_for_none() -> None:
    assert asked(scale("x", None), ()) == Scale(MLFLOW, 0)


def test_a_scale_is_judged_by_one_rule() -> None:
    statuses = dict(judged(scale(0, 1)).statuses)
    assert statuses.pop("singleton-service") is Status.PASSED
    assert set(statuses.values()) == {Status.NOT_MATCHED}


def test_significant_labels_are_those_that_rules_look_at() -> None:
    estate = {
        "spec": {
            "services": [
                {"name": "a", "recognise": [{"labels": {"one": "1"}}, {"image": "x"}, {"labels": {"two": "2"}}]}
            ],
            "deprecated": {"services": [{"name": "b", "recognise": [{"labels": {"three": "3"}}]}]},
        }
    }
    assert significant_labels(Contract.of(estate)) == {CHART, "one", "two", "three"}
    assert significant_labels(Contract.of(ESTATE.data)) == {CHART, WEB}


def test_a_label_counts_when_the_estate_names_it() -> None:
    labelled = update(deployment(), deployment(labels={"own": "x"}))
    assert asked(labelled, [CHART]) is None
    assert asked(labelled, [CHART, "own"]) is labelled["request"]["object"]


@pytest.mark.parametrize(
    ("one", "other"), [(True, 1), (0, False), ([{"a": 1}], [{"a": True}]), ({"a": None}, {}), ("1", 1), ([], {})]
)
def test_values_that_only_look_alike_are_a_change(one: Any, other: Any) -> None:
    assert asked(update(deployment(counts={"a": one}), deployment(counts={"a": other})), ()) is not None
    assert asked(update(deployment(counts={"a": one}), deployment(counts={"a": one})), ()) is None


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}, "it has no request"),
        ({**review(deployment()), "request": []}, "it has no request"),
        (changed(review(deployment()), uid=""), "its request has no uid"),
        (changed(review(deployment()), uid=["u"]), "its request has no uid"),
        (changed(review(deployment()), operation="PATCH"), "operations"),
        (changed(review(deployment()), operation=None), "operations"),
        (changed(review(deployment()), object=None), "no Kubernetes object"),
        (changed(review(deployment()), object={"kind": "Pod", "apiVersion": "v1"}), "no Kubernetes object"),
    ],
)
def test_why_a_review_cannot_be_answered(broken: dict[str, Any], reason: str) -> None:
    assert reason in str(unreadable(broken))


def test_reviews_that_can_be_answered() -> None:
    for good in (
        review(deployment()),
        review(None, operation="DELETE", old=deployment()),
        review(thing("v1", "PodExecOptions"), operation="CONNECT"),
        update(None, deployment()),
        scale(1, 2),
    ):
        assert unreadable(good) is None


def test_what_a_review_is_about() -> None:
    obj = deployment()
    about = Resource("apps/v1", "Deployment", "thunder", "x")
    assert subject_of(review(obj)) == (obj, about)
    assert subject_of(review(None, operation="DELETE", old=obj)) == (obj, about)
    assert subject_of(scale(1, 2))[1] == MLFLOW
    core = scale(1, 2, kind="ReplicationController", api_version="v1")
    assert subject_of(core)[1] == Resource("v1", "ReplicationController", MLFLOW.namespace, MLFLOW.name)
    assert subject_of(scale(1, 2, kind="Rollout"))[1].kind == "Scale"
    assert subject_of({"request": 5}) == ({}, Resource("", "", "", ""))


def test_a_list_of_documents_may_mix_both() -> None:
    texts = [deployment(), review(deployment()), review(None, operation="DELETE", old=deployment())]
    documents = [Document(n, json.dumps(text).encode()) for n, text in enumerate(texts)]
    kinds = [outcome.kind for outcome in ENGINE.judge(documents)]
    assert kinds == [OutcomeKind.FINDINGS, OutcomeKind.FINDINGS, OutcomeKind.NOT_MATCHED]


def test_a_request_is_no_part_of_a_set() -> None:
    mlflow = thing("apps/v1", "Deployment", "mlflow-tracking", "thunderline")
    mlflow["spec"] = {"template": {"spec": {"containers": [{"name": "m", "image": "mlflow", "command": ["server"]}]}}}
    missing = {finding.message for finding in ENGINE.judge_objects([mlflow]).findings}
    without = {finding.message for finding in ENGINE.judge_objects([]).findings}
    assert missing < without
    assert {finding.message for finding in ENGINE.judge_objects([review(mlflow)]).findings} == without


def test_an_engine_can_express_everything_unless_it_says_otherwise() -> None:
    class Deaf(ContextManaged):
        def cannot_express(self, document: Document) -> str | None:
            return f"it has no ears for {document.index}"

    document = Document(0, json.dumps(review(deployment())).encode())
    assert ENGINE.cannot_express(document) is None
    assert Deaf().cannot_express(document) == "it has no ears for 0"
    assert isinstance(ENGINE, Engine)


def test_the_table_has_every_kind_of_answer() -> None:
    answers = [request_.found for request_ in TABLE.values()]
    assert None in answers
    assert {} in answers
    assert BAD in answers
