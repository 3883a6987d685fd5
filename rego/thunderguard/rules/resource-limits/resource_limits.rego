# METADATA
# title: Every container has requests and limits
package thunderguard.rules["resource-limits"]

import data.thunderguard.facts.containers
import data.thunderguard.facts.namespaces
import data.thunderguard.quantity
import data.thunderguard.result
import data.thunderguard.text
import future.keywords.not

# METADATA
# description: Indices of the entries that the rule speaks about.
subjects := {workload.index | some workload in _bounded}

# METADATA
# description: Nothing is left open.
unjudged := set()

# METADATA
# description: A pod spec without a list of containers.
violations contains found if {
	some workload in _bounded
	some path in _unlisted(workload)
	found := result.violation("containers", workload, path, {"field": text.path(path)}, null)
}

# METADATA
# description: A container that lacks a required request or limit.
violations contains found if {
	some workload in _bounded
	some container in _held(workload)
	missing := _required - _covered(container, workload)
	count(missing) > 0
	args := {"container": containers.container_name(container), "missing": text.join(missing)}
	path := array.concat(container.path, ["resources"])
	found := result.violation("missing", workload, path, args, null)
}

# METADATA
# description: A required request or limit, of a container or of its pod, that is zero or no quantity.
violations contains found if {
	some workload in _bounded
	some holder in array.concat([{"path": workload.path, "raw": workload.spec}], _held(workload))
	some name, value in _values(holder.raw)
	name in _required
	key := _defect(value)
	path := array.concat(array.concat(holder.path, ["resources"]), split(name, "."))
	found := result.violation(key, workload, path, {"field": text.path(path), "value": text.value(value)}, null)
}

# METADATA
# description: A container's request or limit above the ceiling of its service.
violations contains found if {
	some workload in _bounded
	some container in _held(workload)
	count(container.services) > 0
	some name, value in _values(container.raw)
	field := split(name, ".")
	path := array.concat(array.concat(container.path, ["resources"]), field)
	found := _above(workload, path, value, _ceiling(container, field[1]))
}

# METADATA
# description: A pod-level limit above the ceiling of a service that has no limit of its own.
violations contains found if {
	some workload in _bounded
	some name, value in _values(workload.spec)
	field := split(name, ".")
	field[0] == "limits"
	exceeded := [ceiling |
		some container in _held(workload)
		not name in object.keys(_values(container.raw))
		ceiling := _ceiling(container, field[1])
		quantity.milli(value) > ceiling.milli
	]
	path := array.concat(array.concat(workload.path, ["resources"]), field)
	found := _above(workload, path, value, exceeded[0])
}

_required := {name | some name in data.estate.spec.resources.require}

_bounded := [workload |
	some workload in containers.workloads
	not namespaces.exempt(workload.resource)
]

_held(workload) := [container |
	some container in workload.containers
	container.role != "ephemeral"
]

_unlisted(workload) := paths if {
	not _is_filled_list(workload)
	paths := {array.concat(workload.path, ["containers"])} | _strange(workload, "initContainers")
}

_unlisted(workload) := paths if {
	_is_filled_list(workload)
	paths := _strange(workload, "containers") | _strange(workload, "initContainers")
}

_is_filled_list(workload) if {
	is_array(workload.spec.containers)
	count(workload.spec.containers) > 0
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

# "limits.cpu" and so on, with their values. An explicit null is absent.
_values(raw) := {name: value |
	some name, field in _fields
	value := raw.resources[field[0]][field[1]]
	value != null
}

_fields := {
	"limits.cpu": ["limits", "cpu"],
	"limits.memory": ["limits", "memory"],
	"requests.cpu": ["requests", "cpu"],
	"requests.memory": ["requests", "memory"],
}

# The API server takes a limit for the request that is not set, and a pod-level value bounds every container
# (KEP-2837).
_covered(container, workload) := covered if {
	set_names := object.keys(_values(container.raw)) | object.keys(_values(workload.spec))
	covered := set_names | {request |
		some name in set_names
		startswith(name, "limits.")
		request := concat("", ["requests.", substring(name, 7, -1)])
	}
}

_defect(value) := "unreadable" if not quantity.milli(value)

_defect(value) := "zero" if quantity.milli(value) == 0

# The smallest ceiling among the services of a container.
_ceiling(container, amount) := ranked[0] if {
	count(container.services) > 0
	ranked := sort([ceiling |
		some service in data.estate.spec.services
		service.name in container.services
		written := service.ceiling[amount]
		ceiling := {"milli": quantity.milli(written), "service": service.name, "text": text.value(written)}
	])
}

_above(workload, path, value, ceiling) := found if {
	quantity.milli(value) > ceiling.milli
	args := {
		"field": text.path(path),
		"value": text.value(value),
		"service": ceiling.service,
		"ceiling": ceiling.text,
	}
	found := result.violation("ceiling", workload, path, args, ceiling.service)
}
