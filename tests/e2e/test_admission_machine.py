"""Whatever the door admits, one request after the other, the audit of what is then there is clean."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bed.cluster import ROOT
from bed.race import KINDS, NAMESPACES, estate, opened
from bed.ways import OWN
from thunderguard.catalogue import load_catalogue
from thunderguard.controlplane.api import Answer, path_of
from thunderguard.engines import Engine, open_engine
from thunderguard.engines.webhook.door import Door
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.facts.workloads import template_path
from thunderguard.model import Document, JsonObject, Level

PLURALS = {kind: (version, plural) for version, plural, kind in KINDS}
SCALABLE = ("Deployment", "StatefulSet", "ReplicaSet")


def manifest(name: str, kind: str) -> JsonObject:
    documents = yaml.safe_load_all((ROOT / "examples" / "good" / name).read_text(encoding="utf-8"))
    found: JsonObject = next(one for one in documents if one["kind"] == kind)
    return found


def cache() -> JsonObject:
    """Give a workload that the Estate does not speak of: it may be of any kind, in any allowed namespace."""
    labels = {"app.kubernetes.io/name": "cache"}
    bounds = {"cpu": "100m", "memory": "64Mi"}
    container = {"name": "cache", "image": "redis:7.2.4", "resources": {"requests": bounds, "limits": bounds}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "cache", "namespace": "thunderline", "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


SEEDS = {
    "cache": cache(),
    "mlflow": manifest("mlflow-tracking.yaml", "Deployment"),
    "web": manifest("web.yaml", "Deployment"),
    "worker": manifest("worker.yaml", "Deployment"),
}


def pod_spec(obj: JsonObject) -> dict[str, Any]:
    """Give what the pods of ``obj`` are made from, to be changed."""
    spec: dict[str, Any] = obj
    for key in (*(template_path(obj) or ()), "spec"):
        spec = spec[key]
    return spec


# How a manifest is changed: each takes the manifest and changes it where it stands.
def no_limits(obj: JsonObject) -> None:
    pod_spec(obj)["containers"][0].pop("resources", None)


def too_much(obj: JsonObject) -> None:
    pod_spec(obj)["containers"][0]["resources"] = {"limits": {"cpu": "64", "memory": "200Gi"}}


def latest(obj: JsonObject) -> None:
    container = pod_spec(obj)["containers"][0]
    container["image"] = container["image"].partition(":")[0] + ":latest"


def another_version(obj: JsonObject) -> None:
    container = pod_spec(obj)["containers"][0]
    container["image"] = container["image"].partition(":")[0] + ":v9.9.9"


def deprecated(obj: JsonObject) -> None:
    obj["metadata"].setdefault("labels", {})["helm.sh/chart"] = "thunder-stack-0.1.0"


def nothing(_: JsonObject) -> None:
    """Leave it as it is."""


CHANGES = st.sampled_from((nothing, nothing, another_version, no_limits, too_much, latest, deprecated))
PLACES = st.sampled_from((*NAMESPACES, "elsewhere"))
NAMES = st.sampled_from(("", "", "one", "two"))


class Admission(RuleBasedStateMachine):
    """Requests at one door. What exists is kept by nobody but the API server."""

    door: Door
    judge: Engine

    @initialize()
    def clear(self) -> None:
        for path in self.there():
            self.door.plane.back.delete(path)

    def there(self) -> dict[str, JsonObject]:
        """Give every workload that exists, by its path."""
        found = {}
        for version, plural, kind in KINDS:
            listed = self.door.plane.back.get(path_of(plural, api_version=version)) or {}
            for one in listed["items"]:
                metadata = one["metadata"]
                path = path_of(plural, api_version=version, namespace=metadata["namespace"], name=metadata["name"])
                found[path] = {"apiVersion": version, "kind": kind, **one}
        return found

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask the door, and see that it answers for a reason that admission may have."""
        answer = self.door.plane.door.request(method, path, body)
        assert answer.status < 500, answer.message
        assert "failed calling webhook" not in answer.message
        assert "failed to evaluate" not in answer.message
        return answer

    def chosen(self, data: st.DataObject, *kinds: str) -> tuple[str, JsonObject] | None:
        found = [(path, obj) for path, obj in sorted(self.there().items()) if not kinds or obj["kind"] in kinds]
        return data.draw(st.sampled_from(found)) if found else None

    @rule(seed=st.sampled_from(sorted(SEEDS)), kind=st.sampled_from(KINDS), place=PLACES, name=NAMES, change=CHANGES)
    def create(self, seed: str, kind: tuple[str, str, str], place: str, name: str, change: Any) -> None:
        version, plural, kind_name = kind
        obj = copy.deepcopy(SEEDS[seed])
        change(obj)
        metadata = {**obj["metadata"], "namespace": place, "name": name or obj["metadata"]["name"]}
        spec = obj["spec"]
        if kind_name == "Pod":
            metadata["labels"] = {**metadata.get("labels", {}), **spec["template"]["metadata"]["labels"]}
            spec = spec["template"]["spec"]
        elif kind_name != "Deployment":
            kept = ("selector", "template") if kind_name == "DaemonSet" else ("replicas", "selector", "template")
            spec = {key: spec[key] for key in kept if key in spec}
        made = {"apiVersion": version, "kind": kind_name, "metadata": metadata, "spec": spec}
        self.ask("POST", path_of(plural, api_version=version, namespace=place), made)

    @rule(data=st.data(), change=CHANGES)
    def update(self, data: st.DataObject, change: Any) -> None:
        if found := self.chosen(data):
            path, obj = found
            change(obj)
            self.ask("PUT", path, obj)

    @rule(data=st.data(), up=st.integers(1, 5))
    def scale_up(self, data: st.DataObject, up: int) -> None:
        if found := self.chosen(data, *SCALABLE):
            self.scale(found[0], lambda replicas: replicas + up)

    @rule(data=st.data(), down=st.integers(0, 5))
    def scale_down(self, data: st.DataObject, down: int) -> None:
        """To ask for less is a clean-up, which nothing stops."""
        if found := self.chosen(data, *SCALABLE):
            assert self.scale(found[0], lambda replicas: max(0, replicas - down)).is_good

    def scale(self, path: str, wanted: Any) -> Answer:
        scale = self.door.plane.back.get(f"{path}/scale")
        assert scale is not None
        scale["spec"]["replicas"] = wanted(scale["spec"].get("replicas", 0))
        return self.ask("PUT", f"{path}/scale", scale)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """To delete is a clean-up, which nothing stops."""
        if found := self.chosen(data):
            options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
            assert self.ask("DELETE", found[0], options).is_good

    @rule(data=st.data())
    def adopt(self, data: st.DataObject) -> None:
        """To say that something owns an object changes nothing about what it is: it is let through."""
        owner, owned = self.chosen(data, "Deployment", "ReplicaSet"), self.chosen(data, "ReplicaSet", "Pod")
        if owner is None or owned is None or owner[0] == owned[0]:
            return
        by = owner[1]
        reference = {
            "apiVersion": by["apiVersion"],
            "kind": by["kind"],
            "name": by["metadata"]["name"],
            "uid": by["metadata"]["uid"],
            "controller": True,
        }
        path, obj = owned
        obj["metadata"]["ownerReferences"] = [reference]
        assert self.ask("PUT", path, obj).is_good

    @rule(place=PLACES, change=CHANGES, number=st.integers(0, 3))
    def install(self, place: str, change: Any, number: int) -> None:
        """Apply all that a chart has, one object after the other, and go on when one is denied."""
        for seed in sorted(SEEDS):
            obj = copy.deepcopy(SEEDS[seed])
            change(obj)
            obj["metadata"]["namespace"] = place
            if number:
                obj["metadata"]["name"] += f"-{number}"
            version, plural = PLURALS["Deployment"]
            path = path_of(plural, api_version=version, namespace=place, name=obj["metadata"]["name"])
            answer = self.door.plane.door.request(
                "PATCH", f"{path}?fieldManager=helm&force=true", obj, content="application/apply-patch+yaml"
            )
            assert answer.status < 500, answer.message

    @invariant()
    def the_audit_is_clean(self) -> None:
        documents = [Document(n, json.dumps(obj).encode()) for n, obj in enumerate(self.there().values())]
        for outcome in self.judge.judge(documents):
            assert outcome.kind.is_verdict, outcome.told
            assert [found for found in outcome.findings if found.level == Level.DENY] == []


@pytest.fixture(scope="module")
def judge() -> Iterator[Engine]:
    contract = load_estate(DEFAULT_ESTATE)
    contract.data["spec"]["namespaces"]["allowed"] = list(NAMESPACES)
    with open_engine("embedded", estate=contract, catalogue=load_catalogue()) as engine:
        yield engine


@pytest.mark.parametrize("name", OWN)
def test_whatever_is_admitted_passes_the_audit_and_a_clean_up_is_admitted(name: str, judge: Engine) -> None:
    """After any sequence of creates, updates, scales, deletions, adoptions and installations, the audit is clean."""
    with opened(name, estate()) as door:
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "elsewhere"}}
        door.plane.back.create(path_of("namespaces", api_version="v1"), space)

        class AtThisDoor(Admission):
            pass

        AtThisDoor.door, AtThisDoor.judge = door, judge
        run_state_machine_as_test(
            AtThisDoor,
            settings=settings(max_examples=12, stateful_step_count=25, deadline=None, derandomize=True),
        )
