package thunderguard.advice_test

import data.thunderguard.advice
import data.thunderguard.testing

_answer(obj) := answer if {
	review := {
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
	answer := advice with input as review with data.estate as testing.estate
}

test_what_passes_passes_in_silence if {
	testing.same(_answer(testing.deployment("runner", "prod", [testing.container("a", "app:1")])), {
		"apiVersion": "admission.k8s.io/v1",
		"kind": "AdmissionReview",
		"response": {"uid": "705ab4f5", "allowed": true, "warnings": []},
	})
}

test_what_would_be_denied_is_a_warning_before_the_others if {
	answer := _answer(testing.deployment("mlflow", "data", [testing.unbounded("a", "mlflow:v1")]))
	answer.response.allowed
	[concat(":", array.slice(split(warning, ": "), 0, 2)) | some warning in answer.response.warnings] == [
		"would be denied:resource-limits",
		"would be denied:singleton-service",
		"health-probes:spec.template.spec.containers[0].livenessProbe",
		"health-probes:spec.template.spec.containers[0].readinessProbe",
	]
}

test_without_an_estate_it_says_so if {
	answer := advice with input as {} with data.estate as {}
	answer.response.allowed
	count(answer.response.warnings) == 1
	startswith(answer.response.warnings[0], "would be denied: thunderguard cannot ")
}
