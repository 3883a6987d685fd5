package thunderguard.facts.ownership_test

import data.thunderguard.facts.ownership
import data.thunderguard.testing
import future.keywords.not

_roots(given) := found if {
	found := ownership.roots with input as given
}

_deployment := testing.identified(testing.deployment("x", "prod", []), "d")

_replica_set(owner) := testing.identified(
	testing.owned_by(testing.workload("apps/v1", "ReplicaSet", "prod", "x-1", []), owner),
	"r",
)

_pod(owner) := testing.owned_by(testing.pod("x-1-a", "prod", []), owner)

_by_deployment := ["apps/v1", "Deployment", "x", "d"]

_by_replica_set := ["apps/v1", "ReplicaSet", "x-1", "r"]

test_chain_in_any_order if {
	_roots([_deployment, _replica_set(_by_deployment), _pod(_by_replica_set)]) == [0, 0, 0]
	_roots([_pod(_by_replica_set), _replica_set(_by_deployment), _deployment]) == [2, 2, 2]
	judged := ownership.judged with input as [_pod(_by_replica_set), _replica_set(_by_deployment), _deployment]
	[entry.index | some entry in judged] == [2]
}

test_the_version_of_the_owner_does_not_matter if {
	_roots([_deployment, _replica_set(["apps/v1beta1", "Deployment", "x", "d"])]) == [0, 0]
}

test_no_owner_in_the_set if {
	elsewhere := object.union(_deployment, {"metadata": {"namespace": "data"}})
	forged := testing.thing("v1", "ConfigMap", "prod", "x")
	testing.all_same({
		"alone": [_roots(_pod(_by_replica_set)), [0]],
		"not there": [_roots([_pod(_by_replica_set), _deployment]), [0, 1]],
		"wrong uid": [_roots([_deployment, _replica_set(["apps/v1", "Deployment", "x", "other"])]), [0, 1]],
		"other namespace": [_roots([elsewhere, _replica_set(_by_deployment)]), [0, 1]],
		"other group": [_roots([_deployment, _replica_set(["example.org/v1", "Deployment", "x", "d"])]), [0, 1]],
		"other kind": [_roots([_deployment, _replica_set(["apps/v1", "StatefulSet", "x", "d"])]), [0, 1]],
		"other name": [_roots([_deployment, _replica_set(["apps/v1", "Deployment", "y", "d"])]), [0, 1]],
		"no workload": [_roots([forged, _pod(["v1", "ConfigMap", "x", "d"])]), [0, 1]],
		"strange reference": [_roots([_deployment, _replica_set([5, null, [], {}])]), [0, 1]],
		"strange name": [_roots([_deployment, _replica_set(["apps/v1", "Deployment", 5, "d"])]), [0, 1]],
		"strange kind": [_roots([_deployment, _replica_set(["apps/v1", 5, "x", "d"])]), [0, 1]],
	})
}

test_uid_counts_where_both_carry_one if {
	unknown := testing.deployment("x", "prod", [])
	_roots([unknown, _replica_set(_by_deployment)]) == [0, 0]
	_roots([_deployment, _replica_set(["apps/v1", "Deployment", "x", null])]) == [0, 0]

	# Of two with the address, the uid tells which.
	twin := testing.identified(unknown, "other")
	_roots([twin, _deployment, _replica_set(_by_deployment)]) == [0, 1, 1]
	_roots([unknown, unknown, _replica_set(_by_deployment)]) == [0, 1, 0]
	_roots([unknown, _deployment, _replica_set(_by_deployment)]) == [0, 1, 1]
	_roots([unknown, twin, _replica_set(_by_deployment)]) == [0, 1, 0]

	_roots([_deployment, unknown, _replica_set(["apps/v1", "Deployment", "x", null])]) == [0, 1, 0]
	_roots([unknown, _deployment, _replica_set(["apps/v1", "Deployment", "x", 5])]) == [0, 1, 0]

	# An empty uid is none.
	_roots([_deployment, _replica_set(["apps/v1", "Deployment", "x", ""])]) == [0, 0]
	_roots([testing.identified(unknown, ""), _replica_set(_by_deployment)]) == [0, 0]
}

test_circles_stand_for_themselves if {
	a := testing.owned_by(testing.workload("apps/v1", "ReplicaSet", "prod", "a", []), ["apps/v1", "ReplicaSet", "b", "1"])
	b := testing.owned_by(testing.workload("apps/v1", "ReplicaSet", "prod", "b", []), ["apps/v1", "ReplicaSet", "a", "1"])
	itself := testing.owned_by(_deployment, _by_deployment)
	_roots([a, b]) == [0, 1]
	_roots([itself, a]) == [0, 1]
	_roots([itself, testing.deployment("x", "prod", [])]) == [1, 1]
}

test_chains_of_at_most_eight_steps if {
	# 0 ← 1 ← 2 … each owned by the one before.
	chain := [testing.owned_by(
		testing.workload("apps/v1", "ReplicaSet", "prod", sprintf("n%v", [i]), []),
		["apps/v1", "ReplicaSet", sprintf("n%v", [i - 1]), null],
	) |
		some i in numbers.range(0, 9)
	]
	_roots(chain) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 9]
}

test_a_batch_knows_nothing_of_each_other if {
	given := {
		"apiVersion": "thunderguard.dev/v1alpha1",
		"kind": "Batch",
		"objects": [_deployment, _replica_set(_by_deployment)],
	}
	_roots(given) == [0, 1]
	judged := ownership.judged with input as given
	count(judged) == 2
}

test_owned_objects_are_not_matched if {
	rows := testing.statuses([_deployment, _pod(_by_deployment)])
	rows[0]["resource-limits"] == "violated"
	{status | some status in rows[1]} == {"not matched"}
}

test_cron_job_and_its_pods if {
	cron := testing.identified(testing.cron_job("c", "prod", []), "c")
	job := testing.identified(
		testing.owned_by(testing.workload("batch/v1", "Job", "prod", "c-1", []), ["batch/v1", "CronJob", "c", "c"]),
		"j",
	)
	pod := testing.owned_by(testing.pod("c-1-a", "prod", []), ["batch/v1", "Job", "c-1", "j"])
	_roots([cron, job, pod]) == [0, 0, 0]
	_roots([pod, job]) == [1, 1]
	_roots([cron, pod]) == [0, 1]
}

test_owner_references_that_are_none if {
	every references in [null, 5, "x", {}, [], [null], [5], ["x"], [[]], [{}], [{"controller": true}], {"a": {}}] {
		strange := object.union(testing.pod("x-1", "prod", []), {"metadata": {"ownerReferences": references}})
		_roots([_deployment, strange]) == [0, 1]
	}
}

# An owner that is no controller does not make the pods.
test_only_the_controller_owns if {
	reference := {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": "d"}
	pods := [object.union(testing.pod("x-1", "prod", []), {"metadata": {"ownerReferences": [other]}}) |
		some other in [reference, object.union(reference, {"controller": false})]
	]
	_roots(array.concat([_deployment], pods)) == [0, 1, 2]
}
