package thunderguard.namespace_quota_test

import data.thunderguard.testing
import future.keywords.not

_id := "namespace-quota"

_both(namespace) := [
	testing.thing("v1", "ResourceQuota", namespace, "q"),
	testing.thing("v1", "LimitRange", namespace, "r"),
]

test_fail_absent if {
	finding := {
		"rule": _id,
		"level": "warn",
		"service": null,
		"resource": testing.address("v1", "Namespace", "", "prod"),
		"path": "metadata.name",
		"message": "namespace prod has no LimitRange, ResourceQuota",
		"remedy": "apply a LimitRange, ResourceQuota to namespace prod",
		"file": null,
		"index": -1,
	}
	testing.same(testing.findings(_id, _both("data")), {finding})
	testing.same(testing.findings(_id, []), {finding, object.union(finding, {
		"resource": testing.address("v1", "Namespace", "", "data"),
		"message": "namespace data has no LimitRange, ResourceQuota",
		"remedy": "apply a LimitRange, ResourceQuota to namespace data",
	})})
}

test_fail_one_absent if {
	prod := _both("prod")
	testing.all_same({
		"quota": [testing.messages(_id, array.concat(_both("data"), [prod[1]])), {"namespace prod has no ResourceQuota"}],
		"range": [testing.messages(_id, array.concat(_both("data"), [prod[0]])), {"namespace prod has no LimitRange"}],
		"of another version": [
			testing.messages(_id, array.concat(_both("data"), [prod[0], testing.thing("v2", "LimitRange", "prod", "x")])),
			{"namespace prod has no LimitRange"},
		],
		"of another group": [
			testing.messages(_id, array.concat(
				_both("data"),
				[prod[0], testing.thing("example.org/v1", "LimitRange", "prod", "x")],
			)),
			{"namespace prod has no LimitRange"},
		],
	})
}

test_success_present if {
	testing.same(testing.findings(_id, array.concat(_both("data"), _both("prod"))), set())
}

test_fail_an_inventory_of_nothing if {
	count(testing.findings(_id, _inventory([]))) == 2
}

# The same set as conftest --combine hands it over, and as the records of objects judged before.
_combined(objects) := [{"path": sprintf("%v.yaml", [i]), "contents": obj} | some i, obj in objects]

_inventory(objects) := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Inventory", "records": records} if {
	records := data.thunderguard.facts.inventory.records with input as objects with data.estate as testing.estate
}

test_fail_in_every_form_of_a_set if {
	objects := _both("data")
	wanted := testing.findings(_id, objects)
	count(wanted) == 1
	testing.same(testing.findings(_id, _combined(objects)), wanted)
	testing.same(testing.findings(_id, _inventory(objects)), wanted)
}

test_success_what_is_no_set if {
	objects := _both("data")
	list := {"apiVersion": "v1", "kind": "List", "items": objects}
	count(testing.findings(_id, [list])) == 1
	batch := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Batch", "objects": objects}
	every document in array.concat(objects, [list, batch]) {
		testing.same(testing.findings(_id, document), set())
	}
}
