package thunderguard.facts.review

import data.thunderguard.facts.objects
import future.keywords.not

# The objects of an AdmissionReview that are to be judged: admission never blocks a clean-up.
_reviewed := [input.request.object] if _judged_review

_reviewed := [] if not _judged_review

_judged_review if {
	input.request.operation in {"CREATE", "UPDATE"}
	not _cleans_up
	not _made_by_controller
}

_cleans_up if {
	input.request.operation == "UPDATE"
	input.request.object.metadata.deletionTimestamp
}

_cleans_up if {
	input.request.operation == "UPDATE"
	before := input.request.oldObject
	after := input.request.object
	_significant(after) == _significant(before)
	_replica_count(after) <= _replica_count(before)
}

# What an update may not change without being judged: everything but status, metadata and replicas.
_significant(reviewed) := object.union(
	{"chart": object.get(reviewed, ["metadata", "labels", "helm.sh/chart"], null)},
	object.remove(object.get(reviewed, "spec", {}), ["replicas", "maxReplicas", "minReplicas", "parallelism"]),
)

_replica_count(reviewed) := most if {
	counts := [n |
		some field in ["replicas", "maxReplicas", "parallelism"]
		n := object.get(reviewed, ["spec", field], 1)
		is_number(n)
	]
	most := max(array.concat(counts, [0]))
}

# An owned object is judged through its owner when a controller of Kubernetes itself made it; an owner reference that
# anybody else wrote proves nothing.
_made_by_controller if {
	objects.owner_of(input.request.object)
	input.request.userInfo.username in _controllers
}

_controllers := {name |
	some controller in [
		"cronjob-controller", "daemon-set-controller", "deployment-controller", "job-controller",
		"replicaset-controller", "replication-controller", "statefulset-controller",
	]
	name := concat("", ["system:serviceaccount:kube-system:", controller])
}
