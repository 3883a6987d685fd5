package thunderguard.webhook_test

import data.thunderguard.testing
import data.thunderguard.webhook
import future.keywords.not

_review(obj) := {
	"apiVersion": "admission.k8s.io/v1",
	"kind": "AdmissionReview",
	"request": {
		"uid": "705ab4f5",
		"operation": "CREATE",
		"object": obj,
		"oldObject": null,
		"userInfo": {"username": "alice"},
	},
}

_answer(document) := answer if {
	answer := webhook with input as document with data.estate as testing.estate
}

_good := testing.deployment("runner", "prod", [testing.container("a", "app:1")])

test_allowed if {
	testing.same(_answer(_review(_good)), {
		"apiVersion": "admission.k8s.io/v1",
		"kind": "AdmissionReview",
		"response": {
			"uid": "705ab4f5",
			"allowed": true,
			"warnings": [],
			"auditAnnotations": {"rules": "deprecated-service,image-reference,namespace-boundary,resource-limits"},
		},
	})
}

test_denied if {
	bad := testing.deployment("mlflow", "data", [testing.unbounded("a", "mlflow:v1")])
	testing.same(_answer(_review(bad)), {
		"apiVersion": "admission.k8s.io/v1",
		"kind": "AdmissionReview",
		"response": {
			"uid": "705ab4f5",
			"allowed": false,
			"status": {
				"code": 403,
				"message": concat("\n", [
					concat("", [
						"resource-limits: spec.template.spec.containers[0].resources: container a sets no ",
						"limits.cpu, limits.memory, requests.cpu, requests.memory. ",
						"set limits.cpu, limits.memory, requests.cpu, requests.memory in the resources of container a",
					]),
					concat("", [
						"singleton-service: spec.template.spec.containers[0]: mlflow runs as data/Deployment/mlflow, ",
						"away from its home Deployment prod/mlflow. ",
						"kubectl delete deployment mlflow -n data, once Deployment prod/mlflow serves",
					]),
				]),
			},
			"warnings": [warning |
				some probe in ["livenessProbe", "readinessProbe"]
				warning := concat("", [
					"health-probes: spec.template.spec.containers[0].", probe, ": container a of mlflow has no ", probe,
					". add spec.template.spec.containers[0].", probe, " to container a",
				])
			],
			"auditAnnotations": {"rules": concat(",", [
				"deprecated-service", "health-probes", "image-reference", "namespace-boundary", "resource-limits",
				"singleton-service",
			])},
		},
	})
}

test_warned if {
	response := _answer(_review(testing.deployment("mlflow", "prod", [testing.container("a", "mlflow:v1")]))).response
	response.allowed
	not response.status
	[split(warning, ": ")[0] | some warning in response.warnings] == ["health-probes", "health-probes"]
}

# Of two services found at one place, the first by name speaks, as in every report.
test_one_line_a_place if {
	home := {"kind": "Deployment", "namespace": "prod", "name": "other"}
	twins := [{"name": name, "recognise": [{"image": "^twin$"}], "home": home} | some name in ["b", "a"]]
	estate := testing.changed_estate({"services": twins})
	asked := _review(testing.deployment("x", "prod", [testing.container("c", "twin:1")]))
	answer := webhook with input as asked with data.estate as estate
	lines := split(answer.response.status.message, "\n")
	count(lines) == 1
	startswith(lines[0], "singleton-service: spec.template.spec.containers[0]: a runs as ")
}

test_what_is_not_judged_is_allowed if {
	deleted := object.union(_review(_good), {"request": {"operation": "DELETE", "object": null, "oldObject": _good}})
	_answer(deleted).response == {"uid": "705ab4f5", "allowed": true, "warnings": [], "auditAnnotations": {}}
}

test_the_version_that_was_asked_in if {
	asked := object.union(_review(_good), {"apiVersion": "admission.k8s.io/v1beta1"})
	_answer(asked).apiVersion == "admission.k8s.io/v1beta1"
	_answer(object.union(asked, {"apiVersion": "admission.k8s.io/v2"})).apiVersion == "admission.k8s.io/v1"
}

test_what_cannot_be_read_is_refused if {
	good := _review(_good)
	every asked in [
		null, true, 5, "x", [], {}, [good], {"request": good.request},
		object.union(good, {"apiVersion": "admission.k8s.io/v2"}),
		object.union(good, {"apiVersion": null}),
		object.union(good, {"kind": "Pod"}),
		object.union(good, {"request": null}),
		object.union(good, {"request": "x"}),
		object.remove(good, ["request"]),
		object.union(good, {"request": {"uid": null}}),
		object.union(good, {"request": {"uid": ["705ab4f5"]}}),
		object.union(good, {"request": {"uid": ""}}),
		object.union(good, {"request": {"operation": null}}),
		object.union(good, {"request": {"operation": "PATCH"}}),
		object.union(good, {"request": {"object": null}}),
		object.union(good, {"request": {"object": []}}),
		object.union(good, {"request": {"object": {"kind": 5}}}),
	] {
		answer := _answer(asked)
		answer.kind == "AdmissionReview"
		answer.response.allowed == false
		answer.response.status.code == 400
		startswith(answer.response.status.message, "thunderguard cannot read the AdmissionReview: ")
		answer.response.warnings == []
		is_string(answer.response.uid)
	}
	_answer(object.union(good, {"request": {"object": null}})).response.uid == "705ab4f5"
}

test_no_input_is_refused if {
	every nothing in [webhook, _answer(false)] {
		nothing.response == {
			"uid": "",
			"allowed": false,
			"status": {"code": 400, "message": "thunderguard cannot read the AdmissionReview: there is none"},
			"warnings": [],
		}
		nothing.apiVersion == "admission.k8s.io/v1"
	}
}

# Silence would let everything in.
test_without_an_estate_nothing_is_allowed if {
	every estate in [{}, {"spec": {}}, {"spec": {"namespaces": {}}}] {
		answer := webhook with input as _review(_good) with data.estate as estate
		answer.response == {
			"uid": "705ab4f5",
			"allowed": false,
			"status": {
				"code": 500,
				"message": "thunderguard cannot judge: there is no Estate; load it as data.estate",
			},
			"warnings": [],
		}
	}
}

# A waiver opens the door until it ends, and is named to whoever passes.
test_waived if {
	bad := testing.deployment("x", "prod", [testing.unbounded("a", "app:1")])
	estate := testing.changed_estate({"waivers": [{
		"rule": "resource-limits",
		"resource": {"kind": "Deployment", "namespace": "prod", "name": "x"},
		"reason": "r",
		"owner": "ops",
		"expires": "2026-12-31",
	}]})
	before := webhook.response with input as _review(bad)
		with data.estate as estate
		with data.clock as {"at": "2026-12-31"}
	before.allowed
	[concat(": ", array.slice(split(warning, ": "), 0, 3)) | some warning in before.warnings] == [concat(": ", [
		"waived until 2026-12-31", "resource-limits", "spec.template.spec.containers[0].resources",
	])]
	after := webhook.response with input as _review(bad)
		with data.estate as estate
		with data.clock as {"at": "2027-01-01"}
	not after.allowed
	after.warnings == []
}
