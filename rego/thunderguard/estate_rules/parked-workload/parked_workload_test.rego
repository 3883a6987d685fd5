package thunderguard.parked_workload_test

import data.thunderguard.testing
import future.keywords.not

_id := "parked-workload"

_scaled(version, kind, namespace, replicas) := testing.with_spec(
	testing.workload(version, kind, namespace, "x", [testing.container("a", "runner:1")]),
	{"replicas": replicas},
)

test_fail_scaled_to_zero if {
	testing.same(testing.findings(_id, [_scaled("apps/v1", "Deployment", "prod", 0)]), {{
		"rule": _id,
		"level": "warn",
		"service": "runner",
		"resource": testing.address("apps/v1", "Deployment", "prod", "x"),
		"path": "spec.replicas",
		"message": "prod/Deployment/x is scaled to 0 and still configured",
		"remedy": "kubectl delete deployment x -n prod, or give it replicas and limits",
		"file": null,
		"index": -1,
	}})
}

test_fail_any_kind_with_replicas if {
	every kind in [["apps/v1", "StatefulSet"], ["apps/v1", "ReplicaSet"], ["v1", "ReplicationController"]] {
		testing.paths(_id, [_scaled(kind[0], kind[1], "thunder", 0)]) == {"spec.replicas"}
	}
	{found.service | some found in testing.findings(_id, [testing.with_spec(
		testing.deployment("x", "prod", []),
		{"replicas": 0},
	)])} == {null}
}

test_success_running if {
	owner := ["apps/v1", "Deployment", "owner", "1"]
	every objects in [
		[], [_scaled("apps/v1", "Deployment", "prod", 1)], [_scaled("apps/v1", "Deployment", "prod", null)],
		[_scaled("apps/v1", "Deployment", "prod", "0")], [_scaled("apps/v1", "DaemonSet", "prod", 0)],
		[_scaled("example.org/v1", "Deployment", "prod", 0)], [_scaled("apps/v1", "Deployment", "kube-system", 0)],
		[_scaled("batch/v1", "Job", "prod", 0)],
		[
			testing.deployment("owner", "prod", []),
			testing.owned_by(_scaled("apps/v1", "ReplicaSet", "prod", 0), owner),
		],
	] {
		testing.same(testing.findings(_id, objects), set())
	}
}

test_fail_first_service_and_release if {
	containers := [testing.container("a", "runner:1"), testing.container("b", "mlflow:v1")]
	parked := testing.with_spec(testing.deployment("x", "thunder", containers), {"replicas": 0})
	objects := [testing.annotated(parked, {"meta.helm.sh/release-name": "old"})]
	{found.service | some found in testing.findings(_id, objects)} == {"mlflow"}
	testing.remedies(_id, objects) == {"helm uninstall old -n thunder, or give it replicas and limits"}
}

# The same set as conftest --combine hands it over, and as the records of objects judged before.
_combined(objects) := [{"path": sprintf("%v.yaml", [i]), "contents": obj} | some i, obj in objects]

_inventory(objects) := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Inventory", "records": records} if {
	records := data.thunderguard.facts.inventory.records with input as objects with data.estate as testing.estate
}

test_fail_in_every_form_of_a_set if {
	objects := [_scaled("apps/v1", "Deployment", "thunder", 0)]
	wanted := testing.findings(_id, objects)
	count(wanted) == 1
	testing.same(testing.findings(_id, _combined(objects)), wanted)
	testing.same(testing.findings(_id, _inventory(objects)), wanted)
}

test_success_what_is_no_set if {
	objects := [_scaled("apps/v1", "Deployment", "thunder", 0)]
	list := {"apiVersion": "v1", "kind": "List", "items": objects}
	count(testing.findings(_id, [list])) == 1
	batch := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Batch", "objects": objects}
	every document in array.concat(objects, [list, batch]) {
		testing.same(testing.findings(_id, document), set())
	}
}
