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

_bounded := [placed.entry |
	some placed in _placed
	names := _left_out[placed.facet]
	not placed.entry.resource.name in names
	not _keeps_release(placed.entry)
]

_placed := [{"entry": entry, "facet": facet} |
	some entry in ownership.judged
	facet := [entry.group, object.get(entry.object, "kind", null), entry.resource.namespace, entry.template]
]

# [group, kind, namespace, template] → the names that are left out, where not everything is; many objects share few of
# these
_left_out := {facet: names |
	some facet in {placed.facet | some placed in _placed}
	not facet[2] in contract.exempt
	not facet[0] in _made_by_controllers[facet[1]]
	names := _exempt_names(facet) | _given_names(facet)
}

_exempt_names(facet) := set() if {
	namespaces.is_namespaced(facet[0], facet[1], facet[2], facet[3])
	not facet[0] in {"thunderguard.dev", "metrics.k8s.io"}
} else := names if {
	facet[0] == ""
	facet[1] == "Namespace"
	names := contract.exempt
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

# What the control plane makes in every cluster or namespace by itself.
_given_names(facet) := names if {
	facet[0] == ""
	names := _by_kind[facet[1]]
} else := {"kubernetes"} if {
	array.slice(facet, 0, 3) == ["", "Service", "default"]
} else := set()

_by_kind := {"ConfigMap": {"kube-root-ca.crt"}, "Namespace": {"default"}, "ServiceAccount": {"default"}}

# Where Helm keeps a release: the Release made of it speaks for it.
_keeps_release(entry) if {
	entry.object.type == "helm.sh/release.v1"
	entry.resource.kind == "Secret"
	entry.group == ""
}
