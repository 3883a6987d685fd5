# METADATA
# description: |
#   The objects of the input, whatever form it has: a bare manifest, a List, the array of `conftest --combine`, a
#   snapshot's array, a batch of objects that know nothing of each other, or an AdmissionReview. Only this package and
#   facts.review read input.
package thunderguard.facts.documents

import data.thunderguard.facts.review
import future.keywords.not

# METADATA
# description: Whether the input is a whole set, about which the rules of scope estate can be asked.
is_set if is_array(input)

is_set if is_inventory

# METADATA
# description: Whether the input is an inventory, that is the records of objects judged before.
is_inventory if {
	input.kind == "Inventory"
	input.apiVersion == "thunderguard.dev/v1alpha1"
}

# METADATA
# description: Whether the input is a batch of objects, each judged as if it came alone.
is_batch if {
	input.kind == "Batch"
	input.apiVersion == "thunderguard.dev/v1alpha1"
}

# METADATA
# description: "[{object, file}] of everything in the input, Lists unpacked."
documents := found if {
	review.is_review(input)
	obj := review.asked(input)
	found := [{"object": obj, "file": null}]
} else := found if {
	is_batch
	not _brings_reviews
	found := [{"object": obj, "file": null} | some obj in input.objects]
} else := found if {
	is_batch
	found := [{"object": obj, "file": null} | some member in input.objects; obj := _asked(member)]
} else := found if {
	is_array(input)
	found := [document |
		some element in input
		source := _source(element)
		some obj in _unpacked(source.content)
		document := {"object": obj, "file": source.file}
	]
} else := [] if {
	is_inventory
} else := found if {
	found := [{"object": obj, "file": null} | some obj in _unpacked(input)]
}

# METADATA
# description: "{index: rules} of the documents that bring a part of an object, which only some rules judge."
default partial := {}

partial := {0: rules} if {
	review.is_review(input)
	rules := review.judging(input)
}

partial := {index: rules | some index, member in input.objects; review.is_review(member); rules := review.judging(member)} if {
	is_batch
	_brings_reviews
}

# A batch of manifests brings none, and each of them would pay for the question.
_brings_reviews if {
	some member in input.objects
	member.kind == "AdmissionReview"
}

_asked(member) := obj if {
	review.is_review(member)
	obj := review.asked(member)
} else := member

# An element of the array that `conftest --combine` makes, or a bare object.
_source(element) := source if {
	is_string(element.path)
	element.contents == element.contents
	not element.kind
	source := {"content": element.contents, "file": element.path}
} else := source if {
	source := {"content": element, "file": null}
}

# Lists nest: kubectl prints a List of Lists when it is given several files.
_unpacked(content) := [content] if {
	not _is_list(content)
}

_unpacked(content) := [obj |
	some outer in _items(content)
	some inner in _items(outer)
	some obj in _items(inner)
] if {
	_is_list(content)
}

_items(obj) := [item | some member in obj.items; item := _typed(member, obj)] if _is_list(obj)

_items(obj) := [obj] if not _is_list(obj)

_is_list(obj) if {
	is_string(obj.kind)
	endswith(obj.kind, "List")
	is_array(obj.items)
}

# The API server leaves kind and apiVersion out of the items of a typed list.
_typed(item, list) := typed if {
	is_object(item)
	not item.kind
	typed := object.union({"apiVersion": list.apiVersion, "kind": trim_suffix(list.kind, "List")}, item)
} else := item

# METADATA
# description: Whether a document is a Kubernetes object or a Chart.yaml. What is neither cannot be judged.
readable(obj) if {
	is_string(obj.kind)
	is_string(obj.apiVersion)
	is_object(obj.metadata)
} else if {
	is_chart_file(obj)
}

# METADATA
# description: Whether a document is the Chart.yaml of a Helm chart (https://helm.sh/docs/topics/charts/).
is_chart_file(obj) if {
	obj.apiVersion in {"v1", "v2"}
	not obj.kind
	is_string(obj.name)
	is_string(obj.version)
}

# METADATA
# description: "[{file, message}] of the documents that are neither."
unreadable := [reason |
	some document in documents
	document.object != null
	not readable(document.object)
	reason := {
		"file": document.file,
		"message": "not judged: not a Kubernetes object (kind, apiVersion and metadata are needed)",
	}
]
