package thunderguard.missing_service_test

import data.thunderguard.testing
import future.keywords.not

_id := "missing-service"

_mlflow := testing.deployment("mlflow", "prod", [testing.container("a", "mlflow:v1")])

_loose := testing.deployment("loose", "prod", [testing.container("a", "loose:1")])

_web(replicas) := testing.with_spec(
	testing.workload("apps/v1", "StatefulSet", "prod", "web", [testing.container("a", "other:1")]),
	{"replicas": replicas},
)

_finding(place, service, message, remedy) := {
	"rule": _id,
	"level": "warn",
	"service": service,
	"resource": testing.address("thunderguard.dev/v1alpha1", "Estate", "", "testland"),
	"path": sprintf("spec.services[%v]", [place]),
	"message": message,
	"remedy": remedy,
	"file": null,
	"index": -1,
}

_absent := {
	_finding(
		0,
		"mlflow",
		"required service mlflow has no instance in an allowed namespace",
		"deploy mlflow as Deployment prod/mlflow",
	),
	_finding(
		1,
		"web",
		"required service web has no instance in an allowed namespace",
		"deploy web as StatefulSet prod/web",
	),
	_finding(5, "loose", "required service loose has no instance in an allowed namespace", "deploy loose as loose"),
}

test_fail_absent if {
	testing.same(testing.findings(_id, []), _absent)
}

test_fail_below_its_minimum if {
	testing.same(testing.findings(_id, [_mlflow, _loose, _web(1)]), {_finding(
		1,
		"web",
		"service web has 1 replicas; its minimum is 2",
		"scale web to 2 or more",
	)})
}

test_success_complete if {
	testing.same(testing.findings(_id, [_mlflow, _loose, _web(2)]), set())
}

test_replicas_are_added if {
	pod := testing.pod("web", "data", [testing.container("a", "other:1")])
	agent := testing.workload("apps/v1", "DaemonSet", "prod", "web", [testing.container("a", "other:1")])
	cron := testing.cron_job("web", "prod", [testing.container("a", "other:1")])
	testing.all_same({
		"two of one": [testing.messages(_id, [_mlflow, _loose, _web(1), pod]), set()],
		"a kind without a number counts as one": [testing.messages(_id, [_mlflow, _loose, agent, pod]), set()],
		"cron job": [testing.messages(_id, [_mlflow, _loose, cron, pod]), set()],
		"idle": [
			testing.messages(_id, [_mlflow, _loose, _web(0)]),
			{"required service web has no instance in an allowed namespace"},
		],
		"what is no number counts as one": [
			testing.messages(_id, [_mlflow, _loose, _web("9"), object.union(_web(-3), {"metadata": {"namespace": "data"}})]),
			set(),
		],
		"default": [
			testing.messages(_id, [_mlflow, _loose, _web(null)]),
			{"service web has 1 replicas; its minimum is 2"},
		],
	})
}

test_fail_instances_elsewhere_do_not_count if {
	elsewhere := object.union(_mlflow, {"metadata": {"namespace": "thunder"}})
	exempt := object.union(_mlflow, {"metadata": {"namespace": "kube-system"}})
	unknown := testing.deployment("mlflow", "", [testing.container("a", "mlflow:v1")])
	every other in [elsewhere, exempt, unknown] {
		testing.messages(_id, [other, _loose, _web(2)]) == {"required service mlflow has no instance in an allowed namespace"}
	}
}

test_fail_owned_objects_do_not_count if {
	owned := testing.owned_by(
		testing.pod("web", "prod", [testing.container("a", "x:1")]),
		["apps/v1", "StatefulSet", "web", "1"],
	)
	testing.messages(_id, [_mlflow, _loose, _web(1), owned]) == {"service web has 1 replicas; its minimum is 2"}
}

test_success_nothing_required if {
	testing.findings_under(_id, [], {"services": null}) == set()
	optional := {"name": "x", "recognise": [{"name": "x"}], "required": false}
	testing.findings_under(_id, [], {"services": [optional]}) == set()
	scarce := {"name": "x", "recognise": [{"name": "^web$"}], "replicas": {"min": 2}}
	testing.findings_under(_id, [_web(1)], {"services": [scarce]}) == set()
	count(testing.findings_under(_id, [_web(1)], {"services": [object.union(scarce, {"required": true})]})) == 1
}

# The same set as conftest --combine hands it over, and as the records of objects judged before.
_combined(objects) := [{"path": sprintf("%v.yaml", [i]), "contents": obj} | some i, obj in objects]

_inventory(objects) := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Inventory", "records": records} if {
	records := data.thunderguard.facts.inventory.records with input as objects with data.estate as testing.estate
}

test_fail_in_every_form_of_a_set if {
	objects := [_mlflow, _web(1)]
	wanted := testing.findings(_id, objects)
	count(wanted) == 2
	testing.same(testing.findings(_id, _combined(objects)), wanted)
	testing.same(testing.findings(_id, _inventory(objects)), wanted)
}

test_success_what_is_no_set if {
	objects := [_mlflow, _web(1)]
	list := {"apiVersion": "v1", "kind": "List", "items": objects}
	count(testing.findings(_id, [list])) == 2
	batch := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Batch", "objects": objects}
	every document in array.concat(objects, [list, batch]) {
		testing.same(testing.findings(_id, document), set())
	}
}
