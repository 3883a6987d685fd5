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
