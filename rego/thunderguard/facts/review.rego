# METADATA
# description: |
#   What an AdmissionReview asks about
#   (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request). Only this
#   package and facts.documents read input.
package thunderguard.facts.review

import data.thunderguard.contract
import data.thunderguard.facts.documents
import data.thunderguard.facts.objects
import future.keywords.not

# METADATA
# description: Whether a document is an AdmissionReview.
is_review(document) if {
	document.kind == "AdmissionReview"
	document.apiVersion in {"admission.k8s.io/v1", "admission.k8s.io/v1beta1"}
}

# METADATA
# description: |
#   What is judged for an AdmissionReview: its object; of a Scale, a ScaleRequest, which names the workload as target;
#   and a Waived, which no rule speaks about, when there is nothing to judge.
asked(review) := obj if {
	request := review.request
	_is_whole(request)
	obj := request.object
	documents.readable(obj)
	not _lets_through(request)
} else := scale if {
	scale := _scale(review.request)
	not _lets_through(review.request)
} else := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Waived", "metadata": {}}

_judged_operations := {"CREATE", "UPDATE"}

# With any other subresource the object is not the one that is stored.
_is_whole(request) if {
	request.operation in _judged_operations
	_subresource(request) in {"", "ephemeralcontainers", "resize"}
}

# METADATA
# description: |
#   The rules that judge a request to change one part of a pod: those that look at that part. The rest of the pod is its
#   owner's, or was judged when it was made. Undefined when every rule judges it.
judging(review) := _parts[review.request.subResource]

_parts := {"ephemeralcontainers": {"image-reference"}, "resize": {"resource-limits"}}

_subresource(request) := subresource if {
	subresource := request.subResource
	subresource != null
} else := ""

_scale(request) := scale if {
	request.operation in _judged_operations
	request.subResource == "scale"
	resource := request.resource
	kind := _scaled_kinds[resource.group][resource.resource]
	metadata := request.object.metadata
	scale := {
		"apiVersion": "thunderguard.dev/v1alpha1",
		"kind": "ScaleRequest",
		"metadata": {
			"namespace": objects.text_field(metadata, "namespace"),
			"name": objects.text_field(metadata, "name"),
		},
		"spec": {"replicas": _replicas(request.object)},
		"target": {"apiVersion": _api_version(resource), "kind": kind},
	}
}

_scaled_kinds := {
	"": {"replicationcontrollers": "ReplicationController"},
	"apps": {"deployments": "Deployment", "replicasets": "ReplicaSet", "statefulsets": "StatefulSet"},
}

_replicas(scale) := replicas if {
	replicas := scale.spec.replicas
	replicas != null
} else := 0

_api_version(resource) := version if {
	resource.group == ""
	version := objects.text_field(resource, "version")
} else := version if {
	version := concat("/", [resource.group, objects.text_field(resource, "version")])
}

# Admission never blocks a clean-up, and judges what a controller made by the owner that it made it for.
_lets_through(request) if _cleans_up(request)

_lets_through(request) if {
	objects.owner_of(request.object)
	request.userInfo.username in _controllers
}

_cleans_up(request) if {
	request.operation == "UPDATE"
	is_string(request.object.metadata.deletionTimestamp)
}

_cleans_up(request) if {
	request.operation == "UPDATE"
	before := request.oldObject
	after := request.object
	_significant(after) == _significant(before)
	absent := _default(request)
	every field in ["replicas", "maxReplicas", "parallelism"] {
		_number_asked(after, field, absent) <= _number_asked(before, field, absent)
	}
}

# A Scale says 0 by saying nothing; what it scales says 1.
_default(request) := 0 if request.subResource == "scale"

_default(request) := 1 if not request.subResource == "scale"

# What an update may not change without being judged.
_significant(obj) := {"labels": labels, "spec": rest} if {
	is_object(obj)
	labels := {key: value |
		some key in _significant_labels
		value := object.get(obj, ["metadata", "labels", key], null)
	}
	spec := object.get(obj, "spec", {})
	is_object(spec)
	rest := object.remove(spec, ["replicas", "maxReplicas", "minReplicas", "parallelism"])
}

# The labels that a rule may look at.
_significant_labels := {"helm.sh/chart"} | {key |
	some services in [contract.services, contract.deprecated_services]
	services[_].recognise[_].labels[key]
}

# What is no number is undefined, so that it is judged.
_number_asked(obj, field, absent) := n if {
	n := obj.spec[field]
	is_number(n)
} else := absent if {
	object.get(obj, ["spec", field], null) == null
}

_controllers := {name |
	some controller in [
		"cronjob-controller", "daemon-set-controller", "deployment-controller", "job-controller",
		"replicaset-controller", "replication-controller", "statefulset-controller",
	]
	name := concat("", ["system:serviceaccount:kube-system:", controller])
}

# METADATA
# description: Why a document is no AdmissionReview that can be answered. Undefined for one that can.
unreadable(document) := "it is not an AdmissionReview of admission.k8s.io/v1 or v1beta1" if {
	not is_review(document)
} else := "it has no request" if {
	not is_object(document.request)
} else := "its request has no uid" if {
	not _has_uid(document.request)
} else := "its request has none of the operations CREATE, UPDATE, DELETE and CONNECT" if {
	not document.request.operation in {"CREATE", "UPDATE", "DELETE", "CONNECT"}
} else := "its request has no Kubernetes object (kind, apiVersion and metadata are needed)" if {
	document.request.operation in _judged_operations
	not documents.readable(document.request.object)
}

_has_uid(request) if {
	is_string(request.uid)
	request.uid != ""
}
