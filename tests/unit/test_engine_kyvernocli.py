"""How the engines on the Kyverno CLI ask it, and what they make of whatever it does; the program here is a fake.

What the real one does with policies is asked in tests/conformance.
"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from admission_bed import ENGINES, OBJECT_RULES, opened
from thunderguard.admission import review
from thunderguard.engines import Engine
from thunderguard.engines.pins import pinned
from thunderguard.errors import EngineError, PolicyError, ToolMissingError
from thunderguard.model import Document, EstateRequest, OutcomeKind, Resource, Status
from tiny_bed import children, documents, eventually, pod

VERSION = pinned("kubectl-kyverno")

# Passes every object by every policy, of each as told by its uid; `answer` and `before` may say otherwise.
FAKE = """\
#!{python} -IS
import json, sys, time

def row(policy, obj, result="pass", message="success"):
    subject = {{"kind": obj["kind"], "uid": obj["metadata"].get("uid", "")}}
    return {{"policy": policy, "result": result, "message": message, "resources": [subject]}}

def answer(policy, obj):
    return [row(policy, obj)]

def before(objects):
    pass

def is_probe(objects):
    return all(obj["metadata"]["name"] == "thunderguard-canary" for obj in objects)

{body}

words = sys.argv[1:]
if words[0] == "version":
    print("Version: v{version}")
    sys.exit()
files = [word for word in words if "placed/" in word]
read = lambda name: [json.loads(text) for text in open(name).read().split("\\n---\\n")]
option = lambda name: words[words.index(name) + 1]
objects = read(option("--resource"))
with open({log!r}, "a") as log:
    log.write(json.dumps({{"files": files, "objects": objects, "user": read(option("--userinfo"))[0],
                           "values": read(option("--values-file"))[0]}}) + "\\n")
before(objects)
rows = []
for file in files:
    policy, *_ = read(file)
    kinds = {{"no-latest": ("Pod", "Deployment", "Widget")}}.get(policy["metadata"]["name"])
    for obj in objects:
        if kinds is None or obj["kind"] in kinds:
            rows += answer(policy["metadata"]["name"], obj)
if rows:
    print(json.dumps({{"kind": "ClusterReport", "results": rows}}))
"""


class Fake:
    """A folder with the fake program, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tools"
        self.log = folder / "log"

    def write(self, body: str = "") -> None:
        self.folder.mkdir(exist_ok=True)
        path = self.folder / "kubectl-kyverno"
        text = FAKE.format(python=sys.executable, body=textwrap.dedent(body), version=VERSION, log=str(self.log))
        path.write_text(text)
        path.chmod(0o755)

    def open(self, name: str, body: str = "", **options: Any) -> Engine:
        self.write(body)
        return opened(name, tools_dir=self.folder, **options)

    @property
    def runs(self) -> list[dict[str, Any]]:
        """What it was asked since the engine was opened."""
        return [json.loads(line) for line in self.log.read_text().splitlines()][1:]


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    return Fake(tmp_path)


@pytest.fixture(autouse=True)
def _no_orphans() -> Iterator[None]:
    before = children()
    yield
    assert eventually(lambda: children() <= before), f"processes are left: {children() - before}"


@pytest.mark.parametrize("name", ENGINES)
def test_policies_are_tried_out_once_and_another_program_tries_them_again(
    name: str, fake: Fake, tmp_path: Path
) -> None:
    def trials() -> int:
        lines = [json.loads(line) for line in fake.log.read_text().splitlines()]
        return sum(obj["metadata"]["name"] == "thunderguard-canary" for line in lines for obj in line["objects"][:1])

    for _ in range(2):
        with opened(name, tools_dir=written(fake)):
            assert trials() == 1
    shutil.rmtree(fake.folder)
    with fake.open(name):
        assert trials() == 2
    broken = """
    def answer(policy, obj):
        return []
    """
    with pytest.raises(PolicyError, match="does not load"):
        Fake(tmp_path).open(name, broken)


def written(fake: Fake) -> Path:
    if not fake.folder.exists():
        fake.write()
    return fake.folder


@pytest.mark.parametrize("name", ENGINES)
def test_one_outcome_for_each_document_in_order(name: str, fake: Fake) -> None:
    body = """
    def answer(policy, obj):
        if policy == "has-team" and obj["metadata"]["name"] == "bad":
            words = "has-team: metadata.labels: shop/Pod/bad has no team. name a team for shop/Pod/bad"
            return [row(policy, obj, "fail", words)]
        return [row(policy, obj)]
    """
    with fake.open(name, body) as engine:
        assert engine.version == f"kubectl-kyverno {VERSION}"
        good, bad, text, chart = engine.judge(
            documents(pod("a"), pod("bad"), b"none", {"apiVersion": "v2", "name": "c", "version": "1.0.0"})
        )
    assert (good.kind, good.statuses) == (OutcomeKind.PASS, dict.fromkeys(OBJECT_RULES, Status.PASSED))
    assert bad.kind is OutcomeKind.FINDINGS
    assert [(finding.rule, finding.path) for finding in bad.findings] == [("has-team", "metadata.labels")]
    assert text.kind is OutcomeKind.ENGINE_FAILED
    assert chart.kind is OutcomeKind.NO_ANSWER
    assert "Chart.yaml" in chart.reason


@pytest.mark.parametrize("name", ENGINES)
def test_objects_of_one_address_are_asked_about_in_runs_of_their_own(name: str, fake: Fake) -> None:
    with fake.open(name) as engine:
        same = [pod("same", image=f"web:{n}") for n in range(3)]
        outcomes = list(engine.judge(documents(*same, pod("other"))))
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.PASS}
    for run in fake.runs:
        names = [obj["metadata"]["name"] for obj in run["objects"]]
        assert len(set(names)) == len(names)
        assert len({obj["metadata"]["uid"] for obj in run["objects"]}) == len(names)
    assert sorted(len(run["objects"]) for run in fake.runs) == [1, 1, 2]


@pytest.mark.parametrize("name", ENGINES)
def test_what_documents_ask_alike_is_asked_once(name: str, fake: Fake) -> None:
    body = """
    def answer(policy, obj):
        if policy == "has-team" and obj["metadata"]["name"] == "bad":
            words = "has-team: metadata.labels: shop/Pod/bad has no team. name a team for shop/Pod/bad"
            return [row(policy, obj, "fail", words)]
        return [row(policy, obj)]
    """
    asked = [pod("a"), pod("bad"), review(pod("a")), review(pod("bad")), b"none", pod("a")]
    with fake.open(name, body) as engine:
        outcomes = list(engine.judge(documents(*asked)))
        again = list(engine.judge(documents(pod("bad"))))
    good, bad, broken = OutcomeKind.PASS, OutcomeKind.FINDINGS, OutcomeKind.ENGINE_FAILED
    assert [outcome.kind for outcome in outcomes] == [good, bad, good, bad, broken, good]
    assert outcomes[1] == outcomes[3] == again[0]
    assert [finding.key for finding in outcomes[3].findings] == [
        ("has-team", Resource("v1", "Pod", "shop", "bad"), "metadata.labels")
    ]
    # A batch knows nothing of the one before.
    names = [sorted(obj["metadata"]["name"] for obj in run["objects"]) for run in fake.runs]
    assert names == [["a", "bad"], ["bad"]]


def test_what_only_looks_alike_is_asked_apart(fake: Fake) -> None:
    nowhere = pod("a")
    del nowhere["metadata"]["namespace"]
    numbers = [{**pod("a"), "spec": {"priority": number}} for number in (1, 1.0, True, "1")]
    asked = [
        pod("a"),
        nowhere,
        review(pod("a"), username="bob"),
        review(pod("a"), groups=["ops"]),
        review(pod("a"), operation="UPDATE", old=pod("a")),
        review(None, operation="DELETE", old=pod("a")),
        *numbers,
    ]
    with fake.open("kyverno") as engine:
        assert len(list(engine.judge(documents(*asked)))) == len(asked)
    assert sum(len(run["objects"]) for run in fake.runs) == len(asked)


def test_an_object_that_ends_the_program_fails_wherever_it_stands(fake: Fake) -> None:
    body = """
    def before(objects):
        if any(obj["metadata"]["name"] == "p7" for obj in objects):
            sys.exit(2)
    """
    with fake.open("kyverno", body) as engine:
        outcomes = list(engine.judge(documents(*(pod(f"p{n % 10}") for n in range(20)))))
    assert [n for n, outcome in enumerate(outcomes) if outcome.kind is not OutcomeKind.PASS] == [7, 17]
    assert outcomes[7] == outcomes[17]


def test_a_run_has_one_user_one_operation_and_one_kind_of_place(fake: Fake) -> None:
    nowhere = pod("nowhere")
    del nowhere["metadata"]["namespace"]
    asked = documents(
        pod("a"),
        review(pod("b")),
        review(pod("c"), username="bob"),
        review(None, operation="DELETE", old=pod("d")),
        nowhere,
    )
    with fake.open("kyverno") as engine:
        assert [engine.cannot_express(document) for document in asked] == [None] * 5
        list(engine.judge(asked))
    told = {
        (
            "".join(sorted(obj["metadata"]["name"] for obj in run["objects"])),
            run["user"]["userInfo"]["username"],
            run["values"]["globalValues"]["request.operation"],
            run["files"][0].split("/")[0],
        )
        for run in fake.runs
    }
    assert told == {
        ("ab", "alice", "CREATE", "placed"),
        ("c", "bob", "CREATE", "placed"),
        ("d", "alice", "DELETE", "placed"),
        ("nowhere", "alice", "CREATE", "unplaced"),
    }


def test_the_native_engine_says_what_it_cannot_be_asked(fake: Fake) -> None:
    asked = documents(review(pod("a"), operation="UPDATE", old=pod("a")), pod("b"), b"none")
    with fake.open("native") as engine:
        reasons = [engine.cannot_express(document) for document in asked]
        first, *_ = engine.judge(asked)
    assert reasons == ["kubectl-kyverno cannot be asked: it cannot be told that the operation is UPDATE", None, None]
    assert (first.kind, first.reason) == (OutcomeKind.NO_ANSWER, reasons[0])
    assert set(first.statuses.values()) == {Status.FAILED}


@pytest.mark.parametrize("name", ENGINES)
def test_rules_about_the_set_are_not_judged(name: str, fake: Fake) -> None:
    with fake.open(name) as engine:
        outcome = engine.judge_estate(EstateRequest([], list))
        assert not engine.needs_documents
    assert outcome.kind is OutcomeKind.NO_ANSWER
    assert outcome.statuses == {"too-many": Status.NOT_JUDGED}
    assert "one object at a time" in outcome.reason


@pytest.mark.parametrize(
    ("said", "kind", "reason"),
    [
        ("[]", OutcomeKind.NO_ANSWER, "says nothing about it by the policy no-latest"),
        ("[row(policy, obj), row(policy, obj)]", OutcomeKind.ENGINE_FAILED, "answers 2 times"),
        ('[row(policy, obj, "error", "boom")]', OutcomeKind.ENGINE_FAILED, "no-latest cannot be evaluated: boom"),
        (
            '[row(policy, obj, "error", "compilation error: bad")]',
            OutcomeKind.POLICY_DOES_NOT_COMPILE,
            "compilation error: bad",
        ),
        ('[row(policy, obj, "fail", "no reason")]', OutcomeKind.ENGINE_FAILED, "no finding of no-latest"),
        ('[row(policy, obj, "warn", "hm")]', OutcomeKind.ENGINE_FAILED, "the result is 'warn'"),
        ('[row(policy, obj), row("other", obj)]', OutcomeKind.ENGINE_FAILED, "other, which it was not given"),
        (
            '[row(policy, obj), row(policy, {**obj, "metadata": {"uid": "99"}})]',
            OutcomeKind.ENGINE_FAILED,
            "not asked about",
        ),
    ],
)
def test_an_answer_that_cannot_be_right_is_no_verdict(said: str, kind: OutcomeKind, reason: str, fake: Fake) -> None:
    body = f"""
    def answer(policy, obj):
        if policy == "no-latest" and obj["metadata"]["name"] == "odd":
            return {said}
        return [row(policy, obj)]
    """
    with fake.open("kyverno", body) as engine:
        good, odd = engine.judge(documents(pod("a"), pod("odd")))
    assert good.kind is OutcomeKind.PASS
    assert odd.kind is kind
    assert reason in odd.reason
    assert set(odd.statuses.values()) == {Status.FAILED}


def test_an_answer_by_a_policy_that_does_not_match_is_no_verdict(fake: Fake) -> None:
    body = """
    def answer(policy, obj):
        return [row(policy, obj), row("no-latest", obj)] if obj["kind"] == "Secret" else [row(policy, obj)]
    """
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"}}
    with fake.open("native", body) as engine:
        (outcome,) = engine.judge(documents(secret))
    assert outcome.kind is OutcomeKind.ENGINE_FAILED
    assert "does not match the object" in outcome.reason


@pytest.mark.parametrize("end", ["sys.exit(2)", "print('garbage')", "import os; os.kill(os.getpid(), 9)"])
def test_an_object_that_ends_the_program_fails_alone(end: str, fake: Fake) -> None:
    body = f"""
    def before(objects):
        if any(obj["metadata"]["name"] == "p7" for obj in objects):
            {end}
    """
    with fake.open("kyverno", body) as engine:
        outcomes = list(engine.judge(documents(*(pod(f"p{n}") for n in range(10)))))
    assert [n for n, outcome in enumerate(outcomes) if outcome.kind is not OutcomeKind.PASS] == [7]
    assert outcomes[7].kind is OutcomeKind.ENGINE_FAILED


def test_a_program_that_dies_half_way_fails_the_rest(fake: Fake) -> None:
    with fake.open("kyverno") as engine:
        assert next(iter(engine.judge(documents(pod("a"))))).kind is OutcomeKind.PASS
        fake.write("def before(objects):\n    sys.exit(137)")
        outcomes = list(engine.judge(documents(*(pod(f"p{n}") for n in range(200)))))
    assert len(outcomes) == 200
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.ENGINE_FAILED}
    assert "137" in outcomes[0].reason
    assert len(fake.runs) < 20, "a program that is gone is not asked again and again"


def test_a_program_that_hangs_half_way_is_waited_for_once(fake: Fake) -> None:
    with fake.open("kyverno", deadline=10.0) as engine:
        # The program that hangs: it outlives the deadline by far.
        fake.write("def before(objects):\n    time.sleep(600)")
        outcomes = list(engine.judge(documents(*(pod(f"p{n}") for n in range(200)))))
    assert len(fake.runs) <= 2, "one run a process, and none is repeated in halves"
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.ENGINE_FAILED}
    assert "within 10 s" in outcomes[0].reason


def test_a_closed_engine_fails_and_leaves_no_files(fake: Fake) -> None:
    engine = fake.open("kyverno")
    folder: Path = cast("Any", engine)._folder
    assert folder.is_dir()
    engine.close()
    engine.close()
    assert not folder.exists()
    (outcome,) = engine.judge(documents(pod("a")))
    assert outcome.kind is OutcomeKind.ENGINE_FAILED


def test_an_interrupted_reader_leaves_nothing_running(fake: Fake) -> None:
    def interrupted() -> Iterator[Document]:
        yield from documents(pod("a"))
        raise KeyboardInterrupt

    with fake.open("kyverno") as engine, pytest.raises(KeyboardInterrupt):
        list(engine.judge(interrupted()))


def test_an_interruption_ends_what_runs(fake: Fake) -> None:
    with fake.open("kyverno") as engine:
        inner = cast("Any", engine)

        def interrupted(_run: Any) -> None:
            raise KeyboardInterrupt

        inner._answer = interrupted
        with pytest.raises(KeyboardInterrupt):
            list(engine.judge(documents(pod("a"))))
        assert inner._program.gone == "the engine was interrupted"


def test_an_opening_that_is_interrupted_leaves_no_files(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_ignored: Any) -> None:
        raise KeyboardInterrupt

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr("thunderguard.engines.kyvernocli.engine.CliEngine._try_out", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fake.open("kyverno")
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("def answer(policy, obj):\n    return [] if policy == 'has-team' else [row(policy, obj)]", "does not load"),
        ("def answer(policy, obj):\n    return [row(policy, obj, 'error', 'no such overload')]", "no such overload"),
        (
            "def before(objects):\n    sys.exit('Error: failed to compile policy x: bad')",
            "failed to compile policy x: bad",
        ),
    ],
)
@pytest.mark.parametrize("name", ENGINES)
def test_a_policy_that_does_not_answer_for_its_canary_does_not_open(
    name: str, body: str, reason: str, fake: Fake
) -> None:
    with pytest.raises(PolicyError, match="does not compile") as caught:
        fake.open(name, body)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        "def before(objects):\n    print('garbage')",
        "def before(objects):\n    print('[1, 2]')\n    sys.exit()",
        "def before(objects):\n    sys.exit(3)",
        "def before(objects):\n    time.sleep(600)",
    ],
    ids=["garbage", "list", "status", "hang"],
)
def test_a_program_that_cannot_be_tried_out_does_not_open(body: str, fake: Fake) -> None:
    with pytest.raises(EngineError):
        fake.open("kyverno", body, deadline=3.0)


def test_a_missing_program_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError) as caught:
        opened("kyverno", tools_dir=tmp_path)
    assert caught.value.hint == "run `make tools`"


def test_a_program_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kubectl-kyverno"
    path.write_text("#!/bin/sh\necho 'Version: v0.1.0'\n")
    path.chmod(0o755)
    with pytest.raises(ToolMissingError, match="not the pinned"):
        opened("kyverno", tools_dir=tmp_path)


def test_a_program_that_is_none_does_not_open(tmp_path: Path) -> None:
    (tmp_path / "kubectl-kyverno").write_bytes(b"\x00\x01")
    (tmp_path / "kubectl-kyverno").chmod(0o755)
    with pytest.raises(EngineError, match="does not start"):
        opened("kyverno", tools_dir=tmp_path)
