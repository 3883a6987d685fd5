package thunderguard.facts.review_test

import data.thunderguard.facts.review
import data.thunderguard.testing
import future.keywords.not

_person := "alice"

_replicaset_controller := "system:serviceaccount:kube-system:replicaset-controller"

_request(operation, old, new, user) := {
	"apiVersion": "admission.k8s.io/v1",
	"kind": "AdmissionReview",
	"request": {
		"uid": "1", "operation": operation, "object": new, "oldObject": old, "userInfo": {"username": user},
	},
}

# Whether the object is judged; what is not leaves a Waived.
_judged(document) if {
	_asked(document) == document.request.object
} else := false if {
	_asked(document) == _waived
}

_waived := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Waived", "metadata": {}}

_asked(document) := obj if {
	obj := review.asked(document) with data.estate as testing.estate
}

_with_request(document, changes) := object.union(document, {"request": changes})

_deployment(replicas, image) := testing.with_spec(
	testing.deployment("x", "thunder", [testing.unbounded("a", image)]),
	{"replicas": replicas},
)

_update(old, new) := _request("UPDATE", old, new, _person)

_bare := testing.deployment("x", "prod", [testing.unbounded("a", "a:1")])

test_review_is_told_by_kind_and_group if {
	review.is_review(_request("CREATE", null, _bare, _person))
	review.is_review({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1beta1"})
	every other in [
		{"kind": "AdmissionReview", "apiVersion": "example.org/v1"}, _bare, null, "AdmissionReview", ["AdmissionReview"], {},
	] {
		not review.is_review(other)
	}
}

test_operations if {
	testing.all_same({
		"create": [_judged(_request("CREATE", null, _bare, _person)), true],
		"delete": [_judged(_request("DELETE", _bare, null, _person)), false],
		"connect": [_judged(_request("CONNECT", null, {}, _person)), false],
		"no request": [_judged({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}), false],
	})
}

test_updates_of_a_template if {
	gone := object.union(_deployment(9, "b:2"), {"metadata": {"deletionTimestamp": "2025-10-08T00:00:00Z"}})
	unmarked := object.union(_deployment(9, "b:2"), {"metadata": {"deletionTimestamp": null}})
	chart := testing.labelled(_deployment(2, "a:1"), {"helm.sh/chart": "thunder-stack-0.1.0"})
	before := _deployment(2, "a:1")
	testing.all_same({
		"unchanged": [_judged(_update(before, before)), false],
		"fewer replicas": [_judged(_update(before, _deployment(0, "a:1"))), false],
		"more replicas": [_judged(_update(before, _deployment(3, "a:1"))), true],
		"one from none": [_judged(_update(_deployment(0, "a:1"), _deployment(1, "a:1"))), true],
		"the default from none": [_judged(_update(_deployment(0, "a:1"), _deployment(null, "a:1"))), true],
		"absent is one": [_judged(_update(_deployment(1, "a:1"), _deployment(null, "a:1"))), false],
		"no number": [_judged(_update(before, _deployment("0", "a:1"))), true],
		"another template": [_judged(_update(before, _deployment(1, "b:2"))), true],
		"being deleted": [_judged(_update(before, gone)), false],
		"not being deleted": [_judged(_update(before, unmarked)), true],
		"labels and status": [
			_judged(_update(before, object.union(testing.labelled(before, {"a": "b"}), {"status": {"replicas": 9}}))),
			false,
		],
		"another chart": [_judged(_update(before, chart)), true],
		"the same chart": [_judged(_update(chart, chart)), false],
		"the label of a service": [_judged(_update(before, testing.labelled(before, {"app": "web"}))), true],
		"no longer the label of a service": [_judged(_update(testing.labelled(before, {"tier": "x"}), before)), true],
		"labels that are no map": [_judged(_update(before, object.union(before, {"metadata": {"labels": "app"}}))), false],
	})
}

test_updates_of_other_numbers if {
	job := testing.workload("batch/v1", "Job", "prod", "x", [])
	scaler := testing.thing("autoscaling/v2", "HorizontalPodAutoscaler", "prod", "x")
	most := {n: testing.with_spec(scaler, {"minReplicas": 1, "maxReplicas": n}) | some n in [2, 3]}
	parallel := {n: testing.with_spec(job, {"parallelism": n}) | some n in [2, 3]}
	testing.all_same({
		"autoscaler up": [_judged(_update(most[2], most[3])), true],
		"autoscaler down": [_judged(_update(most[3], most[2])), false],
		"job up": [_judged(_update(parallel[2], parallel[3])), true],
		"job down": [_judged(_update(parallel[3], parallel[2])), false],
	})
}

test_updates_of_strange_objects_are_judged if {
	nothing := object.union(_bare, {"spec": null})
	testing.all_same({
		"no old object": [_judged(_update(null, _bare)), true],
		"old object is no object": [_judged(_update("x", _bare)), true],
		"no spec": [_judged(_update(nothing, nothing)), true],
		"never a spec": [
			_judged(_update(testing.thing("v1", "ConfigMap", "x", "y"), testing.thing("v1", "ConfigMap", "x", "y"))),
			false,
		],
	})
}

# An owner reference proves nothing when anybody else wrote it.
test_owned_objects if {
	owned := testing.owned_by(
		testing.pod("x-1", "prod", [testing.unbounded("a", "a:1")]),
		["apps/v1", "ReplicaSet", "x", "1"],
	)
	testing.all_same({
		"by its controller": [_judged(_request("CREATE", null, owned, _replicaset_controller)), false],
		"forged": [_judged(_request("CREATE", null, owned, _person)), true],
		"forged by another service account": [
			_judged(_request("CREATE", null, owned, "system:serviceaccount:prod:replicaset-controller")),
			true,
		],
		"not owned": [_judged(_request("CREATE", null, _bare, _replicaset_controller)), true],
		"owned without controller": [
			_judged(_request(
				"CREATE",
				null,
				object.union(_bare, {"metadata": {"ownerReferences": [{"kind": "ReplicaSet", "name": "x"}]}}),
				_replicaset_controller,
			)),
			true,
		],
	})
}

test_a_review_is_judged_by_the_rules if {
	found := testing.findings("resource-limits", _request("CREATE", null, _bare, _person))
	{finding.path | some finding in found} == {"spec.template.spec.containers[0].resources"}
	testing.findings("resource-limits", _request("DELETE", _bare, null, _person)) == set()
	{status | some status in testing.statuses(_request("DELETE", _bare, null, _person))[0]} == {"not matched"}
}

test_every_controller_of_kubernetes if {
	owned := testing.owned_by(testing.pod("x-1", "prod", []), ["apps/v1", "ReplicaSet", "x", "1"])
	controllers := [
		"cronjob-controller", "daemon-set-controller", "deployment-controller", "job-controller",
		"replicaset-controller", "replication-controller", "statefulset-controller",
	]
	every controller in controllers {
		user := concat("", ["system:serviceaccount:kube-system:", controller])
		_judged(_request("CREATE", null, owned, user)) == false
		_judged(_request("UPDATE", testing.pod("x-1", "prod", [{}]), owned, user)) == false
	}
	every user in ["system:serviceaccount:kube-system:default", "replicaset-controller", "system:admin", "", null] {
		_judged(_request("CREATE", null, owned, user)) == true
	}
}

test_a_deletion_mark_excuses_no_creation if {
	gone := object.union(_bare, {"metadata": {"deletionTimestamp": "2025-10-08T00:00:00Z"}})
	_judged(_request("CREATE", null, gone, _person)) == true
}

# Without an Estate every engine refuses to judge; the chart is looked at all the same.
test_labels_without_an_estate if {
	before := _deployment(1, "a:1")
	labelled := testing.labelled(before, {"app": "web"})
	asked := review.asked(_update(before, labelled)) with data.estate as {}
	asked == _waived
	chart := testing.labelled(before, {"helm.sh/chart": "x-1.0.0"})
	again := review.asked(_update(before, chart)) with data.estate as {}
	again == chart
}

test_labels_of_deprecated_services if {
	estate := testing.changed_estate({"deprecated": {"services": [{"name": "old", "recognise": [{"labels": {"old": "x"}}]}]}})
	before := _deployment(1, "a:1")
	after := testing.labelled(before, {"old": "x"})
	asked := review.asked(_update(before, after)) with data.estate as estate
	asked == after
}

test_subresources if {
	created := _request("CREATE", null, _bare, _person)
	changed := _update(_deployment(1, "b:2"), _bare)
	testing.all_same({subresource: [seen, wanted] |
		some subresource, wanted in {
			"": true,
			"ephemeralcontainers": true,
			"resize": true,
			"status": false,
			"binding": false,
			"eviction": false,
			"token": false,
		}
		seen := [_judged(_with_request(document, {"subResource": subresource})) | some document in [created, changed]]
		seen != [wanted, wanted]
	})
	_judged(_with_request(created, {"subResource": null}))
	every value in [5, true, [], {}] {
		_judged(_with_request(created, {"subResource": value})) == false
	}
}

test_a_part_of_a_pod_is_judged_by_the_rules_that_look_at_it if {
	debugged := _with_request(_update(_deployment(1, "b:2"), _bare), {"subResource": "ephemeralcontainers"})
	review.judging(debugged) == {"image-reference"}
	review.judging(_with_request(debugged, {"subResource": "resize"})) == {"resource-limits"}
	every value in ["", "scale", null, 5, {}] {
		not review.judging(_with_request(debugged, {"subResource": value}))
	}
}

test_what_is_no_object_is_not_judged if {
	every value in [null, 5, "x", true, [], {}, {"kind": "Pod"}, {"kind": "Pod", "apiVersion": "v1", "metadata": []}] {
		_asked(_request("CREATE", null, value, _person)) == _waived
		_asked(_request("UPDATE", value, value, _person)) == _waived
		_asked({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": value}) == _waived
	}
}

_scale(old, new) := _scale_of("prod", "mlflow", old, new)

_scale_of(namespace, name, old, new) := {
	"apiVersion": "admission.k8s.io/v1",
	"kind": "AdmissionReview",
	"request": {
		"uid": "1",
		"operation": "UPDATE",
		"subResource": "scale",
		"resource": {"group": "apps", "version": "v1", "resource": "deployments"},
		"object": testing.with_spec(testing.thing("autoscaling/v1", "Scale", namespace, name), new),
		"oldObject": testing.with_spec(testing.thing("autoscaling/v1", "Scale", namespace, name), old),
		"userInfo": {"username": _person},
	},
}

_up := _scale({"replicas": 1}, {"replicas": 2})

test_scale_names_the_workload if {
	_asked(_up) == {
		"apiVersion": "thunderguard.dev/v1alpha1",
		"kind": "ScaleRequest",
		"metadata": {"namespace": "prod", "name": "mlflow"},
		"spec": {"replicas": 2},
		"target": {"apiVersion": "apps/v1", "kind": "Deployment"},
	}
	testing.all_same({resource: [seen, wanted] |
		some resource, wanted in {
			["apps", "v1", "replicasets"]: {"apiVersion": "apps/v1", "kind": "ReplicaSet"},
			["apps", "v1", "statefulsets"]: {"apiVersion": "apps/v1", "kind": "StatefulSet"},
			["", "v1", "replicationcontrollers"]: {"apiVersion": "v1", "kind": "ReplicationController"},
		}
		named := {"group": resource[0], "version": resource[1], "resource": resource[2]}
		seen := _asked(_with_request(_up, {"resource": named})).target
	})
}

test_scale_that_is_not_judged if {
	testing.all_same({
		"down": [_asked(_scale({"replicas": 5}, {"replicas": 3})), _waived],
		"to none": [_asked(_scale({"replicas": 1}, {})), _waived],
		"unchanged": [_asked(_scale({}, {})), _waived],
		"another kind": [_asked(_with_request(_up, {"resource": {"group": "argoproj.io", "resource": "rollouts"}})), _waived],
		"another group": [_asked(_with_request(_up, {"resource": {"group": "example.org"}})), _waived],
		"no resource": [_asked(_with_request(_up, {"resource": null})), _waived],
		"another operation": [_asked(_with_request(_up, {"operation": "DELETE"})), _waived],
	})
}

# A Scale says 0 by saying nothing.
test_scale_from_and_to_nothing if {
	_asked(_scale({}, {"replicas": 1})).spec.replicas == 1
	_asked(_scale({"replicas": null}, {"replicas": 1})).spec.replicas == 1
	_asked(_scale("x", {})).spec.replicas == 0
	_asked(_scale({"replicas": "x"}, {"replicas": null})).spec.replicas == 0
}

test_a_review_that_can_be_answered if {
	every operation in ["CREATE", "UPDATE", "DELETE", "CONNECT"] {
		not review.unreadable(_request(operation, null, _bare, _person))
	}
	not review.unreadable(_request("DELETE", _bare, null, _person))
	not review.unreadable(_up)
}

test_why_a_review_cannot_be_answered if {
	good := _request("CREATE", null, _bare, _person)
	testing.all_same({
		"null": [review.unreadable(null), "it is not an AdmissionReview of admission.k8s.io/v1 or v1beta1"],
		"version": [
			review.unreadable(object.union(good, {"apiVersion": "admission.k8s.io/v2"})),
			"it is not an AdmissionReview of admission.k8s.io/v1 or v1beta1",
		],
		"no request": [review.unreadable(object.remove(good, ["request"])), "it has no request"],
		"request": [review.unreadable(object.union(good, {"request": []})), "it has no request"],
		"no uid": [review.unreadable(_with_request(good, {"uid": ""})), "its request has no uid"],
		"uid": [review.unreadable(_with_request(good, {"uid": 5})), "its request has no uid"],
		"operation": [
			review.unreadable(_with_request(good, {"operation": "create"})),
			"its request has none of the operations CREATE, UPDATE, DELETE and CONNECT",
		],
		"object": [
			review.unreadable(_with_request(good, {"object": null})),
			"its request has no Kubernetes object (kind, apiVersion and metadata are needed)",
		],
	})
}
