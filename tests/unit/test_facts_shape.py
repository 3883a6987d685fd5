"""What Kubernetes would refuse to read, sentence by sentence."""

from __future__ import annotations

from typing import Any

import pytest

from thunderguard.facts.shape import shape_problems


def _deployment(**container: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "c", "image": "i:1", **container}]}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "labels": {"a": "b"}, "annotations": None},
        "spec": {"replicas": 2, "template": template},
    }


SOUND = [
    _deployment(),
    _deployment(resources=None, command=None, env=[], unknown=5),
    _deployment(resources={"requests": {"cpu": 1, "memory": "1Gi"}, "limits": None}),
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "x-"}, "spec": {"containers": [{}]}},
    {"apiVersion": "v1", "kind": "Service", "spec": None, "metadata": {"labels": 5}},
    {"apiVersion": "x/v1", "kind": "Deployment", "spec": 3},
    {},
]


@pytest.mark.parametrize("obj", SOUND)
def test_a_sound_object_has_no_problem(obj: dict[str, Any]) -> None:
    assert shape_problems(obj) == []


def _with(path: str, value: Any, kind: str = "apps/v1 Deployment") -> dict[str, Any]:
    obj = _deployment()
    obj["apiVersion"], obj["kind"] = kind.split()
    at: Any = obj
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in parents:
        at = at[key]
    at[last] = value
    return obj


POD_SPEC = "spec.template.spec"
BROKEN: list[tuple[dict[str, Any], str]] = [
    (_with("spec", None), "spec is missing or null, where Kubernetes wants an object"),
    (_with("spec", "x"), "spec is 'x', where Kubernetes wants an object"),
    (_with("spec", {}), "spec.template is missing or null, where Kubernetes wants an object"),
    (_with("spec.template", {}), f"{POD_SPEC} is missing or null, where Kubernetes wants an object"),
    (
        _with(POD_SPEC, {}),
        f"{POD_SPEC}.containers is missing or null, where Kubernetes wants a list of at least one container",
    ),
    (
        _with(f"{POD_SPEC}.containers", []),
        f"{POD_SPEC}.containers is [], where Kubernetes wants a list of at least one container",
    ),
    (_with(f"{POD_SPEC}.containers", {"a": 1}), f"{POD_SPEC}.containers is {{'a': 1}}, where Kubernetes wants a list"),
    (
        _with(f"{POD_SPEC}.containers.0", None),
        f"{POD_SPEC}.containers[0] is missing or null, where Kubernetes wants an object",
    ),
    (_with(f"{POD_SPEC}.containers.0.name", 5), f"{POD_SPEC}.containers[0].name is 5, where Kubernetes wants a string"),
    (
        _with(f"{POD_SPEC}.containers.0.image", ["a"]),
        f"{POD_SPEC}.containers[0].image is ['a'], where Kubernetes wants a string",
    ),
    (
        _with(f"{POD_SPEC}.containers.0.resources", "1Gi"),
        f"{POD_SPEC}.containers[0].resources is '1Gi', where Kubernetes wants an object",
    ),
    (
        _with(f"{POD_SPEC}.containers.0.resources", {"limits": {"cpu": True}}),
        f"{POD_SPEC}.containers[0].resources.limits.cpu is True, where Kubernetes wants a quantity",
    ),
    (
        _with(f"{POD_SPEC}.containers.0.args", ["a", 5]),
        f"{POD_SPEC}.containers[0].args[1] is 5, where Kubernetes wants a string",
    ),
    (
        _with(f"{POD_SPEC}.initContainers", "x"),
        f"{POD_SPEC}.initContainers is 'x', where Kubernetes wants a list",
    ),
    (_with("metadata.name", 5), "metadata.name is 5, where Kubernetes wants a string"),
    (_with("metadata", []), "metadata is [], where Kubernetes wants an object"),
    (
        _with("metadata.labels", {"helm.sh/x": True}),
        'metadata.labels["helm.sh/x"] is True, where Kubernetes wants a string',
    ),
    (
        _with("spec.template.metadata.labels", ["a"]),
        "spec.template.metadata.labels is ['a'], where Kubernetes wants a map of strings",
    ),
    (_with("spec.replicas", "2"), "spec.replicas is '2', where Kubernetes wants an integer"),
    (_with("spec.replicas", 1.5), "spec.replicas is 1.5, where Kubernetes wants an integer"),
    (_with("spec.parallelism", "2", "batch/v1 Job"), "spec.parallelism is '2', where Kubernetes wants an integer"),
]


@pytest.mark.parametrize(("obj", "sentence"), BROKEN)
def test_a_broken_object_has_one_sentence_for_its_fault(obj: dict[str, Any], sentence: str) -> None:
    assert shape_problems(obj) == [sentence]


def test_a_cron_job_is_followed_down_to_its_pods() -> None:
    obj: dict[str, Any] = {"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": 5}}}
    assert shape_problems(obj) == ["spec.jobTemplate.spec is 5, where Kubernetes wants an object"]


def test_a_long_value_is_cut() -> None:
    [sentence] = shape_problems(_with("spec", "x" * 1000))
    assert len(sentence) < 150
