package thunderguard.facts.inventory

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
#   What the rules of scope estate may ask about each entry: {type, resource, root, owned, ...}. An entry of no type has
#   no record.
records := [record |
	some i, entry in objects.entries
	body := _record(entry)
	record := object.union(
		{
			"resource": entry.resource,
			"root": objects.entries[ownership.roots[i]].resource,
			"owned": ownership.roots[i] != i,
		},
		body,
	)
]

_record(entry) := {
	"type": "workload",
	"services": sort(workload.services),
	"deprecated": sort(workload.deprecated),
	"replicas": _replicas(entry),
	"remove": helm.remove(entry),
	"failures": _failures(entry),
	"bounds": _bounds(workload),
	"release": _release_evidence(entry),
} if {
	entry.template
	workload := containers.workload_of(entry)
}

_record(entry) := {"type": "metrics", "containers": _measured(entry)} if {
	entry.group == "metrics.k8s.io"
	entry.resource.kind == "PodMetrics"
}

_record(entry) := {"type": "release", "release": release} if {
	helm.is_release(entry)
	release := {
		"name": entry.resource.name,
		"namespace": entry.resource.namespace,
		"chart": objects.text_field(object.get(entry.object, ["spec", "chart"], {}), "name"),
	}
}

_record(entry) := {"type": "label", "release": _release_evidence(entry)} if {
	not entry.template
	not helm.is_release(entry)
	_release_evidence(entry) != null
}

_record(entry) := {"type": "quota"} if {
	entry.group == ""
	entry.resource.kind in {"LimitRange", "ResourceQuota"}
	_release_evidence(entry) == null
}

# The number of replicas that a workload asks for; null where its kind has no such number.
_replicas(entry) := n if {
	objects.is_built_in(entry.object)
	entry.resource.kind in {"Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"}
	n := _whole(object.get(entry.object, ["spec", "replicas"], 1))
}

_replicas(entry) := 1 if {
	objects.is_built_in(entry.object)
	entry.resource.kind in {"CronJob", "Job", "Pod"}
}

_replicas(entry) := null if {
	objects.is_built_in(entry.object)
	entry.resource.kind == "DaemonSet"
}

_replicas(entry) := null if not objects.is_built_in(entry.object)

_whole(n) := n if _is_whole(n)

_whole(n) := 1 if not _is_whole(n)

_is_whole(n) if {
	is_number(n)
	n == floor(n)
}

# A label and a release together say which chart was released, when no Release does.
_release_evidence(entry) := evidence if {
	label := entry.object.metadata.labels["helm.sh/chart"]
	is_string(label)
	evidence := object.union(helm.release_of(entry), {"chart": helm.chart_name(label)})
}

_release_evidence(entry) := null if not _has_release_evidence(entry)

_has_release_evidence(entry) if {
	is_string(entry.object.metadata.labels["helm.sh/chart"])
	helm.release_of(entry)
}

# "pod/container reason (n restarts)" of the containers of a pod that fail.
_failures(entry) := [failure |
	entry.resource.kind == "Pod"
	entry.group == ""
	some list in ["initContainerStatuses", "containerStatuses"]
	statuses := object.get(entry.object, ["status", list], [])
	is_array(statuses)
	some status in statuses
	reason := _failure_reason(status)
	failure := concat("", [entry.resource.name, "/", objects.text_field(status, "name"), " ", reason, _restarts(status)])
]

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
	status.restartCount >= data.estate.spec.thresholds.restarts
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
	workload.resource.kind == "Pod"
	workload.group == ""
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
	some service in data.estate.spec.services
	service.name in container.services
]

_measured(entry) := [measured |
	is_array(entry.object.containers)
	some container in entry.object.containers
	is_string(container.name)
	is_object(container.usage)
	measured := {"name": container.name, "usage": container.usage}
]
