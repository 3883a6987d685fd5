package thunderguard.facts.documents_test

import data.thunderguard.facts.documents
import data.thunderguard.testing
import future.keywords.not

_map := testing.thing("v1", "ConfigMap", "prod", "x")

_list(kind, items) := {"apiVersion": "v1", "kind": kind, "items": items}

_of(given) := found if {
	found := documents.documents with input as given
}

_objects(given) := [document.object | some document in _of(given)]

test_bare_manifest if {
	_of(_map) == [{"object": _map, "file": null}]
}

test_combined_files if {
	given := [{"path": "a.yaml", "contents": _map}, {"path": "b.yaml", "contents": null}]
	_of(given) == [{"object": _map, "file": "a.yaml"}, {"object": null, "file": "b.yaml"}]
	not documents.is_inventory with input as given
	documents.is_set with input as given
}

test_plain_array if {
	_of([_map, 5]) == [{"object": _map, "file": null}, {"object": 5, "file": null}]
	documents.is_set with input as []
}

test_an_object_with_path_and_contents_is_one_object if {
	odd := object.union(_map, {"path": "x", "contents": {}})
	_objects([odd]) == [odd]
}

test_lists if {
	testing.all_same({
		"list": [_objects(_list("List", [_map, _map])), [_map, _map]],
		"nested": [_objects(_list("List", [_list("List", [_map]), _map])), [_map, _map]],
		"in a file": [
			_of([{"path": "a.yaml", "contents": _list("List", [_map])}]),
			[{"object": _map, "file": "a.yaml"}],
		],
		"typed": [_objects(_list("ConfigMapList", [{"metadata": {"name": "y"}}])), [{
			"apiVersion": "v1",
			"kind": "ConfigMap",
			"metadata": {"name": "y"},
		}]],
		"elements that are no objects": [_objects(_list("List", [5, null])), [5, null]],
		"empty": [_objects(_list("List", [])), []],
		"items that are no array": [_objects(_list("List", {})), [_list("List", {})]],
		"another kind with items": [_objects(_list("Box", [_map])), [_list("Box", [_map])]],
	})
	not documents.is_set with input as _list("List", [_map])
}

test_inventory if {
	given := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Inventory", "records": []}
	documents.is_inventory with input as given
	documents.is_set with input as given
	_of(given) == []
	not documents.is_inventory with input as object.union(given, {"apiVersion": "v1"})
}

test_batch if {
	given := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Batch", "objects": [_map, _list("List", [_map])]}
	documents.is_batch with input as given
	not documents.is_set with input as given
	_objects(given) == given.objects
	not documents.is_batch with input as object.union(given, {"apiVersion": "v1"})
}

test_review if {
	given := {
		"apiVersion": "admission.k8s.io/v1",
		"kind": "AdmissionReview",
		"request": {"operation": "CREATE", "object": _map},
	}
	_of(given) == [{"object": _map, "file": null}]
}

test_readable if {
	every object in [_map, {"apiVersion": "v2", "name": "x", "version": "1.0.0"}] {
		documents.readable(object)
	}
	every object in [
		null, 5, "x", [], {}, {"kind": "Pod", "apiVersion": "v1"}, {"kind": "Pod", "metadata": {}},
		{"apiVersion": "v1", "metadata": {}}, {"kind": 1, "apiVersion": "v1", "metadata": {}},
		{"kind": "Pod", "apiVersion": 1, "metadata": {}}, {"kind": "Pod", "apiVersion": "v1", "metadata": []},
		{"apiVersion": "v3", "name": "x", "version": "1"}, {"apiVersion": "v2", "name": "x"},
		{"apiVersion": "v2", "version": "1"}, {"apiVersion": "v2", "name": 1, "version": "1"},
	] {
		not documents.readable(object)
	}
}

test_unreadable if {
	given := [
		{"path": "a.yaml", "contents": _map},
		{"path": "b.yaml", "contents": {"hello": "world"}},
		{"path": "c.yaml", "contents": null},
	]
	left := documents.unreadable with input as given
	left == [{
		"file": "b.yaml",
		"message": "not judged: not a Kubernetes object (kind, apiVersion and metadata are needed)",
	}]
}

test_chart_file if {
	chart := {"apiVersion": "v2", "name": "x", "version": "1.0.0"}
	_of([{"path": "Chart.yaml", "contents": chart}]) == [{"object": chart, "file": "Chart.yaml"}]
	documents.is_chart_file(chart)
	not documents.is_chart_file(object.union(chart, {"kind": "Chart"}))
	not documents.is_chart_file(_map)
}

test_typed_lists_nest if {
	pods := _list("PodList", [{"metadata": {"name": "y"}}, {"kind": "Other", "apiVersion": "a/v1"}])
	pod := {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "y"}}
	_objects(_list("List", [_list("List", [pods]), _map])) == [pod, {"kind": "Other", "apiVersion": "a/v1"}, _map]
}

test_what_is_no_object_stands_as_it_is if {
	every given in [null, 5, true, "x", {}] {
		_of(given) == [{"object": given, "file": null}]
	}
	_of([]) == []
}
