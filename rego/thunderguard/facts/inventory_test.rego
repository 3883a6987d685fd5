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
	here := testing.address("v1", "Pod", "prod", "web")
	testing.same(_records(document), [{
		"index": 0,
		"type": "workload",
		"resource": here,
		"root": here,
		"owned": false,
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
	[[record.index, record.type, record.owned] | some record in records] == [
		[1, "metrics", false], [2, "release", false], [3, "quota", false],
	]
	records[0].containers == [{"name": "a", "usage": {"cpu": "1"}}]
	records[1].release == {"name": "r", "namespace": "prod", "chart": "c"}
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
	[[record.owned, record.root.kind] | some record in _records(given)] == [[false, "Deployment"], [true, "Deployment"]]
}

test_an_inventory_brings_its_records if {
	records := _records([testing.release("a", "prod", "c"), testing.release("b", "data", "c")])
	given := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Inventory", "records": records}
	brought := inventory.inventory with input as given
	brought == records
	count(testing.findings("duplicate-release", given)) == 1
}

# The first container of a name speaks for it.
test_bounds_of_one_name if {
	document := testing.pod("x", "prod", [testing.unbounded("a", "other:1"), testing.container("a", "runner:1")])
	_record(document).bounds.a.cpu == {"limited": false, "ceilings": []}
}
