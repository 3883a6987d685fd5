package thunderguard.singleton_service_test

import data.thunderguard.testing
import future.keywords.not

_id := "singleton-service"

_mlflow(name, namespace) := testing.deployment(name, namespace, [testing.container("server", "mlflow:v1")])

_scaled(replicas) := testing.with_spec(_mlflow("mlflow", "prod"), {"replicas": replicas})

_autoscaler(namespace, spec) := testing.with_spec(
	testing.thing("autoscaling/v2", "HorizontalPodAutoscaler", namespace, "any"),
	object.union({"scaleTargetRef": {"kind": "Deployment", "name": "mlflow"}}, spec),
)

test_fail_away_from_home if {
	testing.same(testing.findings(_id, _mlflow("mlflow-2", "prod")), {{
		"rule": _id,
		"level": "deny",
		"service": "mlflow",
		"resource": testing.address("apps/v1", "Deployment", "prod", "mlflow-2"),
		"path": "spec.template.spec.containers[0]",
		"message": "mlflow runs as prod/Deployment/mlflow-2, away from its home Deployment prod/mlflow",
		"remedy": "kubectl delete deployment mlflow-2 -n prod, once Deployment prod/mlflow serves",
		"file": null,
		"index": 0,
	}})
}

test_fail_above_its_maximum if {
	testing.same(testing.findings(_id, _scaled(2)), {{
		"rule": _id,
		"level": "deny",
		"service": "mlflow",
		"resource": testing.address("apps/v1", "Deployment", "prod", "mlflow"),
		"path": "spec.replicas",
		"message": "mlflow asks for 2 replicas; its maximum is 1",
		"remedy": "set spec.replicas to 1 or less",
		"file": null,
		"index": 0,
	}})
}

test_success_at_home if {
	testing.same(testing.findings(_id, _mlflow("mlflow", "prod")), set())
	testing.status(_id, _mlflow("mlflow", "prod")) == "passed"
}

test_fail_at_another_address if {
	image := [testing.container("server", "mlflow:v1")]
	testing.all_same({
		"namespace": [testing.paths(_id, _mlflow("mlflow", "data")), {"spec.template.spec.containers[0]"}],
		"exempt": [testing.paths(_id, _mlflow("mlflow", "kube-system")), {"spec.template.spec.containers[0]"}],
		"kind": [
			testing.paths(_id, testing.workload("apps/v1", "StatefulSet", "prod", "mlflow", image)),
			{"spec.template.spec.containers[0]"},
		],
		"group": [
			testing.paths(_id, testing.workload("example.org/v1", "Deployment", "prod", "mlflow", image)),
			{"spec.template.spec.containers[0]"},
		],
		"pod": [testing.paths(_id, testing.pod("mlflow", "prod", image)), {"spec.containers[0]"}],
		"cron job": [
			testing.paths(_id, testing.cron_job("mlflow", "prod", image)),
			{"spec.jobTemplate.spec.template.spec.containers[0]"},
		],
		"unknown namespace": [testing.paths(_id, _mlflow("other", "")), {"spec.template.spec.containers[0]"}],
		"generated name": [
			testing.messages(_id, {
				"apiVersion": "v1",
				"kind": "Pod",
				"metadata": {"generateName": "ml-", "namespace": "prod"},
				"spec": {"containers": image},
			}),
			{"mlflow runs as prod/Pod/ml-, away from its home Deployment prod/mlflow"},
		],
	})
}

# In path order: containers come before initContainers.
test_fail_names_the_first_container_recognised if {
	sidecar := object.union(testing.container("tracker", "mlflow:v1"), {"restartPolicy": "Always"})
	document := testing.pod("x", "prod", [testing.container("a", "other:1"), testing.container("b", "mlflow:v1")])
	testing.paths(_id, testing.with_spec(document, {"initContainers": [sidecar]})) == {"spec.containers[1]"}
	alone := testing.pod("x", "prod", [testing.container("a", "other:1")])
	testing.paths(_id, testing.with_spec(alone, {"initContainers": [sidecar]})) == {"spec.initContainers[0]"}
}

test_success_init_and_ephemeral_containers_are_no_instance if {
	server := testing.container("server", "mlflow:v1")
	document := testing.with_spec(
		testing.pod("x", "prod", [testing.container("a", "other:1")]),
		{"initContainers": [server], "ephemeralContainers": [server]},
	)
	testing.status(_id, document) == "not matched"
}

test_fail_two_services_of_one_workload if {
	document := testing.pod("x", "prod", [testing.container("a", "mlflow:v1"), testing.container("b", "batch:1")])
	testing.same(
		{[found.service, found.path] | some found in testing.findings(_id, document)},
		{["mlflow", "spec.containers[0]"], ["batch", "spec.containers[1]"]},
	)
}

test_fail_remedy_uninstalls_a_release_out_of_place if {
	document := testing.annotated(_mlflow("mlflow", "elsewhere"), {"meta.helm.sh/release-name": "tracking"})
	testing.remedies(_id, document) == {"helm uninstall tracking -n elsewhere, once Deployment prod/mlflow serves"}
}

test_fail_replicas_that_exceed_or_are_no_number if {
	testing.all_same({
		"negative": [testing.messages(_id, _scaled(-1)), {"mlflow asks for -1 replicas; its maximum is 1"}],
		"fraction": [testing.messages(_id, _scaled(0.5)), {"mlflow asks for 0.5 replicas; its maximum is 1"}],
		"string": [testing.messages(_id, _scaled("1")), {"mlflow asks for 1 replicas; its maximum is 1"}],
		"true": [testing.messages(_id, _scaled(true)), {"mlflow asks for true replicas; its maximum is 1"}],
		"false": [testing.messages(_id, _scaled(false)), {"mlflow asks for false replicas; its maximum is 1"}],
		"array": [testing.messages(_id, _scaled([])), {"mlflow asks for an array replicas; its maximum is 1"}],
		"object": [testing.messages(_id, _scaled({})), {"mlflow asks for an object replicas; its maximum is 1"}],
		"huge": [
			testing.messages(_id, _scaled(1000000000000000000000)),
			{"mlflow asks for a number replicas; its maximum is 1"},
		],
	})
}

test_success_replicas_within if {
	every replicas in [0, 1, null] {
		testing.status(_id, _scaled(replicas)) == "passed"
	}
}

test_replicas_stand_where_the_kind_has_them if {
	image := "sweeper:1"
	job := testing.workload("batch/v1", "Job", "data", "sweeper", [testing.container("a", image)])
	cron := testing.cron_job("batch", "data", [testing.container("a", "batch:1")])
	deeper := {"jobTemplate": {"spec": {"parallelism": 3}}}
	testing.all_same({
		"job": [
			testing.paths(_id, testing.with_spec(job, {"parallelism": 1})),
			{"spec.parallelism"},
		],
		"job, absent is 1": [testing.messages(_id, job), {"sweeper asks for 1 replicas; its maximum is 0"}],
		"job, null is 1": [
			testing.messages(_id, testing.with_spec(job, {"parallelism": null})),
			{"sweeper asks for null replicas; its maximum is 0"},
		],
		"job, 0": [testing.paths(_id, testing.with_spec(job, {"parallelism": 0})), set()],
		"cron job": [
			testing.paths(_id, testing.with_spec(cron, deeper)),
			{"spec.jobTemplate.spec.parallelism"},
		],
		"cron job, within": [testing.paths(_id, cron), set()],
	})
}

test_success_no_maximum_no_replica_check if {
	changes := {"services": [{
		"name": "free",
		"recognise": [{"image": "^free$"}],
		"home": {"kind": "Deployment", "namespace": "prod", "name": "free"},
	}]}
	document := testing.with_spec(
		testing.deployment("free", "prod", [testing.container("a", "free:1")]),
		{"replicas": 99},
	)
	testing.findings_under(_id, document, changes) == set()
}

test_success_kinds_without_replicas if {
	changes := {"services": [{
		"name": "agent",
		"recognise": [{"image": "^agent$"}],
		"home": {"kind": "DaemonSet", "namespace": "prod", "name": "agent"},
		"replicas": {"max": 1},
	}]}
	document := testing.workload("apps/v1", "DaemonSet", "prod", "agent", [testing.container("a", "agent:1")])
	testing.findings_under(_id, testing.with_spec(document, {"replicas": 5}), changes) == set()
}

test_unknown_namespace_is_not_judged if {
	testing.status(_id, _mlflow("mlflow", "")) == "not judged"
	raised := testing.with_spec(_mlflow("mlflow", ""), {"replicas": 2})
	testing.status(_id, raised) == "violated"
	testing.paths(_id, raised) == {"spec.replicas"}
}

test_fail_autoscaler if {
	testing.same(testing.findings(_id, _autoscaler("prod", {"maxReplicas": 3})), {{
		"rule": _id,
		"level": "deny",
		"service": "mlflow",
		"resource": testing.address("autoscaling/v2", "HorizontalPodAutoscaler", "prod", "any"),
		"path": "spec.maxReplicas",
		"message": "mlflow asks for 3 replicas; its maximum is 1",
		"remedy": "set spec.maxReplicas to 1 or less",
		"file": null,
		"index": 0,
	}})
	testing.all_same({
		"unknown namespace": [testing.paths(_id, _autoscaler("", {"maxReplicas": 3})), {"spec.maxReplicas"}],
		"absent": [
			testing.messages(_id, _autoscaler("prod", {})),
			{"mlflow asks for null replicas; its maximum is 1"},
		],
		"null": [
			testing.messages(_id, _autoscaler("prod", {"maxReplicas": null})),
			{"mlflow asks for null replicas; its maximum is 1"},
		],
		"text": [
			testing.messages(_id, _autoscaler("prod", {"maxReplicas": "1"})),
			{"mlflow asks for 1 replicas; its maximum is 1"},
		],
	})
}

test_success_autoscaler if {
	testing.status(_id, _autoscaler("prod", {"maxReplicas": 1})) == "passed"
	testing.status(_id, _autoscaler("", {"maxReplicas": 1})) == "passed"
}

test_success_autoscaler_of_something_else if {
	every other in [
		_autoscaler("data", {"maxReplicas": 9}),
		_autoscaler("prod", {"maxReplicas": 9, "scaleTargetRef": {"name": "other"}}),
		_autoscaler("prod", {"maxReplicas": 9, "scaleTargetRef": {"kind": "StatefulSet"}}),
		object.union(_autoscaler("prod", {"maxReplicas": 9}), {"apiVersion": "example.org/v1"}),
		object.union(_autoscaler("prod", {"maxReplicas": 9}), {"kind": "Autoscaler"}),
		object.union(_autoscaler("prod", {}), {"spec": null}),
		object.union(_autoscaler("prod", {}), {"spec": {"scaleTargetRef": []}}),
	] {
		testing.status(_id, other) == "not matched"
	}
}

test_success_not_matched if {
	testing.status(_id, testing.deployment("x", "prod", [testing.container("a", "other:1")])) == "not matched"
	testing.status(_id, testing.deployment("x", "prod", [testing.container("a", "runner:1")])) == "not matched"
	testing.status(_id, testing.thing("v1", "ConfigMap", "prod", "x")) == "not matched"
}

_scale(kind, namespace, name, replicas) := {
	"apiVersion": "admission.k8s.io/v1",
	"kind": "AdmissionReview",
	"request": {
		"uid": "1",
		"operation": "UPDATE",
		"subResource": "scale",
		"resource": {"group": "apps", "version": "v1", "resource": kind},
		"object": testing.with_spec(testing.thing("autoscaling/v1", "Scale", namespace, name), {"replicas": replicas}),
		"oldObject": testing.thing("autoscaling/v1", "Scale", namespace, name),
	},
}

test_fail_scale if {
	testing.same(testing.findings(_id, _scale("deployments", "prod", "mlflow", 3)), {{
		"rule": _id,
		"level": "deny",
		"service": "mlflow",
		"resource": testing.address("apps/v1", "Deployment", "prod", "mlflow"),
		"path": "spec.replicas",
		"message": "mlflow asks for 3 replicas; its maximum is 1",
		"remedy": "set spec.replicas to 1 or less",
		"file": null,
		"index": 0,
	}})
	testing.paths(_id, _scale("statefulsets", "prod", "web", 4)) == {"spec.replicas"}
}

test_scale_is_judged_by_this_rule_alone if {
	every request in [_scale("deployments", "prod", "mlflow", 1), _scale("deployments", "prod", "mlflow", 3)] {
		others := object.remove(testing.statuses(request)[0], [_id])
		{status | some status in others} == {"not matched"}
	}
}

test_success_scale if {
	testing.all_same({
		"within": [testing.status(_id, _scale("deployments", "prod", "mlflow", 1)), "passed"],
		"another name": [testing.status(_id, _scale("deployments", "prod", "other", 9)), "not matched"],
		"another namespace": [testing.status(_id, _scale("deployments", "thunder", "mlflow", 9)), "not matched"],
		"no namespace": [testing.status(_id, _scale("deployments", "", "mlflow", 9)), "not matched"],
		"another kind": [testing.status(_id, _scale("statefulsets", "prod", "mlflow", 9)), "not matched"],
	})
}
