package thunderguard.runaway_usage_test

import data.thunderguard.testing
import future.keywords.not

_id := "runaway-usage"

_metrics(namespace, name, containers) := object.union(
	testing.thing("metrics.k8s.io/v1beta1", "PodMetrics", namespace, name),
	{"containers": containers},
)

_used(name, cpu, memory) := {"name": name, "usage": {"cpu": cpu, "memory": memory}}

_messages(container, usage) := testing.messages(_id, [
	testing.pod("p", "prod", [container]),
	_metrics("prod", "p", [object.union({"name": "a"}, {"usage": usage})]),
])

test_fail_one_finding_a_root if {
	owner := ["apps/v1", "Deployment", "x", "1"]
	containers := [testing.container("a", "runner:1"), testing.unbounded("b", "other:1")]
	objects := [
		testing.deployment("x", "prod", containers),
		testing.owned_by(testing.pod("x-1", "prod", containers), owner),
		testing.owned_by(testing.pod("x-2", "prod", containers), owner),
		_metrics("prod", "x-1", [_used("a", "7", "1Gi"), _used("b", "501m", "2Gi")]),
		_metrics("prod", "x-2", [_used("a", "2001m", "4Gi")]),
	]
	testing.same(testing.findings(_id, objects), {{
		"rule": _id,
		"level": "warn",
		"service": null,
		"resource": testing.address("apps/v1", "Deployment", "prod", "x"),
		"path": "status",
		"message": concat("", [
			"prod/Deployment/x uses more than it should: x-1/a cpu 7, ceiling 2; x-1/b cpu 501m, no limit; ",
			"x-1/b memory 2Gi, no limit; x-2/a cpu 2001m, ceiling 2",
		]),
		"remedy": "set limits for the containers of prod/Deployment/x, or scale it down",
		"file": null,
		"index": -1,
	}})
}

test_bounds if {
	runner := testing.unbounded("a", "runner:1")
	other := testing.unbounded("a", "other:1")
	both := object.union(testing.unbounded("a", "mlflow:v1"), {"args": ["--runner"]})
	testing.all_same({
		"at the ceiling, limited": [_messages(testing.container("a", "runner:1"), {"cpu": "2", "memory": "4Gi"}), set()],
		"below the ceiling, unlimited": [
			_messages(runner, {"cpu": "1"}),
			{"prod/Pod/p uses more than it should: p/a cpu 1, no limit"},
		],
		"above the ceiling, unlimited": [
			_messages(runner, {"cpu": "3"}),
			{"prod/Pod/p uses more than it should: p/a cpu 3, ceiling 2"},
		],
		"the smallest ceiling": [
			_messages(both, {"cpu": "1500m"}),
			{"prod/Pod/p uses more than it should: p/a cpu 1500m, ceiling 1"},
		],
		"at the threshold": [_messages(other, {"cpu": "500m", "memory": "1Gi"}), set()],
		"number": [
			_messages(other, {"cpu": 2}),
			{"prod/Pod/p uses more than it should: p/a cpu 2, no limit"},
		],
		"limited": [_messages(testing.container("a", "other:1"), {"cpu": "99", "memory": "99Gi"}), set()],
		"unreadable": [_messages(other, {"cpu": "banana", "memory": -1}), set()],
		"nothing used": [_messages(other, {}), set()],
		"not an object": [_messages(other, "9"), set()],
	})
}

test_pod_level_limit_is_a_limit if {
	pod := testing.with_spec(
		testing.pod("p", "prod", [testing.unbounded("a", "other:1")]),
		{"resources": {"limits": {"cpu": "1"}}},
	)
	objects := [pod, _metrics("prod", "p", [_used("a", "99", "99Gi")])]
	testing.messages(_id, objects) == {"prod/Pod/p uses more than it should: p/a memory 99Gi, no limit"}
}

test_success_not_joined if {
	pod := testing.pod("p", "prod", [testing.unbounded("a", "other:1")])
	much := [_used("a", "99", "99Gi")]
	every objects in [
		[], [pod], [_metrics("prod", "p", much)], [pod, _metrics("data", "p", much)], [pod, _metrics("prod", "q", much)],
		[pod, _metrics("prod", "p", [_used("b", "99", "99Gi")])], [pod, _metrics("prod", "p", {})],
		[pod, _metrics("prod", "p", [5, null, {"name": 5, "usage": {"cpu": "99"}}, {"name": "a"}])],
		[
			testing.pod("p", "kube-system", [testing.unbounded("a", "other:1")]),
			_metrics("kube-system", "p", much),
		],
		[pod, object.union(_metrics("prod", "p", much), {"apiVersion": "example.org/v1"})],
		[testing.pod("p", "prod", [{"name": 5, "image": "other:1"}]), _metrics("prod", "p", much)],
		[testing.workload("apps/v1", "Deployment", "prod", "p", [testing.unbounded("a", "x")]), _metrics("prod", "p", much)],
	] {
		testing.same(testing.findings(_id, objects), set())
	}
}

test_success_no_threshold if {
	objects := [
		testing.pod("p", "prod", [testing.unbounded("a", "other:1")]),
		_metrics("prod", "p", [_used("a", "99", "99Gi")]),
	]
	testing.findings_under(_id, objects, {"thresholds": null}) == set()
}

test_fail_pods_of_several_roots if {
	container := testing.unbounded("a", "other:1")
	objects := [
		testing.pod("p", "prod", [container]), testing.pod("p", "thunder", [container]),
		_metrics("prod", "p", [_used("a", "2", "0")]), _metrics("thunder", "p", [_used("a", "3", "0")]),
	]
	testing.same(testing.messages(_id, objects), {
		"prod/Pod/p uses more than it should: p/a cpu 2, no limit",
		"thunder/Pod/p uses more than it should: p/a cpu 3, no limit",
	})
}

# The same set as conftest --combine hands it over, and as the records of objects judged before.
_combined(objects) := [{"path": sprintf("%v.yaml", [i]), "contents": obj} | some i, obj in objects]

_inventory(objects) := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Inventory", "records": records} if {
	records := data.thunderguard.facts.inventory.records with input as objects with data.estate as testing.estate
}

test_fail_in_every_form_of_a_set if {
	objects := [
		testing.pod("p", "prod", [testing.unbounded("a", "other:1")]),
		_metrics("prod", "p", [_used("a", "501m", "1Gi")]),
	]
	wanted := testing.findings(_id, objects)
	count(wanted) == 1
	testing.same(testing.findings(_id, _combined(objects)), wanted)
	testing.same(testing.findings(_id, _inventory(objects)), wanted)
}

test_success_what_is_no_set if {
	objects := [
		testing.pod("p", "prod", [testing.unbounded("a", "other:1")]),
		_metrics("prod", "p", [_used("a", "501m", "1Gi")]),
	]
	list := {"apiVersion": "v1", "kind": "List", "items": objects}
	count(testing.findings(_id, [list])) == 1
	batch := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Batch", "objects": objects}
	every document in array.concat(objects, [list, batch]) {
		testing.same(testing.findings(_id, document), set())
	}
}
