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
