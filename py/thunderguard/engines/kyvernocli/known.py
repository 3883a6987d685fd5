"""The kinds that the program knows by itself, and the ones that it takes for them."""

from __future__ import annotations

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
#: (group, version, kind).
KINDS = {(group, version, kind) for (group, version), kinds in _KNOWN.items() for kind in kinds.split()}
_GROUPS = {group for group, _ in _KNOWN}
_NAMES = {(group, kind) for group, _, kind in KINDS}


def is_mistaken(group: str, kind: str) -> bool:
    """Say whether the program finds a second kind behind ``kind``, and ends instead of answering.

    It does for what is no kind but the word for one: its name in small letters, or that of a list.
    """
    if kind == "List":
        return group in _GROUPS
    return any(own == group and kind in {known.lower(), f"{known}List"} for own, known in _NAMES)
