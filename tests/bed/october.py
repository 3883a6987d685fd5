"""The estate of October 8, 2025 on a live cluster: installed by Helm, and failing where the audit saw it fail."""

from __future__ import annotations

import json
from typing import Any

from bed.cluster import ROOT, Cluster
from thunderguard.controlplane.processes import wait

CHARTS = ROOT / "tests" / "e2e" / "charts"
SECONDS = 90.0
_CRASHING, _UNPULLED = "CrashLoopBackOff", "ImagePullBackOff"
# (namespace, component) → what the audit says of its pods. Where it gives two states there is one pod in each.
FAILING: dict[tuple[str, str], list[str]] = {
    ("thunder", "web"): [_CRASHING, _UNPULLED],
    ("thunder", "worker"): [_CRASHING, _UNPULLED],
    ("thunderline", "livebook"): [_CRASHING],
    ("thunderline", "web"): [_UNPULLED],
    ("thunderline", "worker"): [_UNPULLED],
}


def install(cluster: Cluster) -> None:
    """Install the three releases and let their pods fail. What is there already stays. Raises ControlPlaneError."""
    thunderhelm = CHARTS / "thunderhelm"
    for release, namespace, words in (
        ("thunder", "cerebros", (CHARTS / "thunder-stack",)),
        ("thunderline", "thunder", (thunderhelm, "--values", thunderhelm / "october-thunder.yaml")),
        ("thunderline", "thunderline", (thunderhelm,)),
    ):
        cluster.helm("upgrade", "--install", release, *words, "--namespace", namespace, "--create-namespace")
    wait("running pods", lambda: settled(cluster), seconds=SECONDS)
    for (namespace, component), states in FAILING.items():
        selector = f"app.kubernetes.io/component={component}"
        for pod, state in zip(cluster.get("pods", "-n", namespace, "-l", selector), states, strict=True):
            patch = json.dumps({"status": failing(pod, state)})
            where = ("-n", namespace, pod["metadata"]["name"])
            cluster.kubectl("patch", "pod", *where, "--subresource=status", "--type=merge", "--patch", patch)


def settled(cluster: Cluster) -> bool:
    """Say whether every Deployment has its pods, each of them in some state, and no pod is left of another."""
    wanted = sum(one["spec"]["replicas"] for one in cluster.get("deployments", "-A"))
    pods = cluster.get("pods", "-A")
    return len(pods) == wanted and all(one["status"].get("containerStatuses") for one in pods)


def failing(pod: dict[str, Any], state: str) -> dict[str, Any]:
    """Give the status that a kubelet would set for a pod whose container waits with the reason ``state``."""
    crashed = state == _CRASHING
    (container,) = pod["spec"]["containers"]
    status: dict[str, Any] = {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": False,
        "started": False,
        # One restart is what the state itself proves.
        "restartCount": 1 if crashed else 0,
        "state": {"waiting": {"reason": state, "message": "as the audit found it"}},
    }
    if crashed:
        status["lastState"] = {"terminated": {"exitCode": 1, "reason": "Error"}}
    unready = [
        {"type": kind, "status": "False", "reason": "ContainersNotReady"} for kind in ("ContainersReady", "Ready")
    ]
    return {
        "phase": "Running" if crashed else "Pending",
        "conditions": [one for one in pod["status"]["conditions"] if one["type"] not in ("ContainersReady", "Ready")]
        + unready,
        "containerStatuses": [status],
    }
