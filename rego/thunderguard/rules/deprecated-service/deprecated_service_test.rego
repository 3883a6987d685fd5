package thunderguard.deprecated_service_test

import data.thunderguard.testing
import future.keywords.not

_id := "deprecated-service"

_automat(namespace) := testing.deployment("bot", namespace, [
	testing.container("a", "other:1"),
	testing.container("b", "ghcr.io/org/automat:1"),
	testing.container("c", "automat:2"),
])

test_fail_first_container_recognised if {
	testing.same(testing.findings(_id, _automat("prod")), {{
		"rule": _id,
		"level": "deny",
		"service": "automat",
		"resource": testing.address("apps/v1", "Deployment", "prod", "bot"),
		"path": "spec.template.spec.containers[1]",
		"message": "prod/Deployment/bot runs the deprecated service automat: absorbed",
		"remedy": "drop automat",
		"file": null,
		"index": 0,
	}})
}

test_fail_in_exempt_namespaces_too if {
	testing.paths(_id, _automat("kube-system")) == {"spec.template.spec.containers[1]"}
}

test_fail_command_uninstalls_the_release if {
	released := testing.annotated(_automat("prod"), {"meta.helm.sh/release-name": "bots"})
	testing.remedies(_id, released) == {"helm uninstall bots -n prod"}
	unknown := testing.annotated(_automat(""), {"meta.helm.sh/release-name": "bots"})
	testing.remedies(_id, unknown) == {"drop automat"}
}

test_success_other_services if {
	testing.status(_id, testing.deployment("x", "prod", [testing.container("a", "other:1")])) == "passed"
	testing.status(_id, testing.deployment("x", "prod", [testing.container("a", "automatic:1")])) == "passed"
	testing.status(_id, testing.thing("v1", "ConfigMap", "prod", "automat")) == "not matched"
	testing.findings_under(_id, _automat("prod"), {"deprecated": null}) == set()
}

test_success_init_containers_run_no_service if {
	document := testing.with_spec(testing.pod("x", "prod", []), {"initContainers": [testing.container("b", "automat:1")]})
	testing.status(_id, document) == "passed"
}
