# METADATA
# title: Everything stays inside the allowed namespaces
package thunderguard.rules["namespace-boundary"]

import data.thunderguard.contract
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
	entry.resource.namespace == ""
	not _is_namespace(entry)
}

# METADATA
# description: An object in a namespace that is neither allowed nor exempt.
violations contains found if {
	some entry in _bounded
	entry.resource.namespace != ""
	not entry.resource.namespace in contract.allowed
	args := {"allowed": text.join(contract.allowed), "remove": helm.remove(entry)}
	found := result.violation("object", entry, ["metadata", "namespace"], args, null)
}

# METADATA
# description: A namespace that is neither allowed nor exempt.
violations contains found if {
	some entry in _bounded
	_is_namespace(entry)
	not entry.resource.name in contract.allowed
	found := result.violation("namespace", entry, ["metadata", "name"], {"allowed": text.join(contract.allowed)}, null)
}

_bounded := [entry |
	some entry in ownership.judged
	not entry.resource.namespace in contract.exempt
	_in_scope(entry)
	not entry.group in _made_by_controllers[entry.resource.kind]
	not _made_by_kubernetes(entry)
]

_in_scope(entry) if {
	_is_namespace(entry)
	not entry.resource.name in contract.exempt
} else if {
	namespaces.is_namespaced(entry)
	not entry.group in {"thunderguard.dev", "metrics.k8s.io"}
}

_is_namespace(entry) if {
	entry.resource.kind == "Namespace"
	entry.group == ""
}

# What controllers make for other objects.
_made_by_controllers := {
	"ControllerRevision": {"apps"},
	"EndpointSlice": {"discovery.k8s.io"},
	"Endpoints": {""},
	"Event": {"", "events.k8s.io"},
	"Lease": {"coordination.k8s.io"},
}

# What the control plane makes in every cluster or namespace by itself, and where Helm keeps a release: the Release made
# of it speaks for it.
_made_by_kubernetes(entry) if {
	_given_names[entry.resource.kind] == entry.resource.name
	entry.group == ""
}

_made_by_kubernetes(entry) if {
	entry.resource.kind == "Service"
	entry.resource.name == "kubernetes"
	entry.resource.namespace == "default"
	entry.group == ""
}

_made_by_kubernetes(entry) if {
	entry.resource.kind == "Secret"
	entry.object.type == "helm.sh/release.v1"
	entry.group == ""
}

_given_names := {"ConfigMap": "kube-root-ca.crt", "Namespace": "default", "ServiceAccount": "default"}
