package thunderguard.facts.objects_test

import data.thunderguard.facts.objects
import data.thunderguard.testing
import future.keywords.not

_entry(obj) := entry if {
	entries := objects.entries with input as obj
	entry := entries[0]
}

test_entries_leave_out_what_is_unreadable if {
	map := testing.thing("v1", "ConfigMap", "prod", "x")
	entries := objects.entries with input as [5, {"path": "a.yaml", "contents": map}, null]
	testing.same(entries, [{
		"index": 0,
		"object": map,
		"file": "a.yaml",
		"resource": testing.address("v1", "ConfigMap", "prod", "x"),
		"group": "",
		"template": null,
	}])
}

_pod(metadata) := {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}

test_addresses if {
	_entry(_pod({})).resource == testing.address("v1", "Pod", "", "")
	_entry(_pod({"generateName": "x-"})).resource.name == "x-"
	_entry(_pod({"name": "", "generateName": "x-"})).resource.name == "x-"
	_entry(_pod({"name": "y", "generateName": "x-"})).resource.name == "y"
	_entry(_pod({"name": 5, "namespace": 5})).resource == testing.address("v1", "Pod", "", "")
	chart := {"apiVersion": "v2", "name": "x", "version": "1.0.0"}
	_entry(chart).resource == testing.address("v2", "Chart", "", "x")
}

test_groups if {
	objects.group_of({"apiVersion": "v1"}) == ""
	objects.group_of({"apiVersion": "apps/v1"}) == "apps"
	objects.group_of({"apiVersion": "a/b/c"}) == "a"
}

test_templates if {
	testing.all_same({
		"pod": [_entry(testing.pod("x", "", [])).template, []],
		"cron job": [_entry(testing.cron_job("x", "", [])).template, ["spec", "jobTemplate", "spec", "template"]],
		"broken": [_entry(testing.thing("apps/v1", "Deployment", "", "x")).template, ["spec", "template"]],
		"broken of another group": [_entry(testing.thing("example.org/v1", "Deployment", "", "x")).template, null],
		"another kind": [
			_entry(testing.workload("example.org/v1", "Runner", "", "x", [])).template,
			["spec", "template"],
		],
		"another kind's object": [_entry(testing.workload("example.org/v1", "Runner", "", "x", {})).template, null],
		"pod of another group": [
			_entry(object.union(testing.pod("x", "", []), {"apiVersion": "example.org/v1"})).template,
			null,
		],
		"no workload": [_entry(testing.thing("v1", "Service", "", "x")).template, null],
	})
}

test_built_in if {
	built_in := [
		"v1 Pod", "v1 ReplicationController", "apps/v1 ReplicaSet", "apps/v1 Deployment", "apps/v1 StatefulSet",
		"apps/v1 DaemonSet", "batch/v1 Job", "batch/v1 CronJob",
	]
	every words in built_in {
		parts := split(words, " ")
		objects.is_built_in(_entry(testing.thing(parts[0], parts[1], "", "x")))
	}
	not objects.is_built_in(_entry(testing.thing("extensions/v1", "Deployment", "", "x")))
	not objects.is_built_in(_entry(testing.thing("v1", "Service", "", "x")))
}

test_owner if {
	first := {"kind": "A", "controller": true}
	references := {
		"first controller": [{"kind": "0"}, {"kind": "1", "controller": false}, first, {"kind": "B", "controller": true}],
		"strange elements": [null, 5, "x", {"controller": "true"}, first],
	}
	every _, list in references {
		objects.owner_of({"metadata": {"ownerReferences": list}}) == first
	}
	every list in [[], [{"kind": "A"}], null, {}, "x", {"a": first}] {
		not objects.owner_of({"metadata": {"ownerReferences": list}})
	}
	not objects.owner_of({"metadata": {}})
	not objects.owner_of(null)
}

test_text if {
	objects.resource_text(testing.address("v1", "Pod", "prod", "x")) == "prod/Pod/x"
	objects.resource_text(testing.address("v1", "Node", "", "x")) == "Node/x"
}
