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
	missing := (contract.required - held.read.covered) - bounded.pod.covered
	count(missing) > 0
	args := {"container": containers.container_name(held.container), "missing": text.join(missing)}
	path := array.concat(held.container.path, ["resources"])
	found := result.violation("missing", bounded.workload, path, args, null)
}

# METADATA
# description: A required request or limit, of a container or of its pod, that is zero or no quantity.
violations contains found if {
	some bounded in _bounded
	some holder in array.concat([{"path": bounded.workload.path, "read": bounded.pod}], bounded.held)
	some name, key in holder.read.defects
	path := array.concat(holder.path, _fields[name])
	args := {"field": text.path(path), "value": text.value(holder.read.values[name])}
	found := result.violation(key, bounded.workload, path, args, null)
}

# METADATA
# description: A container's request or limit above the ceiling of its service.
violations contains found if {
	some bounded in _bounded
	some held in bounded.held
	count(held.container.services) > 0
	some name, value in held.read.values
	ceiling := _ceiling(held.container, _fields[name][2])
	path := array.concat(held.path, _fields[name])
	found := _above(bounded.workload, path, value, ceiling)
}

# METADATA
# description: A pod-level limit above the ceiling of a service that has no limit of its own.
violations contains found if {
	some bounded in _bounded
	some name, value in bounded.pod.values
	name in {"limits.cpu", "limits.memory"}
	exceeded := [ceiling |
		some held in bounded.held
		not name in object.keys(held.read.values)
		ceiling := _ceiling(held.container, _fields[name][2])
		_milli[value] > ceiling.milli
	]
	path := array.concat(bounded.workload.path, _fields[name])
	found := _above(bounded.workload, path, value, exceeded[0])
}

# [{workload, pod, held: [{container, path, read}]}], with what the pod and each container set
_bounded := [{"workload": workload, "pod": _read(workload.spec), "held": held} |
	some workload in containers.workloads
	not namespaces.exempt(workload.resource)
	held := [{"container": container, "path": container.path, "read": _read(container.raw)} |
		some container in workload.containers
		container.role != "ephemeral"
	]
]

_read(raw) := read if {
	read := _reads[raw.resources]
} else := {"values": {}, "covered": set(), "defects": {}}

# resources → {values, covered, defects}; many containers share few of them
_reads := {resources: {"values": values, "covered": _covered(values), "defects": defects} |
	some resources in _written
	values := _values(resources)
	defects := {name: key |
		some name, value in values
		name in contract.required
		key := _defect(value)
	}
}

_written := {container.raw.resources |
	some workload in containers.workloads
	some container in workload.containers
} | {workload.spec.resources | some workload in containers.workloads}

# "limits.cpu" and so on, with their values. An explicit null is absent.
_values(resources) := {name: value |
	some name, field in _fields
	value := resources[field[1]][field[2]]
	value != null
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

# value → thousandths, of what is a quantity
_milli := {value: thousandths |
	some value in _amounts
	thousandths := quantity.milli(value)
}

_amounts := {value |
	some resources in _written
	some value in _values(resources)
}

_defect(value) := "unreadable" if {
	not _milli[value]
} else := "zero" if {
	_milli[value] == 0
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
