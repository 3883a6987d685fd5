"""The engines that ask a real API server: the declared suite as real requests, and what they do when it is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from replay_bed import replayed

from bed.engines import CATALOGUE, ESTATE, missing, opened
from thunderguard.admission import review
from thunderguard.compare import differences
from thunderguard.conformance.deviations import load_deviations
from thunderguard.conformance.estates import changed_estate
from thunderguard.conformance.load import load_cases
from thunderguard.conformance.result import Result
from thunderguard.conformance.run import run_cases
from thunderguard.controlplane.certificates import kubeconfig
from thunderguard.controlplane.processes import end, eventually
from thunderguard.controlplane.server import ADMIN
from thunderguard.engines import DOOR_ENGINES, ENGINE_NAMES, open_engine
from thunderguard.engines.webhook.door import Door, close_unused
from thunderguard.engines.webhook.engine import WebhookEngine
from thunderguard.engines.webhook.plane import PROGRAMS
from thunderguard.model import Document, ExitCode, OutcomeKind, Status
from thunderguard.replay import State
from thunderguard.reports.conformance import render
from thunderguard.reports.text import Look

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases"
ENGINES = ("native-webhook",)
SECONDS = 60.0


@pytest.fixture(autouse=True)
def _the_programs_are_built() -> None:
    if missing(*PROGRAMS, "kyverno", "opa"):
        pytest.fail("run `make tools`")


@pytest.fixture(scope="module", autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    close_unused()


def door_of(engine: WebhookEngine) -> Door:
    assert engine.door is not None
    return engine.door


def documents(*values: Any) -> list[Document]:
    return [
        Document(place, value if isinstance(value, bytes) else json.dumps(value).encode())
        for place, value in enumerate(values)
    ]


def pod(name: str = "p", image: str = "nginx:1.27.0", namespace: str = "thunderline") -> dict[str, Any]:
    amounts = {"cpu": "100m", "memory": "64Mi"}
    container = {"name": "c", "image": image, "resources": {"requests": amounts, "limits": amounts}}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


@pytest.mark.parametrize("name", DOOR_ENGINES)
def test_an_engine_at_the_door_says_what_every_case_says(name: str) -> None:
    """Every case that an API server can be asked about is answered so, most can be, and no rule is silent."""
    cases = load_cases(CASES, CATALOGUE.object_rules)
    known = load_deviations(CASES, engines=ENGINE_NAMES, cases={case.id for case in cases})
    result = run_cases(cases, (name,), estate=ESTATE, catalogue=CATALOGUE, deviations=known)
    assert result.exit_code == ExitCode.CLEAN, render(result, look=Look(), verbose=True)
    (engine,) = result.engines
    agreeing = [one for one in engine.results if one.result is Result.AGREES]
    assert len(agreeing) > len(cases) / 2
    # What is waived up to a day is let in on that day, and not on the next.
    dated = [one for one in engine.results if one.case.at is not None]
    assert {one.case.at for one in dated} == {date(2026, 12, 31), date(2027, 1, 1)}
    assert [one.case.id for one in dated if one.result is not Result.AGREES] == []


@pytest.mark.parametrize("name", ENGINES)
def test_every_property_of_a_replay_holds_at_the_door(name: str) -> None:
    result = replayed(name, examples=24, profile="ci", seed=11)
    for id_, _, cell in result.each():
        shown = "\n".join(f"{one.manifest}{one.mismatch}\n{one.command}" for one in cell.counterexamples)
        assert cell.state in (State.AGREES, State.NOTHING), f"{id_}: {cell.reason}\n{shown}"


@pytest.mark.parametrize("name", ENGINES)
def test_good_bad_and_strange_documents_have_an_outcome_each_in_their_order(name: str) -> None:
    with opened(name) as engine:
        docs = documents(
            pod("good"),
            pod("bad", image="nginx:latest", namespace="elsewhere"),
            b"not json",
            pod("same"),
            {**pod("shapeless"), "spec": {"containers": "none"}},
            pod("same"),
            review(pod("bad"), operation="UPDATE", old=pod("bad"), username="a\nb"),
            {"apiVersion": "v2", "name": "chart", "version": "1.0.0"},
        )
        outcomes = list(engine.judge(iter(docs)))
        asked = [docs[place] for place in (0, 1, 3)]
        with open_engine("reference", estate=ESTATE, catalogue=CATALOGUE) as reference:
            sides = ("reference", reference.judge(asked)), (name, [outcomes[place] for place in (0, 1, 3)])
            assert not list(differences(asked, *sides, texts=True))
        assert [outcome.kind for outcome in outcomes[2:]] == [
            OutcomeKind.ENGINE_FAILED,
            outcomes[0].kind,
            OutcomeKind.NO_ANSWER,
            outcomes[0].kind,
            OutcomeKind.NO_ANSWER,
            OutcomeKind.NO_ANSWER,
        ]
        assert [engine.cannot_express(one) is None for one in docs] == [
            True,
            True,
            True,
            True,
            False,
            True,
            False,
            False,
        ]
        assert set(outcomes[1].statuses) == set(CATALOGUE.object_rules)
        assert len(engine.policy_sha256) == 64
        assert list(engine.judge([])) == []


@pytest.mark.parametrize("name", ENGINES)
def test_engines_that_are_open_at_once_judge_each_by_its_own_estate(name: str, tmp_path: Path) -> None:
    spaces = json.dumps({"namespaces": {"allowed": ["thunderline", "elsewhere"]}})
    other = changed_estate(ESTATE, spaces, where="here", folder=tmp_path)
    with opened(name) as one, opened(name, other) as two:
        assert door_of(one) is door_of(two)
        for round_ in ("a", "b"):
            document = documents(pod(round_, namespace="elsewhere"))
            (strict,), (wide,) = one.judge(document), two.judge(document)
            assert strict.statuses["namespace-boundary"] is Status.VIOLATED
            assert wide.statuses["namespace-boundary"] is Status.PASSED


def test_the_type_checker_of_kubernetes_has_no_word_against_the_native_policies() -> None:
    """What its controller writes into the status of each policy, which holds the Estate's schema against the CEL."""
    with opened("native-webhook") as engine:
        plane = door_of(engine).plane
        file = plane.folder / "controllers.kubeconfig"
        authority = plane.authority.pair.certificate
        kubeconfig(file, server=plane.back_server, authority=authority, client=plane.authority.client(*ADMIN), name="c")
        program = ROOT / ".tools" / "bin" / "kube-controller-manager"
        words = ["--controllers=validatingadmissionpolicy-status-controller", "--leader-elect=false", "--secure-port=0"]
        plane.launch("kube-controller-manager", [str(program), f"--kubeconfig={file}", *words])
        path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"

        def policies() -> list[dict[str, Any]]:
            listed: list[dict[str, Any]] = cast("dict[str, Any]", plane.back.get(path))["items"]
            return listed

        def is_checked(policy: dict[str, Any]) -> bool:
            seen: object = policy.get("status", {}).get("observedGeneration")
            return bool(seen == policy["metadata"]["generation"])

        assert eventually(lambda: all(map(is_checked, policies())), seconds=SECONDS)
        shipped = [one for one in policies() if not one["metadata"]["name"].endswith("-told")]
        assert {one["metadata"]["name"] for one in shipped} == {"thunderguard-deny", "thunderguard-warn"}
        assert {one["metadata"]["name"]: one["status"].get("typeChecking", {}) for one in shipped} == {
            one["metadata"]["name"]: {} for one in shipped
        }


def test_a_large_workload_stays_within_what_the_api_server_lets_a_policy_cost() -> None:
    """Each variable of a policy may cost so much, and a policy so much in all; whoever goes beyond is denied."""
    containers = []
    for place in range(60):
        (container,) = pod(image=f"registry.example.org/team/app-{place}:1.{place}.0")["spec"]["containers"]
        containers.append({**container, "name": f"c-{place}", "args": ["-c", "x" * 2000]})
    good, bad = pod("large"), pod("large-and-bad")
    good["spec"]["containers"] = containers
    bad["spec"]["containers"] = [{**one, "image": "nginx:latest", "resources": {}} for one in containers]
    with opened("native-webhook") as engine:
        (outcome,) = engine.judge(documents(good))
        assert outcome.kind is OutcomeKind.PASS, outcome.reason
        path = "/api/v1/namespaces/thunderline/pods?dryRun=All"
        message = door_of(engine).plane.ask("POST", path, bad).answer.message
        assert "image-reference: spec.containers[0].image: " in message
        assert message.endswith(" | and more")


@pytest.mark.parametrize("name", ENGINES)
def test_without_an_estate_nothing_is_admitted_and_no_verdict_given(name: str) -> None:
    with opened(name) as engine:
        door = door_of(engine)
        with door.judging_by(ESTATE.data):
            door.forget_estate()
            path = "/apis/thunderguard.dev/v1alpha1/estates"
            for estate in cast("dict[str, Any]", door.plane.back.get(path))["items"]:
                door.plane.back.delete(f"{path}/{estate['metadata']['name']}")

            def is_denied() -> bool:
                answer = door.plane.ask("POST", "/api/v1/namespaces/default/pods?dryRun=All", pod(namespace="default"))
                return not answer.answer.is_good and "no params found" in answer.answer.message

            assert eventually(is_denied, seconds=SECONDS)
        # The next question puts the Estate back.
        (outcome,) = engine.judge(documents(pod("again")))
        assert outcome.kind is OutcomeKind.PASS


@pytest.mark.parametrize("name", ENGINES)
def test_a_killed_api_server_is_no_verdict_and_the_next_engine_has_a_new_one(name: str) -> None:
    with opened(name) as engine:
        door = door_of(engine)
        end(door.plane.running)
        document = documents(pod("late"))
        assert engine.cannot_express(document[0]) is None
        (outcome,) = engine.judge(document)
        assert outcome.kind is OutcomeKind.ENGINE_FAILED
        assert "has ended" in outcome.reason
        assert set(outcome.statuses.values()) == {Status.FAILED}
    with opened(name) as engine:
        assert door_of(engine) is not door
        (outcome,) = engine.judge(document)
        assert outcome.kind is OutcomeKind.PASS


@pytest.mark.parametrize("name", ENGINES)
def test_a_closed_engine_gives_no_verdict_and_what_nobody_uses_goes(name: str) -> None:
    engine = opened(name)
    plane = door_of(engine).plane
    engine.close()
    engine.close()
    (outcome,) = engine.judge(documents(pod("late")))
    assert outcome.kind is OutcomeKind.ENGINE_FAILED
    close_unused()
    assert not plane.folder.exists()
    assert not any(psutil.pid_exists(one.pid) and one.process() is not None for one in plane.running)
