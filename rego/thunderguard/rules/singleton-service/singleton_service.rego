# METADATA
# title: A service lives at its one address
package thunderguard.rules["singleton-service"]

import data.thunderguard.contract
import data.thunderguard.facts.containers
import data.thunderguard.facts.helm
import data.thunderguard.facts.objects
import data.thunderguard.facts.ownership
import data.thunderguard.result
import data.thunderguard.text
import future.keywords.not

# METADATA
# description: Indices of the entries that the rule speaks about.
subjects := {pair.entry.index | some pairs in [_instances, _autoscaled, _scaled]; some pair in pairs}

# METADATA
# description: Indices of the entries that may be at home, if their namespace were known.
unjudged contains index if {
	some pair in _instances
	_maybe_at_home(pair)
	index := pair.entry.index
}

# METADATA
# description: A recognised service away from its home.
violations contains found if {
	some pair in _instances
	not _at_home(pair)
	not _maybe_at_home(pair)
	args := {
		"service": pair.service.name,
		"home": _home_text(pair.service.home),
		"remove": helm.remove(pair.entry),
	}
	container := containers.of_service(pair.entry, pair.service.name)[0]
	found := result.violation("away", pair.entry, container.path, args, pair.service.name)
}

# METADATA
# description: A service at home with more replicas than its maximum.
violations contains found if {
	some pair in _instances
	_near_home(pair)
	field := _replica_field[pair.entry.resource.kind]
	found := _too_many(pair, field, object.get(pair.entry.object, field, 1))
}

# METADATA
# description: An autoscaler that may raise a service above its maximum.
violations contains found if {
	some pair in _autoscaled
	field := ["spec", "maxReplicas"]
	found := _too_many(pair, field, _asked(pair.entry.object))
}

# METADATA
# description: A request to scale a service above its maximum.
violations contains found if {
	some pair in _scaled
	found := _too_many(pair, ["spec", "replicas"], pair.entry.object.spec.replicas)
}

# maxReplicas has no default: without it nothing shows that the maximum holds.
_asked(obj) := obj.spec.maxReplicas if obj.spec.maxReplicas != null

_asked(obj) := "null" if not obj.spec.maxReplicas != null

_instances := [{"entry": workload, "service": service} |
	some workload in containers.workloads
	some name in workload.services
	some service in contract.services_by_name[name]
	service.home
]

_autoscaled := [{"entry": entry, "service": service} |
	some entry in ownership.judged
	entry.resource.kind == "HorizontalPodAutoscaler"
	entry.group == "autoscaling"
	target := entry.object.spec.scaleTargetRef
	some service in contract.services
	target.kind == service.home.kind
	target.name == service.home.name
	entry.resource.namespace in {service.home.namespace, ""}
]

# The entry is about the workload that is scaled.
_scaled := [{"entry": object.union(entry, {"resource": resource}), "service": service} |
	some entry in ownership.judged
	entry.resource.kind == "ScaleRequest"
	entry.group == "thunderguard.dev"
	is_object(entry.object.target)
	resource := object.union(entry.resource, entry.object.target)
	some service in contract.services
	object.remove(resource, ["apiVersion"]) == service.home
]

_at_home(pair) if {
	_near_home(pair)
	pair.entry.resource.namespace == pair.service.home.namespace
}

_maybe_at_home(pair) if {
	_near_home(pair)
	pair.entry.resource.namespace == ""
}

_near_home(pair) if {
	home := pair.service.home
	resource := pair.entry.resource
	objects.is_built_in(pair.entry)
	resource.kind == home.kind
	pair.entry.object.metadata.name == home.name
	resource.namespace in {home.namespace, ""}
}

_home_text(home) := concat("", [home.kind, " ", home.namespace, "/", home.name])

_replica_field := {
	"Deployment": ["spec", "replicas"],
	"StatefulSet": ["spec", "replicas"],
	"ReplicaSet": ["spec", "replicas"],
	"ReplicationController": ["spec", "replicas"],
	"Job": ["spec", "parallelism"],
	"CronJob": ["spec", "jobTemplate", "spec", "parallelism"],
}

_too_many(pair, field, replicas) := found if {
	maximum := pair.service.replicas.max
	not _within(replicas, maximum)
	args := {
		"service": pair.service.name,
		"replicas": text.value(replicas),
		"maximum": text.value(maximum),
		"field": text.path(field),
	}
	found := result.violation("replicas", pair.entry, field, args, pair.service.name)
}

# An explicit null is what the API server takes for an absent field.
_within(null, maximum) if maximum >= 1

_within(replicas, maximum) if {
	is_number(replicas)
	replicas >= 0
	replicas == floor(replicas)
	replicas <= maximum
}
