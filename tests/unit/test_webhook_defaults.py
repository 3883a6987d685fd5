"""What an API server makes of an object before policies see it is led back to what was sent."""

from __future__ import annotations

from typing import Any

import pytest

from thunderguard.engines.webhook.defaults import as_sent, without_echoes
from thunderguard.model import Level, RawFinding, Resource


def found(path: str) -> RawFinding:
    return RawFinding(
        rule="resource-limits",
        resource=Resource("v1", "Pod", "n", "p"),
        path=path,
        level=Level.DENY,
        service=None,
        message="m",
        remedy="r",
    )


def pod(**resources: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "c", "resources": resources}]}}


LIMIT, REQUEST = (f"spec.containers[0].resources.{kind}.cpu" for kind in ("limits", "requests"))


@pytest.mark.parametrize(
    ("obj", "paths", "left"),
    [
        (pod(limits={"cpu": "8"}), [LIMIT, REQUEST], [LIMIT]),
        (pod(limits={"cpu": "8"}, requests={"cpu": "8"}), [LIMIT, REQUEST], [LIMIT, REQUEST]),
        # Without a finding about the limit it was not made of it.
        (pod(limits={"cpu": "8"}), [REQUEST], [REQUEST]),
        (pod(limits={"cpu": "8"}), [LIMIT, "spec.containers[1].resources.requests.cpu"], None),
        (None, [LIMIT, REQUEST], [LIMIT]),
    ],
)
def test_what_is_said_of_a_request_that_the_server_made_is_said_of_its_limit(
    obj: dict[str, Any] | None, paths: list[str], left: list[str] | None
) -> None:
    findings = [found(path) for path in paths]
    assert [finding.path for finding in without_echoes(findings, obj)] == (paths if left is None else left)


@pytest.mark.parametrize(
    ("metadata", "text", "sent"),
    [
        ({"generateName": "a-"}, "ConfigMap a-xd2s7 is in shop; delete a-xd2s7", "ConfigMap a- is in shop; delete a-"),
        ({"generateName": "a."}, "ConfigMap a.xd2s7, abxd2s7", "ConfigMap a., abxd2s7"),
        ({"generateName": "a-", "name": "b"}, "a-xd2s7", "a-xd2s7"),
        ({"name": "b"}, "a-xd2s7", "a-xd2s7"),
        ({"generateName": 1}, "a-xd2s7", "a-xd2s7"),
        (None, "a-xd2s7", "a-xd2s7"),
    ],
)
def test_a_generated_name_is_what_it_was_made_of(metadata: Any, text: str, sent: str) -> None:
    assert as_sent(text, {"metadata": metadata}) == sent
    assert as_sent(text, None) == text
