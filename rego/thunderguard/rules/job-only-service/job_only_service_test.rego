package thunderguard.job_only_service_test

import data.thunderguard.testing
import future.keywords.not

_id := "job-only-service"

_runner := testing.container("runner", "runner:1")

_other := testing.container("other", "other:1")

_web := testing.container("tracker", "mlflow:v1")

test_fail_kind_not_listed if {
	testing.same(testing.findings(_id, testing.deployment("x", "prod", [_other, _runner])), {{
		"rule": _id,
		"level": "deny",
		"service": "runner",
		"resource": testing.address("apps/v1", "Deployment", "prod", "x"),
		"path": "spec.template.spec.containers[1]",
		"message": "runner runs as Deployment; it may run as CronJob, Job, Sidecar",
		"remedy": "run runner as CronJob, Job, Sidecar; kubectl delete deployment x -n prod",
		"file": null,
		"index": 0,
	}})
}

test_success_kinds_listed if {
	testing.status(_id, testing.cron_job("x", "prod", [_runner])) == "passed"
	testing.status(_id, testing.workload("batch/v1", "Job", "prod", "x", [_runner])) == "passed"
}

# Beside anything but another declared service it is a Deployment in disguise.
test_sidecar if {
	restartable := object.union(_runner, {"restartPolicy": "Always"})
	both := object.union(_web, {"command": ["x", "--runner"]})
	testing.all_same({
		"beside a service": [testing.status(_id, testing.deployment("x", "prod", [_web, _runner])), "passed"],
		"after it": [testing.status(_id, testing.deployment("x", "prod", [_runner, _web])), "passed"],
		"restartable": [
			testing.status(_id, testing.with_spec(
				testing.pod("x", "prod", [_web]),
				{"initContainers": [restartable]},
			)),
			"passed",
		],
		"beside something else": [testing.status(_id, testing.deployment("x", "prod", [_other, _runner])), "violated"],
		"beside itself": [testing.status(_id, testing.deployment("x", "prod", [_runner, _runner])), "violated"],
		"it is the other service itself": [testing.status(_id, testing.deployment("x", "prod", [both, _web])), "violated"],
		"beside an init container": [
			testing.status(_id, testing.with_spec(testing.pod("x", "prod", [_runner]), {"initContainers": [_web]})),
			"violated",
		],
	})
}

test_fail_sidecar_not_listed if {
	changes := {"services": [
		{"name": "host", "recognise": [{"image": "^host$"}]},
		{"name": "runner", "recognise": [{"image": "^runner$"}], "execution": ["Deployment"]},
	]}
	document := testing.deployment("x", "prod", [testing.container("h", "host:1"), _runner])
	found := testing.findings_under(_id, document, changes)
	{finding.message | some finding in found} == {"runner runs as Sidecar; it may run as Deployment"}
	testing.findings_under(_id, testing.deployment("x", "prod", [_runner]), changes) == set()
}

test_success_not_matched if {
	testing.status(_id, testing.deployment("x", "kube-system", [_runner])) == "not matched"
	testing.status(_id, testing.deployment("x", "prod", [_web])) == "not matched"
	testing.status(_id, testing.thing("v1", "ConfigMap", "prod", "x")) == "not matched"
}
