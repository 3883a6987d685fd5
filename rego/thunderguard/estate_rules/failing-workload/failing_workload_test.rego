package thunderguard.failing_workload_test

import data.thunderguard.testing
import future.keywords.not

_id := "failing-workload"

_pod(name, status) := object.union(
	testing.pod(name, "prod", [testing.container("a", "mlflow:v1")]),
	{"status": status},
)

_waiting(reason) := {"name": "a", "state": {"waiting": {"reason": reason}}}

_failures(status) := testing.messages(_id, [_pod("p", {"containerStatuses": [status]})])

test_fail_one_finding_a_root if {
	owner := ["apps/v1", "Deployment", "x", "1"]
	objects := [
		testing.deployment("x", "prod", [testing.container("a", "runner:1"), testing.container("b", "mlflow:v1")]),
		testing.owned_by(_pod("x-2", {"containerStatuses": [_waiting("ImagePullBackOff")]}), owner),
		testing.owned_by(
			_pod("x-1", {
				"initContainerStatuses": [{"name": "i", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
				"containerStatuses": [_waiting("ErrImagePull"), {"name": "b", "restartCount": 7}],
			}),
			owner,
		),
	]
	testing.same(testing.findings(_id, objects), {{
		"rule": _id,
		"level": "warn",
		"service": "mlflow",
		"resource": testing.address("apps/v1", "Deployment", "prod", "x"),
		"path": "status",
		"message": concat("", [
			"prod/Deployment/x fails: x-1/a ErrImagePull; x-1/b restarts (7 restarts); ",
			"x-1/i CrashLoopBackOff (3 restarts); x-2/a ImagePullBackOff",
		]),
		"remedy": concat("", [
			"kubectl describe pod -n prod x-1, ",
			"then mend the image, the configuration or the limits it names",
		]),
		"file": null,
		"index": -1,
	}})
}

test_fail_reasons if {
	killed := {"terminated": {"reason": "OOMKilled"}}
	testing.all_same({
		"waiting for memory": [_failures(_waiting("OOMKilled")), {"prod/Pod/p fails: p/a OOMKilled"}],
		"killed": [_failures({"name": "a", "state": killed}), {"prod/Pod/p fails: p/a OOMKilled"}],
		"killed before": [
			_failures({"name": "a", "restartCount": 1, "state": {"running": {}}, "lastState": killed}),
			{"prod/Pod/p fails: p/a OOMKilled (1 restarts)"},
		],
		"killed now and before": [
			_failures({"name": "a", "state": killed, "lastState": killed}),
			{"prod/Pod/p fails: p/a OOMKilled"},
		],
		"waiting comes first": [
			_failures(object.union(_waiting("CrashLoopBackOff"), {"lastState": killed, "restartCount": 9})),
			{"prod/Pod/p fails: p/a CrashLoopBackOff (9 restarts)"},
		],
		"many restarts": [
			_failures({"name": "a", "restartCount": 5, "state": {"waiting": {"reason": "ContainerCreating"}}}),
			{"prod/Pod/p fails: p/a restarts (5 restarts)"},
		],
		"without name, by its place": [
			_failures({"name": 5, "state": killed}),
			{"prod/Pod/p fails: p/0 OOMKilled"},
		],
		"no number of restarts": [
			_failures(object.union(_waiting("ErrImagePull"), {"restartCount": 1.5})),
			{"prod/Pod/p fails: p/a ErrImagePull"},
		],
	})
}

test_success_healthy if {
	bad := {"containerStatuses": [_waiting("CrashLoopBackOff")]}
	every objects in [
		[], [testing.pod("p", "prod", [])], [_pod("p", null)], [_pod("p", {"containerStatuses": {}})],
		[_pod("p", {"containerStatuses": [5, null, "x", []]})],
		[_pod("p", {"containerStatuses": [{"name": "a", "restartCount": 4}]})],
		[_pod("p", {"containerStatuses": [{"name": "a", "restartCount": "9"}]})],
		[_pod("p", {"containerStatuses": [_waiting("ContainerCreating")]})],
		[object.union(_pod("p", bad), {"metadata": {"namespace": "kube-system"}})],
		[object.union(_pod("p", bad), {"apiVersion": "example.org/v1"})],
		[object.union(_pod("p", bad), {"kind": "Deployment", "apiVersion": "apps/v1"})],
	] {
		testing.same(testing.findings(_id, objects), set())
	}
}

test_success_no_threshold_no_restart_rule if {
	objects := [_pod("p", {"containerStatuses": [{"name": "a", "restartCount": 999}]})]
	testing.findings_under(_id, objects, {"thresholds": null}) == set()
}

test_service_of_no_root_is_null if {
	objects := [object.union(_pod("p", {"containerStatuses": [_waiting("OOMKilled")]}), {"spec": {"containers": []}})]
	{found.service | some found in testing.findings(_id, objects)} == {null}
}

test_fail_init_container if {
	objects := [_pod("p", {"initContainerStatuses": [_waiting("ImagePullBackOff")]})]
	testing.messages(_id, objects) == {"prod/Pod/p fails: p/a ImagePullBackOff"}
}

test_service_is_that_of_the_root if {
	failing := object.union(
		testing.pod("p", "prod", [testing.container("a", "runner:1")]),
		{"status": {"containerStatuses": [_waiting("CrashLoopBackOff")]}},
	)
	objects := [failing, testing.deployment("x", "prod", [testing.container("a", "mlflow:v1")])]
	{found.service | some found in testing.findings(_id, objects)} == {"runner"}
}

test_fail_pods_of_several_roots if {
	status := {"containerStatuses": [_waiting("CrashLoopBackOff")]}
	testing.same(testing.messages(_id, [_pod("p", status), _pod("q", status)]), {
		"prod/Pod/p fails: p/a CrashLoopBackOff",
		"prod/Pod/q fails: q/a CrashLoopBackOff",
	})
}

# The same set as conftest --combine hands it over, and as the records of objects judged before.
_combined(objects) := [{"path": sprintf("%v.yaml", [i]), "contents": obj} | some i, obj in objects]

_inventory(objects) := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Inventory", "records": records} if {
	records := data.thunderguard.facts.inventory.records with input as objects with data.estate as testing.estate
}

test_fail_in_every_form_of_a_set if {
	objects := [_pod("p", {"containerStatuses": [_waiting("CrashLoopBackOff")]})]
	wanted := testing.findings(_id, objects)
	count(wanted) == 1
	testing.same(testing.findings(_id, _combined(objects)), wanted)
	testing.same(testing.findings(_id, _inventory(objects)), wanted)
}

test_success_what_is_no_set if {
	objects := [_pod("p", {"containerStatuses": [_waiting("CrashLoopBackOff")]})]
	list := {"apiVersion": "v1", "kind": "List", "items": objects}
	count(testing.findings(_id, [list])) == 1
	batch := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Batch", "objects": objects}
	every document in array.concat(objects, [list, batch]) {
		testing.same(testing.findings(_id, document), set())
	}
}
