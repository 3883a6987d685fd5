package thunderguard.facts.containers

import data.thunderguard.facts.ownership
import future.keywords.not

# METADATA
# description: |
#   The judged workloads: entries with path (of the pod spec), spec, labels (of object and template), containers, and
#   services and deprecated, the names recognised.
workloads := [workload |
	some entry in ownership.judged
	entry.template
	workload := workload_of(entry)
]

# METADATA
# description: An entry with what a rule wants to know of a workload.
workload_of(entry) := workload if {
	spec_path := array.concat(entry.template, ["spec"])
	spec := _mapping(object.get(entry.object, spec_path, {}))
	context := {
		"name": entry.resource.name,
		"labels": [
			object.get(entry.object, ["metadata", "labels"], {}),
			object.get(entry.object, array.concat(entry.template, ["metadata", "labels"]), {}),
		],
	}
	containers := [container |
		some list in _container_lists
		is_array(spec[list])
		some place, raw in spec[list]
		is_object(raw)
		container := _container(raw, array.concat(spec_path, [list, place]), _role(list, raw), context)
	]
	workload := object.union(entry, {
		"path": spec_path,
		"spec": spec,
		"containers": containers,
		"services": {name | some container in containers; some name in container.services},
		"deprecated": {name | some container in containers; some name in container.deprecated},
	})
}

_mapping(value) := value if is_object(value)

_mapping(value) := {} if not is_object(value)

_container_lists := ["containers", "initContainers", "ephemeralContainers"]

_role("containers", _) := "container"

_role("ephemeralContainers", _) := "ephemeral"

# A restartable init container is a sidecar (KEP-753).
_role("initContainers", raw) := "sidecar" if raw.restartPolicy == "Always"

_role("initContainers", raw) := "init" if not raw.restartPolicy == "Always"

_container(raw, path, role, context) := container if {
	role in {"container", "sidecar"}
	seen := object.union(context, {"image": image_name(raw), "command": command_text(raw)})
	container := {
		"raw": raw,
		"path": path,
		"role": role,
		"services": [service.name |
			some service in object.get(data.estate.spec, "services", [])
			_recognised(service, seen)
		],
		"deprecated": [service.name |
			some service in object.get(data.estate.spec, ["deprecated", "services"], [])
			_recognised(service, seen)
		],
	}
}

_container(raw, path, role, _) := container if {
	not role in {"container", "sidecar"}
	container := {"raw": raw, "path": path, "role": role, "services": [], "deprecated": []}
}

_recognised(service, seen) if {
	some alternative in service.recognise
	_image_fits(alternative, seen)
	_command_fits(alternative, seen)
	_labels_fit(alternative, seen)
	_name_fits(alternative, seen)
}

_image_fits(alternative, _) if not alternative.image

_image_fits(alternative, seen) if {
	is_string(seen.image)
	regex.match(alternative.image, seen.image)
}

_command_fits(alternative, _) if not alternative.command

_command_fits(alternative, seen) if regex.match(alternative.command, seen.command)

_name_fits(alternative, _) if not alternative.name

_name_fits(alternative, seen) if regex.match(alternative.name, seen.name)

_labels_fit(alternative, seen) if {
	every key, value in object.get(alternative, "labels", {}) {
		some labels in seen.labels
		labels[key] == value
	}
}

# METADATA
# description: The last path segment of a container's image, without tag and digest; null when there is no image.
image_name(raw) := image(raw.image).name if is_string(raw.image)

image_name(raw) := null if not is_string(raw.image)

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
normal_repository(repository) := trim_prefix(bare, "library/") if {
	bare := trim_prefix(trim_prefix(repository, "docker.io/"), "index.docker.io/")
}
