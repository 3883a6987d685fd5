"""What is secret in a cluster does not leave it."""

from __future__ import annotations

import logging
import string
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fake_api import Asked, FakeAPI, Said, kubeconfig, serving
from helm_storage import stored
from thunderguard.cli import main
from thunderguard.reports.formats import FORMATS

# Long and random enough to be found by nothing but itself.
CANARIES = st.text(string.ascii_letters + string.digits, min_size=18, max_size=40).filter(
    lambda text: any(one.isdigit() for one in text)
)


def pod(name: str, **container: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "thunder", "annotations": {}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"containers": [{"name": "a", "image": "a:latest", **container}]},
    }


def planted(secret: str) -> list[dict[str, Any]]:
    """Give objects that hold ``secret`` in every place where credentials stand."""
    metadata = {"name": "s", "namespace": "thunder"}
    applied = {"kubectl.kubernetes.io/last-applied-configuration": f'{{"data": "{secret}"}}'}
    annotations = {**applied, "example.com/api-token": secret, "note": f"password={secret}"}
    managed = [{"manager": "kubectl", "fieldsV1": {f"f:{secret}": {}}}]
    values: dict[str, Any] = {
        "config": {"database": {"password": secret, "anything": secret}},
        "manifest": f"data: {secret}",
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "data": {"k": secret},
            "stringData": {"k": secret},
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": secret}},
        stored("web", "thunder", 1, **values),
        stored("web", "thunder", 2, damaged=True, **values),
        stored("worker", "thunder", 1, driver="ConfigMap", **values),
        stored("worker", "thunder", 2, driver="ConfigMap", damaged=True, **values),
        pod("env", env=[{"name": "ANYTHING", "value": secret}]),
        pod("args", args=[f"--password={secret}", "--token", secret, f"postgres://u:{secret}@db/x"]),
        pod("command", command=["/bin/sh", "-c", f"export SECRET_KEY={secret}; curl -u me:{secret} x"]),
        {**pod("annotated"), "metadata": {**metadata, "annotations": annotations, "managedFields": managed}},
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": metadata,
            "spec": {"source": {"chart": "x", "helm": {"values": f"a: {secret}"}}},
        },
    ]


# One secret is as good as another, so a shorter one is not looked for.
@settings(max_examples=10, phases=[Phase.explicit, Phase.generate])
@given(secret=CANARIES)
def test_no_secret_reaches_a_snapshot_a_report_or_a_log(secret: str) -> None:
    """No byte of the snapshot, of any report or of the log holds a secret, wherever in the cluster it stands.

    That includes what the server says when it refuses, and the file that exists only while objects come in.
    """

    def habit(asked: Asked) -> Said | None:
        return Said(403, {"message": secret}) if asked.resource == "services" else None

    def spool(**_: Any) -> Any:
        return open(folder / "spool", "w+b")

    groups = {"apps/v1": {"deployments": "Deployment"}, "argoproj.io/v1alpha1": {"applications": "Application"}}
    # The fixtures of pytest would be shared by all examples.
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory() as name,
        serving(FakeAPI(planted(secret), groups=groups, habit=habit)) as api,
    ):
        folder = Path(name)
        patch.setenv("KUBECONFIG", str(kubeconfig(folder / "config", api.url)))
        patch.setattr("thunderguard.snapshot.tempfile.TemporaryFile", spool)
        log = logging.FileHandler(folder / "log")
        logging.root.addHandler(log)
        level, logging.root.level = logging.root.level, logging.DEBUG
        reports = [word for form in FORMATS for word in ("--report", f"{form}={folder}/{form}")]
        try:
            with pytest.raises(SystemExit) as stopped:
                main(["audit", "--save", f"{folder}/kept.jsonl", "--output", f"{folder}/shown", *reports])
        finally:
            logging.root.level = level
            logging.root.removeHandler(log)
            log.close()
        assert stopped.value.code == 3
        files = {file.name: file.read_bytes() for file in folder.iterdir()}
        assert {*files} == {"config", "kept.jsonl", "log", "shown", "spool", *FORMATS}
        assert [file for file, data in files.items() if secret.encode() in data] == []
        # What held it is there all the same.
        assert files["kept.jsonl"].count(b'"kind":"Pod"') == files["spool"].count(b'"kind":"Pod"') == 4
        assert files["kept.jsonl"].count(b'"kind":"Release"') == 2
