package thunderguard.parked_workload_test

import data.thunderguard.testing
import future.keywords.not

_id := "parked-workload"

_scaled(version, kind, namespace, replicas) := testing.with_spec(
	testing.workload(version, kind, namespace, "x", [testing.container("a", "runner:1")]),
	{"replicas": replicas},
)

test_fail_scaled_to_zero if {
	testing.same(testing.findings(_id, [_scaled("apps/v1", "Deployment", "prod", 0)]), {{
		"rule": _id,
		"level": "warn",
		"service": "runner",
		"resource": testing.address("apps/v1", "Deployment", "prod", "x"),
		"path": "spec.replicas",
		"message": "prod/Deployment/x is scaled to 0 and still configured",
		"remedy": "kubectl delete deployment x -n prod, or give it replicas and limits",
		"file": null,
		"index": -1,
	}})
}

test_fail_any_kind_with_replicas if {
	every kind in [["apps/v1", "StatefulSet"], ["apps/v1", "ReplicaSet"], ["v1", "ReplicationController"]] {
		testing.paths(_id, [_scaled(kind[0], kind[1], "thunder", 0)]) == {"spec.replicas"}
	}
	{found.service | some found in testing.findings(_id, [testing.with_spec(
		testing.deployment("x", "prod", []),
		{"replicas": 0},
	)])} == {null}
}

test_success_running if {
	owner := ["apps/v1", "Deployment", "owner", "1"]
	every objects in [
		[], [_scaled("apps/v1", "Deployment", "prod", 1)], [_scaled("apps/v1", "Deployment", "prod", null)],
		[_scaled("apps/v1", "Deployment", "prod", "0")], [_scaled("apps/v1", "DaemonSet", "prod", 0)],
		[_scaled("example.org/v1", "Deployment", "prod", 0)], [_scaled("apps/v1", "Deployment", "kube-system", 0)],
		[_scaled("batch/v1", "Job", "prod", 0)],
		[
			testing.deployment("owner", "prod", []),
			testing.owned_by(_scaled("apps/v1", "ReplicaSet", "prod", 0), owner),
		],
	] {
		testing.same(testing.findings(_id, objects), set())
	}
}
