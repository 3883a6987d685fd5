package thunderguard.facts.inventory_test

import data.thunderguard.facts.inventory
import data.thunderguard.testing
import future.keywords.not

_records(given) := found if {
	found := inventory.records with input as given with data.estate as testing.estate
}

_record(obj) := _records(obj)[0]

test_a_workload if {
	document := testing.labelled(
		testing.annotated(
			testing.pod("web", "prod", [testing.container("a", "runner:1")]),
			{"meta.helm.sh/release-name": "rel"},
		),
		{"helm.sh/chart": "web-1.0.0"},
	)
	testing.same(_records(document), [{
		"index": 0,
		"type": "workload",
		"resource": {"apiVersion": "v1", "kind": "Pod", "namespace": "prod"},
		"names": ["web"],
		"services": ["runner", "web"],
		"deprecated": [],
		"replicas": 1,
		"failures": [],
		"bounds": {"a": {
			"cpu": {"limited": true, "ceilings": ["2"]},
			"memory": {"limited": true, "ceilings": ["4Gi"]},
		}},
		"release": {"name": "rel", "namespace": "prod", "chart": "web"},
	}])
}

test_other_records if {
	metrics := object.union(
		testing.thing("metrics.k8s.io/v1beta1", "PodMetrics", "prod", "x"),
		{"containers": [{"name": "a", "usage": {"cpu": "1"}}]},
	)
	given := [
		testing.thing("v1", "ConfigMap", "prod", "x"), metrics, testing.release("r", "prod", "c"),
		testing.thing("v1", "ResourceQuota", "prod", "q"),
	]
	records := _records(given)
	[[record.index, record.type, record.names] | some record in records] == [
		[1, "metrics", ["x"]], [2, "release", ["r"]], [3, "quota", ["q"]],
	]
	records[0].containers == [{"name": "a", "usage": {"cpu": "1"}}]
	records[1].release == {"name": "r", "namespace": "prod", "chart": "c", "version": "1.0.0"}
}

test_replicas if {
	testing.all_same({name: [
		_record(testing.with_spec(
			testing.workload(case[0], case[1], "prod", "x", []),
			{"replicas": case[2]},
		)).replicas,
		case[3],
	] |
		some name, case in {
			"number": ["apps/v1", "Deployment", 3, 3],
			"none": ["apps/v1", "StatefulSet", 0, 0],
			"null": ["apps/v1", "ReplicaSet", null, 1],
			"text": ["v1", "ReplicationController", "0", 1],
			"fraction": ["apps/v1", "Deployment", 0.5, 1],
			"negative": ["apps/v1", "Deployment", -1, 1],
			"job": ["batch/v1", "Job", 0, 1],
			"daemon set": ["apps/v1", "DaemonSet", 0, null],
			"another group": ["example.org/v1", "Deployment", 0, null],
		}
	})
	_record(testing.deployment("x", "prod", [])).replicas == 1
	_record(testing.cron_job("x", "prod", [])).replicas == 1
}

test_owned if {
	given := [
		testing.deployment("x", "prod", []),
		testing.owned_by(testing.pod("x-1", "prod", []), ["apps/v1", "Deployment", "x", "1"]),
	]
	records := _records(given)
	not records[0].root
	records[1].root == testing.address("apps/v1", "Deployment", "prod", "x")
}

test_addresses if {
	record := {"resource": {"apiVersion": "v1", "kind": "Pod", "namespace": "prod"}, "names": ["a", "b"]}
	inventory.addresses(record) == [testing.address("v1", "Pod", "prod", name) | some name in ["a", "b"]]
}

# Records that are alike but for the name come as one, and every rule takes it for as many.
test_records_that_were_put_together if {
	objects := [
		testing.deployment("web", "prod", []),
		testing.with_spec(testing.deployment("a", "data", []), {"replicas": 0}),
		testing.with_spec(testing.deployment("b", "data", []), {"replicas": 0}),
		testing.pod("web", "data", []),
		testing.pod("c", "data", []),
		testing.pod("d", "data", []),
		testing.thing("v1", "LimitRange", "data", "x"),
		testing.thing("v1", "LimitRange", "data", "y"),
	]
	apart := _records(objects)
	alike := {object.remove(record, ["index", "names"]) | some record in apart}
	together := [object.union(rest, {"names": names}) |
		some rest in alike
		names := [record.names[0] | some record in apart; object.remove(record, ["index", "names"]) == rest]
	]
	count(together) < count(apart)
	_found(together) == _found(apart)
}

_found(records) := found if {
	given := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Inventory", "records": records}
	verdict := data.thunderguard.main.inventory_verdict with input as given with data.estate as testing.estate
	found := verdict.findings
}

test_an_inventory_brings_its_records if {
	records := _records([testing.release("a", "prod", "c"), testing.release("b", "data", "c")])
	given := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Inventory", "records": records}
	brought := inventory.inventory with input as given
	brought == records
	own := inventory.inventory with input as [testing.release("a", "prod", "c")] with data.estate as testing.estate
	own == _records([testing.release("a", "prod", "c")])
	count(testing.findings("duplicate-release", given)) == 1
}

# The first container of a name speaks for it.
test_bounds_of_one_name if {
	document := testing.pod("x", "prod", [testing.unbounded("a", "other:1"), testing.container("a", "runner:1")])
	_record(document).bounds.a.cpu == {"limited": false, "ceilings": []}
}

_failures(status) := found if {
	found := _record(object.union(testing.pod("x", "prod", []), {"status": status})).failures
}

_of_a(status) := _failures({"containerStatuses": [object.union({"name": "a"}, status)]})

_waits(reason) := {"state": {"waiting": {"reason": reason}}}

_killed := {"terminated": {"reason": "OOMKilled"}}

test_failures_of_a_container if {
	testing.all_same({
		"crash loop": [_of_a(_waits("CrashLoopBackOff")), ["x/a CrashLoopBackOff"]],
		"pull back-off": [_of_a(_waits("ImagePullBackOff")), ["x/a ImagePullBackOff"]],
		"pull": [_of_a(_waits("ErrImagePull")), ["x/a ErrImagePull"]],
		"waits out of memory": [_of_a(_waits("OOMKilled")), ["x/a OOMKilled"]],
		"out of memory": [_of_a({"state": _killed}), ["x/a OOMKilled"]],
		"out of memory before": [_of_a({"state": {"running": {}}, "lastState": _killed}), ["x/a OOMKilled"]],
		"starting": [_of_a(_waits("ContainerCreating")), []],
		"ended": [_of_a({"state": {"terminated": {"reason": "Completed"}}}), []],
		"reason that is no text": [_of_a(_waits(5)), []],
		"restarts": [_of_a({"restartCount": 5}), ["x/a restarts (5 restarts)"]],
		"few restarts": [_of_a({"restartCount": 4}), []],
		"restarts that are no number": [_of_a({"restartCount": "9"}), []],
		"a reason comes before restarts": [
			_of_a(object.union(_waits("CrashLoopBackOff"), {"restartCount": 9})),
			["x/a CrashLoopBackOff (9 restarts)"],
		],
		"waiting comes before memory": [
			_of_a(object.union(_waits("CrashLoopBackOff"), {"lastState": _killed, "restartCount": 0})),
			["x/a CrashLoopBackOff"],
		],
		"memory comes before restarts": [
			_of_a({"lastState": _killed, "restartCount": 1}),
			["x/a OOMKilled (1 restarts)"],
		],
		"half a restart is not told": [_of_a({"state": _killed, "restartCount": 0.5}), ["x/a OOMKilled"]],
	})
}

test_failures_of_a_pod if {
	crash := object.union({"name": "a"}, _waits("CrashLoopBackOff"))
	testing.all_same({
		"init containers first": [
			_failures({"containerStatuses": [crash], "initContainerStatuses": [object.union(crash, {"name": "i"})]}),
			["x/i CrashLoopBackOff", "x/a CrashLoopBackOff"],
		],
		"without a name": [
			_failures({"containerStatuses": [5, object.remove(crash, ["name"])]}),
			["x/1 CrashLoopBackOff"],
		],
		"no statuses": [_failures({}), []],
		"strange statuses": [_failures({"containerStatuses": {"a": crash}, "initContainerStatuses": "x"}), []],
	})
	failing := {"status": {"containerStatuses": [crash]}}
	_record(object.union(testing.deployment("x", "prod", []), failing)).failures == []
}

test_restarts_without_a_threshold if {
	status := {"containerStatuses": [{"name": "a", "restartCount": 99}]}
	other := testing.changed_estate({"thresholds": null})
	found := inventory.records with input as object.union(testing.pod("x", "prod", []), {"status": status})
		with data.estate as other
	found[0].failures == []
}

test_bounds if {
	open := {"limited": false, "ceilings": []}
	limits := {"resources": {"limits": {"cpu": "1", "memory": null}}}
	plain := testing.unbounded("a", "other:1")
	testing.all_same({
		"limit of the container": [
			_record(testing.pod("x", "prod", [object.union(plain, limits)])).bounds,
			{"a": {"cpu": {"limited": true, "ceilings": []}, "memory": open}},
		],
		"limit of the pod": [
			_record(testing.with_spec(testing.pod("x", "prod", [plain]), limits)).bounds,
			{"a": {"cpu": {"limited": true, "ceilings": []}, "memory": open}},
		],
		"none": [_record(testing.pod("x", "prod", [plain])).bounds, {"a": {"cpu": open, "memory": open}}],
		"without a name": [_record(testing.pod("x", "prod", [{"image": "other:1"}, {"name": 5}])).bounds, {}],
		"no pod": [_record(testing.deployment("x", "prod", [plain])).bounds, {}],
	})
}

test_release_of_a_workload if {
	bare := testing.deployment("x", "prod", [])
	helm := testing.annotated(bare, {"meta.helm.sh/release-name": "rel"})
	testing.all_same({
		"none": [_record(testing.labelled(bare, {"helm.sh/chart": "web-1.0.0"})).release, null],
		"without a chart": [_record(helm).release, {"name": "rel", "namespace": "prod", "chart": ""}],
		"chart that is no text": [
			_record(testing.labelled(helm, {"helm.sh/chart": 5})).release,
			{"name": "rel", "namespace": "prod", "chart": ""},
		],
	})
}

test_whole_records_of_each_other_type if {
	gone := testing.with_spec(testing.release("r", "prod", "c"), {"status": "uninstalled", "chart": 5})
	testing.all_same({
		"release": [_records(gone), [{
			"index": 0,
			"type": "release",
			"resource": {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Release", "namespace": "prod"},
			"names": ["r"],
			"release": {"name": "r", "namespace": "prod", "chart": "", "version": ""},
			"uninstalled": true,
		}]],
		"limit range": [
			[record.type | some record in _records(testing.thing("v1", "LimitRange", "prod", "x"))],
			["quota"],
		],
		"of another group": [_records(testing.thing("example.org/v1", "LimitRange", "prod", "x")), []],
		"release of another group": [_records(testing.thing("example.org/v1", "Release", "prod", "x")), []],
		"metrics of another group": [_records(testing.thing("example.org/v1", "PodMetrics", "prod", "x")), []],
	})
}

test_strange_metrics if {
	metrics := testing.thing("metrics.k8s.io/v1beta1", "PodMetrics", "prod", "x")
	good := {"name": "a", "usage": {"cpu": "1"}}
	_record(metrics).containers == []
	_record(object.union(metrics, {"containers": {"a": good}})).containers == []
	given := [5, good, {"name": 1, "usage": {}}, {"name": "b"}, {"name": "c", "usage": "x"}]
	_record(object.union(metrics, {"containers": given})).containers == [good]
}
