# METADATA
# description: One small record an object, which is all that the rules of scope estate need to know of it.
package thunderguard.facts.inventory

import data.thunderguard.contract
import data.thunderguard.facts.containers
import data.thunderguard.facts.documents
import data.thunderguard.facts.helm
import data.thunderguard.facts.objects
import data.thunderguard.facts.ownership
import future.keywords.not

# METADATA
# description: |
#   The records of the whole set, for the rules of scope estate: those of the entries, or those that the input, an
#   inventory, brings along from objects judged one by one.
inventory := input.records if documents.is_inventory

inventory := records if not documents.is_inventory

# METADATA
# description: |
#   What the rules of scope estate may ask about each entry: {index, type, resource, names, ...}, with root, the address
#   of its owner, when an entry of the set owns it. The name is apart from the rest of the address, since records that
#   are alike but for it can then be put together. An entry of no type has no record.
records := array.concat(_workloads, _others) if ownership.alone

records := array.concat([_rooted(record) | some record in _workloads], _others) if not ownership.alone

_rooted(record) := rooted if {
	root := ownership.roots[record.index]
	root != record.index
	rooted := object.union(record, {"root": objects.entries[root].resource})
} else := record

# METADATA
# description: The whole addresses of a record.
addresses(record) := [address |
	some name in record.names
	address := object.union(record.resource, {"name": name})
]

_workloads := [record |
	some workload in containers.all_workloads
	resource := workload.resource
	record := {
		"index": workload.index,
		"type": "workload",
		"resource": {"apiVersion": resource.apiVersion, "kind": resource.kind, "namespace": resource.namespace},
		"names": [resource.name],
		"services": sort(workload.services),
		"deprecated": sort(workload.deprecated),
		"replicas": _replicas(workload),
		"failures": [failure | resource.kind == "Pod"; some failure in _failures(workload)],
		"bounds": {name: bounds | resource.kind == "Pod"; some name, bounds in _bounds(workload)},
		"release": _release(workload),
	}
]

_others := [record |
	some entry in objects.entries
	entry.template == null
	resource := entry.resource
	[entry.group, resource.kind] in _told
	record := object.union(_body(entry), {
		"index": entry.index,
		"resource": {"apiVersion": resource.apiVersion, "kind": resource.kind, "namespace": resource.namespace},
		"names": [resource.name],
	})
]

_told := {
	["metrics.k8s.io", "PodMetrics"], ["thunderguard.dev", "Release"], ["", "LimitRange"], ["", "ResourceQuota"],
}

_body(entry) := body if {
	entry.resource.kind == "PodMetrics"
	body := {"type": "metrics", "containers": _measured(entry)}
} else := body if {
	entry.resource.kind == "Release"
	chart := object.get(entry.object, ["spec", "chart"], {})
	release := {
		"name": entry.resource.name,
		"namespace": entry.resource.namespace,
		"chart": objects.text_field(chart, "name"),
		"version": objects.text_field(chart, "version"),
	}
	uninstalled := object.get(entry.object, ["spec", "status"], "") == "uninstalled"
	body := {"type": "release", "release": release, "uninstalled": uninstalled}
} else := {"type": "quota"}

# The number of replicas that a workload asks for; null where its kind has no such number.
_replicas(workload) := 1 if {
	[workload.group, workload.resource.kind] in _run_as_they_are
} else := n if {
	[workload.group, workload.resource.kind] in _replicated
	n := _whole(object.get(workload.object, ["spec", "replicas"], 1))
} else := null

_run_as_they_are := {["batch", "CronJob"], ["batch", "Job"], ["", "Pod"]}

_replicated := {
	["apps", "Deployment"], ["apps", "ReplicaSet"], ["", "ReplicationController"], ["apps", "StatefulSet"],
}

_whole(n) := whole if {
	_is_whole(n)
	n >= 0
	whole := n
} else := 1

_is_whole(n) if {
	is_number(n)
	n == floor(n)
}

# The release of a workload, {name, namespace, chart}. The chart is that of its label, empty when it has none.
_release(workload) := release if {
	release := object.union(helm.release_of(workload), {"chart": _chart(workload)})
} else := null

_chart(workload) := chart if {
	chart := _charts[workload.object.metadata.labels["helm.sh/chart"]]
} else := ""

# label → the chart that it names; many objects share few labels
_charts := {label: chart |
	some label in {workload.object.metadata.labels["helm.sh/chart"] | some workload in containers.all_workloads}
	is_string(label)
	chart := helm.chart_name(label)
}

# "pod/container reason (n restarts)" of the containers of a pod that fail.
_failures(entry) := [failure |
	_is_pod(entry)
	some list in ["initContainerStatuses", "containerStatuses"]
	statuses := object.get(entry.object, ["status", list], [])
	is_array(statuses)
	some place, status in statuses
	reason := _failure_reason(status)
	failure := concat("", [entry.resource.name, "/", _status_name(status, place), " ", reason, _restarts(status)])
]

_status_name(status, place) := name if {
	is_string(status.name)
	name := status.name
} else := name if {
	name := sprintf("%v", [place])
}

_failing_reasons := {"CrashLoopBackOff", "ErrImagePull", "ImagePullBackOff", "OOMKilled"}

_failure_reason(status) := status.state.waiting.reason if status.state.waiting.reason in _failing_reasons

_failure_reason(status) := "OOMKilled" if {
	not status.state.waiting.reason in _failing_reasons
	_out_of_memory(status)
}

_failure_reason(status) := "restarts" if {
	not status.state.waiting.reason in _failing_reasons
	not _out_of_memory(status)
	is_number(status.restartCount)
	status.restartCount >= contract.spec.thresholds.restarts
}

_out_of_memory(status) if status.state.terminated.reason == "OOMKilled"

_out_of_memory(status) if status.lastState.terminated.reason == "OOMKilled"

_restarts(status) := sprintf(" (%v restarts)", [status.restartCount]) if _restarted(status)

_restarts(status) := "" if not _restarted(status)

_restarted(status) if {
	_is_whole(status.restartCount)
	status.restartCount > 0
}

# For each container of a pod and amount: whether it is limited, and the ceiling of its services.
_bounds(workload) := {name: bounds |
	_is_pod(workload)
	some container in workload.containers
	name := container.raw.name
	is_string(name)
	first := [c | some c in workload.containers; c.raw.name == name][0]
	bounds := {amount: bound |
		some amount in ["cpu", "memory"]
		bound := {
			"limited": _limited(workload, first, amount),
			"ceilings": _ceilings(first, amount),
		}
	}
}

_limited(workload, container, amount) if _has_limit(workload, container, amount)

_limited(workload, container, amount) := false if not _has_limit(workload, container, amount)

_has_limit(_, container, amount) if object.get(container.raw, ["resources", "limits", amount], null) != null

_has_limit(workload, _, amount) if object.get(workload.spec, ["resources", "limits", amount], null) != null

_ceilings(container, amount) := [service.ceiling[amount] |
	count(container.services) > 0
	some service in contract.services
	service.name in container.services
]

_measured(entry) := [measured |
	is_array(entry.object.containers)
	some container in entry.object.containers
	is_string(container.name)
	is_object(container.usage)
	measured := {"name": container.name, "usage": container.usage}
]

_is_pod(workload) if {
	workload.resource.kind == "Pod"
	workload.group == ""
}
