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
	some bare in _bare
	found := [container |
		some unnamed in bare.containers
		known := _known(unnamed, bare)
		container := {
			"raw": unnamed.raw,
			"path": unnamed.path,
			"role": unnamed.role,
			"services": [name | some ["services", name] in known],
			"deprecated": [name | some ["deprecated", name] in known],
		}
	]
	workload := object.union(bare.entry, {
		"path": bare.path,
		"spec": bare.spec,
		"containers": found,
		"services": {name | some container in found; some name in container.services},
		"deprecated": {name | some container in found; some name in container.deprecated},
	})
]

# METADATA
# description: The workloads that are judged themselves.
workloads := all_workloads if ownership.alone

workloads := [workload |
	some workload in all_workloads
	ownership.roots[workload.index] == workload.index
] if {
	not ownership.alone
}

# METADATA
# description: Those of them that stand on the estate's own ground.
own_workloads := [workload |
	some workload in workloads
	not workload.resource.namespace in contract.exempt
]

# METADATA
# description: Their indices.
own_indices := {workload.index | some workload in own_workloads}

# What is known of a workload before services are looked for.
_bare := [bare |
	some entry in objects.entries
	entry.template != null
	place := objects.places[entry.template]
	path := place.spec
	spec := _mapping(object.get(entry.object, path, {}))
	labels := [object.get(entry.object, ["metadata", "labels"], {}), object.get(entry.object, place.labels, {})]
	bare := {
		"entry": entry,
		"path": path,
		"spec": spec,
		"labels": labels,
		"containers": [unnamed |
			some list in _container_lists
			is_array(spec[list])
			some i, raw in spec[list]
			is_object(raw)
			unnamed := {
				"raw": raw,
				"path": array.concat(path, [list, i]),
				"role": _role(list, raw),
				"command": command_text(raw),
			}
		],
	}
]

_mapping(value) := value if {
	is_object(value)
} else := {}

_container_lists := ["containers", "initContainers", "ephemeralContainers"]

# A restartable init container is a sidecar (KEP-753).
_role(list, raw) := "sidecar" if {
	list == "initContainers"
	raw.restartPolicy == "Always"
} else := role if {
	role := _roles[list]
}

_roles := {"containers": "container", "initContainers": "init", "ephemeralContainers": "ephemeral"}

# [list, service] of what is recognised in a container. Only what runs beside the others makes a service: init
# containers and debuggers do not.
_known(container, workload) := {alternative.known |
	container.role in _serving
	some facet in [
		["image", object.get(container.raw, "image", null)],
		["command", container.command],
		["labels", workload.labels],
		["name", workload.entry.resource.name],
	]
	some alternative in _fitting[facet]
	every criterion, wanted in alternative.rest {
		_holds(criterion, wanted, container.command, workload)
	}
}

_serving := {"container", "sidecar"}

_holds("command", wanted, command, _) if regex.match(wanted, command)

_holds("labels", wanted, _, workload) if _labelled(wanted, workload.labels)

_holds("name", wanted, _, workload) if regex.match(wanted, workload.entry.resource.name)

# [criterion, value] → the alternatives that begin with the criterion and that the value meets. Many containers share
# few of them, and most values meet none.
_fitting := object.union_n([
	{["image", reference]: fitting |
		some reference in _references
		name := image(reference).name
		fitting := [{"known": [list, contract.declared[list][i].name], "rest": rest} |
			some list, i, j
			wanted := contract.declared[list][i].recognise[j].image
			regex.match(wanted, name)
			rest := object.filter(contract.declared[list][i].recognise[j], ["command", "labels", "name"])
		]
		count(fitting) > 0
	},
	{["command", command]: fitting |
		some command in _noticed("command", _commands)
		fitting := [alternative |
			some alternative in contract.recognisers.command
			regex.match(alternative.wanted, command)
		]
	},
	{["labels", labels]: fitting |
		some labels in {bare.labels | some bare in _bare}
		fitting := [alternative |
			some alternative in contract.recognisers.labels
			_labelled(alternative.wanted, labels)
		]
		count(fitting) > 0
	},
	{["name", name]: fitting |
		some name in _noticed("name", {bare.entry.resource.name | some bare in _bare})
		fitting := [alternative |
			some alternative in contract.recognisers.name
			regex.match(alternative.wanted, name)
		]
	},
])

_references := {reference |
	reference := _bare[_].containers[_].raw.image
	is_string(reference)
}

_commands := {container.command | some bare in _bare; some container in bare.containers}

# The texts that what begins with a criterion may find itself in. One look at many of them, a line each, tells whether
# there are any.
_noticed(criterion, texts) := texts if {
	count(texts) < 2
} else := noticed if {
	patterns := {concat("", ["(", alternative.wanted, ")"]) | some alternative in contract.recognisers[criterion]}
	pattern := concat("|", sort(patterns))
	noticed := {text |
		pattern != ""
		regex.match(concat("", ["(?m:", pattern, ")"]), concat("\n", texts))
		some text in texts
		regex.match(pattern, text)
	}
}

_labelled(wanted, seen) if {
	every key, value in wanted {
		some labels in seen
		labels[key] == value
	}
}

# METADATA
# description: "{name, repository, tag, digest} of an image reference; tag and digest are empty when absent."
image(reference) := parsed if {
	sides := split(reference, "@")
	segments := split(sides[0], "/")
	words := split(segments[count(segments) - 1], ":")
	tag := concat(":", array.slice(words, 1, count(words)))
	parsed := {
		"name": words[0],
		"repository": trim_suffix(sides[0], concat("", [":", tag])),
		"tag": tag,
		"digest": concat("@", array.slice(sides, 1, count(sides))),
	}
}

# METADATA
# description: A container's command and arguments as one text.
command_text(raw) := concat(" ", [word |
	some list in ["command", "args"]
	is_array(raw[list])
	some word in raw[list]
	is_string(word)
])

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
