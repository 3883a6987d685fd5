"""What a document becomes when an API server is asked about it, and what it cannot be asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from thunderguard.admission import PERSON, PERSON_GROUPS, review
from thunderguard.controlplane.api import Caller
from thunderguard.engines.askable import InexpressibleError, NotJsonError
from thunderguard.engines.webhook.completion import completed
from thunderguard.engines.webhook.questions import question
from thunderguard.model import Resource

POD: dict[str, Any] = {"containers": [{"name": "c", "image": "nginx:1.27.0"}]}


def deployment(**metadata: Any) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "shop", **metadata}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": {"spec": POD}}}


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_a_manifest_is_the_create_of_a_person() -> None:
    asked = question(text(deployment()))
    assert (asked.operation, asked.type, asked.subresource) == ("CREATE", ("apps", "v1", "Deployment"), "")
    assert asked.caller == Caller(PERSON, PERSON_GROUPS)
    assert asked.old is None
    assert asked.resource == Resource("apps/v1", "Deployment", "shop", "web")


def test_an_update_has_the_object_that_was_there_before() -> None:
    old, new = deployment(), deployment(labels={"a": "b"})
    asked = question(text(review(new, operation="UPDATE", old=old, username="bob", groups=("staff",))))
    assert asked.old == completed(old)
    assert asked.obj == completed(new)
    assert asked.caller == Caller("bob", ("staff",))
    assert asked.resource_name == "deployments"


def test_a_deletion_sends_nothing_and_is_about_what_is_there() -> None:
    asked = question(text(review(None, operation="DELETE", old=deployment())))
    assert (asked.obj, asked.old) == (None, completed(deployment()))
    assert asked.resource.name == "web"


def test_a_scale_is_about_the_workload_that_it_scales() -> None:
    scale = {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": 3},
    }
    asked = question(
        text(
            review(scale, operation="UPDATE", old=scale, subresource="scale", kind="Deployment", api_version="apps/v1")
        )
    )
    assert asked.type == ("apps", "v1", "")
    assert (asked.resource_name, asked.subresource, asked.name) == ("deployments", "scale", "web")
    assert asked.resource == Resource("apps/v1", "Deployment", "shop", "web")


def test_the_namespace_of_the_request_is_that_of_the_object() -> None:
    asked_of = review(deployment())
    del asked_of["request"]["object"]["metadata"]["namespace"]
    asked_of["request"]["namespace"] = "shop"
    asked = question(text(asked_of))
    assert asked.namespace == "shop"
    assert asked.resource.namespace == "shop"
    assert asked.obj is not None
    assert asked.obj["metadata"]["namespace"] == "shop"


def without_a_namespace() -> dict[str, Any]:
    lost = deployment()
    del lost["metadata"]["namespace"]
    return lost


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (without_a_namespace(), "does not say which"),
        ({"apiVersion": "v2", "name": "a", "version": "1.0.0"}, "Chart.yaml"),
        ({"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Release", "metadata": {"name": "r"}}, "Helm release"),
        ({"kind": "Pod", "metadata": {"name": "p", "namespace": "n"}}, "no apiVersion"),
        ({"apiVersion": "a/b/c", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}}, "no apiVersion"),
        ({**deployment(), "spec": {"a": [{"limits": {"cpu": None}}]}}, "limits that is null as 0"),
        (review(deployment(), operation="CONNECT"), "CONNECT"),
        (review(deployment(), operation="UPDATE"), "not there"),
        (review(None), "no object"),
        (review(deployment(), username=""), "nobody asks"),
        (review(deployment(), username="a\r\nImpersonate-Group: system:masters"), "Impersonate-User cannot be"),
        (review(deployment(), groups=("a\nb",)), "Impersonate-Group cannot be"),
        (deployment(labels={"n": 2**70}), "cannot be sent"),
    ],
)
def test_what_an_api_server_cannot_be_asked(document: Any, why: str) -> None:
    with pytest.raises(InexpressibleError, match=why):
        question(text(document))


@pytest.mark.parametrize("document", [b"not json", b"[]", b"1", b"[" * 100_000, b'{"a": NaN}'])
def test_what_is_no_json_object_is_no_question(document: bytes) -> None:
    with pytest.raises(NotJsonError):
        question(document)


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"])
def test_a_workload_is_given_the_selector_that_it_lacks(kind: str) -> None:
    made = completed({**deployment(), "kind": kind})
    labels = made["spec"]["template"]["metadata"]["labels"]
    assert labels
    assert made["spec"]["selector"] == {"matchLabels": labels}
    assert made["spec"]["template"]["spec"] == POD


def test_the_selector_is_the_same_whatever_the_labels_of_the_template_are() -> None:
    """It must not change with an update."""
    made = []
    for labels in ({"a": "b"}, {"a": "c"}, {}):
        own = deployment()
        own["spec"] = {"template": {"metadata": {"labels": labels}, "spec": POD}}
        made.append(completed(own)["spec"])
        assert labels.items() <= made[-1]["template"]["metadata"]["labels"].items()
    assert made[0]["selector"] == made[1]["selector"] == made[2]["selector"]


def test_what_is_there_is_not_changed() -> None:
    own = deployment(uid="u", resourceVersion="1", labels={"a": "b"}, ownerReferences=[{"kind": "X", "uid": "x"}, {}])
    own["spec"] = {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": POD},
    }
    made = completed(own)
    assert made["spec"] == own["spec"]
    assert made["metadata"]["labels"] == {"a": "b"}
    assert "uid" not in made["metadata"]
    assert "resourceVersion" not in made["metadata"]
    assert made["metadata"]["ownerReferences"][0]["uid"] == "x"
    assert made["metadata"]["ownerReferences"][1]["uid"]
    assert own["metadata"]["uid"] == "u", "the document itself stays as it is"


def test_jobs_get_what_they_need() -> None:
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "spec": {"template": {"spec": dict(POD)}}}
    assert completed(job)["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    cron = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {}, "spec": {"jobTemplate": {"spec": job["spec"]}}}
    made = completed(cron)["spec"]
    assert made["schedule"]
    assert made["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize(
    "spec",
    [
        None,
        [],
        {"template": None},
        {"template": []},
        {"template": {"metadata": []}},
        {"jobTemplate": 1},
        {"selector": 1},
    ],
)
@pytest.mark.parametrize(
    ("api_version", "kind"), [("apps/v1", "Deployment"), ("batch/v1", "CronJob"), ("batch/v1", "Job"), ("v1", "Pod")]
)
def test_strange_objects_are_completed_without_trouble(spec: Any, api_version: str, kind: str) -> None:
    made = completed({"apiVersion": api_version, "kind": kind, "metadata": None, "spec": spec})
    assert made["kind"] == kind
