"""What is usually written instead: a Kyverno policy that looks whether there is another MLflow already."""

from __future__ import annotations

import copy

from thunderguard.controlplane.api import path_of
from thunderguard.controlplane.processes import wait
from thunderguard.engines.webhook.plane import Plane
from thunderguard.model import JsonObject

_API = "policies.kyverno.io/v1"
_SECONDS = 60.0
_SERVED = 'exists(c, c.image.contains("/mlflow:"))'
_OTHERS = " + ".join(
    f'dyn(resource.List("{version}", "{plural}", "").items).filter(o, o.{path}.containers.{_SERVED}).size()'
    for version, plural, path in (
        ("apps/v1", "deployments", "spec.template.spec"),
        ("apps/v1", "statefulsets", "spec.template.spec"),
        ("apps/v1", "daemonsets", "spec.template.spec"),
        ("apps/v1", "replicasets", "spec.template.spec"),
        ("v1", "pods", "spec"),
    )
)

POLICY: JsonObject = {
    "apiVersion": _API,
    "kind": "ValidatingPolicy",
    "metadata": {"name": "look-up"},
    "spec": {
        "validationActions": ["Deny"],
        "matchConstraints": {
            "resourceRules": [
                {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["*"]},
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]},
            ]
        },
        "variables": [{"name": "others", "expression": _OTHERS}],
        "validations": [{"expression": "variables.others == 0", "message": "there is an MLflow already"}],
    },
}


def look_up_instead(plane: Plane, path: str, obj: JsonObject) -> None:
    """Put the look-up policy into the place of all others; ``obj``, created at ``path``, is an MLflow to try it with.

    Raises EngineError when it does not come into force.
    """
    listed = path_of("validatingpolicies", api_version=_API)
    for one in (plane.back.get(listed) or {})["items"]:
        plane.door.delete(path_of("validatingpolicies", api_version=_API, name=one["metadata"]["name"]))
    plane.door.apply(path_of("validatingpolicies", api_version=_API, name="look-up"), POLICY)
    plane.back.create(path, obj)
    another = copy.deepcopy(obj)
    another["metadata"]["name"] += "-2"

    def is_looked_up() -> bool:
        answer = plane.door.request("POST", f"{path}?dryRun=All", another)
        return "there is an MLflow already" in answer.message

    wait("the look-up policy", is_looked_up, seconds=_SECONDS)
    plane.back.delete(f"{path}/{obj['metadata']['name']}")
    wait("a first MLflow", lambda: plane.door.request("POST", f"{path}?dryRun=All", obj).is_good, seconds=_SECONDS)
