"""Every engine keeps the same contract, whatever goes wrong: one outcome a document, in order, and never a false pass.

A new engine joins by a row in ``ENGINES``. The reference engine has rules of its own and no files or programs, and so
none of these troubles.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from thunderguard.engines import Engine, EngineOptions, open_engine
from thunderguard.engines.pins import find_program, pinned
from thunderguard.errors import EngineError, PolicyError, ToolMissingError, UsageError
from thunderguard.model import Document, EstateRequest, Level, OutcomeKind, Resource, Status
from tiny_bed import (
    OBJECT_RULES,
    TINY,
    check_order,
    children,
    documents,
    eventually,
    opa_process,
    opened,
    pod,
    request_of,
)

ENGINES = ("embedded", "opa", "conftest")
PROGRAMS = ("opa", "conftest")


@pytest.fixture(autouse=True)
def _programs_are_built() -> None:
    for program in PROGRAMS:
        try:
            find_program(program, EngineOptions())
        except ToolMissingError:
            pytest.fail("run `make tools`")


@pytest.fixture
def rego(tmp_path: Path) -> Path:
    """Give a copy of the small policies, to be damaged."""
    return shutil.copytree(TINY, tmp_path / "rego")


def script(folder: Path, name: str, body: str) -> Path:
    """Write a program that pretends to be ``name``: right about its version, then ``body``."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    opa = pinned("conftest", "github.com/open-policy-agent/opa") if name == "conftest" else pinned("opa")
    version = f"Version: {opa}" if name == "opa" else f"Conftest: dev\nOPA: {opa}"
    path.write_text(f'#!/bin/sh\ncase "$1" in version|--version) echo "{version}"; exit 0;; esac\n{body}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return folder


@pytest.fixture(autouse=True)
def _no_orphans() -> Iterator[None]:
    before = children()
    yield
    assert eventually(lambda: children() <= before), f"processes are left: {children() - before}"


def run_contract(engine: Engine) -> None:
    """Assert what every engine that opened does with good, bad and strange documents."""
    docs = documents(
        pod("good"),
        pod("bad", image="web:latest", team=None),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plain", "labels": {"team": "red"}}},
        {"no": "object"},
        b"not json",
        b'{"apiVersion": "v1", "kind": "Pod"',
        pod("strange") | {"spec": {"containers": "none"}},
        pod("late", team="green"),
    )
    outcomes = list(engine.judge(iter(docs)))
    assert [outcome.kind for outcome in outcomes] == [
        OutcomeKind.PASS,
        OutcomeKind.FINDINGS,
        OutcomeKind.PASS,
        OutcomeKind.NO_ANSWER,
        OutcomeKind.ENGINE_FAILED,
        OutcomeKind.ENGINE_FAILED,
        OutcomeKind.PASS,
        OutcomeKind.FINDINGS,
    ]
    for outcome in outcomes:
        assert set(outcome.statuses) == set(OBJECT_RULES)
        assert bool(outcome.reason) == (outcome.kind in {OutcomeKind.NO_ANSWER, OutcomeKind.ENGINE_FAILED})
    bad = outcomes[1]
    assert [finding.key for finding in bad.findings] == [
        ("has-team", Resource("v1", "Pod", "shop", "bad"), "metadata.labels"),
        ("no-latest", Resource("v1", "Pod", "shop", "bad"), "spec.containers[0].image"),
    ]
    assert [finding.level for finding in bad.findings] == [Level.WARN, Level.DENY]
    assert bad.findings[1].message == "bad uses web:latest"
    assert bad.record == json.loads(docs[1].text)
    assert outcomes[2].statuses == {"has-team": Status.PASSED, "no-latest": Status.NOT_MATCHED}
    assert set(outcomes[4].statuses.values()) == {Status.FAILED}

    good = documents(pod("a"), pod("b"))
    few = engine.judge_estate(request_of(engine, good))
    assert (few.kind, few.findings, few.statuses) == (OutcomeKind.PASS, (), {"too-many": Status.PASSED})
    many = engine.judge_estate(request_of(engine, [*good, *documents(pod("c", image="x:latest"))]))
    assert [(finding.rule, finding.message) for finding in many.findings] == [("too-many", "3 objects")]
    assert many.statuses == {"too-many": Status.VIOLATED}
    assert list(engine.judge([])) == []


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_keeps_the_contract(name: str) -> None:
    with opened(name) as engine:
        assert isinstance(engine, Engine)
        assert engine.name == name
        assert any(sign.isdigit() for sign in engine.version)
        assert len(engine.policy_sha256) == 64
        run_contract(engine)


def test_engines_hash_the_same_sources_alike(rego: Path) -> None:
    hashes = set()
    for name in ENGINES:
        with opened(name) as engine:
            hashes.add(engine.policy_sha256)
    assert len(hashes) == 1
    (rego / "thunderguard" / "limits" / "data.yaml").write_text("most: 3\n")
    with opened("embedded", rego_dir=rego) as engine:
        assert engine.policy_sha256 not in hashes


@pytest.mark.parametrize("name", ENGINES)
def test_more_documents_than_a_batch_keep_their_order(name: str) -> None:
    # One spoilt document a batch, at different places.
    values = [b"{" if n % 211 == 5 else pod(f"p{n}", team=None) for n in range(1010)]
    with opened(name) as engine:
        check_order(engine, values)


@pytest.mark.parametrize("name", ENGINES)
def test_outcomes_come_while_documents_stream_in(name: str) -> None:
    def endless() -> Iterator[Document]:
        n = 0
        while True:
            yield documents(pod(f"p{n}"))[0]
            n += 1

    with opened(name) as engine:
        stream = engine.judge(endless())
        assert next(stream).kind is OutcomeKind.PASS


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    "broken",
    ["package thunderguard.broken\n\nx if {", "package thunderguard.broken\n\nx := [1 | no_such_function(1)]\n"],
    ids=["syntax", "unknown function"],
)
def test_a_policy_that_does_not_compile_is_said_with_its_place(name: str, broken: str, rego: Path) -> None:
    (rego / "thunderguard" / "broken.rego").write_text(broken)
    with pytest.raises(PolicyError) as caught:
        opened(name, rego_dir=rego)
    assert "broken.rego:3" in str(caught.value)
    assert str(rego) in str(caught.value)


@pytest.mark.parametrize("name", ENGINES)
def test_a_folder_without_policies_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no Rego policy"):
        opened(name, rego_dir=tmp_path)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("head", ["a: [", "- a list\n"])
def test_a_data_file_that_cannot_be_used_is_an_error(name: str, head: str, rego: Path) -> None:
    (rego / "thunderguard" / "limits" / "data.yaml").write_text(head)
    with pytest.raises(PolicyError, match=r"data\.yaml"):
        opened(name, rego_dir=rego)


def add_to_main(rego: Path, text: str) -> None:
    main = rego / "thunderguard" / "main" / "main.rego"
    main.write_text(f"{main.read_text()}\n{text}")


@pytest.mark.parametrize("name", ENGINES)
def test_an_object_that_cannot_be_evaluated_fails_alone(name: str, rego: Path) -> None:
    # Two values for one complete rule stop the evaluation in all engines.
    add_to_main(
        rego,
        'clash := 1 if input.metadata.name == "clash"\n\nclash := 2 if input.metadata.name == "clash"\n\n'
        'findings contains found if {\n\tclash == 1\n\tfound := finding("no-latest", "deny", input, "", "clash")\n}\n',
    )
    docs = documents(pod("a"), pod("clash"), pod("b"), pod("c"))
    with opened(name, rego_dir=rego) as engine:
        kinds = [outcome.kind for outcome in engine.judge(docs)]
        reason = list(engine.judge(docs))[1].reason
    assert kinds == [OutcomeKind.PASS, OutcomeKind.ENGINE_FAILED, OutcomeKind.PASS, OutcomeKind.PASS]
    assert "multiple" in reason or "conflict" in reason


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('status_of("has-team") := "fine" if', "'fine'"),
        ('status_of("has-team") := "violated" if', "beside violated"),
    ],
    ids=["unknown status", "contradiction"],
)
def test_a_verdict_that_cannot_be_right_is_no_verdict(name: str, line: str, reason: str, rego: Path) -> None:
    main = rego / "thunderguard" / "main" / "main.rego"
    main.write_text(main.read_text().replace('status_of("has-team") := "passed" if', line))
    with opened(name, rego_dir=rego) as engine:
        (outcome,) = engine.judge(documents(pod("a")))
    assert outcome.kind is OutcomeKind.ENGINE_FAILED
    assert reason in outcome.reason


@pytest.mark.parametrize("name", ENGINES)
def test_rules_of_another_catalogue_are_no_verdict(name: str, rego: Path) -> None:
    main = rego / "thunderguard" / "main" / "main.rego"
    main.write_text(main.read_text().replace('"no-latest"]', '"no-latest", "other"]'))
    add_to_main(rego, 'status_of("other") := "passed"\n')
    with opened(name, rego_dir=rego) as engine:
        (outcome,) = engine.judge(documents(pod("a")))
    assert outcome.kind is OutcomeKind.ENGINE_FAILED
    assert "other" in outcome.reason


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_missing_program_says_what_to_do(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError) as caught:
        opened(name, tools_dir=tmp_path)
    assert caught.value.hint == "run `make tools`"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_of_another_version_is_refused(name: str, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    fake = tools / name
    fake.write_text("#!/bin/sh\nprintf 'Version: 0.1.0\\nConftest: 0.1.0\\nOPA: 0.1.0\\n'\n")
    fake.chmod(0o755)
    with pytest.raises(ToolMissingError, match="not the pinned"):
        opened(name, tools_dir=tools)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("answer", ["garbage", "", "[1, 2]", '{"a": 1}'], ids=["text", "nothing", "list", "object"])
def test_a_program_that_answers_garbage_does_not_open(name: str, answer: str, tmp_path: Path) -> None:
    tools = script(tmp_path / "tools", name, f"echo '{answer}'")
    with pytest.raises(EngineError):
        opened(name, tools_dir=tools)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_is_none_does_not_open(name: str, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / name).write_bytes(b"\x00\x01")
    (tools / name).chmod(0o755)
    with pytest.raises(EngineError, match="does not start"):
        opened(name, tools_dir=tools)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_hangs_at_the_start_is_ended(name: str, tmp_path: Path) -> None:
    tools = script(tmp_path / "tools", name, "exec sleep 600")
    started = time.monotonic()
    with pytest.raises(EngineError):
        opened(name, tools_dir=tools, deadline=0.5)
    assert time.monotonic() - started < 10


def test_conftest_that_dies_half_way_fails_the_rest(tmp_path: Path) -> None:
    real = find_program("conftest", EngineOptions())
    broken = tmp_path / "broken"
    tools = script(tmp_path / "tools", "conftest", f'test -e {broken} && exit 137\nexec {real} "$@"')
    with opened("conftest", tools_dir=tools) as engine:
        assert next(iter(engine.judge(documents(pod("a"))))).kind is OutcomeKind.PASS
        broken.touch()
        outcomes = list(engine.judge(documents(pod("a"), pod("b"))))
        estate = engine.judge_estate(EstateRequest(records=[], documents=lambda: documents(pod("a"))))
    for outcome in [*outcomes, estate]:
        assert outcome.kind is OutcomeKind.ENGINE_FAILED
        assert "137" in outcome.reason
        assert set(outcome.statuses.values()) == {Status.FAILED}


def test_conftest_that_hangs_half_way_fails_the_rest(tmp_path: Path) -> None:
    real = find_program("conftest", EngineOptions())
    broken = tmp_path / "broken"
    tools = script(tmp_path / "tools", "conftest", f'test -e {broken} && exec sleep 600\nexec {real} "$@"')
    with opened("conftest", tools_dir=tools, deadline=3.0) as engine:
        broken.touch()
        started = time.monotonic()
        outcomes = list(engine.judge(documents(*(pod(f"p{n}") for n in range(2500)))))
    assert time.monotonic() - started < 20, "one deadline is waited for, not one a chunk"
    assert len(outcomes) == 2500
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.ENGINE_FAILED}
    assert "within 3 s" in outcomes[0].reason


def test_conftest_that_leaves_a_file_out_gives_no_answer_for_it(tmp_path: Path) -> None:
    real = find_program("conftest", EngineOptions())
    # Drops the second file and judges the others.
    body = f'n=0; for a; do shift; case "$a" in *0000001.json) ;; *) set -- "$@" "$a";; esac; done\nexec {real} "$@"'
    tools = script(tmp_path / "tools", "conftest", body)
    with opened("conftest", tools_dir=tools) as engine:
        outcomes = list(engine.judge(documents(pod("a"), pod("b"), pod("c"))))
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.PASS, OutcomeKind.NO_ANSWER, OutcomeKind.PASS]


def test_conftest_does_not_listen_to_the_folder_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conftest.toml").write_text('namespace = ["nothing"]\nignore = ".*"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONFTEST_NAMESPACE", "nothing")
    monkeypatch.setenv("CONFTEST_IGNORE", ".*")
    with opened("conftest") as engine:
        run_contract(engine)


def test_opa_killed_half_way_fails_the_rest() -> None:
    docs = documents(*(pod(f"p{n}") for n in range(500)))
    with opened("opa") as engine:
        stream = engine.judge(docs)
        first = [next(stream) for _ in range(200)]
        os.kill(opa_process(), signal.SIGKILL)
        rest = list(stream)
        estate = engine.judge_estate(EstateRequest(records=[], documents=lambda: docs))
    assert {outcome.kind for outcome in first} == {OutcomeKind.PASS}
    assert len(rest) == 300
    for outcome in [*rest, estate]:
        assert outcome.kind is OutcomeKind.ENGINE_FAILED
        assert "OPA does not answer" in outcome.reason
        assert set(outcome.statuses.values()) == {Status.FAILED}


def test_opa_that_hangs_half_way_is_not_waited_for_twice() -> None:
    docs = documents(*(pod(f"p{n}") for n in range(500)))
    with opened("opa", deadline=3.0) as engine:
        server = opa_process()
        os.kill(server, signal.SIGSTOP)
        started = time.monotonic()
        outcomes = list(engine.judge(docs))
        taken = time.monotonic() - started
        os.kill(server, signal.SIGCONT)
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.ENGINE_FAILED}
    assert "within 3 s" in outcomes[0].reason
    assert taken < 10


def test_opa_ends_with_the_engine_even_when_it_is_stopped() -> None:
    engine = opened("opa")
    os.kill(opa_process(), signal.SIGSTOP)
    engine.close()
    engine.close()
    assert not [pid for pid in children() if b"--server" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    (outcome,) = engine.judge(documents(pod("a")))
    assert outcome.kind is OutcomeKind.ENGINE_FAILED


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_opa_ends_with_the_process_that_started_it(end: signal.Signals, tmp_path: Path) -> None:
    program = textwrap.dedent(
        f"""
        import sys, time
        sys.path[:0] = {sys.path!r}
        import tiny_bed
        with tiny_bed.opened("opa"):
            print(tiny_bed.opa_process(), flush=True)
            time.sleep(600)
        """
    )
    log = tmp_path / "log"
    with log.open("wb") as errors:
        running = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=errors)
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line, log.read_text()
        server = Path(f"/proc/{int(line)}")
        assert server.exists()
        running.send_signal(end)
        running.wait(timeout=20)
        assert eventually(lambda: not server.exists() or ") Z" in (server / "stat").read_text())
    finally:
        running.kill()
        running.wait()
        cast("Any", running.stdout).close()


def test_a_running_opa_judges_by_our_policies() -> None:
    with opened("opa") as first:
        url = f"http://127.0.0.1:{cast('Any', first)._client.port}"
        with opened("opa", opa_url=url) as second:
            run_contract(second)
        # Ours was not the engine's to end.
        run_contract(first)


def test_a_running_opa_refuses_a_policy_that_does_not_compile(rego: Path) -> None:
    (rego / "thunderguard" / "broken.rego").write_text("package thunderguard.broken\n\nx if {")
    with opened("opa") as first:
        url = f"http://127.0.0.1:{cast('Any', first)._client.port}"
        with pytest.raises(PolicyError, match=r"broken\.rego does not compile"):
            opened("opa", opa_url=url, rego_dir=rego)


def test_an_opa_that_is_not_there_is_an_error() -> None:
    with pytest.raises(EngineError, match="cannot be used"):
        opened("opa", opa_url="http://127.0.0.1:9")


@pytest.mark.parametrize("url", ["localhost:8181", "https://opa", "http://opa/path", "http://:80", "http://opa:port"])
def test_an_address_that_is_none_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match=r"address|port"):
        opened("opa", opa_url=url)


def test_an_unknown_engine_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="'magic'"):
        opened("magic")
    with pytest.raises(UsageError, match="does not use an OPA server"):
        open_engine("embedded", estate=cast("Any", None), catalogue=cast("Any", None), opa_url="http://localhost")
