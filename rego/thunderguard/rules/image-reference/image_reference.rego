# METADATA
# title: Every image is pinned and comes from where it should
package thunderguard.rules["image-reference"]

import data.thunderguard.contract
import data.thunderguard.facts.containers
import data.thunderguard.result
import data.thunderguard.text
import future.keywords.not

# METADATA
# description: Indices of the entries that the rule speaks about.
subjects := containers.own_indices

# METADATA
# description: Nothing is left open.
unjudged := set()

# METADATA
# description: The first thing wrong with a container's image.
violations contains found if {
	some workload in containers.own_workloads
	some container in workload.containers
	defect := _defects[[object.get(container.raw, "image", null), container.services]]
	path := array.concat(container.path, ["image"])
	args := object.union(defect.args, {"container": containers.container_name(container), "field": text.path(path)})
	found := result.violation(defect.key, workload, path, args, defect.service)
}

# [reference, services] → what is wrong; many containers share few of these
_defects := {seen: defect |
	some seen in {[object.get(container.raw, "image", null), container.services] |
		some workload in containers.own_workloads
		some container in workload.containers
	}
	defect := _defect(seen[0], seen[1])
}

_defect(reference, services) := defect if {
	_is_written(reference)
	image := containers.image(reference)
	written := {"image": reference, "repository": image.repository, "tag": image.tag}
	defect := array.concat(_general(image, written), _of_services(services, image, written))[0]
} else := defect if {
	not _is_written(reference)
	defect := {"key": "missing", "args": {}, "service": null}
}

_is_written(reference) if {
	is_string(reference)
	reference != ""
}

# What is wrong with it whoever runs it.
_general(image, written) := [{"key": "untagged", "args": written, "service": null}] if {
	image.digest == ""
	image.tag == ""
} else := [{"key": "forbidden-tag", "args": written, "service": null}] if {
	image.digest == ""
	image.tag in contract.spec.images.forbidTags
} else := []

# Whose repositories first, whose versions then.
_of_services(services, image, written) := array.concat(
	[defect |
		some service in _declared(services)
		defect := _foreign(service, image, written)
	],
	[defect |
		some service in _declared(services)
		defect := _unversioned(service, image, written)
	],
)

_declared(names) := [service |
	some name in sort(names)
	some service in contract.services_by_name[name]
]

_foreign(service, image, written) := defect if {
	repositories := service.image.repositories
	not image.repository in repositories
	normal := {containers.normal_repository(repository) | some repository in repositories}
	not containers.normal_repository(image.repository) in normal
	args := object.union(written, {"service": service.name, "allowed": text.join(repositories)})
	defect := {"key": "repository", "args": args, "service": service.name}
}

_unversioned(service, image, written) := defect if {
	image.tag != ""
	rule := service.image.tag
	not regex.match(rule, image.tag)
	args := object.union(written, {"service": service.name, "rule": rule})
	defect := {"key": "version", "args": args, "service": service.name}
}
