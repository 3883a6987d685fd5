package thunderguard.duplicate_release_test

import data.thunderguard.testing
import future.keywords.not

_id := "duplicate-release"

_removed(objects) := {concat(" ", [found.resource.namespace, found.resource.name]) |
	some found in testing.findings(_id, objects)
}

_labelled(name, namespace, label) := testing.annotated(
	testing.labelled(testing.deployment(name, namespace, []), {"helm.sh/chart": label}),
	{"meta.helm.sh/release-name": name},
)

test_fail_released_twice if {
	objects := [testing.release("helm", "thunder", "thunderhelm"), testing.release("helm", "prod", "thunderhelm")]
	testing.same(testing.findings(_id, objects), {{
		"rule": _id,
		"level": "deny",
		"service": null,
		"resource": testing.address("thunderguard.dev/v1alpha1", "Release", "thunder", "helm"),
		"path": "spec.chart.name",
		"message": "chart thunderhelm is released 2 times; keep helm in prod, remove helm in thunder",
		"remedy": "helm uninstall helm -n thunder",
		"file": null,
		"index": -1,
	}})
}

test_keeps_the_best_placed if {
	testing.all_same({
		"allowed": [_removed([testing.release("a", "aaa", "c"), testing.release("z", "prod", "c")]), {"aaa a"}],
		"namespace": [_removed([testing.release("b", "data", "c"), testing.release("a", "prod", "c")]), {"prod a"}],
		"name": [_removed([testing.release("b", "prod", "c"), testing.release("a", "prod", "c")]), {"prod b"}],
		"three": [
			_removed([testing.release("b", "prod", "c"), testing.release("a", "prod", "c"), testing.release("a", "x", "c")]),
			{"prod b", "x a"},
		],
	})
}

test_success_released_once if {
	one := testing.release("a", "prod", "c")
	gone := testing.with_spec(testing.release("b", "prod", "c"), {"status": "uninstalled"})
	every objects in [
		[], [one], [one, one], [one, gone], [one, testing.release("b", "prod", "d")],
		[one, testing.release("b", "kube-system", "c")],
		[
			testing.with_spec(one, {"chart": "c"}),
			testing.with_spec(testing.release("b", "prod", "c"), {"chart": {"name": 5}}),
		],
	] {
		testing.same(_removed(objects), set())
	}
}

test_labels_speak_where_no_release_is_known if {
	twice := [_labelled("a", "prod", "web-1.0.0"), _labelled("b", "data", "web-2.0.0")]
	gone := testing.with_spec(testing.release("x", "prod", "other"), {"status": "uninstalled"})
	testing.all_same({
		"labels": [_removed(twice), {"prod a"}],
		"beside a release": [_removed(array.concat(twice, [testing.release("x", "prod", "other")])), set()],
		"beside an uninstalled release": [_removed(array.concat(twice, [gone])), set()],
		"other charts": [_removed([_labelled("a", "prod", "web-1.0.0"), _labelled("b", "data", "webs-1.0.0")]), set()],
		"one release, two objects": [
			_removed([_labelled("a", "prod", "web-1.0.0"), object.union(
				_labelled("a", "prod", "web-1.0.0"),
				{"metadata": {"name": "other"}},
			)]),
			set(),
		],
		"no label": [_removed([twice[0], testing.deployment("b", "data", [])]), set()],
		"label that is no text": [_removed([twice[0], _labelled("b", "data", 5)]), set()],
		"namespace unknown": [_removed([twice[0], _labelled("b", "", "web-1.0.0")]), set()],
		"exempt": [_removed([twice[0], _labelled("b", "kube-system", "web-1.0.0")]), set()],
		"owned": [
			_removed([
				twice[0],
				testing.owned_by(_labelled("b", "prod", "web-1.0.0"), ["apps/v1", "Deployment", "a", "1"]),
			]),
			set(),
		],
	})
}

test_fail_labels_in_every_form_of_a_set if {
	objects := [_labelled("a", "prod", "web-1.0.0"), _labelled("b", "data", "web-2.0.0")]
	wanted := {{
		"rule": _id,
		"level": "deny",
		"service": null,
		"resource": testing.address("thunderguard.dev/v1alpha1", "Release", "prod", "a"),
		"path": "spec.chart.name",
		"message": "chart web is released 2 times; keep b in data, remove a in prod",
		"remedy": "helm uninstall a -n prod",
		"file": null,
		"index": -1,
	}}
	every form in [objects, _combined(objects), _inventory(objects)] {
		testing.same(testing.findings(_id, form), wanted)
	}
}

# The same set as conftest --combine hands it over, and as the records of objects judged before.
_combined(objects) := [{"path": sprintf("%v.yaml", [i]), "contents": obj} | some i, obj in objects]

_inventory(objects) := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Inventory", "records": records} if {
	records := data.thunderguard.facts.inventory.records with input as objects with data.estate as testing.estate
}

test_fail_in_every_form_of_a_set if {
	objects := [testing.release("helm", "thunder", "c"), testing.release("helm", "prod", "c")]
	wanted := testing.findings(_id, objects)
	count(wanted) == 1
	testing.same(testing.findings(_id, _combined(objects)), wanted)
	testing.same(testing.findings(_id, _inventory(objects)), wanted)
}

test_success_what_is_no_set if {
	objects := [testing.release("helm", "thunder", "c"), testing.release("helm", "prod", "c")]
	list := {"apiVersion": "v1", "kind": "List", "items": objects}
	count(testing.findings(_id, [list])) == 1
	batch := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Batch", "objects": objects}
	every document in array.concat(objects, [list, batch]) {
		testing.same(testing.findings(_id, document), set())
	}
}
