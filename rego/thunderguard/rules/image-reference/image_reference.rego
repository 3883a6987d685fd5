# METADATA
# title: Every image is pinned and comes from where it should
package thunderguard.rules["image-reference"]

import data.thunderguard.contract
import data.thunderguard.facts.containers
import data.thunderguard.facts.namespaces
import data.thunderguard.result
import data.thunderguard.text
import future.keywords.not

# METADATA
# description: Indices of the entries that the rule speaks about.
subjects := {workload.index |
	some workload in containers.workloads
	not namespaces.exempt(workload.resource)
}

# METADATA
# description: Nothing is left open.
unjudged := set()

# METADATA
# description: The first thing wrong with a container's image.
violations contains found if {
	some workload in containers.workloads
	not namespaces.exempt(workload.resource)
	some container in workload.containers
	defect := _defect(container)
	path := array.concat(container.path, ["image"])
	args := object.union(defect.args, {"container": containers.container_name(container), "field": text.path(path)})
	found := result.violation(defect.key, workload, path, args, defect.service)
}

_defect(container) := {"key": "missing", "args": {}, "service": null} if {
	not _images[container.raw.image]
} else := defect if {
	defect := _images[container.raw.image].defect
} else := defect if {
	count(container.services) > 0
	read := _images[container.raw.image]
	defect := _of_services(container, read.image, read.written)[0]
}

# reference → what it says, and what is wrong with it whoever runs it; many containers share few images
_images := {reference: object.union({"image": image, "written": written}, _general(image, written)) |
	some reference in _references
	image := containers.image(reference)
	written := {"image": reference, "repository": image.repository, "tag": image.tag}
}

_references := {reference |
	reference := containers.workloads[_].containers[_].raw.image
	is_string(reference)
	reference != ""
}

_general(image, written) := {"defect": {"key": "untagged", "args": written, "service": null}} if {
	image.digest == ""
	image.tag == ""
} else := {"defect": {"key": "forbidden-tag", "args": written, "service": null}} if {
	image.digest == ""
	image.tag in contract.spec.images.forbidTags
} else := {}

# Whose repositories first, whose versions then.
_of_services(container, image, written) := array.concat(
	[defect |
		some service in _recognised(container)
		defect := _foreign(service, image, written)
	],
	[defect |
		some service in _recognised(container)
		defect := _unversioned(service, image, written)
	],
)

_recognised(container) := [service |
	some name in sort(container.services)
	some service in contract.services
	service.name == name
]

_foreign(service, image, written) := defect if {
	repositories := service.image.repositories
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
