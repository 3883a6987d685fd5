# METADATA
# description: |
#   The objects of the input, whatever form it has: a bare manifest, a List, the array of `conftest --combine`, a
#   snapshot's array, or an AdmissionReview. Nothing else reads input.
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
	is_object(input)
	input.kind == "Inventory"
	input.apiVersion == "thunderguard.dev/v1alpha1"
}

is_review if {
	is_object(input)
	input.kind == "AdmissionReview"
	is_string(input.apiVersion)
	startswith(input.apiVersion, "admission.k8s.io/")
}

# METADATA
# description: "[{object, file}] of everything in the input, Lists unpacked."
documents := [document |
	some source in _sources
	some obj in _unpacked(source.content)
	document := {"object": obj, "file": source.file}
]

_sources := [source |
	some element in input
	source := _source(element)
] if is_array(input)

_sources := [{"content": input, "file": null}] if {
	not is_array(input)
	not is_inventory
	not is_review
}

_sources := [] if is_inventory

_sources := [{"content": reviewed, "file": null} | some reviewed in review.reviewed] if is_review

_source(element) := {"content": element.contents, "file": element.path} if _combined(element)

_source(element) := {"content": element, "file": null} if not _combined(element)

# An element of the array that `conftest --combine` makes.
_combined(element) if {
	is_string(element.path)
	element.contents == element.contents
	not element.kind
}

# Lists nest: kubectl prints a List of Lists when it is given several files.
_unpacked(content) := [obj |
	some outer in _items(content)
	some inner in _items(outer)
	some obj in _items(inner)
]

_items(obj) := [item | some member in obj.items; item := _typed(member, obj)] if _is_list(obj)

_items(obj) := [obj] if not _is_list(obj)

_is_list(obj) if {
	is_string(obj.kind)
	endswith(obj.kind, "List")
	is_array(obj.items)
}

# The API server leaves kind and apiVersion out of the items of a typed list.
_typed(item, _) := item if not _untyped(item)

_typed(item, list) := typed if {
	_untyped(item)
	kind := trim_suffix(list.kind, "List")
	typed := object.union({"apiVersion": list.apiVersion, "kind": kind}, item)
}

_untyped(item) if {
	is_object(item)
	not item.kind
}

# METADATA
# description: Whether a document is a Kubernetes object or a Chart.yaml. What is neither cannot be judged.
readable(obj) if {
	is_string(obj.kind)
	is_string(obj.apiVersion)
	is_object(obj.metadata)
}

readable(obj) if is_chart_file(obj)

# METADATA
# description: Whether a document is the Chart.yaml of a Helm chart (https://helm.sh/docs/topics/charts/).
is_chart_file(obj) if {
	obj.apiVersion in {"v1", "v2"}
	not obj.kind
	is_string(obj.name)
	is_string(obj.version)
}

# METADATA
# description: Documents that are neither, as texts.
unreadable := [reason |
	some document in documents
	document.object != null
	not readable(document.object)
	reason := {
		"file": document.file,
		"message": "not judged: not a Kubernetes obj (kind, apiVersion and metadata are needed)",
	}
]
