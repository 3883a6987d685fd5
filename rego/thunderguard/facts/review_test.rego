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

_judged(asked) := count(reviewed) == 1 if {
	reviewed := review.reviewed with input as asked
}

_deployment(replicas, image) := testing.with_spec(
	testing.deployment("x", "thunder", [testing.unbounded("a", image)]),
	{"replicas": replicas},
)

_update(old, new) := _request("UPDATE", old, new, _person)

_bare := testing.deployment("x", "prod", [testing.unbounded("a", "a:1")])

test_review_is_told_by_kind_and_group if {
	review.is_review with input as _request("CREATE", null, _bare, _person)
	review.is_review with input as {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1beta1"}
	not review.is_review with input as {"kind": "AdmissionReview", "apiVersion": "example.org/v1"}
	not review.is_review with input as _bare
	not review.is_review with input as null
	not review.is_review with input as "AdmissionReview"
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
		"labels and status": [
			_judged(_update(before, object.union(testing.labelled(before, {"a": "b"}), {"status": {"replicas": 9}}))),
			false,
		],
		"another chart": [_judged(_update(before, chart)), true],
		"the same chart": [_judged(_update(chart, chart)), false],
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
	testing.statuses(_request("DELETE", _bare, null, _person)) == []
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
