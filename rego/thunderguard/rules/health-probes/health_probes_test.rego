package thunderguard.health_probes_test

import data.thunderguard.testing
import future.keywords.not

_id := "health-probes"

_bare := testing.container("server", "mlflow:v1")

_ready := object.union(_bare, {"readinessProbe": {}})

_alive := object.union(_bare, {"livenessProbe": {"exec": {}}})

_in(containers) := testing.deployment("x", "prod", containers)

test_fail_probe if {
	testing.same(testing.findings(_id, _in([_ready])), {{
		"rule": _id,
		"level": "warn",
		"service": "mlflow",
		"resource": testing.address("apps/v1", "Deployment", "prod", "x"),
		"path": "spec.template.spec.containers[0].livenessProbe",
		"message": "container server of mlflow has no livenessProbe",
		"remedy": "add spec.template.spec.containers[0].livenessProbe to container server",
		"file": null,
		"index": 0,
	}})
}

test_probes if {
	readiness := "spec.template.spec.containers[0].readinessProbe"
	liveness := "spec.template.spec.containers[0].livenessProbe"
	testing.all_same({
		"none": [testing.paths(_id, _in([_bare])), {readiness, liveness}],
		"both": [testing.paths(_id, _in([testing.probed("a", "mlflow:v1")])), set()],
		"each by another container": [testing.paths(_id, _in([_ready, _alive])), set()],
		"on a container that is no instance": [
			testing.paths(_id, _in([_bare, testing.probed("b", "other:1")])),
			{readiness, liveness},
		],
		"the first container recognised": [
			testing.paths(_id, _in([testing.container("b", "other:1"), _ready])),
			{"spec.template.spec.containers[1].livenessProbe"},
		],
		"what is no object is none": [
			testing.paths(_id, _in([object.union(_bare, {"readinessProbe": null, "livenessProbe": "x"})])),
			{readiness, liveness},
		],
	})
}

test_only_declared_probes_are_wanted if {
	document := testing.labelled(_in([testing.container("a", "other:1")]), {"app": "web", "tier": "front"})
	testing.messages(_id, document) == {"container a of web has no readinessProbe"}
	no := {"services": [{
		"name": "x",
		"recognise": [{"image": "."}],
		"probes": {"readiness": false, "liveness": false},
	}]}
	testing.findings_under(_id, _in([_bare]), no) == set()
}

test_success_not_matched if {
	testing.all_same({
		"job": [testing.status(_id, testing.workload("batch/v1", "Job", "prod", "x", [_bare])), "not matched"],
		"cron job": [testing.status(_id, testing.cron_job("x", "prod", [_bare])), "not matched"],
		"job of another group": [
			testing.status(_id, testing.workload("example.org/v1", "Job", "prod", "x", [_bare])),
			"violated",
		],
		"exempt": [testing.status(_id, testing.deployment("x", "kube-system", [_bare])), "not matched"],
		"no probes declared": [testing.status(_id, _in([testing.container("a", "runner:1")])), "not matched"],
		"no service": [testing.status(_id, _in([testing.container("a", "other:1")])), "not matched"],
		"passed": [testing.status(_id, _in([testing.probed("a", "mlflow:v1")])), "passed"],
	})
}
