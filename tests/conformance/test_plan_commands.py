"""The commands of a plan do to an object what the model of the plan does, tried by kubectl without a cluster."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from plan_bed import OCTOBER, objects_of, planned

from thunderguard.facts.resources import resource_of
from thunderguard.model import JsonObject
from thunderguard.plan.apply import apply, changed
from thunderguard.plan.commands import operations
from thunderguard.plan.steps import Change, Command, Edit, Move, Step

KUBECTL = Path(__file__).parents[2] / ".tools" / "bin" / "kubectl"
LOCAL = ("--local", "-f", "-", "-o", "json")


def kubectl(words: Sequence[str], obj: JsonObject) -> JsonObject:
    """Run a command of kubectl on ``obj`` alone."""
    assert KUBECTL.is_file(), f"{KUBECTL} is missing: run `make tools`"
    done = subprocess.run(
        [KUBECTL, *words],
        input=json.dumps(obj),
        env={"KUBECONFIG": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    value: JsonObject = json.loads(done.stdout)
    return value


def done_locally(command: Command, obj: JsonObject) -> JsonObject:
    """Run what a command does to ``obj`` without the parts that read it from a cluster and write it back."""
    for program, *words in command.pipeline:
        assert program == "kubectl"
        if words[0] == "set":
            # kubectl set resources KIND NAME -n NS ... and kubectl set image KIND/NAME -n NS ...
            rest = words[words.index("-n") + 2 :]
            obj = kubectl(["set", words[1], *LOCAL, *rest], obj)
        elif words[0] == "patch":
            patch = words[words.index("-p") + 1]
            (kind,) = [word for word in words if word.startswith("--type=")]
            obj = kubectl(["patch", *LOCAL, kind, "-p", patch], obj)
        else:
            assert words[0] in ("get", "create")
    return obj


def essence(obj: JsonObject) -> Any:
    """Give what a plan speaks about: the address, labels and annotations, and containers with all they say."""
    metadata, spec = obj["metadata"], obj["spec"]
    template = spec["template"] if "template" in spec else spec["jobTemplate"]["spec"]["template"]
    return (
        {key: metadata.get(key) or None for key in ("name", "namespace", "labels", "annotations")},
        spec.get("selector"),
        template.get("metadata", {}).get("labels"),
        [{key: value for key, value in one.items() if value != {}} for one in template["spec"]["containers"]],
    )


def modelled(step: Step, objects: Sequence[JsonObject]) -> tuple[JsonObject, JsonObject]:
    """Give the object that a step is about, as it was and as the model has it afterwards."""
    action = step.action
    assert isinstance(action, Edit | Move)
    source, target = (action.resource,) * 2 if isinstance(action, Edit) else (action.source, action.target)
    (before,) = [obj for obj in objects if resource_of(obj) == source]
    (after,) = [obj for obj in apply(action, objects) if resource_of(obj) == target]
    return before, after


def test_what_is_moved_is_what_the_model_has() -> None:
    objects = objects_of(OCTOBER)
    moves = [step for step in planned(objects).steps if isinstance(step.action, Move)]
    assert len(moves) == 5
    for step in moves:
        before, after = modelled(step, objects)
        assert essence(done_locally(step.commands[0], before)) == essence(after)


def workload(kind: str, resources: Any) -> JsonObject:
    """Give a workload with two containers. Only what ends may be the service that has a ceiling."""
    image = "thunderline/cerebros-runner:1.0.0" if kind == "CronJob" else "x/api:1.0.0"
    body = {"name": "run", "image": image, "resources": resources}
    pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "first", "image": "x/y:1"}, body]}}
    pod["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "1", "memory": "1Gi"}}  # type: ignore[index]
    metadata = {"name": "search", "namespace": "thunderline"}
    if kind == "CronJob":
        spec: JsonObject = {"schedule": "0 4 * * *", "jobTemplate": {"spec": {"template": pod}}}
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": metadata, "spec": spec}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


NOTHING: JsonObject = {}
ABOVE = {"limits": {"cpu": "4", "memory": "8Gi"}, "requests": {"cpu": "3"}}
ZERO = {"limits": {"cpu": "0"}, "requests": {"memory": "1Gi"}}


@pytest.mark.parametrize(
    ("kind", "resources"),
    [
        *((kind, resources) for kind in ("Deployment", "DaemonSet", "StatefulSet") for resources in (NOTHING, ZERO)),
        *(("CronJob", resources) for resources in (NOTHING, ZERO, ABOVE)),
    ],
)
def test_what_is_set_is_what_the_model_has(kind: str, resources: Any) -> None:
    objects = [workload(kind, resources)]
    (step,) = [step for step in planned(objects).steps if step.kind == "set-resources"]
    before, after = modelled(step, objects)
    (command,) = step.commands
    assert essence(done_locally(command, before)) == essence(after)


def test_what_kubectl_has_no_word_for_is_patched() -> None:
    """Amounts of a pod as a whole, and of what no name tells apart."""
    obj = workload("Deployment", {})
    changes = (
        Change(("spec", "template", "spec", "resources", "limits", "cpu"), "1"),
        Change(("spec", "template", "spec", "containers", 1, "livenessProbe"), {"tcpSocket": {"port": 80}}),
        Change(("metadata", "annotations", "a/b~c"), "d"),
    )
    patch = json.dumps(operations(obj, changes))
    done = kubectl(["patch", *LOCAL, "--type=json", "-p", patch], obj)
    wanted = changed(obj, changes)
    assert essence(done) == essence(wanted)
    assert done["spec"]["template"]["spec"]["resources"] == {"limits": {"cpu": "1"}}
