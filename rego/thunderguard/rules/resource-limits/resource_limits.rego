# METADATA
# title: Every container has requests and limits
package thunderguard.rules["resource-limits"]

import data.thunderguard.contract
import data.thunderguard.facts.containers
import data.thunderguard.facts.namespaces
import data.thunderguard.quantity
import data.thunderguard.result
import data.thunderguard.text
import future.keywords.not

# METADATA
# description: Indices of the entries that the rule speaks about.
subjects := {bounded.workload.index | some bounded in _bounded}

# METADATA
# description: Nothing is left open.
unjudged := set()

# METADATA
# description: A pod spec without a list of containers.
violations contains found if {
	some bounded in _bounded
	some path in _unlisted(bounded.workload)
	found := result.violation("containers", bounded.workload, path, {"field": text.path(path)}, null)
}

# METADATA
# description: A container that lacks a required request or limit.
violations contains found if {
	some bounded in _bounded
	some held in bounded.held
	missing := (contract.required - _covered(held.values)) - _covered(bounded.pod)
	count(missing) > 0
	args := {"container": containers.container_name(held.container), "missing": text.join(missing)}
	path := array.concat(held.container.path, ["resources"])
	found := result.violation("missing", bounded.workload, path, args, null)
}

# METADATA
# description: A required request or limit, of a container or of its pod, that is zero or no quantity.
violations contains found if {
	some bounded in _bounded
	some holder in _holders(bounded)
	some name, value in holder.values
	name in contract.required
	key := _defect(value)
	path := array.concat(holder.path, _fields[name])
	found := result.violation(key, bounded.workload, path, {"field": text.path(path), "value": text.value(value)}, null)
}

# METADATA
# description: A container's request or limit above the ceiling of its service.
violations contains found if {
	some bounded in _bounded
	some held in bounded.held
	some name, value in held.values
	ceiling := _ceiling(held.container, _fields[name][2])
	path := array.concat(held.container.path, _fields[name])
	found := _above(bounded.workload, path, value, ceiling)
}

# METADATA
# description: A pod-level limit above the ceiling of a service that has no limit of its own.
violations contains found if {
	some bounded in _bounded
	some name, value in bounded.pod
	name in {"limits.cpu", "limits.memory"}
	exceeded := [ceiling |
		some held in bounded.held
		not name in object.keys(held.values)
		ceiling := _ceiling(held.container, _fields[name][2])
		_milli[value] > ceiling.milli
	]
	path := array.concat(bounded.workload.path, _fields[name])
	found := _above(bounded.workload, path, value, exceeded[0])
}

# [{workload, pod, held: [{container, values}]}], with the requests and limits of the pod and of each container
_bounded := [bounded |
	some workload in containers.workloads
	not namespaces.exempt(workload.resource)
	bounded := {
		"workload": workload,
		"pod": _values(workload.spec),
		"held": [{"container": container, "values": _values(container.raw)} |
			some container in workload.containers
			container.role != "ephemeral"
		],
	}
]

_holders(bounded) := array.concat(
	[{"path": bounded.workload.path, "values": bounded.pod} | count(bounded.pod) > 0],
	[{"path": held.container.path, "values": held.values} | some held in bounded.held],
)

# "limits.cpu" and so on, with their values. An explicit null is absent.
_values(raw) := {name: value |
	value := raw.resources[side][amount]
	name := _names[side][amount]
	value != null
}

_names := {
	"limits": {"cpu": "limits.cpu", "memory": "limits.memory"},
	"requests": {"cpu": "requests.cpu", "memory": "requests.memory"},
}

_fields := {
	"limits.cpu": ["resources", "limits", "cpu"],
	"limits.memory": ["resources", "limits", "memory"],
	"requests.cpu": ["resources", "requests", "cpu"],
	"requests.memory": ["resources", "requests", "memory"],
}

# What is set, by name. The API server takes a limit for the request that is not set, and a pod-level value bounds every
# container (KEP-2837).
_covered(values) := object.keys(values) | {request |
	some name, request in {"limits.cpu": "requests.cpu", "limits.memory": "requests.memory"}
	name in object.keys(values)
}

# value → thousandths, of what is a quantity; many containers share few values
_milli := {value: thousandths |
	some value in _written
	thousandths := quantity.milli(value)
}

_written := {value |
	some bounded in _bounded
	some holder in _holders(bounded)
	some value in holder.values
}

_defective := {value: key |
	some value, thousandths in _milli
	thousandths == 0
	key := "zero"
}

_defect(value) := key if {
	key := _defective[value]
} else := "unreadable" if {
	not _milli[value]
}

# The smallest ceiling among the services of a container.
_ceiling(container, amount) := [ceiling |
	count(container.services) > 0
	some ceiling in contract.ceilings[amount]
	ceiling.service in container.services
][0]

_above(workload, path, value, ceiling) := found if {
	_milli[value] > ceiling.milli
	args := {
		"field": text.path(path),
		"value": text.value(value),
		"service": ceiling.service,
		"ceiling": ceiling.text,
	}
	found := result.violation("ceiling", workload, path, args, ceiling.service)
}

_unlisted(workload) := paths if {
	is_array(workload.spec.containers)
	count(workload.spec.containers) > 0
	paths := _strange(workload, "containers") | _strange(workload, "initContainers")
} else := paths if {
	paths := {array.concat(workload.path, ["containers"])} | _strange(workload, "initContainers")
}

# A list that is none, or its elements that are no containers.
_strange(workload, list) := {path |
	listed := workload.spec[list]
	listed != null
	not is_array(listed)
	path := array.concat(workload.path, [list])
} | {path |
	listed := workload.spec[list]
	is_array(listed)
	some i, element in listed
	not is_object(element)
	path := array.concat(workload.path, [list, i])
}
