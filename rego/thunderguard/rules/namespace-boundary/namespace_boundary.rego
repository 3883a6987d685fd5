# METADATA
# title: Everything stays inside the allowed namespaces
package thunderguard.rules["namespace-boundary"]

import data.thunderguard.facts.helm
import data.thunderguard.facts.namespaces
import data.thunderguard.facts.ownership
import data.thunderguard.result
import data.thunderguard.text
import future.keywords.not

# METADATA
# description: Indices of the entries that the rule speaks about.
subjects := {entry.index | some entry in _bounded}

# METADATA
# description: Indices of the entries whose namespace is not known.
unjudged := {entry.index |
	some entry in _bounded
	namespaces.unknown_namespace(entry)
}

# METADATA
# description: An object in a namespace that is neither allowed nor exempt.
violations contains found if {
	some entry in _bounded
	not _is_namespace(entry)
	entry.resource.namespace != ""
	not namespaces.allowed(entry.resource.namespace)
	args := {"allowed": _allowed, "remove": helm.remove(entry)}
	found := result.violation("object", entry, ["metadata", "namespace"], args, null)
}

# METADATA
# description: A namespace that is neither allowed nor exempt.
violations contains found if {
	some entry in _bounded
	_is_namespace(entry)
	not namespaces.allowed(entry.resource.name)
	found := result.violation("namespace", entry, ["metadata", "name"], {"allowed": _allowed}, null)
}

_allowed := text.join(data.estate.spec.namespaces.allowed)

_bounded := [entry |
	some entry in ownership.judged
	_in_scope(entry)
	not namespaces.exempt(entry.resource)
	not _made_by_kubernetes(entry)
	not _release_storage(entry)
]

_in_scope(entry) if {
	namespaces.is_namespaced(entry)
	not entry.group in {"thunderguard.dev", "metrics.k8s.io"}
}

_in_scope(entry) if {
	_is_namespace(entry)
	not entry.resource.name in data.estate.spec.namespaces.exempt
}

_is_namespace(entry) if {
	entry.group == ""
	entry.resource.kind == "Namespace"
}

# What the control plane makes in every namespace, or for every object, by itself.
_made_by_kubernetes(entry) if entry.resource.kind in {
	"ControllerRevision", "EndpointSlice", "Endpoints", "Event", "Lease",
}

_made_by_kubernetes(entry) if {
	_is_namespace(entry)
	entry.resource.name == "default"
}

_made_by_kubernetes(entry) if {
	entry.group == ""
	entry.resource.kind == "ServiceAccount"
	entry.resource.name == "default"
}

_made_by_kubernetes(entry) if {
	entry.group == ""
	entry.resource.kind == "ConfigMap"
	entry.resource.name == "kube-root-ca.crt"
}

_made_by_kubernetes(entry) if {
	entry.group == ""
	entry.resource.kind == "Service"
	entry.resource.name == "kubernetes"
	entry.resource.namespace == "default"
}

# Where Helm keeps a release; the Release made of it speaks for it.
_release_storage(entry) if {
	entry.group == ""
	entry.resource.kind == "Secret"
	entry.object.type == "helm.sh/release.v1"
}
