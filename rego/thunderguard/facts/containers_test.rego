package thunderguard.facts.containers_test

import data.thunderguard.facts.containers
import data.thunderguard.testing
import future.keywords.not

_workload(obj) := workload if {
	found := containers.all_workloads with input as obj with data.estate as testing.estate
	workload := found[0]
}

_services(container) := _workload(testing.pod("x", "prod", [container])).services

test_containers_with_their_roles if {
	pod := testing.with_spec(testing.pod("x", "prod", [{"name": "a"}, 5, null]), {
		"initContainers": [{"name": "i"}, {"name": "s", "restartPolicy": "Always"}],
		"ephemeralContainers": [{"name": "e"}],
	})
	[[container.raw.name, container.role, container.path] | some container in _workload(pod).containers] == [
		["a", "container", ["spec", "containers", 0]],
		["i", "init", ["spec", "initContainers", 0]],
		["s", "sidecar", ["spec", "initContainers", 1]],
		["e", "ephemeral", ["spec", "ephemeralContainers", 0]],
	]
}

test_malformed_shapes_have_no_containers if {
	every spec in [null, 5, "x", [], {"containers": {}}, {"containers": "x"}, {"initContainers": 5}, {"containers": [5]}] {
		_workload(object.union(testing.thing("v1", "Pod", "prod", "x"), {"spec": spec})).containers == []
		_workload(testing.with_spec(
			testing.thing("apps/v1", "Deployment", "prod", "x"),
			{"template": {"spec": spec}},
		)).containers == []
	}
	_workload(testing.with_spec(testing.thing("apps/v1", "Deployment", "prod", "x"), {"template": 5})).containers == []
}

test_recognised_by_image if {
	testing.all_same({image: [_services({"image": image}), names] | some image, names in {
		"mlflow": {"mlflow"},
		"ghcr.io:5000/org/mlflow:v1@sha256:a/b": {"mlflow"},
		"mlflow/server": set(),
		"mlflow-extra": set(),
		"org/mlflow@sha256:ab": {"mlflow"},
		"": set(),
	}})
	_services({"image": 5}) == set()
	_services({"image": null, "name": "mlflow"}) == set()
}

test_recognised_by_image_and_command if {
	testing.all_same({
		"both": [_services({"image": "python:3", "command": ["mlflow"], "args": ["server"]}), {"mlflow"}],
		"command alone": [_services({"image": "node", "command": ["mlflow server"]}), set()],
		"image alone": [_services({"image": "python:3", "command": ["server"]}), set()],
		"what is no text is left out": [
			_services({"image": "python", "command": ["mlflow", 5, null], "args": ["server"]}),
			{"mlflow"},
		],
		"no arrays": [_services({"image": "python", "command": "mlflow", "args": {"a": "server"}}), set()],
		"one text for all": [_services({"image": "x", "command": ["a", "--runner"]}), {"runner"}],
	})
}

# An alternative holds whole, whichever of its criteria is looked at first.
test_recognised_by_all_criteria_of_an_alternative if {
	front := {"app": "web"}
	estate := testing.changed_estate({"services": [
		{"name": "a", "recognise": [{"image": "^app$", "labels": front}]},
		{"name": "b", "recognise": [{"image": "^app$", "name": "^b$"}]},
		{"name": "c", "recognise": [{"command": "^serve$", "labels": front, "name": "^c$"}]},
		{"name": "d", "recognise": [{"labels": front, "name": "^d$"}]},
	]})
	bare := [
		testing.pod("b", "prod", [{"image": "app"}]),
		testing.pod("x", "prod", [{"image": "app"}]),
		testing.pod("c", "prod", [{"command": ["serve"]}]),
		testing.pod("c", "prod", [{"command": ["serve", "more"]}]),
		testing.pod("d", "prod", [{}]),
	]
	given := array.concat(bare, [testing.labelled(pod, front) | some pod in bare])
	found := containers.all_workloads with input as given with data.estate as estate
	testing.same([workload.services | some workload in found], [
		{"b"}, set(), set(), set(), set(),
		{"a", "b"}, {"a"}, {"c"}, set(), {"d"},
	])
}

# A container without an image is no image with an empty name, whatever stands beside it.
test_no_image_is_none if {
	estate := testing.changed_estate({"services": [{"name": "a", "recognise": [{"image": "^$"}]}]})
	given := testing.pod("x", "prod", [{"name": "a"}, {"name": "b", "image": ""}])
	found := containers.all_workloads with input as given with data.estate as estate
	[container.services | some container in found[0].containers] == [[], ["a"]]
}

# All commands are looked at together first, a line each: anchors hold for each of them.
test_commands_do_not_meet_each_other if {
	estate := testing.changed_estate({"services": [{"name": "a", "recognise": [{"command": "^two three$"}]}]})
	given := testing.pod("x", "prod", [
		{"command": ["one"]}, {"command": ["two", "three"]}, {"command": ["one\ntwo three"]}, {},
	])
	found := containers.all_workloads with input as given with data.estate as estate
	[container.services | some container in found[0].containers] == [[], ["a"], [], []]
}

test_recognised_in_the_same_container if {
	pod := testing.pod("x", "prod", [{"image": "python"}, {"image": "other", "command": ["mlflow server"]}])
	_workload(pod).services == set()
}

test_recognised_by_labels if {
	bare := testing.deployment("x", "prod", [{"image": "other"}])
	front := {"app": "web", "tier": "front"}
	_workload(testing.labelled(bare, front)).services == {"web"}
}

test_recognised_by_labels_of_the_template if {
	bare := testing.deployment("x", "prod", [{"image": "other"}])
	below := {name: testing.with_spec(bare, {"template": {"metadata": {"labels": labels}}}) |
		some name, labels in {"both": {"app": "web", "tier": "front"}, "one": {"app": "web"}, "strange": "x", "none": null}
	}
	testing.all_same({
		"template": [_workload(below.both).services, {"web"}],
		"one is not enough": [_workload(below.one).services, set()],
		"one here, one there": [_workload(testing.labelled(below.one, {"tier": "front"})).services, {"web"}],
		"strange": [_workload(below.strange).services, set()],
		"null": [_workload(below.none).services, set()],
		"strange value": [_workload(testing.labelled(below.one, {"tier": ["front"]})).services, set()],
	})
}

test_recognised_by_name if {
	_workload(testing.deployment("web", "prod", [{"image": "other"}])).services == {"web"}
	_workload(testing.deployment("web-2", "prod", [{"image": "other"}])).services == set()
	_workload(testing.deployment("web", "prod", [])).services == set()
}

test_recognised_as_several if {
	workload := _workload(testing.pod("web", "prod", [{"image": "automat", "args": ["--runner"]}]))
	workload.services == {"runner", "web"}
	workload.deprecated == {"automat"}
	[container.path | some container in containers.of_service(workload, "web")] == [["spec", "containers", 0]]
	containers.of_service(workload, "mlflow") == []
}

test_an_estate_without_services if {
	bare := {"spec": {"namespaces": {"allowed": ["prod"]}, "services": []}}
	found := containers.all_workloads with input as testing.pod("web", "prod", [{"image": "x"}]) with data.estate as bare
	found[0].services == set()
}

test_images if {
	testing.all_same({reference: [containers.image(reference), {
		"name": parts[0],
		"repository": parts[1],
		"tag": parts[2],
		"digest": parts[3],
	}] |
		some reference, parts in {
			"a": ["a", "a", "", ""],
			"a:1": ["a", "a", "1", ""],
			"host:5000/a": ["a", "host:5000/a", "", ""],
			"host:5000/b/a:1@sha256:c": ["a", "host:5000/b/a", "1", "sha256:c"],
			"a@x@y": ["a", "a", "", "x@y"],
			"a:1:2": ["a", "a", "1:2", ""],
			"a@": ["a", "a", "", ""],
			"a@sha/x:1": ["a", "a", "", "sha/x:1"],
			"": ["", "", "", ""],
			"b/": ["", "b/", "", ""],
		}
	})
}

test_repositories_have_one_name if {
	testing.all_same({repository: [containers.normal_repository(repository), name] | some repository, name in {
		"python": "python",
		"library/python": "python",
		"docker.io/python": "python",
		"docker.io/library/python": "python",
		"index.docker.io/library/python": "python",
		"docker.io/org/python": "org/python",
		"ghcr.io/library/python": "ghcr.io/library/python",
		"docker.io/index.docker.io/python": "index.docker.io/python",
		"index.docker.io/docker.io/python": "docker.io/python",
		"library/library/python": "library/python",
	}})
}

test_names if {
	containers.container_name({"raw": {"name": "a"}, "path": ["containers", 2]}) == "a"
	containers.container_name({"raw": {}, "path": ["containers", 2]}) == "2"
	containers.container_name({"raw": {"name": 5}, "path": ["containers", 0]}) == "0"
}

# Init containers and debuggers end; what restarts always runs beside the others.
test_recognised_only_in_what_runs_beside_the_others if {
	bare := testing.pod("x", "prod", [{"image": "other"}])
	lists := {
		"sidecar": {"initContainers": [{"image": "automat", "restartPolicy": "Always", "args": ["--runner"]}]},
		"init": {"initContainers": [{"image": "automat", "args": ["--runner"]}]},
		"init that may fail": {"initContainers": [{"image": "mlflow", "restartPolicy": "OnFailure"}]},
		"ephemeral": {"ephemeralContainers": [{"image": "mlflow"}]},
	}
	seen := {name: [workload.services, workload.deprecated] |
		some name, list in lists
		workload := _workload(testing.with_spec(bare, list))
	}
	testing.same(seen, {
		"sidecar": [{"runner"}, {"automat"}],
		"init": [set(), set()],
		"init that may fail": [set(), set()],
		"ephemeral": [set(), set()],
	})
}

test_workloads_that_are_judged if {
	owned := testing.owned_by(testing.pod("x-1", "prod", []), ["apps/v1", "Deployment", "x", "1"])
	given := [owned, testing.deployment("x", "prod", []), testing.thing("v1", "ConfigMap", "prod", "x")]
	judged := containers.workloads with input as given with data.estate as testing.estate
	[workload.index | some workload in judged] == [1]
	all := containers.all_workloads with input as given with data.estate as testing.estate
	[workload.index | some workload in all] == [0, 1]
}
