"""What a real manifest always has and one of a suite leaves out, since no rule reads it: put in where it is missing.

The API server validates an object before it asks policies about it, so that nothing would be learned otherwise. What
is there is never changed, and a template only gets a label more, by which it is selected before an update as after it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

from thunderguard.facts.resources import type_of
from thunderguard.model import JsonObject

#: By which the pods of a workload are selected that does not say so itself.
LABELS = {"thunderguard.dev/asked": "yes"}
_UID = "00000000-0000-0000-0000-000000000000"
# The API server sets these itself, and takes a wrong one for a conflict.
_ITS_OWN = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)

# Without labels the server gives them those of their template, and what is found there would be found here.
_LABELLED_BY_TEMPLATE = {("", "ReplicationController"), ("batch", "Job")}
_SELECTING = {"DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"}
_AMOUNT = {"storage": "1Gi"}
_VOLUME = {"capacity": _AMOUNT, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/asked"}}
_BACKEND = {"service": {"name": "asked", "port": {"number": 80}}}
_ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "asked"}
# Of kinds that no rule looks into: fields of the object, and of its spec.
_FIELDS: Mapping[tuple[str, str], JsonObject] = {
    ("apps", "ControllerRevision"): {"data": {}},
    ("discovery.k8s.io", "EndpointSlice"): {"addressType": "IPv4", "endpoints": []},
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): {"roleRef": _ROLE},
    ("rbac.authorization.k8s.io", "RoleBinding"): {"roleRef": _ROLE},
    ("storage.k8s.io", "StorageClass"): {"provisioner": "example.org/asked"},
}
_SPECS: Mapping[tuple[str, str], JsonObject] = {
    ("", "PersistentVolume"): _VOLUME,
    ("", "PersistentVolumeClaim"): {"accessModes": ["ReadWriteOnce"], "resources": {"requests": _AMOUNT}},
    ("networking.k8s.io", "Ingress"): {"defaultBackend": _BACKEND},
    ("networking.k8s.io", "IngressClass"): {"controller": "example.org/asked"},
    ("networking.k8s.io", "NetworkPolicy"): {"podSelector": {}},
}


def completed(obj: JsonObject) -> JsonObject:
    """Give a copy of ``obj`` with what the API server demands of its kind."""
    made = copy.deepcopy(obj)
    metadata = made.get("metadata")
    if isinstance(metadata, dict):
        for field in _ITS_OWN:
            metadata.pop(field, None)
        _complete_owners(metadata)
    kind = type_of(made)
    if kind in _LABELLED_BY_TEMPLATE and isinstance(metadata, dict) and not metadata.get("labels"):
        metadata["labels"] = dict(LABELS)
    for field, value in copy.deepcopy(_FIELDS.get(kind, {})).items():
        made.setdefault(field, value)
    if made.get("spec") is None and (kind in _SPECS or kind == ("", "Service")):
        made["spec"] = {}
    spec = made.get("spec")
    if isinstance(spec, dict):
        if not spec:
            spec.update(copy.deepcopy(_SPECS.get(kind, {})))
        _complete_spec(kind, spec)
    return made


def _complete_owners(metadata: JsonObject) -> None:
    owners = metadata.get("ownerReferences")
    for owner in owners if isinstance(owners, list) else ():
        if isinstance(owner, dict):
            owner.setdefault("uid", _UID)


def _complete_spec(kind: tuple[str, str], spec: JsonObject) -> None:
    match kind:
        case ("apps", name) if name in _SELECTING:
            if spec.get("selector") is None and _label(spec):
                spec["selector"] = {"matchLabels": dict(LABELS)}
        case ("", "ReplicationController"):
            if spec.get("selector") is None and _label(spec):
                spec["selector"] = dict(LABELS)
        case ("batch", "Job"):
            # A selector of the server's own making could not be sent again with an update.
            if spec.get("selector") is None and spec.get("manualSelector") is None and _label(spec):
                spec |= {"manualSelector": True, "selector": {"matchLabels": dict(LABELS)}}
            _complete_job(spec)
        case ("batch", "CronJob"):
            spec.setdefault("schedule", "0 0 * * *")
            template = spec.get("jobTemplate")
            if isinstance(template, dict) and isinstance(template.get("spec"), dict):
                _complete_job(template["spec"])
        case ("", "Service"):
            _complete_service(spec)


def _complete_job(spec: JsonObject) -> None:
    template = spec.get("template")
    if isinstance(template, dict) and isinstance(template.get("spec"), dict):
        template["spec"].setdefault("restartPolicy", "Never")


def _complete_service(spec: JsonObject) -> None:
    ports = spec.get("ports")
    if not ports:
        spec.setdefault("clusterIP", "None")
    elif isinstance(ports, list) and len(ports) > 1:
        for place, port in enumerate(ports):
            if isinstance(port, dict):
                port.setdefault("name", f"port-{place}")


def _label(spec: JsonObject) -> bool:
    """Put a label into the template, by which it can be selected; say whether there is a template to put it into."""
    template = spec.get("template")
    if not isinstance(template, dict):
        return False
    metadata = template.get("metadata")
    if metadata is None:
        metadata = template["metadata"] = {}
    labels = metadata.get("labels") if isinstance(metadata, dict) else ()
    if labels is None:
        labels = metadata["labels"] = {}
    if not isinstance(labels, dict):
        return False
    labels.update(LABELS)
    return True
