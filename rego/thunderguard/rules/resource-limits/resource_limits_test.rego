package thunderguard.resource_limits_test

import data.thunderguard.testing
import future.keywords.not

_id := "resource-limits"

_full := {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "1Gi"}}

_bounded(image, resources) := {"name": "a", "image": image, "resources": resources}

_pod(resources) := testing.pod("x", "prod", [_bounded("other:1", resources)])

_runner(resources) := testing.pod("x", "prod", [_bounded("runner:1", resources)])

_pod_level(resources, containers) := testing.with_spec(testing.pod("x", "prod", containers), {"resources": resources})

_finding(resource, path, words) := {
	"rule": _id,
	"level": "deny",
	"service": words.service,
	"resource": resource,
	"path": path,
	"message": words.message,
	"remedy": words.remedy,
	"file": null,
	"index": 0,
}

_here := testing.address("v1", "Pod", "prod", "x")

test_fail_missing if {
	document := testing.deployment("x", "prod", [testing.unbounded("a", "other:1")])
	testing.same(testing.findings(_id, document), {_finding(
		testing.address("apps/v1", "Deployment", "prod", "x"),
		"spec.template.spec.containers[0].resources",
		{
			"service": null,
			"message": "container a sets no limits.cpu, limits.memory, requests.cpu, requests.memory",
			"remedy": concat("", [
				"set limits.cpu, limits.memory, requests.cpu, requests.memory",
				" in the resources of container a",
			]),
		},
	)})
}

test_fail_zero if {
	testing.same(testing.findings(_id, _pod({"limits": {"cpu": "0", "memory": "1Gi"}})), {_finding(
		_here,
		"spec.containers[0].resources.limits.cpu",
		{
			"service": null,
			"message": "spec.containers[0].resources.limits.cpu is 0, which is no bound at all",
			"remedy": "give spec.containers[0].resources.limits.cpu a value above zero",
		},
	)})
}

test_fail_unreadable if {
	testing.same(testing.findings(_id, _pod({"limits": {"cpu": "1", "memory": "banana"}})), {_finding(
		_here,
		"spec.containers[0].resources.limits.memory",
		{
			"service": null,
			"message": "spec.containers[0].resources.limits.memory is banana, which is not a Kubernetes quantity",
			"remedy": "write spec.containers[0].resources.limits.memory as a quantity, such as 500m or 2Gi",
		},
	)})
}

test_fail_ceiling if {
	testing.same(testing.findings(_id, _runner({"limits": {"cpu": "2001m", "memory": "1Gi"}})), {_finding(
		_here,
		"spec.containers[0].resources.limits.cpu",
		{
			"service": "runner",
			"message": "spec.containers[0].resources.limits.cpu is 2001m, above the ceiling of runner, 2",
			"remedy": "set spec.containers[0].resources.limits.cpu to 2 or less",
		},
	)})
}

test_fail_containers if {
	testing.same(testing.findings(_id, testing.pod("x", "prod", [])), {_finding(
		_here,
		"spec.containers",
		{
			"service": null,
			"message": "spec.containers holds no list of containers, so nothing in it is bounded",
			"remedy": "write spec.containers as a list of containers",
		},
	)})
}

test_success_bounded if {
	testing.status(_id, _pod(_full)) == "passed"
	testing.status(_id, testing.thing("v1", "ConfigMap", "prod", "x")) == "not matched"
	testing.status(_id, testing.pod("x", "kube-system", [])) == "not matched"
	testing.findings_under(_id, _pod({}), {"resources": null}) == set()
}

# The API server takes a limit for the request that is not set.
test_limits_stand_in_for_requests if {
	testing.status(_id, _pod({"limits": {"cpu": "1", "memory": "1Gi"}})) == "passed"
	testing.same(
		testing.messages(_id, _pod({"requests": {"cpu": "1", "memory": "1Gi"}})),
		{"container a sets no limits.cpu, limits.memory"},
	)
	testing.same(
		testing.messages(_id, _pod({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}})),
		{"container a sets no limits.memory, requests.memory"},
	)
}

test_null_is_absent if {
	nothing := {"container a sets no limits.cpu, limits.memory, requests.cpu, requests.memory"}
	every resources in [
		null, {}, [], "x", 5, {"limits": null}, {"limits": "x", "requests": []}, {"limits": {"cpu": null, "memory": null}},
		{"limits": {"storage": "1Gi"}, "claims": [{"cpu": "1"}]},
	] {
		testing.same(testing.messages(_id, _pod(resources)), nothing)
	}
}

test_pod_level_resources if {
	empty := [_bounded("other:1", {})]
	testing.all_same({
		"limits cover all": [
			testing.paths(_id, _pod_level({"limits": {"cpu": "1", "memory": "1Gi"}}, empty)),
			set(),
		],
		"requests cover requests": [
			testing.messages(_id, _pod_level({"requests": {"cpu": "1", "memory": "1Gi"}}, empty)),
			{"container a sets no limits.cpu, limits.memory"},
		],
		"together": [
			testing.paths(_id, _pod_level({"limits": {"cpu": "1"}}, [_bounded("other:1", {"limits": {"memory": "1Gi"}})])),
			set(),
		],
		"one finding for the pod": [
			testing.paths(_id, _pod_level({"limits": {"cpu": "0", "memory": "x"}}, [empty[0], empty[0]])),
			{"spec.resources.limits.cpu", "spec.resources.limits.memory"},
		],
		"null": [
			testing.messages(_id, _pod_level({"limits": {"cpu": null, "memory": "1Gi"}}, empty)),
			{"container a sets no limits.cpu, requests.cpu"},
		],
		"deeper": [
			testing.paths(_id, testing.with_spec(
				testing.deployment("x", "prod", empty),
				{"template": {"spec": {"resources": {"limits": {"cpu": "0", "memory": "1Gi"}}}}},
			)),
			{"spec.template.spec.resources.limits.cpu"},
		],
	})
}

test_fail_zero_and_unreadable_values if {
	testing.all_same({
		"zeros": [
			testing.paths(_id, _pod({"limits": {"cpu": "0m", "memory": 0}, "requests": {"cpu": "0.000", "memory": "0Gi"}})),
			{
				"spec.containers[0].resources.limits.cpu",
				"spec.containers[0].resources.limits.memory",
				"spec.containers[0].resources.requests.cpu",
				"spec.containers[0].resources.requests.memory",
			},
		],
		"texts": [
			testing.messages(_id, _pod({"limits": {"cpu": true, "memory": []}, "requests": {"cpu": -1, "memory": {}}})),
			{
				"spec.containers[0].resources.limits.cpu is true, which is not a Kubernetes quantity",
				"spec.containers[0].resources.limits.memory is an array, which is not a Kubernetes quantity",
				"spec.containers[0].resources.requests.cpu is -1, which is not a Kubernetes quantity",
				"spec.containers[0].resources.requests.memory is an object, which is not a Kubernetes quantity",
			},
		],
		"empty": [
			testing.messages(_id, _pod({"limits": {"cpu": "", "memory": "1Gi"}})),
			{"spec.containers[0].resources.limits.cpu is , which is not a Kubernetes quantity"},
		],
		"numbers": [testing.paths(_id, _pod({"limits": {"cpu": 1, "memory": 1000000000}})), set()],
		"false": [
			testing.messages(_id, _pod({"limits": {"cpu": false, "memory": "1Gi"}})),
			{"spec.containers[0].resources.limits.cpu is false, which is not a Kubernetes quantity"},
		],
	})
}

test_only_required_values_are_looked_at if {
	only := {"resources": {"require": ["limits.memory"]}}
	testing.findings_under(_id, _pod({"limits": {"memory": "1Gi", "cpu": "banana"}}), only) == set()
	{found.message | some found in testing.findings_under(_id, _pod({}), only)} == {"container a sets no limits.memory"}
}

test_fail_every_role_but_ephemeral if {
	sidecar := {"name": "s", "image": "other:1", "restartPolicy": "Always"}
	document := testing.with_spec(
		testing.pod("x", "prod", [_bounded("other:1", _full)]),
		{
			"initContainers": [testing.unbounded("i", "other:1"), sidecar],
			"ephemeralContainers": [testing.unbounded("e", "other:1")],
		},
	)
	testing.paths(_id, document) == {"spec.initContainers[0].resources", "spec.initContainers[1].resources"}
}

test_fail_container_without_name_is_named_by_its_place if {
	document := testing.pod("x", "prod", [_bounded("other:1", _full), {"image": "other:1", "name": 5}])
	testing.messages(_id, document) == {"container 1 sets no limits.cpu, limits.memory, requests.cpu, requests.memory"}
}

test_ceilings if {
	testing.all_same({
		"equal": [testing.paths(_id, _runner({"limits": {"cpu": "2000m", "memory": "4Gi"}})), set()],
		"request": [
			testing.paths(_id, _runner({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "3"}})),
			{"spec.containers[0].resources.requests.cpu"},
		],
		"memory": [
			testing.messages(_id, _runner({"limits": {"cpu": "1", "memory": "4.1Gi"}})),
			{"spec.containers[0].resources.limits.memory is 4.1Gi, above the ceiling of runner, 4Gi"},
		],
		"unreadable": [
			testing.paths(_id, _runner({"limits": {"cpu": "banana", "memory": "1Gi"}})),
			{"spec.containers[0].resources.limits.cpu"},
		],
		"another service has none": [
			testing.paths(_id, testing.pod("x", "prod", [_bounded("loose:1", {"limits": {"cpu": "9", "memory": "9Gi"}})])),
			set(),
		],
	})
	unreadable := testing.findings(_id, _runner({"limits": {"cpu": "banana", "memory": "1Gi"}}))
	{found.service | some found in unreadable} == {null}
}

test_fail_ceiling_of_what_is_not_required if {
	none := {"resources": {"require": []}}
	document := _runner({"limits": {"cpu": "3"}})
	{found.path | some found in testing.findings_under(_id, document, none)} == {"spec.containers[0].resources.limits.cpu"}
}

test_fail_smallest_ceiling_counts if {
	# Recognised as runner by its command and as mlflow by its image.
	container := object.union(
		_bounded("mlflow:v1", {"limits": {"cpu": "3", "memory": "1Gi"}}),
		{"command": ["x", "--runner"]},
	)
	testing.same(
		{[found.service, found.message] | some found in testing.findings(_id, testing.pod("x", "prod", [container]))},
		{["mlflow", "spec.containers[0].resources.limits.cpu is 3, above the ceiling of mlflow, 1"]},
	)
	twins := {"services": [
		{"name": "b", "recognise": [{"image": "x"}], "ceiling": {"cpu": "1000m"}},
		{"name": "a", "recognise": [{"image": "x"}], "ceiling": {"cpu": "1"}},
	]}
	document := testing.pod("x", "prod", [_bounded("x:1", {"limits": {"cpu": "2", "memory": "1Gi"}})])
	{found.service | some found in testing.findings_under(_id, document, twins)} == {"a"}
}

test_pod_level_ceiling if {
	bare := _bounded("runner:1", {})
	own := _bounded("runner:1", {"limits": {"cpu": "1", "memory": "1Gi"}})
	high := {"limits": {"cpu": "3", "memory": "1Gi"}}
	testing.same(testing.findings(_id, _pod_level(high, [bare, bare])), {_finding(
		_here,
		"spec.resources.limits.cpu",
		{
			"service": "runner",
			"message": "spec.resources.limits.cpu is 3, above the ceiling of runner, 2",
			"remedy": "set spec.resources.limits.cpu to 2 or less",
		},
	)})
	testing.all_same({
		"own limit": [testing.paths(_id, _pod_level(high, [own])), set()],
		"within": [testing.paths(_id, _pod_level({"limits": {"cpu": "2", "memory": "1Gi"}}, [bare])), set()],
		"requests are no limits": [
			testing.paths(_id, _pod_level({"requests": {"cpu": "3"}, "limits": {"cpu": "1", "memory": "1Gi"}}, [bare])),
			set(),
		],
		"no service": [testing.paths(_id, _pod_level(high, [_bounded("other:1", {})])), set()],
		"unreadable": [
			testing.messages(_id, _pod_level({"limits": {"cpu": "x", "memory": "1Gi"}}, [bare])),
			{"spec.resources.limits.cpu is x, which is not a Kubernetes quantity"},
		],
	})
}

test_fail_malformed_lists if {
	good := [_bounded("other:1", _full)]
	testing.all_same({
		"null": [testing.paths(_id, testing.pod("x", "prod", null)), {"spec.containers"}],
		"object": [testing.paths(_id, testing.pod("x", "prod", {})), {"spec.containers"}],
		"text": [testing.paths(_id, testing.pod("x", "prod", "a")), {"spec.containers"}],
		"element": [
			testing.paths(_id, testing.pod("x", "prod", [good[0], 5, null, []])),
			{"spec.containers[1]", "spec.containers[2]", "spec.containers[3]"},
		],
		"no spec": [testing.paths(_id, testing.thing("v1", "Pod", "prod", "x")), {"spec.containers"}],
		"null spec": [
			testing.paths(_id, object.union(testing.thing("v1", "Pod", "prod", "x"), {"spec": null})),
			{"spec.containers"},
		],
		"null template": [
			testing.paths(_id, testing.with_spec(testing.thing("apps/v1", "Deployment", "prod", "x"), {"template": null})),
			{"spec.template.spec.containers"},
		],
		"text for a template's spec": [
			testing.paths(_id, testing.with_spec(
				testing.thing("batch/v1", "Job", "prod", "x"),
				{"template": {"spec": "x"}},
			)),
			{"spec.template.spec.containers"},
		],
		"cron job without all": [
			testing.paths(_id, testing.thing("batch/v1", "CronJob", "prod", "x")),
			{"spec.jobTemplate.spec.template.spec.containers"},
		],
		"init object": [
			testing.paths(_id, testing.with_spec(testing.pod("x", "prod", good), {"initContainers": {}})),
			{"spec.initContainers"},
		],
		"init element": [
			testing.paths(_id, testing.with_spec(testing.pod("x", "prod", good), {"initContainers": [5]})),
			{"spec.initContainers[0]"},
		],
		"init null": [
			testing.paths(_id, testing.with_spec(testing.pod("x", "prod", good), {"initContainers": null})),
			set(),
		],
		"init empty": [
			testing.paths(_id, testing.with_spec(testing.pod("x", "prod", good), {"initContainers": []})),
			set(),
		],
		"both": [
			testing.paths(_id, testing.with_spec(testing.pod("x", "prod", []), {"initContainers": 5})),
			{"spec.containers", "spec.initContainers"},
		],
	})
}
