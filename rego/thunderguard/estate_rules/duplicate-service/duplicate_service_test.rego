package thunderguard.duplicate_service_test

import data.thunderguard.testing
import future.keywords.not

_id := "duplicate-service"

_mlflow(name, namespace) := testing.deployment(name, namespace, [testing.container("a", "mlflow:v1")])

_removed(objects) := {testing.text_of(found.resource) | some found in testing.findings(_id, objects)}

test_fail_each_but_the_one_to_keep if {
	objects := [_mlflow("mlflow", "data"), _mlflow("mlflow", "prod"), _mlflow("old", "thunder")]
	finding := {
		"rule": _id, "level": "deny", "service": "mlflow", "path": "", "file": null, "index": -1,
		"resource": testing.address("apps/v1", "Deployment", "data", "mlflow"),
		"message": "mlflow runs 3 times; keep prod/Deployment/mlflow, remove data/Deployment/mlflow",
		"remedy": "kubectl delete deployment mlflow -n data",
	}
	testing.same(testing.findings(_id, objects), {finding, object.union(finding, {
		"resource": testing.address("apps/v1", "Deployment", "thunder", "old"),
		"message": "mlflow runs 3 times; keep prod/Deployment/mlflow, remove thunder/Deployment/old",
		"remedy": "kubectl delete deployment old -n thunder",
	})})
}

test_fail_remedy_uninstalls_a_release_out_of_place if {
	released := testing.annotated(_mlflow("old", "thunder"), {"meta.helm.sh/release-name": "old"})
	testing.remedies(_id, [_mlflow("mlflow", "prod"), released]) == {"helm uninstall old -n thunder"}
}

# At home, then in its namespace, then in an allowed one, then by namespace, kind and name.
test_keeps_the_nearest_to_home if {
	pod := testing.pod("mlflow", "prod", [testing.container("a", "mlflow:v1")])
	testing.all_same({
		"home": [_removed([_mlflow("a", "prod"), _mlflow("mlflow", "prod")]), {"prod/Deployment/a"}],
		"its namespace": [_removed([_mlflow("mlflow", "data"), _mlflow("z", "prod")]), {"data/Deployment/mlflow"}],
		"allowed": [_removed([_mlflow("a", "aaa"), _mlflow("a", "data")]), {"aaa/Deployment/a"}],
		"namespace": [_removed([_mlflow("a", "y"), _mlflow("b", "x")]), {"y/Deployment/a"}],
		"kind": [_removed([pod, _mlflow("z", "prod")]), {"prod/Pod/mlflow"}],
		"name": [_removed([_mlflow("b", "prod"), _mlflow("a", "prod")]), {"prod/Deployment/b"}],
		"exempt": [_removed([_mlflow("a", "kube-system"), _mlflow("a", "prod")]), {"kube-system/Deployment/a"}],
	})
}

test_success_one_instance if {
	idle := testing.with_spec(_mlflow("old", "data"), {"replicas": 0})
	owned := testing.owned_by(_mlflow("child", "prod"), ["apps/v1", "Deployment", "mlflow", "1"])
	home := _mlflow("mlflow", "prod")
	every objects in [[], [home], [home, idle], [home, owned], [home, home]] {
		testing.same(testing.findings(_id, objects), set())
	}
}

test_success_services_without_home if {
	runners := [testing.deployment(name, "prod", [testing.container("a", "runner:1")]) | some name in ["a", "b"]]
	testing.findings(_id, runners) == set()
}

test_success_one_object_is_no_set if {
	list := {"apiVersion": "v1", "kind": "List", "items": [_mlflow("a", "prod"), _mlflow("b", "prod")]}
	testing.findings(_id, list) == set()
	testing.findings(_id, _mlflow("a", "prod")) == set()
	count(testing.findings(_id, [list])) == 1
}

test_keeps_by_group_and_name_whatever_the_release if {
	foreign := testing.workload("example.org/v1", "Deployment", "prod", "mlflow", [testing.container("a", "mlflow:v1")])
	released := testing.annotated(_mlflow("a", "prod"), {"meta.helm.sh/release-name": "z"})
	testing.all_same({
		"a kind of another group is not at home": [_removed([foreign, _mlflow("a", "prod")]), {"prod/Deployment/mlflow"}],
		"name before release": [_removed([released, _mlflow("b", "prod")]), {"prod/Deployment/b"}],
	})
}

test_counts_every_active_root if {
	home := _mlflow("mlflow", "prod")
	stray := testing.owned_by(
		testing.pod("p", "prod", [testing.container("a", "mlflow:v1")]),
		["apps/v1", "ReplicaSet", "gone", "1"],
	)
	parent := testing.deployment("other", "prod", [testing.container("a", "other:1")])
	child := testing.owned_by(
		testing.pod("p", "prod", [testing.container("a", "mlflow:v1")]),
		["apps/v1", "Deployment", "other", "1"],
	)
	agent := testing.workload("apps/v1", "DaemonSet", "prod", "d", [testing.container("a", "mlflow:v1")])
	testing.all_same({
		"its owner is not in the set": [_removed([home, stray]), {"prod/Pod/p"}],
		"its owner is another service": [_removed([home, parent, child]), set()],
		"a kind without a number of replicas": [_removed([home, agent]), {"prod/DaemonSet/d"}],
		"namespace unknown": [_removed([home, _mlflow("a", "")]), {"Deployment/a"}],
		"home is idle": [_removed([testing.with_spec(home, {"replicas": 0}), _mlflow("a", "data")]), set()],
	})
}

# The same set as conftest --combine hands it over, and as the records of objects judged before.
_combined(objects) := [{"path": sprintf("%v.yaml", [i]), "contents": obj} | some i, obj in objects]

_inventory(objects) := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Inventory", "records": records} if {
	records := data.thunderguard.facts.inventory.records with input as objects with data.estate as testing.estate
}

test_fail_in_every_form_of_a_set if {
	objects := [_mlflow("mlflow", "data"), _mlflow("mlflow", "prod"), _mlflow("old", "thunder")]
	wanted := testing.findings(_id, objects)
	count(wanted) == 2
	testing.same(testing.findings(_id, _combined(objects)), wanted)
	testing.same(testing.findings(_id, _inventory(objects)), wanted)
}

test_success_what_is_no_set if {
	objects := [_mlflow("mlflow", "data"), _mlflow("mlflow", "prod"), _mlflow("old", "thunder")]
	list := {"apiVersion": "v1", "kind": "List", "items": objects}
	count(testing.findings(_id, [list])) == 2
	batch := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Batch", "objects": objects}
	every document in array.concat(objects, [list, batch]) {
		testing.same(testing.findings(_id, document), set())
	}
}
