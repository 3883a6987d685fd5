"""Whatever goes wrong behind the door: nothing bad comes in, and all is well again when the fault is gone.

What is admitted meanwhile is what ``examples/webhook/README.md`` promises: nothing that the policies match, but for
deletions, which they never match.
"""

from __future__ import annotations

import copy
import datetime as dt
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psutil
import pytest

from bed.latency import workload
from bed.race import estate, opened
from bed.ways import OWN
from thunderguard.controlplane.api import Answer, path_of
from thunderguard.controlplane.processes import Running, tail, wait
from thunderguard.engines.webhook.door import Door
from thunderguard.facts.resources import API_VERSION
from thunderguard.model import JsonObject

SECONDS = 60.0
PATH = path_of("deployments", api_version="apps/v1", namespace="thunderline")
DRY = f"{PATH}?dryRun=All"
SERVERS = ("opa", "kyverno")


@pytest.fixture(scope="module", params=OWN)
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    with opened(request.param, estate()) as opened_door:
        yield opened_door


@pytest.fixture(scope="module")
def server(door: Door) -> Running:
    """What answers the webhook of the way; native policies have none, and their tests do not ask for it."""
    return next(one for one in reversed(door.plane.running) if one.name == door.way.name)


def bad() -> JsonObject:
    obj = workload()
    for container in obj["spec"]["template"]["spec"]["containers"]:
        container.pop("resources")
    return obj


def other() -> JsonObject:
    """Give a Deployment that every way admits, and that is not there yet."""
    obj = workload()
    obj["metadata"] = {"name": "api", "namespace": obj["metadata"]["namespace"]}
    for container in obj["spec"]["template"]["spec"]["containers"]:
        container["image"] = "registry.example.org/api:1.0.0"
    return obj


def create(door: Door, obj: JsonObject) -> Answer:
    return door.plane.door.request("POST", DRY, obj)


def is_well(door: Door) -> bool:
    """Say whether what is right is admitted, and what is wrong denied for what is wrong with it."""
    denied = create(door, bad())
    return create(door, other()).is_good and not denied.is_good and "resource-limits: " in denied.message


def check_closed(door: Door) -> Answer:
    """Assert that nothing is admitted now but a deletion; give what was said."""
    said = create(door, other())
    assert not said.is_good
    # It would be refused for being there, too.
    assert said.status != 409, said.message
    assert not create(door, bad()).is_good
    return said


@contextmanager
def present(door: Door) -> Iterator[str]:
    """Have a Deployment there, and assert at the end that deleting it was admitted."""
    obj = workload()
    door.plane.back.create(PATH, obj)
    path = f"{PATH}/{obj['metadata']['name']}"
    yield path
    assert door.plane.door.request("DELETE", path).is_good
    assert door.plane.back.get(path) is None


def wait_until_well(door: Door) -> None:
    wait("a door that is well", lambda: is_well(door), seconds=SECONDS)


def restarted(door: Door, server: Running, command: list[str], environment: dict[str, str]) -> Running:
    return door.plane.launch(server.name, command, environment)


def test_an_estate_that_is_deleted_denies_everything_until_it_is_back(door: Door) -> None:
    with present(door):
        taken = take_estate(door)
        wait("a closed door", lambda: not create(door, other()).is_good, seconds=SECONDS)
        check_closed(door)
    taken()
    wait_until_well(door)


def take_estate(door: Door) -> Callable[[], None]:
    """Delete the Estate, and give what brings it back."""
    if door.way.name == "opa":
        (file,) = (found for found in door.plane.folder.rglob("estate.yaml") if found.is_symlink())
        target = file.readlink()
        file.unlink()

        def put_back() -> None:
            file.symlink_to(target)

        return put_back
    listed = path_of("estates", api_version=API_VERSION)
    found = (door.plane.back.get(listed) or {})["items"]
    for one in found:
        door.plane.back.delete(f"{listed}/{one['metadata']['name']}")

    def create_again() -> None:
        for one in found:
            one["metadata"] = {"name": one["metadata"]["name"]}
            door.plane.back.create(listed, {"apiVersion": API_VERSION, "kind": "Estate", **one})

    return create_again


def test_an_estate_that_is_edited_under_load_gives_the_old_verdict_or_the_new_one(door: Door) -> None:
    """Each request is judged by one Estate or the other, and never by none."""
    contract = estate()
    strict = copy.deepcopy(contract)
    image = {"image": "^thunderline-web$"}
    service = {"name": "old-web", "recognise": [image], "reason": "it is replaced", "remedy": "take the new one"}
    strict["spec"]["deprecated"]["services"] = [*strict["spec"]["deprecated"].get("services", ()), service]
    stop = threading.Event()
    strange: list[str] = []
    answered = [0]

    def ask() -> None:
        while not stop.is_set():
            answer = create(door, workload())
            answered[0] += 1
            if not answer.is_good and "deprecated-service: " not in answer.message:
                strange.append(answer.message)
            if create(door, bad()).is_good:
                strange.append("a Deployment without limits is admitted")

    def two_more(than: int) -> bool:
        return answered[0] > than + 1

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for turn in (strict, contract) * 3:
            before = answered[0]
            with door.judging_by({**turn}):
                wait("answers by this Estate", partial(two_more, before), seconds=SECONDS)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    logs = {one.name: tail(one.log, 2000) for one in door.plane.running if one.name in SERVERS}
    assert strange == [], logs
    assert answered[0] > 10
    with door.judging_by(contract):
        assert is_well(door)


def test_a_policy_that_does_not_compile_opens_nothing(door: Door) -> None:
    with uncompilable(door):
        for _ in range(20):
            assert not create(door, bad()).is_good
    wait_until_well(door)


@contextmanager
def uncompilable(door: Door) -> Iterator[None]:
    """Put a policy that does not compile beside the others, if that can be done at all."""
    nonsense = "this is no expression ("
    constraints = {
        "resourceRules": [
            {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
        ]
    }
    validations = [{"expression": nonsense}]
    match door.way.name:
        case "opa":
            (folder,) = (one for one in door.plane.folder.rglob("policy") if one.is_dir())
            broken = folder / "broken.rego"
            broken.write_text("package broken\n\nallow if {", encoding="utf-8")
            yield
            broken.unlink()
        case "kyverno":
            path = path_of("validatingpolicies", api_version="policies.kyverno.io/v1", name="broken")
            policy = {
                "apiVersion": "policies.kyverno.io/v1",
                "kind": "ValidatingPolicy",
                "metadata": {"name": "broken"},
                "spec": {"validationActions": ["Deny"], "matchConstraints": constraints, "validations": validations},
            }
            door.plane.door.request(
                "PATCH", f"{path}?fieldManager=test&force=true", policy, content="application/apply-patch+yaml"
            )
            yield
            door.plane.door.delete(path)
        case _:
            path = path_of("validatingadmissionpolicies", api_version="admissionregistration.k8s.io/v1")
            policy = {
                "metadata": {"name": "broken"},
                "spec": {"matchConstraints": constraints, "validations": validations},
            }
            assert door.plane.door.request("POST", path, policy).status == 422
            yield


@pytest.fixture(name="behind", scope="module", params=SERVERS)
def behind_a_webhook(request: pytest.FixtureRequest) -> Iterator[Door]:
    with opened(request.param, estate()) as opened_door:
        yield opened_door


def process_of(door: Door) -> Running:
    return next(one for one in reversed(door.plane.running) if one.name == door.way.name)


def test_a_server_that_hangs_closes_the_door_until_it_goes_on(behind: Door) -> None:
    pid = process_of(behind).pid
    with present(behind):
        os.kill(pid, signal.SIGSTOP)
        try:
            assert not create(behind, other()).is_good
        finally:
            os.kill(pid, signal.SIGCONT)
    wait_until_well(behind)


def test_a_server_that_is_killed_closes_the_door_until_it_is_started_again(behind: Door) -> None:
    running = process_of(behind)
    process = psutil.Process(running.pid)
    command, environment = process.cmdline(), process.environ()
    with present(behind):
        process.kill()
        wait("its end", lambda: running.process() is None, seconds=SECONDS)
        said = check_closed(behind)
        assert "failed calling webhook" in said.message
    behind.plane.launch(running.name, command, environment)
    wait_until_well(behind)


def test_an_expired_certificate_closes_the_door_until_another_one_is_there() -> None:
    """OPA takes a new certificate from its files by itself."""
    with opened("opa", estate()) as door:
        (folder,) = (one for one in door.plane.folder.rglob("tls") if one.is_dir())
        yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
        door.plane.authority.server(expires=yesterday).write(folder, "tls")
        # The API server keeps its connections, and looks at a certificate when it makes a new one.
        running = process_of(door)
        process = psutil.Process(running.pid)
        command, environment = process.cmdline(), process.environ()
        process.kill()
        wait("its end", lambda: running.process() is None, seconds=SECONDS)
        door.plane.launch(running.name, command, environment)

        def is_expired() -> bool:
            said: Any = create(door, other())
            return not said.is_good and "expired" in said.message

        wait("an expired certificate", is_expired, seconds=SECONDS)
        check_closed(door)
        door.plane.authority.server().write(folder, "tls")
        wait_until_well(door)
