# METADATA
# description: |
#   The declared suite on OPA itself: every case below data.cases, where `opa test … cases:tests/cases` loads them.
package thunderguard.suite_test

import future.keywords.not

test_there_are_cases_of_every_rule_that_one_object_decides if {
	object_rules := {id | some id, rule in data.thunderguard.catalogue.rules; rule.scope == "object"}
	object_rules == {case.rule | some case in _cases}
}

# What is wrong is printed, since a test for each case would take a minute.
test_every_case_is_answered_as_it_says if {
	print("wrong about", _wrong)
	_wrong == set()
}

test_what_is_wrong_is_noticed if {
	spaced := {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}
	unspaced := {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
	made := {"namespace-boundary": [
		{"name": "right", "object": spaced, "findings": [{"path": "metadata.namespace"}]},
		{"name": "missed", "object": spaced, "findings": []},
		{"name": "elsewhere", "object": spaced, "findings": [{"path": "metadata.name"}]},
		{"name": "of-another-rule", "object": spaced, "findings": [{"rule": "deprecated-chart", "path": "metadata.namespace"}]},
		{"name": "open", "object": unspaced, "as": ["manifest"], "findings": [], "unjudged": ["namespace-boundary"]},
		{"name": "said-to-be-decided", "object": unspaced, "as": ["manifest"], "findings": []},
		{"name": "said-to-be-let-through", "object": spaced, "findings": [], "matched": false},
		{"name": "let-through", "object": spaced, "operation": "DELETE", "findings": [], "matched": false},
	]}
	wrong := _wrong with data.cases as made
	names := ["missed", "elsewhere", "of-another-rule", "said-to-be-decided", "said-to-be-let-through"]
	wrong == {id | some name in names; id := concat("/", ["namespace-boundary", name])}
}

_cases := {id: case |
	some list in [data.cases, object.get(data.cases, "regressions", {})]
	some rule, cases in list
	is_array(cases)
	some raw in cases
	id := concat("/", [rule, raw.name])
	clock := {"at": day | day := raw.at}
	case := {"rule": rule, "raw": raw, "asked": [object.get(raw, "estate", {}), clock]}
}

# The cases of which something else is said than what is right.
_wrong := {id |
	some line in ((_said - _right) | (_right - _said))
	id := _groups[line[0]].checks[line[1]].id
}

# [group, place, what, …] of everything that is right, and of everything that is said.
_right contains [g, place, "finding", finding] if {
	some g, group in _groups
	some place, check in group.checks
	some finding in check.findings
}

_right contains [g, place, "not judged", rule] if {
	some g, group in _groups
	some place, check in group.checks
	some rule in check.unjudged
}

# An answer about other documents is wrong about each of them.
_right contains [g, place, "of", number] if {
	some g, group in _groups
	number := count(group.checks)
	some place, _ in group.checks
}

_said contains [g, place, "finding", key] if {
	some g, answer in _answers
	some finding in answer.findings
	place := finding.index
	key := [finding.rule, finding.resource, finding.path]
}

_said contains [g, place, "not judged", rule] if {
	some g, answer in _answers
	violated := {[finding.rule, finding.index] | some finding in answer.findings}
	some rule, places in answer.unjudged
	some place in places
	not [rule, place] in violated
}

_said contains [g, place, "passed", rule] if {
	some g, answer in _answers
	unmatched := {place | some place, check in _groups[g].checks; check.matched == false}
	some rule, places in answer.subjects
	some place in (places & unmatched)
}

_said contains [g, place, "of", number] if {
	some g, answer in _answers
	number := answer.count
	some place, _ in _groups[g].checks
}

# Asked in one batch for each Estate and day, since every question pays for all that stands in the Estate.
_answers := {g: answer |
	some g, group in _groups
	batch := {
		"apiVersion": "thunderguard.dev/v1alpha1",
		"kind": "Batch",
		"objects": [check.document | some check in group.checks],
	}
	[changes, clock] := group.asked
	estate := _estate(changes)
	answer := data.thunderguard.main.batch with input as batch with data.estate as estate with data.clock as clock
}

# The checks by the changes of the Estate under which, and the day on which, they hold.
_groups := [{"asked": asked, "checks": checks} |
	some asked in {case.asked | some case in _cases}
	checks := [check |
		some id, case in _cases
		case.asked == asked
		some check in _checks(id, case)
	]
]

# The Estate with whole fields of its spec replaced; null takes one away.
_estate(changes) := estate if {
	kept := object.remove(data.estate.spec, object.keys(changes))
	given := {field: value | some field, value in changes; value != null}
	estate := object.union(object.remove(data.estate, ["spec"]), {"spec": object.union(kept, given)})
}

# Each object in each form, and what is to be said about it.
_checks(id, case) := [check |
	some form in _forms(case.raw)
	some obj in object.get(case.raw, "objects", [object.get(case.raw, "object", null)])
	address := _address(case.raw, obj)
	check := {
		"id": id,
		"document": _document(form, case.raw, obj),
		"findings": {[rule, address, finding.path] |
			some finding in case.raw.findings
			where := object.get(finding, "resource", {})
			every part, wanted in where { address[part] == wanted }
			rule := object.get(finding, "rule", case.rule)
		},
		"unjudged": {rule | some rule in object.get(case.raw, "unjudged", [])},
		"matched": object.get(case.raw, "matched", true),
	}
]

_forms(raw) := raw["as"]

_forms(raw) := forms if {
	not raw["as"]
	request_only := {"operation", "oldObject", "subresource", "scales", "user"}
	forms := {true: ["manifest", "request"], false: ["request"]}[(object.keys(raw) & request_only) == set()]
}

_document("manifest", _, obj) := obj

_document("request", raw, obj) := document if {
	operation := object.get(raw, "operation", "CREATE")
	pairs := {
		"CREATE": {"object": obj, "oldObject": null},
		"UPDATE": {"object": obj, "oldObject": object.get(raw, "oldObject", null)},
		"DELETE": {"object": null, "oldObject": obj},
	}
	person := {"username": "alice", "groups": ["system:authenticated"]}
	document := {
		"apiVersion": "admission.k8s.io/v1",
		"kind": "AdmissionReview",
		"request": object.union(pairs[operation], {
			"uid": "1",
			"operation": operation,
			"subResource": object.get(raw, "subresource", ""),
			"resource": _resource(raw, obj),
			"userInfo": object.union(person, object.get(raw, "user", {})),
		}),
	}
}

# The resource of the request; only that of a Scale is looked at, whose workloads have regular plurals.
_resource(raw, obj) := {"group": group, "version": version, "resource": plural} if {
	type := object.union(obj, object.get(raw, "scales", {}))
	words := split(type.apiVersion, "/")
	group := concat("", array.slice(words, 0, count(words) - 1))
	version := words[count(words) - 1]
	plural := concat("", [lower(type.kind), "s"])
}

_address(raw, obj) := {
	"apiVersion": type.apiVersion,
	"kind": object.get(type, "kind", "Chart"),
	"namespace": _text(object.get(obj, ["metadata", "namespace"], "")),
	"name": _first([
		object.get(obj, ["metadata", "name"], ""), object.get(obj, ["metadata", "generateName"], ""),
		object.get(obj, "name", ""),
	]),
} if {
	type := object.union(obj, object.get(raw, "scales", {}))
}

_text(value) := value if is_string(value)

_text(value) := "" if not is_string(value)

_first(values) := text if {
	texts := array.concat([value | some value in values; is_string(value); value != ""], [""])
	text := texts[0]
}
