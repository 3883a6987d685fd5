"""What documents ask, and what the Kyverno CLI cannot be asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from thunderguard.admission import review
from thunderguard.engines.askable import InexpressibleError, NotJsonError
from thunderguard.engines.kyvernocli.questions import Question, as_yaml, question

ALL = {"CREATE", "UPDATE", "DELETE"}
POD: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "spec": {}}


def asked(value: Any, operations: set[str] = ALL) -> Question:
    return question(json.dumps(value).encode(), operations=operations)


def test_a_manifest_is_the_create_of_a_person() -> None:
    found = asked(POD)
    assert (found.obj, found.operation) == (POD, "CREATE")
    assert json.loads(found.user) == {"username": "alice", "groups": ["system:authenticated"]}
    assert found.is_placed
    assert not found.is_unknown


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE"])
def test_a_review_is_asked_with_its_user_and_operation(operation: str) -> None:
    found = asked(review(POD, operation=operation, old=POD, username="bob", groups=["ops"]))
    assert (found.obj, found.operation) == (POD, operation)
    assert json.loads(found.user) == {"username": "bob", "groups": ["ops"]}


def test_a_delete_is_about_the_old_object() -> None:
    found = asked(review(None, operation="DELETE", old=POD))
    assert (found.obj, found.operation) == (POD, "DELETE")


def test_an_object_takes_its_namespace_from_the_request() -> None:
    bare = {**POD, "metadata": {"name": "a"}}
    asking = review(bare)
    asking["request"]["namespace"] = "shop"
    assert asked(asking).obj == POD


def _request(**changes: Any) -> dict[str, Any]:
    asking = review(POD)
    asking["request"] |= changes
    return asking


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (_request(operation="CONNECT"), "operation is CONNECT"),
        (_request(operation=None), "operation is unknown"),
        (_request(subResource="scale"), "subresource scale"),
        (_request(operation="UPDATE", oldObject={**POD, "spec": {"hostNetwork": True}}), "old object of an UPDATE"),
        (_request(object=None), "has no object"),
        (_request(resource={"group": "", "version": "v1", "resource": "podz"}), "the resource is podz"),
        ({"apiVersion": "v2", "name": "chart", "version": "1.0.0"}, "Chart.yaml"),
        ({"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Release", "metadata": {"name": "r"}}, "Helm release"),
        ({"kind": "Pod"}, "no apiVersion"),
        ({"apiVersion": "v1"}, "no kind"),
        ({**POD, "kind": 5}, "no kind"),
        ({**POD, "apiVersion": "a/b/c"}, "a/b/c is no apiVersion"),
        ({**POD, "apiVersion": "apps/"}, "apps/ is no apiVersion"),
        ({**POD, "kind": "pod"}, "it takes the kind pod for another one"),
        ({**POD, "apiVersion": "apps/v1", "kind": "List"}, "it takes the kind List for another one"),
        ({**POD, "apiVersion": "batch/v1", "kind": "JobList"}, "it takes the kind JobList for another one"),
        ({**POD, "kind": "PodList", "items": []}, "list of items"),
    ],
)
def test_what_cannot_be_asked_says_why(value: Any, reason: str) -> None:
    with pytest.raises(InexpressibleError, match=reason):
        asked(value)


def test_an_operation_that_the_policies_of_an_engine_cannot_be_told_is_said() -> None:
    with pytest.raises(InexpressibleError, match="operation is UPDATE"):
        asked(_request(operation="UPDATE", oldObject=POD), {"CREATE"})


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"7", b'{"a": NaN}', b"\xff", b'{"a":' + b"[" * 5000])
def test_what_is_no_object_is_told_from_what_cannot_be_asked(text: bytes) -> None:
    with pytest.raises(NotJsonError):
        question(text, operations=ALL)


def test_nesting_that_cannot_be_written_again_is_told() -> None:
    deep: Any = {}
    for _ in range(400):
        deep = {"a": deep}
    with pytest.raises(NotJsonError):
        asked({**POD, "spec": deep})


@pytest.mark.parametrize(
    ("metadata", "kind", "placed"),
    [
        ({"name": "a"}, "Pod", False),
        ({"name": "a", "namespace": ""}, "Pod", False),
        ({"name": "a", "namespace": 7}, "Pod", False),
        ({"name": "a"}, "Namespace", True),
        ({"name": "a"}, "Widget", False),
    ],
)
def test_where_the_namespace_would_be_made_up(metadata: Any, kind: str, placed: bool) -> None:
    assert asked({**POD, "kind": kind, "metadata": metadata}).is_placed is placed


def test_labels_that_are_not_all_text_are_none() -> None:
    labelled = {**POD, "metadata": {"name": "a", "labels": {"a": "b", "n": 1}}}
    assert asked(labelled).target.labels == ({},)
    labelled["metadata"]["labels"]["n"] = "1"
    assert asked(labelled).target.labels == ({"a": "b", "n": "1"},)


def test_a_tag_is_the_uid_and_nothing_else_changes() -> None:
    found = asked(POD)
    assert json.loads(found.text("7")) == {**POD, "metadata": {**POD["metadata"], "uid": "7"}}
    assert POD["metadata"] == {"name": "a", "namespace": "shop"}
    assert json.loads(asked({**POD, "metadata": None}).text("7")) == {**POD, "metadata": None}


@pytest.mark.parametrize(
    "sign", ["\x7f", "\x85", "\u2028", "\ufeff", "\uffff", "\U0001f600", "é", "\t", "\n", '"', "\\"]
)
def test_every_character_is_read_from_yaml_as_it_was(sign: str) -> None:
    text = as_yaml({"key" + sign: f"a{sign}b"})
    assert "\n" not in text
    assert yaml.safe_load(text) == {"key" + sign: f"a{sign}b"}
