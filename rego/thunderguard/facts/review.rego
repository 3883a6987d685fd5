# METADATA
# description: What an AdmissionReview asks about. Only this package and facts.documents read input.
package thunderguard.facts.review

import data.thunderguard.facts.objects
import future.keywords.not

# METADATA
# description: Whether the input is an AdmissionReview.
is_review if {
	input.kind == "AdmissionReview"
	input.apiVersion in {"admission.k8s.io/v1", "admission.k8s.io/v1beta1"}
}

# METADATA
# description: The objects of the AdmissionReview that are to be judged. Admission never blocks a clean-up.
reviewed := [input.request.object] if _is_judged

reviewed := [] if not _is_judged

_is_judged if {
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
	every field in ["replicas", "maxReplicas", "parallelism"] {
		_number_asked(after, field) <= _number_asked(before, field)
	}
}

# What an update may not change without being judged: everything but status, metadata and replicas.
_significant(reviewed_object) := {"chart": chart, "spec": rest} if {
	is_object(reviewed_object)
	chart := object.get(reviewed_object, ["metadata", "labels", "helm.sh/chart"], null)
	spec := object.get(reviewed_object, "spec", {})
	is_object(spec)
	rest := object.remove(spec, ["replicas", "maxReplicas", "minReplicas", "parallelism"])
}

# An absent number is 1; what is no number is undefined, so that it is judged.
_number_asked(reviewed_object, field) := n if {
	n := reviewed_object.spec[field]
	is_number(n)
} else := 1 if {
	object.get(reviewed_object, ["spec", field], null) == null
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
