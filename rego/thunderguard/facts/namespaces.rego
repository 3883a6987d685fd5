# METADATA
# description: Which namespaces are whose, and which objects live in one.
package thunderguard.facts.namespaces

import data.thunderguard.contract
import future.keywords.not

# METADATA
# description: Whether the Estate leaves an object's namespace to others.
exempt(resource) if resource.namespace in contract.exempt

# METADATA
# description: Whether a namespace is one where the estate may be.
allowed(namespace) if namespace in contract.allowed

# METADATA
# description: |
#   Whether an object lives in a namespace, by its kind (null for a Chart.yaml). A kind that is not known does when it
#   names one, as does every workload, which has a template.
is_namespaced(group, kind, namespace, template) if {
	namespace != ""
} else if {
	template != null
} else if {
	is_string(kind)
	group in _namespaced_groups
	not kind in _cluster_kinds[group]
}

_namespaced_groups := {
	"", "apps", "autoscaling", "batch", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io",
	"metrics.k8s.io", "networking.k8s.io", "policy", "rbac.authorization.k8s.io",
}

_cluster_kinds := {
	"": {"ComponentStatus", "Namespace", "Node", "PersistentVolume"},
	"metrics.k8s.io": {"NodeMetrics"},
	"networking.k8s.io": {"IngressClass"},
	"rbac.authorization.k8s.io": {"ClusterRole", "ClusterRoleBinding"},
}
