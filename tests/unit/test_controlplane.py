"""A throw-away control plane, as far as it needs no server: warnings, headers, paths, and who ends what."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from thunderguard.controlplane.api import Answer, Caller, path_of, warnings_of
from thunderguard.controlplane.processes import end, eventually, free_ports, start, wait
from thunderguard.errors import ControlPlaneError, EngineError

SECONDS = 20.0


@pytest.mark.parametrize(
    ("headers", "texts"),
    [
        ([], []),
        (['299 - "it is old"'], ["it is old"]),
        (['299 - "one", 299 - "an \\"other\\" \\\\ one"'], ["one", 'an "other" \\ one']),
        (['299 kube "a, b"', '299 - "c"'], ["a, b", "c"]),
        (['299 - "caf\xc3\xa9"'], ["caf\xe9"]),
        (["nonsense"], []),
    ],
)
def test_warnings_are_read_from_headers(headers: list[str], texts: list[str]) -> None:
    assert list(warnings_of(headers)) == texts


def test_a_caller_is_spelled_in_headers() -> None:
    caller = Caller("bob", ("a", "b"), "7", {"example.org/x y": ("1", "2")})
    assert caller.headers() == [
        ("Impersonate-User", "bob"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Extra-example.org%2Fx%20y", "1"),
        ("Impersonate-Extra-example.org%2Fx%20y", "2"),
    ]


@pytest.mark.parametrize("name", ["", " bob", "bob\r\nX: y", "bob\x00", "bøb"])
def test_what_no_header_can_carry_is_no_caller(name: str) -> None:
    with pytest.raises(ValueError, match="Impersonate-User cannot be"):
        Caller(name).headers()


def test_paths() -> None:
    assert path_of("pods", api_version="v1", namespace="a b", name="../c") == "/api/v1/namespaces/a%20b/pods/..%2Fc"
    assert path_of("deployments", api_version="apps/v1", namespace="n", name="d", subresource="scale") == (
        "/apis/apps/v1/namespaces/n/deployments/d/scale"
    )
    assert path_of("namespaces", api_version="v1") == "/api/v1/namespaces"


@pytest.mark.parametrize("body", [None, [], "text", {"kind": "Status"}, {"kind": "Pod", "message": "m", "reason": "r"}])
def test_only_a_status_has_a_message(body: object) -> None:
    assert (Answer(400, body).message, Answer(400, body).reason) == ("", "")


def test_free_ports_are_different() -> None:
    assert len(set(free_ports(5))) == 5


def test_a_process_is_started_and_ended(tmp_path: Path) -> None:
    running = start("sleeper", ["sleep", "600"], log=tmp_path / "logs" / "sleeper.log")
    assert running.process() is not None
    end([running])
    assert running.process() is None


def test_a_process_that_ends_before_it_is_ready_says_its_last_words(tmp_path: Path) -> None:
    running = start("loser", ["sh", "-c", "echo no luck"], log=tmp_path / "log")
    with pytest.raises(ControlPlaneError, match="loser ended: no luck"):
        wait("anything", lambda: False, seconds=SECONDS, alive=[running])
    end([running])


def test_what_cannot_be_started_says_so(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="run `make tools`"):
        start("nothing", [str(tmp_path / "nothing")], log=tmp_path / "log")


WATCHED = """
    import sys, time
    from pathlib import Path
    from thunderguard.controlplane.processes import Watch, start

    folder = Path(sys.argv[1])
    watch = Watch(folder)
    running = start("sleeper", ["sleep", "600"], log=folder / "log")
    watch.add(running)
    if sys.argv[2] == "close":
        watch.close()
    print(running.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_whatever_ends_a_process_what_it_started_ends_with_it(tmp_path: Path, how: signal.Signals) -> None:
    folder = tmp_path / "plane"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WATCHED), str(folder), "watch"], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert psutil.pid_exists(pid)
        os.kill(owner.pid, how)
    assert eventually(lambda: not psutil.pid_exists(pid), seconds=SECONDS)
    assert eventually(lambda: not folder.exists(), seconds=SECONDS)


def test_what_is_watched_no_longer_stays(tmp_path: Path) -> None:
    folder = tmp_path / "plane"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WATCHED), str(folder), "close"], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.kill()
    try:
        assert psutil.pid_exists(pid)
        assert folder.exists()
    finally:
        os.kill(pid, signal.SIGKILL)
