"""What the engines on the Kyverno CLI make of the real program: loading, matching, users, addresses, namespaces.

What they do when it fails is asked of a fake in tests/unit, and whether they say what the reference says in
test_same_verdict.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, cast

import pytest

from admission_bed import ENGINES, ESTATE, FILES, POLICIES, opened
from thunderguard.admission import review
from thunderguard.catalogue import load_catalogue
from thunderguard.compare import differences
from thunderguard.documents import open_source
from thunderguard.engines import Engine, EngineOptions, open_engine
from thunderguard.engines.pins import find_program
from thunderguard.errors import PolicyError, ToolMissingError
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import Document, Outcome, OutcomeKind, Resource, Status
from tiny_bed import check_order, documents, pod

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _the_program_is_built() -> None:
    try:
        find_program("kubectl-kyverno", EngineOptions())
    except ToolMissingError:
        pytest.fail("run `make tools`")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a copy of the small policies, to be changed."""
    return shutil.copytree(POLICIES, tmp_path / "policies")


def change(folder: Path, name: str, rule: str, old: str, new: str) -> Path:
    path = folder / rule / FILES[name]
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def widget(name: str, image: str, **metadata: Any) -> dict[str, Any]:
    spec = {"template": {"spec": {"containers": [{"name": "a", "image": image}]}}}
    metadata = {"name": name, "labels": {"team": "red"}, **metadata}
    return {"apiVersion": "acme.dev/v1", "kind": "Widget", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_judges_good_bad_and_strange_objects(name: str) -> None:
    unnamed = {"apiVersion": "v1", "kind": "Pod", "metadata": None}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"}}
    docs = documents(
        pod("good"),
        pod("bad", image="web:latest", team=None),
        # The same address three times, each with an answer of its own.
        pod("same"),
        pod("same", image="web:latest"),
        pod("same", team="green"),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plain", "labels": {"team": "red"}}},
        secret,
        {**pod("exempt", image="web:latest"), "metadata": {"name": "e", "namespace": "exempt"}},
        widget("w", "web:latest", namespace="shop"),
        widget("w", "web:1"),
        # An Estate as an object is not the one that policies judge by.
        {**ESTATE, "metadata": {"name": "tiny"}},
        pod("odd") | {"spec": [1]},
        unnamed,
        b"not json",
    )
    with opened(name) as engine:
        assert isinstance(engine, Engine)
        outcomes = list(engine.judge(iter(docs)))
        assert list(engine.judge([])) == []
    passed, violated, unmatched = Status.PASSED, Status.VIOLATED, Status.NOT_MATCHED
    assert [tuple(outcome.statuses.values()) for outcome in outcomes[:11]] == [
        (passed, passed),
        (violated, violated),
        (passed, passed),
        (passed, violated),
        (violated, passed),
        (passed, unmatched),
        (unmatched, unmatched),
        (violated, unmatched),
        (passed, violated),
        (passed, passed),
        (violated, unmatched),
    ]
    assert [outcome.kind for outcome in outcomes[11:]] == [OutcomeKind.ENGINE_FAILED] * 3
    bad = outcomes[1]
    assert [finding.key for finding in bad.findings] == [
        ("has-team", Resource("v1", "Pod", "shop", "bad"), "metadata.labels"),
        ("no-latest", Resource("v1", "Pod", "shop", "bad"), "spec.containers[0].image"),
    ]
    assert (bad.findings[1].message, bad.findings[1].remedy) == ("web:latest moves", "pin web:latest")


@pytest.mark.parametrize("name", ENGINES)
def test_an_object_without_a_namespace_is_not_in_the_default_one(name: str) -> None:
    lost = pod("lost", team="green")
    del lost["metadata"]["namespace"]
    with opened(name) as engine:
        (outcome,) = engine.judge(documents(lost))
    (finding,) = outcome.findings
    assert (finding.resource, finding.message) == (Resource("v1", "Pod", "", "lost"), "Pod/lost has no team")


@pytest.mark.parametrize("name", ENGINES)
def test_a_policy_sees_who_asks(name: str, folder: Path) -> None:
    change(folder, name, "has-team", 'object.kind != "Secret"', 'request.userInfo.username != "bob"')
    asked = [review(pod("a", team=None), username=user) for user in ("alice", "bob", "carol")]
    with opened(name, policies_dir=folder) as engine:
        outcomes = list(engine.judge(documents(*asked, pod("a", team=None))))
    statuses = [outcome.statuses["has-team"] for outcome in outcomes]
    assert statuses == [Status.VIOLATED, Status.NOT_MATCHED, Status.VIOLATED, Status.VIOLATED]


def test_kyverno_is_told_the_operation(folder: Path) -> None:
    change(folder, "kyverno", "has-team", 'object.kind != "Secret"', 'request.operation == "CREATE"')
    asked = [
        review(pod("a", team=None)),
        review(pod("b", team=None), operation="UPDATE", old=pod("b", team=None)),
        review(None, operation="DELETE", old=pod("c", team=None)),
    ]
    with opened("kyverno", policies_dir=folder) as engine:
        outcomes = list(engine.judge(documents(*asked)))
    statuses = [outcome.statuses["has-team"] for outcome in outcomes]
    assert statuses == [Status.VIOLATED, Status.NOT_MATCHED, Status.NOT_MATCHED]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("failurePolicy: Fail", "failurePolicies: Fail", "unknown field"),
        ("failurePolicy: Fail", "failurePolicy: 7", "does not load"),
        ("variables.found.size() == 0", "variables.lost.size() == 0", "undefined field 'lost'"),
        ("variables.found.size() == 0", "variables.found.size( == 0", "ERROR"),
        ("variables.found.size() == 0", "size(object.metadata.name.lost) == 0", "lost|no such"),
        ('"has-team: " + v.path', '"other: " + v.path', "cannot be used"),
        ("variables.found.map(v", "variables.lost.map(v", "lost|cannot be used"),
    ],
)
@pytest.mark.parametrize("name", ENGINES)
def test_a_policy_that_is_not_in_force_does_not_open(name: str, old: str, new: str, reason: str, folder: Path) -> None:
    change(folder, name, "has-team", old, new)
    with pytest.raises(PolicyError, match=reason) as caught:
        opened(name, policies_dir=folder)
    assert "has-team" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_policy_that_matches_nothing_we_know_cannot_be_tried_out(folder: Path) -> None:
    change(folder, "kyverno", "has-team", '        resources:\n          - "*"', "        resources:\n          - x")
    with pytest.raises(PolicyError, match="cannot be tried out"):
        opened("kyverno", policies_dir=folder)


@pytest.mark.parametrize("name", ENGINES)
def test_a_message_that_leaves_findings_out_is_no_verdict(name: str, folder: Path) -> None:
    change(folder, name, "has-team", '.join(" | ")', '.join(" | ") + " | and more"')
    change(folder, name, "has-team", 'object.kind != "Secret"', 'object.metadata.name == "a"')
    with opened(name, policies_dir=folder) as engine:
        (outcome,) = engine.judge(documents(pod("a", team=None)))
    assert outcome.kind is OutcomeKind.ENGINE_FAILED
    assert "leaves findings out" in outcome.reason


def test_a_native_message_that_the_api_server_drops_is_no_verdict(folder: Path) -> None:
    change(folder, "native", "has-team", '.join(" | ")', '.join(" | ") + "\\\\n"')
    change(folder, "native", "has-team", 'object.kind != "Secret"', 'object.metadata.name.startsWith("long")')
    with opened("native", policies_dir=folder) as engine:
        (outcome,) = engine.judge(documents(pod("long" * 2000, team=None)))
    assert outcome.kind is OutcomeKind.ENGINE_FAILED
    assert set(outcome.statuses.values()) == {Status.FAILED}


@pytest.mark.parametrize("name", ENGINES)
def test_policies_say_the_same_joined_and_alone(name: str) -> None:
    estate, catalogue = load_estate(DEFAULT_ESTATE), load_catalogue()
    with open_source([str(ROOT / "examples" / "bad")]) as source:
        documents = [item for item in source if isinstance(item, Document)]
    outcomes: list[list[Outcome]] = []
    for alone in (False, True):
        with open_engine(name, estate=estate, catalogue=catalogue) as engine:
            inner = cast("Any", engine)
            assert len(inner._joined) == 1
            ask = inner._ask
            forms: list[str] = []

            def asking(run: Any, form: str, alone: bool = alone, ask: Any = ask, forms: Any = forms) -> Any:
                forms.append(form)
                return ask(run, "alone" if alone else form)

            inner._ask = asking
            outcomes.append(list(engine.judge(documents)))
        # Each was answered plainly, so that none had to be asked again.
        assert set(forms) == {"joined"}
    found = list(differences(documents, ("joined", outcomes[0]), ("alone", outcomes[1]), texts=True))
    assert not found, "\n\n".join(map(str, found))
    assert OutcomeKind.FINDINGS in {outcome.kind for outcome in outcomes[0]}


@pytest.mark.parametrize("name", ENGINES)
def test_many_objects_keep_their_order(name: str) -> None:
    # Some addresses stand there again, with another object or with the same one.
    values = [b"{" if n % 40 == 5 else pod(f"p{n % 90}", f"web:{n // 180}", team=None) for n in range(240)]
    with opened(name) as engine:
        check_order(engine, values)
