"""The nightly audit in the cluster: the API server takes its manifests, and its steps do what they say.

A fake node runs no container, so each container's own arguments are run here, one after the other, as its account.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bed.cluster import BIN, ROOT, Cluster
from thunderguard.controlplane.processes import wait

LIVE = ROOT / "examples" / "live"
OBJECTS: list[dict[str, Any]] = list(yaml.safe_load_all((LIVE / "cronjob.yaml").read_text(encoding="utf-8")))
CRON = OBJECTS[0]
POD: dict[str, Any] = CRON["spec"]["jobTemplate"]["spec"]["template"]["spec"]
ESTATE = ROOT / "examples" / "thunderline" / "estate.yaml"
DEFINITIONS = sorted((ROOT / "tests" / "data" / "schemas").glob("wgpolicyk8s.io_*.yaml"))
KINDS = "policyreports.wgpolicyk8s.io,clusterpolicyreports.wgpolicyk8s.io"
STRAY = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "mlflow-tracking", "namespace": "stray"},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "mlflow"}},
        "template": {
            "metadata": {"labels": {"app": "mlflow"}},
            "spec": {"containers": [{"name": "mlflow", "image": "ghcr.io/mlflow/mlflow:v3.4.0"}]},
        },
    },
}


@pytest.fixture(name="home", scope="module")
def install(own_cluster: Callable[[], Cluster]) -> Cluster:
    """A cluster of our own with the definitions of policy reports and everything that the README applies."""
    cluster = own_cluster()
    cluster.apply(*(yaml.safe_load(path.read_text(encoding="utf-8")) for path in DEFINITIONS))
    cluster.kubectl(
        "wait", "--for=condition=Established", "--timeout=60s", *(f"crd/{kind}" for kind in KINDS.split(","))
    )
    wait("policy reports", lambda: cluster.run("kubectl", "get", KINDS, "-A", check=False).returncode == 0, seconds=60)
    cluster.kubectl(
        *("create", "configmap", "thunderguard-estate", "-n", "kube-system", f"--from-file=estate.yaml={ESTATE}")
    )
    cluster.kubectl("apply", "-k", LIVE)
    return cluster


def night(cluster: Cluster, folder: Path) -> dict[str, int]:
    """Run every container of the pod in its order, as its service account; give the exit codes up to a failure."""
    client = cluster.authority.service_account(CRON["metadata"]["namespace"], POD["serviceAccountName"])
    config = cluster.kubeconfig_of(folder / "kubeconfig", client)
    programs = {"audit": [sys.executable, "-m", "thunderguard.cli"]}
    mounts = {"/reports": str(folder), "/estate": str(ESTATE.parent)}
    codes = {}
    for container in (*POD["initContainers"], *POD["containers"]):
        assert {mount["mountPath"] for mount in container["volumeMounts"]} <= set(mounts)
        arguments = [re.sub(r"(/reports|/estate)(?=/)", lambda one: mounts[one[1]], each) for each in container["args"]]
        done = subprocess.run(
            [*programs.get(container["name"], [str(BIN / "kubectl")]), *arguments],
            env={**os.environ, "KUBECONFIG": str(config), "TMPDIR": str(folder)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        codes[container["name"]] = done.returncode
        if done.returncode:
            (folder / "failed").write_text(done.stdout + done.stderr)
            break
    return codes


def reports(cluster: Cluster) -> dict[str, set[str]]:
    """Give the rules of the results of each policy report, by its namespace ("" for that of the cluster)."""
    return {
        one["metadata"].get("namespace", ""): {result["policy"] for result in one["results"]}
        for one in cluster.get(KINDS, "--all-namespaces")
    }


def test_the_api_server_takes_it_and_has_nothing_to_warn_of(home: Cluster) -> None:
    done = home.run("kubectl", "apply", "--dry-run=server", "--validate=strict", "-k", LIVE)
    assert "cronjob.batch/thunderguard-audit" in done.stdout
    assert "Warning" not in done.stderr
    home.kubectl("label", "namespace", "kube-system", "pod-security.kubernetes.io/warn=restricted", "--overwrite")
    made = home.run(
        *("kubectl", "create", "job", "now", "--from=cronjob/thunderguard-audit", "-n", "kube-system"),
        *("--dry-run=server", "-o", "json"),
    )
    # Pod security looks at what has a pod template, and says what the strictest standard would refuse.
    assert "would violate" not in made.stderr
    assert json.loads(made.stdout)["spec"]["template"]["spec"]["serviceAccountName"] == "thunderguard-capture"


def test_its_findings_become_policy_reports_and_go_when_they_are_gone(home: Cluster, tmp_path: Path) -> None:
    every = {"audit": 0, "clear": 0, "publish": 0}
    home.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "stray"}}, STRAY)
    assert night(home, tmp_path) == every, (tmp_path / "failed").read_text()
    first = reports(home)
    assert {"singleton-service", "namespace-boundary", "resource-limits"} <= first["stray"] | first[""]
    assert "singleton-service" in first["stray"]
    assert (tmp_path / "metrics.prom").read_text().count("thunderguard_findings{")

    home.kubectl("delete", "namespace", "stray", "--wait", "--timeout=120s")
    assert night(home, tmp_path) == every, (tmp_path / "failed").read_text()
    assert "stray" not in reports(home)


def test_an_audit_that_fails_leaves_the_reports_of_the_night_before(
    home: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(night(home, tmp_path).values()) == {0}
    before = home.get(KINDS, "--all-namespaces")
    assert before
    audit = POD["initContainers"][0]
    monkeypatch.setitem(audit, "args", [*audit["args"], "--rule=no-such-rule"])
    assert night(home, tmp_path) == {"audit": 2}
    assert home.get(KINDS, "--all-namespaces") == before


def test_its_account_may_do_nothing_more(home: Cluster) -> None:
    account = f"system:serviceaccount:kube-system:{POD['serviceAccountName']}"
    for verb, kind in (("create", "pods"), ("delete", "deployments"), ("update", "policyreports"), ("get", "secrets")):
        done = home.run("kubectl", "auth", "can-i", verb, kind, "-n", "thunderline", "--as", account, check=False)
        assert done.stdout.strip() == "no", (verb, kind)
