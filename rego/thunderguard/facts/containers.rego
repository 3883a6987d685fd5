# METADATA
# description: Workloads - their containers, images, commands, and the services recognised in them.
package thunderguard.facts.containers

import data.thunderguard.contract
import data.thunderguard.facts.objects
import data.thunderguard.facts.ownership
import future.keywords.not

# METADATA
# description: |
#   Every workload of the input: an entry with path (of the pod spec), spec, containers, and services and deprecated,
#   the names recognised.
all_workloads := [workload |
	some entry in objects.entries
	entry.template != null
	workload := _workload(entry)
]

# METADATA
# description: The workloads that are judged themselves.
workloads := [workload |
	some workload in all_workloads
	ownership.roots[workload.index] == workload.index
]

_workload(entry) := workload if {
	path := array.concat(entry.template, ["spec"])
	spec := _mapping(object.get(entry.object, path, {}))
	context := {
		"name": entry.resource.name,
		"labels": [
			object.get(entry.object, ["metadata", "labels"], {}),
			object.get(entry.object, array.concat(entry.template, ["metadata", "labels"]), {}),
		],
	}
	found := [container |
		some list in _container_lists
		is_array(spec[list])
		some place, raw in spec[list]
		is_object(raw)
		container := _container(raw, array.concat(path, [list, place]), _role(list, raw), context)
	]
	workload := {
		"index": entry.index,
		"object": entry.object,
		"file": entry.file,
		"resource": entry.resource,
		"group": entry.group,
		"template": entry.template,
		"path": path,
		"spec": spec,
		"containers": found,
		"services": {name | some container in found; some name in container.services},
		"deprecated": {name | some container in found; some name in container.deprecated},
	}
}

_mapping(value) := value if is_object(value)

_mapping(value) := {} if not is_object(value)

_container_lists := ["containers", "initContainers", "ephemeralContainers"]

_role("containers", _) := "container"

_role("ephemeralContainers", _) := "ephemeral"

# A restartable init container is a sidecar (KEP-753).
_role("initContainers", raw) := "sidecar" if raw.restartPolicy == "Always"

_role("initContainers", raw) := "init" if not raw.restartPolicy == "Always"

# Only what runs beside the others makes a service: init containers and debuggers do not.
_container(raw, path, role, context) := container if {
	role in {"container", "sidecar"}
	command := command_text(raw)
	candidates := array.concat(_by_image[_reference(raw)], _others(command, context))
	known := {[alternative.list, alternative.service] |
		some alternative in candidates
		regex.match(alternative.command, command)
		regex.match(alternative.name, context.name)
		_labelled(alternative.labels, context.labels)
	}
	container := {
		"raw": raw,
		"path": path,
		"role": role,
		"services": [pair[1] | some pair in known; pair[0] == "services"],
		"deprecated": [pair[1] | some pair in known; pair[0] == "deprecated"],
	}
} else := container if {
	container := {"raw": raw, "path": path, "role": role, "services": [], "deprecated": []}
}

# image → the alternatives whose pattern finds itself in it; many containers share few images
_by_image := object.union({"": []}, {reference: fitting |
	some reference in _references
	name := image_name(reference)
	fitting := [alternative |
		some alternative in contract.recognisers.image.alternatives
		regex.match(alternative.image, name)
	]
})

_references := {reference |
	some entry in objects.entries
	entry.template != null
	spec := object.get(entry.object, array.concat(entry.template, ["spec"]), {})
	reference := spec[_container_lists[_]][_].image
	is_string(reference)
}

# The alternatives that ask for no image and may fit. Most containers have nothing to do with them, which one look
# tells.
_others(command, context) := array.concat(
	array.concat(
		[alternative |
			regex.match(contract.recognisers.command.any, command)
			some alternative in contract.recognisers.command.alternatives
		],
		[alternative |
			regex.match(contract.recognisers.name.any, context.name)
			some alternative in contract.recognisers.name.alternatives
		],
	),
	contract.recognisers.labels.alternatives,
)

_reference(raw) := reference if {
	reference := raw.image
	is_string(reference)
} else := ""

_labelled(wanted, _) if count(wanted) == 0

_labelled(wanted, seen) if {
	count(wanted) > 0
	every key, value in wanted {
		some labels in seen
		labels[key] == value
	}
}

# METADATA
# description: The last path segment of an image reference, without tag and digest.
image_name(reference) := name if {
	segments := split(split(reference, "@")[0], "/")
	name := split(segments[count(segments) - 1], ":")[0]
}

# METADATA
# description: A container's command and arguments as one text.
command_text(raw) := concat(" ", array.concat(_strings(raw, "command"), _strings(raw, "args")))

_strings(raw, key) := [word | some word in raw[key]; is_string(word)] if is_array(raw[key])

_strings(raw, key) := [] if not is_array(raw[key])

# METADATA
# description: How people name a container; its place when it has no name.
container_name(container) := container.raw.name if is_string(container.raw.name)

container_name(container) := place if {
	not is_string(container.raw.name)
	place := sprintf("%v", [container.path[count(container.path) - 1]])
}

# METADATA
# description: The containers of a workload that are recognised as a service, the first one first.
of_service(workload, name) := [container |
	some container in workload.containers
	name in container.services
]

# METADATA
# description: "{name, repository, tag, digest} of an image reference; tag and digest are empty when absent."
image(reference) := parsed if {
	sides := split(reference, "@")
	digest := concat("@", array.slice(sides, 1, count(sides)))
	segments := split(sides[0], "/")
	last := segments[count(segments) - 1]
	words := split(last, ":")
	folders := array.slice(segments, 0, count(segments) - 1)
	parsed := {
		"name": words[0],
		"repository": concat("/", array.concat(folders, [words[0]])),
		"tag": concat(":", array.slice(words, 1, count(words))),
		"digest": digest,
	}
}

# METADATA
# description: |
#   A repository without the parts that Docker Hub adds by itself, so that one repository has one name.
normal_repository(repository) := name if {
	name := trim_prefix(_without_hub(repository), "library/")
}

_without_hub(repository) := bare if {
	startswith(repository, "docker.io/")
	bare := trim_prefix(repository, "docker.io/")
} else := bare if {
	bare := trim_prefix(repository, "index.docker.io/")
}
