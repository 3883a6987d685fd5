package thunderguard.image_reference_test

import data.thunderguard.testing
import future.keywords.not

_id := "image-reference"

_of(image) := testing.pod("x", "prod", [testing.container("a", image)])

_finding(service, message, remedy) := {
	"rule": _id,
	"level": "deny",
	"service": service,
	"resource": testing.address("v1", "Pod", "prod", "x"),
	"path": "spec.containers[0].image",
	"message": message,
	"remedy": remedy,
	"file": null,
	"index": 0,
}

test_fail_missing if {
	wanted := {_finding(
		null,
		"container a names no image",
		"set spec.containers[0].image to an image with a version tag",
	)}
	every image in ["", null, 5, [], {}, true, false] {
		testing.same(testing.findings(_id, _of(image)), wanted)
	}
	testing.same(testing.findings(_id, testing.pod("x", "prod", [{"name": "a"}])), wanted)
}

test_fail_untagged if {
	testing.same(testing.findings(_id, _of("ghcr.io:5000/org/app")), {_finding(
		null,
		"image ghcr.io:5000/org/app of container a has neither tag nor digest",
		"name a version in spec.containers[0].image, such as ghcr.io:5000/org/app:1.2.3",
	)})
}

test_fail_forbidden_tag if {
	testing.same(testing.findings(_id, _of("org/app:latest")), {_finding(
		null,
		"image org/app:latest of container a has the moving tag latest",
		"name a version in spec.containers[0].image, such as org/app:1.2.3",
	)})
}

test_fail_repository if {
	testing.same(testing.findings(_id, _of("evil.example/mlflow:v1")), {_finding(
		"mlflow",
		"image evil.example/mlflow:v1 of mlflow is not from docker.io/library/mlflow, ghcr.io/mlflow/mlflow",
		"take the image of mlflow from docker.io/library/mlflow, ghcr.io/mlflow/mlflow",
	)})
}

test_fail_version if {
	testing.same(testing.findings(_id, _of("mlflow:2.0")), {_finding(
		"mlflow",
		"tag 2.0 of mlflow does not match ^v[0-9]+",
		"name a tag that matches ^v[0-9]+ in spec.containers[0].image",
	)})
}

test_success_pinned if {
	every image in [
		"app:1.0", "app@sha256:ab", "app:latest@sha256:ab", "ghcr.io:5000/org/app:1", "mlflow:v1", "docker.io/mlflow:v1",
		"library/mlflow:v1", "index.docker.io/library/mlflow:v1", "ghcr.io/mlflow/mlflow:v2@sha256:ab", "mlflow@sha256:ab",
	] {
		testing.status(_id, _of(image)) == "passed"
	}
}

test_fail_other_forms if {
	testing.all_same({
		"empty digest": [testing.messages(_id, _of("app@")), {"image app@ of container a has neither tag nor digest"}],
		"empty tag": [testing.messages(_id, _of("app:")), {"image app: of container a has neither tag nor digest"}],
		"tag and digest of a wrong version": [
			testing.messages(_id, _of("mlflow:2@sha256:ab")),
			{"tag 2 of mlflow does not match ^v[0-9]+"},
		],
		"wrong repository with digest": [
			testing.messages(_id, _of("evil/mlflow@sha256:ab")),
			{"image evil/mlflow@sha256:ab of mlflow is not from docker.io/library/mlflow, ghcr.io/mlflow/mlflow"},
		],
		"the general defect is first": [
			testing.messages(_id, _of("evil/mlflow")),
			{"image evil/mlflow of container a has neither tag nor digest"},
		],
		"the repository is before the version": [
			testing.messages(_id, _of("evil/mlflow:2")),
			{"image evil/mlflow:2 of mlflow is not from docker.io/library/mlflow, ghcr.io/mlflow/mlflow"},
		],
		"service without rules": [testing.messages(_id, _of("loose:1")), set()],
	})
}

test_fail_every_role if {
	document := testing.with_spec(testing.pod("x", "prod", [testing.container("a", "app:1"), {"image": "app"}]), {
		"initContainers": [testing.container("i", "app"), object.union(
			testing.container("s", "app"),
			{"restartPolicy": "Always"},
		)],
		"ephemeralContainers": [testing.container("e", "app")],
	})
	testing.paths(_id, document) == {
		"spec.containers[1].image", "spec.initContainers[0].image", "spec.initContainers[1].image",
		"spec.ephemeralContainers[0].image",
	}
}

# Whose repositories are wrong comes first, whose version is wrong then.
test_fail_services_in_order_of_their_names if {
	changes := {"services": [
		{"name": "b", "recognise": [{"image": "x"}], "image": {"repositories": ["b/x"]}},
		{"name": "a", "recognise": [{"image": "x"}], "image": {"repositories": ["a/x"], "tag": "^1$"}},
	]}
	every image, service in {"c/x:1": "a", "a/x:1": "b", "b/x:1": "a", "a/x:2": "b"} {
		{found.service | some found in testing.findings_under(_id, _of(image), changes)} == {service}
	}
}

test_success_nothing_forbidden if {
	testing.findings_under(_id, _of("app:latest"), {"images": null}) == set()
	found := testing.findings_under(_id, _of("app"), {"images": null})
	{finding.message | some finding in found} == {"image app of container a has neither tag nor digest"}
}

test_success_not_matched if {
	testing.status(_id, testing.pod("x", "kube-system", [testing.container("a", "app")])) == "not matched"
	testing.status(_id, testing.thing("v1", "ConfigMap", "prod", "x")) == "not matched"
}
