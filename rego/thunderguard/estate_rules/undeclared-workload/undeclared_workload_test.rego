package thunderguard.undeclared_workload_test

import data.thunderguard.testing
import future.keywords.not

_id := "undeclared-workload"

_of(namespace, image) := testing.deployment("x", namespace, [testing.container("a", image)])

test_fail_no_service if {
	testing.same(testing.findings(_id, [_of("prod", "other:1")]), {{
		"rule": _id,
		"level": "info",
		"service": null,
		"resource": testing.address("apps/v1", "Deployment", "prod", "x"),
		"path": "metadata.name",
		"message": "prod/Deployment/x is not a service the Estate names",
		"remedy": "declare it as a service of the Estate, or kubectl delete deployment x -n prod",
		"file": null,
		"index": -1,
	}})
	count(testing.findings(_id, [testing.workload("example.org/v1", "Runner", "prod", "x", [])])) == 1
}

test_success_declared if {
	owned := testing.owned_by(
		testing.pod("y", "prod", [testing.container("a", "other:1")]),
		["apps/v1", "Deployment", "x", "1"],
	)
	every objects in [
		[], [_of("prod", "runner:1")], [_of("prod", "automat:1")], [_of("thunder", "other:1")],
		[_of("kube-system", "other:1")],
		[_of("", "other:1")], [testing.thing("v1", "ConfigMap", "prod", "x")], [_of("prod", "runner:1"), owned],
	] {
		testing.same(testing.findings(_id, objects), set())
	}
}

# A release in an allowed namespace may hold declared services too: only the object goes.
test_fail_remedy_leaves_the_release if {
	objects := [testing.annotated(_of("prod", "other:1"), {"meta.helm.sh/release-name": "old"})]
	testing.remedies(_id, objects) == {"declare it as a service of the Estate, or kubectl delete deployment x -n prod"}
}

test_fail_an_owner_that_is_not_in_the_set if {
	owner := ["apps/v1", "ReplicaSet", "gone", "1"]
	testing.paths(_id, [testing.owned_by(_of("prod", "other:1"), owner)]) == {"metadata.name"}
}

# The same set as conftest --combine hands it over, and as the records of objects judged before.
_combined(objects) := [{"path": sprintf("%v.yaml", [i]), "contents": obj} | some i, obj in objects]

_inventory(objects) := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Inventory", "records": records} if {
	records := data.thunderguard.facts.inventory.records with input as objects with data.estate as testing.estate
}

test_fail_in_every_form_of_a_set if {
	objects := [_of("prod", "other:1")]
	wanted := testing.findings(_id, objects)
	count(wanted) == 1
	testing.same(testing.findings(_id, _combined(objects)), wanted)
	testing.same(testing.findings(_id, _inventory(objects)), wanted)
}

test_success_what_is_no_set if {
	objects := [_of("prod", "other:1")]
	list := {"apiVersion": "v1", "kind": "List", "items": objects}
	count(testing.findings(_id, [list])) == 1
	batch := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Batch", "objects": objects}
	every document in array.concat(objects, [list, batch]) {
		testing.same(testing.findings(_id, document), set())
	}
}
