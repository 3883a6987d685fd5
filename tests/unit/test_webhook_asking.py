"""How a plane is asked: what has to be there before is put there and taken away, and refusals are told apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from thunderguard.admission import review
from thunderguard.controlplane.api import Answer
from thunderguard.engines.askable import InexpressibleError
from thunderguard.engines.webhook.asking import Asking
from thunderguard.engines.webhook.plane import Plane
from thunderguard.engines.webhook.questions import question
from thunderguard.engines.webhook.way import DoorError, Said

POD = {"containers": [{"name": "c", "image": "nginx:1.27.0"}]}


def kind(name: str, plural: str, scope: str, *subresources: str) -> dict[str, Any]:
    return {
        "resource": plural,
        "responseKind": {"kind": name},
        "scope": scope,
        "subresources": [{"subresource": one} for one in subresources],
    }


CORE = {
    "version": "v1",
    "resources": [kind("Pod", "pods", "Namespaced", "resize"), kind("Namespace", "namespaces", "Cluster")],
}
APPS = {"version": "v1", "resources": [kind("Deployment", "deployments", "Namespaced", "scale")]}
DISCOVERED = {
    "/api": {"items": [{"metadata": {}, "versions": [CORE]}]},
    "/apis": {"items": [{"metadata": {"name": "apps"}, "versions": [APPS]}]},
}


def status(code: int, reason: str, message: str = "") -> Answer:
    return Answer(code, {"kind": "Status", "reason": reason, "message": message})


@dataclass
class Server:
    """Holds objects by path, as an API server does; ``refusals`` are its answers to some paths."""

    objects: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    refusals: dict[tuple[str, str], Answer] = field(default_factory=dict)

    def request(self, method: str, path: str, body: Any = None, **_: Any) -> Answer:
        path = path.partition("?")[0]
        self.asked.append((method, path))
        if path in DISCOVERED:
            return Answer(200, DISCOVERED[path])
        if (method, path) in self.refusals:
            return self.refusals[method, path]
        return getattr(self, f"_{method.lower()}")(path, body)  # type: ignore[no-any-return]

    def get(self, path: str) -> Any:
        answer = self.request("GET", path)
        return answer.body if answer.is_good else None

    def _get(self, path: str, _: Any) -> Answer:
        return Answer(200, self.objects[path]) if path in self.objects else status(404, "NotFound")

    def _post(self, path: str, body: Any) -> Answer:
        path = f"{path}/{body['metadata']['name']}"
        if path in self.objects:
            return status(409, "AlreadyExists")
        self.objects[path] = {**body, "metadata": {**body["metadata"], "resourceVersion": "7", "uid": "u"}}
        return Answer(201, self.objects[path])

    def _put(self, path: str, body: Any) -> Answer:
        self.objects[path] = body
        if "deletionTimestamp" in body["metadata"] and not body["metadata"].get("finalizers"):
            del self.objects[path]
        return Answer(200, body)

    def _delete(self, path: str, _: Any) -> Answer:
        if path not in self.objects:
            return status(404, "NotFound")
        if self.objects[path]["metadata"].get("finalizers"):
            self.objects[path]["metadata"]["deletionTimestamp"] = "2025-10-08T00:00:00Z"
        else:
            del self.objects[path]
        return Answer(200, {})


@dataclass
class FakePlane:
    """A plane whose door gives ``answers`` by path, else admits; it keeps what it saw at the back at that moment."""

    back: Server = field(default_factory=Server)
    door: Server = field(default_factory=Server)
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    there: list[Mapping[str, Any]] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None, **_: Any) -> Said:
        assert "dryRun=All" in path
        path = path.partition("?")[0]
        self.asked.append((method, path, body))
        self.there.append(json.loads(json.dumps(self.back.objects)))
        return Said(self.answers.get(path, Answer(200, {})))


@pytest.fixture
def plane() -> FakePlane:
    return FakePlane()


def ask(plane: FakePlane, document: Any) -> Said:
    return Asking(cast("Plane", plane)).ask(question(json.dumps(document).encode()))


def deployment(**metadata: Any) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "shop", **metadata}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": {"spec": POD}}}


WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
SHOP = "/api/v1/namespaces/shop"


def test_a_create_is_asked_in_a_namespace_that_is_there(plane: FakePlane) -> None:
    ask(plane, deployment())
    ((method, path, body),) = plane.asked
    assert (method, path) == ("POST", "/apis/apps/v1/namespaces/shop/deployments")
    assert body["metadata"]["name"] == "web"
    assert set(plane.there[0]) == {SHOP}


def test_an_update_finds_its_old_object_and_leaves_nothing_of_it(plane: FakePlane) -> None:
    ask(plane, review(deployment(labels={"a": "new"}), operation="UPDATE", old=deployment(labels={"a": "old"})))
    ((method, path, body),) = plane.asked
    assert (method, path) == ("PUT", WEB)
    assert plane.there[0][WEB]["metadata"]["labels"] == {"a": "old"}
    assert (body["metadata"]["labels"], body["metadata"]["resourceVersion"]) == ({"a": "new"}, "7")
    assert set(plane.back.objects) == {SHOP}


def test_an_object_that_is_going_is_held_while_it_is_asked_about(plane: FakePlane) -> None:
    going = deployment(deletionTimestamp="2025-10-08T00:00:00Z")
    ask(plane, review(going, operation="UPDATE", old=deployment(finalizers=["a/b"])))
    ((_, _, body),) = plane.asked
    assert body["metadata"]["deletionTimestamp"]
    assert "thunderguard.dev/hold" in body["metadata"]["finalizers"]
    assert set(plane.back.objects) == {SHOP}


def test_a_scale_finds_a_workload_with_the_old_number(plane: FakePlane) -> None:
    def scale(replicas: int) -> dict[str, Any]:
        metadata = {"name": "web", "namespace": "shop"}
        return {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata, "spec": {"replicas": replicas}}

    words = {"operation": "UPDATE", "subresource": "scale", "kind": "Deployment", "api_version": "apps/v1"}
    ask(plane, review(scale(5), old=scale(2), **cast("dict[str, Any]", words)))
    ((method, path, _),) = plane.asked
    assert (method, path) == ("PUT", f"{WEB}/scale")
    assert plane.there[0][WEB]["spec"]["replicas"] == 2
    assert set(plane.back.objects) == {SHOP}


def test_a_deletion_finds_what_is_deleted(plane: FakePlane) -> None:
    ask(plane, review(None, operation="DELETE", old=deployment()))
    assert plane.asked == [("DELETE", WEB, None)]
    assert WEB in plane.there[0]
    assert set(plane.back.objects) == {SHOP}


def test_an_update_that_is_none_to_the_server_cannot_be_asked(plane: FakePlane) -> None:
    """The server leaves an empty list out, of the old object and of the new one."""
    new = deployment()
    new["spec"] = {**new["spec"], "unknown": []}
    stored = deployment(labels={"a": "b"})
    question_of = review(new, operation="UPDATE", old=stored)
    plane.answers[WEB] = Answer(200, {"spec": question(json.dumps(stored).encode()).obj["spec"]})  # type: ignore[index]
    with pytest.raises(InexpressibleError, match="spelled alike"):
        ask(plane, question_of)
    plane.answers[WEB] = Answer(200, {"spec": {"another": 1}})
    ask(plane, question_of)


@pytest.mark.parametrize("code", [400, 404, 405, 409, 413, 415, 422])
def test_what_is_refused_for_its_shape_cannot_be_asked(plane: FakePlane, code: int) -> None:
    plane.answers["/apis/apps/v1/namespaces/shop/deployments"] = status(code, "Invalid", "spec: Required value")
    with pytest.raises(InexpressibleError, match=r"before admission: .* Required value"):
        ask(plane, deployment())


@pytest.mark.parametrize(
    "answer",
    [
        Answer(201, {}),
        status(409, "AlreadyExists", "it exists"),
        status(403, "Forbidden", "x is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"),
        status(400, "BadRequest", 'admission webhook "w" denied the request: no'),
        status(500, "InternalError", 'Internal error occurred: failed calling webhook "w": refused'),
    ],
)
def test_what_admission_says_is_left_to_the_way(plane: FakePlane, answer: Answer) -> None:
    plane.answers["/apis/apps/v1/namespaces/shop/deployments"] = answer
    assert ask(plane, deployment()).answer == answer


@pytest.mark.parametrize("code", [401, 403, 429, 500, 503])
def test_any_other_answer_is_none(plane: FakePlane, code: int) -> None:
    plane.answers["/apis/apps/v1/namespaces/shop/deployments"] = status(code, "Any", "trouble")
    with pytest.raises(DoorError, match=f"{code} trouble"):
        ask(plane, deployment())


@pytest.mark.parametrize(
    ("code", "error"), [(422, InexpressibleError), (400, InexpressibleError), (500, DoorError), (403, DoorError)]
)
def test_an_old_object_that_cannot_be_held(plane: FakePlane, code: int, error: type[Exception]) -> None:
    plane.back.refusals["POST", "/apis/apps/v1/namespaces/shop/deployments"] = status(code, "Any", "trouble")
    with pytest.raises(error, match="trouble"):
        ask(plane, review(deployment(), operation="UPDATE", old=deployment()))
    assert plane.asked == []


def test_the_old_object_goes_even_when_the_question_fails(plane: FakePlane) -> None:
    plane.answers[WEB] = status(500, "Any", "trouble")
    with pytest.raises(DoorError):
        ask(plane, review(deployment(), operation="UPDATE", old=deployment()))
    assert set(plane.back.objects) == {SHOP}


def inexpressible() -> Sequence[tuple[Any, str]]:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, "spec": POD}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}
    return [
        ({**deployment(), "apiVersion": "apps/v1beta1"}, "knows no Deployment of apps/v1beta1"),
        (review(deployment(), kind="Pod"), "is deployments, not pods"),
        ({**space, "metadata": {"name": "a", "namespace": "b"}}, "in no namespace, and it names one"),
        (review(pod, operation="UPDATE", old=pod, subresource="nonsense"), "no subresource nonsense"),
        (review(pod, subresource="resize"), "whose resize it is"),
        (review({**pod, "kind": "Widget"}, operation="UPDATE", old=pod, subresource="scale"), "knows no widgets"),
    ]


@pytest.mark.parametrize(("document", "why"), inexpressible())
def test_what_the_server_does_not_serve_cannot_be_asked(plane: FakePlane, document: Any, why: str) -> None:
    with pytest.raises(InexpressibleError, match=why):
        ask(plane, document)
    assert plane.asked == []
