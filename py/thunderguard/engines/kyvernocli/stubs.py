"""CustomResourceDefinitions without a schema, for the kinds that the program does not know by itself.

Without one a native policy ends the run at such an object, and a Kyverno policy is matched by a guess.
"""

from __future__ import annotations

from collections.abc import Iterable

from thunderguard.admission import plural, split_api_version
from thunderguard.engines.kyvernocli.questions import as_yaml
from thunderguard.facts.resources import API_VERSION
from thunderguard.model import JsonObject

_ESTATE = (*split_api_version(API_VERSION), "Estate")

# cmd/cli/kubectl-kyverno/data/api-group-resources.json of Kyverno 1.19.1, as far as objects are stored.
_KNOWN = {
    ("", "v1"): (
        "Binding ComponentStatus ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolumeClaim"
        " PersistentVolume Pod PodTemplate ReplicationController ResourceQuota Secret ServiceAccount Service"
    ),
    ("admissionregistration.k8s.io", "v1"): (
        "MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"
        " ValidatingWebhookConfiguration"
    ),
    ("apiextensions.k8s.io", "v1"): "CustomResourceDefinition",
    ("apiregistration.k8s.io", "v1"): "APIService",
    ("apps", "v1"): "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    ("autoscaling", "v1"): "HorizontalPodAutoscaler",
    ("autoscaling", "v2"): "HorizontalPodAutoscaler",
    ("batch", "v1"): "CronJob Job",
    ("certificates.k8s.io", "v1"): "CertificateSigningRequest",
    ("coordination.k8s.io", "v1"): "Lease",
    ("discovery.k8s.io", "v1"): "EndpointSlice",
    ("events.k8s.io", "v1"): "Event",
    ("flowcontrol.apiserver.k8s.io", "v1"): "FlowSchema PriorityLevelConfiguration",
    ("networking.k8s.io", "v1"): "IngressClass Ingress IPAddress NetworkPolicy ServiceCIDR",
    ("node.k8s.io", "v1"): "RuntimeClass",
    ("policy", "v1"): "PodDisruptionBudget",
    ("rbac.authorization.k8s.io", "v1"): "ClusterRoleBinding ClusterRole RoleBinding Role",
    ("scheduling.k8s.io", "v1"): "PriorityClass",
    ("storage.k8s.io", "v1"): (
        "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment VolumeAttributesClass"
    ),
}
_KINDS = {(group, version, kind) for (group, version), kinds in _KNOWN.items() for kind in kinds.split()}


def definitions(types: Iterable[tuple[str, str, str]]) -> str:
    """Give the definitions of the Estate and of those (group, version, kind) of ``types`` that are not built in."""
    wanted = sorted({_ESTATE, *types} - _KINDS)
    return "\n---\n".join(as_yaml(_definition(*one)) for one in wanted)


def _definition(group: str, version: str, kind: str) -> JsonObject:
    names = {"kind": kind, "plural": plural(kind), "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural(kind)}.{group}"},
        "spec": {
            "group": group,
            "names": names,
            "scope": "Cluster" if (group, version, kind) == _ESTATE else "Namespaced",
            "versions": [{"name": version, "served": True, "storage": True}],
        },
    }
