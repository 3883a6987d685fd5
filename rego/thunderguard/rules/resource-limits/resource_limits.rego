# METADATA
# title: Every container has requests and limits
package thunderguard.rules["resource-limits"]

import data.thunderguard.contract
import data.thunderguard.facts.containers
import data.thunderguard.quantity
import data.thunderguard.result
import data.thunderguard.text
import future.keywords.not

# METADATA
# description: Indices of the entries that the rule speaks about.
subjects := containers.own_indices

# METADATA
# description: Nothing is left open.
unjudged := set()

# METADATA
# description: A pod spec without a list of containers.
violations contains found if {
	some workload in containers.own_workloads
	not _well_listed(workload.spec)
	some path in _unlisted(workload)
	found := result.violation("containers", workload, path, {"field": text.path(path)}, null)
}

# METADATA
# description: A container that lacks a required request or limit.
violations contains found if {
	some held in _held
	lacking := _reads[held.resources].lacking
	lacking != set()
	missing := lacking - _covered(_values(held.pod))
	missing != set()
	args := {"container": containers.container_name(held.container), "missing": text.join(missing)}
	path := array.concat(held.path, ["resources"])
	found := result.violation("missing", held.workload, path, args, null)
}

# METADATA
# description: A required request or limit, of a container or of its pod, that is zero or no quantity.
violations contains found if {
	some holder in array.concat(_held, _pods)
	some name, key in _reads[holder.resources].defects
	path := array.concat(holder.path, _fields[name])
	args := {"field": text.path(path), "value": text.value(_reads[holder.resources].values[name])}
	found := result.violation(key, holder.workload, path, args, null)
}

# METADATA
# description: A container's request or limit above the ceiling of its service.
violations contains found if {
	some held in _held
	some name, ceiling in _exceeded[[held.resources, held.container.services]]
	path := array.concat(held.path, _fields[name])
	found := _above(held.workload, path, _reads[held.resources].values[name], ceiling)
}

# METADATA
# description: A pod-level limit above the ceiling of a service that has no limit of its own.
violations contains found if {
	some pod in _pods
	some name, value in _reads[pod.resources].values
	name in {"limits.cpu", "limits.memory"}
	exceeded := [ceiling |
		some held in _held
		held.workload.index == pod.workload.index
		not name in object.keys(_reads[held.resources].values)
		ceiling := _ceiling(held.container.services, _fields[name][2])
		_milli[value] > ceiling.milli
	]
	path := array.concat(pod.path, _fields[name])
	found := _above(pod.workload, path, value, exceeded[0])
}

# [{workload, container, path, resources, pod}] of every container that is held to limits: what it and its pod set
_held := [held |
	some workload in containers.own_workloads
	pod := object.get(workload.spec, "resources", null)
	some container in workload.containers
	container.role != "ephemeral"
	held := {
		"workload": workload,
		"container": container,
		"path": container.path,
		"resources": object.get(container.raw, "resources", null),
		"pod": pod,
	}
]

# [{workload, path, resources}] of the pods that set something themselves
_pods := [{"workload": workload, "path": workload.path, "resources": workload.spec.resources} |
	some workload in containers.own_workloads
	workload.spec.resources != null
]

# Of the following, many containers share few. First: resources → {values, lacking, defects}
_reads := {resources: {"values": values, "lacking": lacking, "defects": defects} |
	some resources, values in _written
	lacking := contract.required - _covered(values)
	defects := {name: key |
		some name, value in values
		key := _defects[value]
		name in contract.required
	}
}

# resources → their values
_written := {resources: values |
	some resources in ({held.resources | some held in _held} | {pod.resources | some pod in _pods})
	values := _values(resources)
}

# [resources, services] → the ceilings that are exceeded, by field
_exceeded := {pair: exceeded |
	some pair in {[held.resources, held.container.services] |
		some held in _held
		some name in held.container.services
		name in contract.bounded
	}
	exceeded := {name: ceiling |
		some name, value in _reads[pair[0]].values
		ceiling := _ceiling(pair[1], _fields[name][2])
		_milli[value] > ceiling.milli
	}
}

# "limits.cpu" and so on, with their values. An explicit null is absent.
_values(resources) := {name: value |
	some kind, amount
	value := resources[kind][amount]
	value != null
	name := _names[kind][amount]
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

# What is set, by name.
_covered(values) := {name |
	some written, _ in values
	some name in _covering[written]
}

# The API server takes a limit for the request that is not set, and a pod-level value bounds every container (KEP-2837).
_covering := {
	"limits.cpu": {"limits.cpu", "requests.cpu"},
	"limits.memory": {"limits.memory", "requests.memory"},
	"requests.cpu": {"requests.cpu"},
	"requests.memory": {"requests.memory"},
}

_amounts := {value |
	some values in _written
	some value in values
}

# value → thousandths, of what is a quantity
_milli := {value: thousandths |
	some value in _amounts
	thousandths := quantity.milli(value)
}

# value → what is wrong with it
_defects := {value: key |
	some value in (_amounts - {plain | some plain in _amounts; quantity.plain(plain)})
	key := _defect(value)
}

_defect(value) := "unreadable" if {
	not _milli[value]
} else := "zero" if {
	_milli[value] == 0
}

# The smallest ceiling among services.
_ceiling(names, amount) := [ceiling |
	some ceiling in contract.ceilings[amount]
	ceiling.service in names
][0]

_above(workload, path, value, ceiling) := found if {
	args := {
		"field": text.path(path),
		"value": text.value(value),
		"service": ceiling.service,
		"ceiling": ceiling.text,
	}
	found := result.violation("ceiling", workload, path, args, ceiling.service)
}

# Nearly every pod spec: containers, and nothing among them that is none.
_well_listed(spec) if {
	is_array(spec.containers)
	spec.containers != []
	object.get(spec, "initContainers", null) == null
	every element in spec.containers {
		is_object(element)
	}
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
