"""Which kinds live in a namespace, and whose ground a namespace is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from thunderguard.facts.resources import namespace_of, type_of
from thunderguard.facts.values import as_list, as_text, dig
from thunderguard.facts.workloads import template_path

if TYPE_CHECKING:
    from thunderguard.model import JsonObject

# Kinds of the API server itself; the source is `kubectl api-resources` of Kubernetes 1.37.
_CLUSTER_SCOPED = {
    "": {"Namespace", "Node", "PersistentVolume", "ComponentStatus"},
    "rbac.authorization.k8s.io": {"ClusterRole", "ClusterRoleBinding"},
    "networking.k8s.io": {"IngressClass"},
}
_WITH_NAMESPACED_KINDS = {
    "",
    "apps",
    "batch",
    "autoscaling",
    "policy",
    "networking.k8s.io",
    "rbac.authorization.k8s.io",
    "discovery.k8s.io",
    "coordination.k8s.io",
    "events.k8s.io",
    "metrics.k8s.io",
}


def is_namespaced(obj: JsonObject) -> bool:
    """Say whether the kind of ``obj`` is known to live in a namespace."""
    group, kind = type_of(obj)
    if template_path(obj) is not None:
        return True
    return kind != "" and group in _WITH_NAMESPACED_KINDS and kind not in _CLUSTER_SCOPED.get(group, ())


def is_unknown(obj: JsonObject) -> bool:
    """Say whether ``obj`` lives in a namespace that it does not name."""
    return not namespace_of(obj) and is_namespaced(obj)


@dataclass(frozen=True, slots=True)
class Namespaces:
    """The namespaces of an Estate: its own, and other people's ground."""

    allowed: frozenset[str]
    exempt: frozenset[str]

    @classmethod
    def of(cls, estate: JsonObject) -> Namespaces:
        """Read them from the Estate object."""
        namespaces = dig(estate, ("spec", "namespaces"))
        return cls(
            frozenset(as_text(name) for name in as_list(dig(namespaces, ("allowed",)))),
            frozenset(as_text(name) for name in as_list(dig(namespaces, ("exempt",)))),
        )

    @property
    def allowed_text(self) -> str:
        """The allowed namespaces as messages list them."""
        return ", ".join(sorted(self.allowed))

    def exempts(self, obj: JsonObject) -> bool:
        """Say whether ``obj`` stands on other people's ground."""
        return namespace_of(obj) != "" and namespace_of(obj) in self.exempt
