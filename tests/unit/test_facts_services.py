"""Recognition of services, on the Estate of the reference tests and on the shared table when it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from thunderguard.errors import EstateError
from thunderguard.facts.contract import Contract
from thunderguard.facts.services import Criteria
from thunderguard.facts.subject import Subject

HERE = Path(__file__).parent
CONTRACT = Contract.of(yaml.safe_load((HERE / "reference_estate.yaml").read_text(encoding="utf-8")))


def _pod(*containers: Any, labels: Any = None, name: Any = "p", init: Any = None) -> Subject:
    spec = {"containers": list(containers), "initContainers": init}
    metadata = {"name": name, "labels": labels}
    return Subject({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, CONTRACT)


@pytest.mark.parametrize(
    ("subject", "services"),
    [
        (_pod({"image": "ghcr.io/mlflow/mlflow:v2"}), ["mlflow"]),
        (_pod({"image": "mlflow/other:v2"}), []),
        (_pod({"image": "python:3", "args": ["pip install mlflow && mlflow server"]}), ["mlflow"]),
        (_pod({"image": "python:3", "command": ["mlflow"], "args": ["server"]}), ["mlflow"]),
        (_pod({"image": "python:3", "command": ["mlflow", 5, "server"]}), ["mlflow"]),
        (_pod({"image": "python:3", "command": "mlflow server"}), []),
        (_pod({"image": "python:3", "args": ["pip install mlflow==2.14.1"]}), []),
        (_pod({"image": "python:3"}, {"image": "busybox", "args": ["mlflow server"]}), []),
        (_pod({"image": 5}), []),
        (_pod({"image": "x"}, labels={"app.kubernetes.io/component": "web"}), ["web"]),
        (_pod({"image": "x"}, labels={"app.kubernetes.io/component": ["web"]}), []),
        (_pod({"image": "x"}, name="web"), ["web"]),
        (_pod({"image": "x"}, name="web2"), []),
        (_pod({"image": "x"}, name={"web": 1}), []),
        (_pod({"image": "runner"}, {"image": "mlflow"}), ["mlflow", "runner"]),
        (_pod(init=[{"image": "mlflow"}]), []),
        (_pod(init=[{"image": "mlflow", "restartPolicy": "Always"}]), ["mlflow"]),
        (_pod(labels={"app.kubernetes.io/component": "web"}), []),
    ],
)
def test_which_services_an_object_runs(subject: Subject, services: list[str]) -> None:
    assert subject.services == services


def test_labels_of_the_pod_template_count() -> None:
    template = {"metadata": {"labels": {"app.kubernetes.io/component": "web"}}, "spec": {"containers": [{}]}}
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": {"template": template}}
    assert Subject(obj, CONTRACT).services == ["web"]


def test_the_smallest_ceiling_counts_and_then_the_first_name() -> None:
    entry = {"recognise": [{"image": "x"}]}
    services = [
        {"name": "c", "ceiling": {"cpu": "1"}, **entry},
        {"name": "b", "ceiling": {"cpu": "1000m", "memory": "1Gi"}, **entry},
        {"name": "a", "ceiling": {"cpu": "2", "memory": "junk"}, **entry},
    ]
    contract = Contract.of({"spec": {"services": services}})
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"image": "x"}]}}
    subject = Subject(pod, contract)
    found = [subject.ceiling(subject.containers[0], name) for name in ("cpu", "memory", "disk")]
    assert [entry and (entry[0], entry[1].text) for entry in found] == [("b", "1000m"), ("b", "1Gi"), None]


def test_a_pattern_that_re2_refuses_is_an_error_of_the_estate() -> None:
    with pytest.raises(EstateError, match="RE2 refuses"):
        Criteria.of({"image": "(?=x)"})


def test_an_empty_estate_is_a_contract() -> None:
    contract = Contract.of({})
    assert contract.services == ()
    assert contract.restarts is None
