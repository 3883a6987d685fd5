# METADATA
# description: |
#   The entry points: deny and warn for conftest, verdict and batch for single objects, inventory_verdict for a whole
#   set. Rules are found by their path, which is also their id.
package thunderguard.main

import data.thunderguard.facts.documents
import data.thunderguard.facts.inventory
import data.thunderguard.facts.objects
import data.thunderguard.result
import future.keywords.not

# METADATA
# description: Everything found, in the shape of reports, with the index of the entry where there is one.
findings contains made if {
	some id, rule in data.thunderguard.catalogue.rules
	_asked(rule)
	some violation in data.thunderguard.rules[id].violations
	made := result.finding(id, violation)
}

_asked(rule) if rule.scope == "object"

_asked(rule) if {
	rule.scope == "estate"
	documents.is_set
}

# METADATA
# description: What fails a build.
deny contains answer if {
	some found in findings
	found.level == "deny"
	answer := object.union({"msg": _message(found)}, found)
}

# METADATA
# description: Without a contract nothing can be judged, and silence would look like a pass.
deny contains answer if {
	not data.estate.spec.namespaces.allowed
	answer := {"msg": "no Estate: load it as data.estate, as conftest.toml does with estate:FILE"}
}

# METADATA
# description: What is shown and does not fail a build.
warn contains answer if {
	some found in findings
	found.level == "warn"
	answer := object.union({"msg": _message(found)}, found)
}

# METADATA
# description: What could not be judged is shown too.
warn contains answer if {
	some left in documents.unreadable
	answer := {"msg": left.message, "file": left.file}
}

# METADATA
# description: An object whose namespace is unknown is not judged by the rules about namespaces, and that is said.
warn contains answer if {
	some row in rows
	ids := [id | some id, status in row.statuses; status == "not judged"]
	count(ids) > 0
	answer := {
		"msg": sprintf("%s: namespace unknown, not judged by %s", [
			objects.resource_text(row.resource),
			concat(", ", sort(ids)),
		]),
		"resource": row.resource,
		"file": row.file,
	}
}

_message(found) := sprintf("%s: %s: %s. %s", [
	found.rule,
	objects.resource_text(found.resource),
	found.message,
	found.remedy,
])

# METADATA
# description: |
#   For each entry the status of every rule of scope object: passed, violated, not matched or not judged, and the
#   record for the inventory.
rows := [row |
	some i, entry in objects.entries
	row := {
		"resource": entry.resource,
		"file": entry.file,
		"statuses": {id: status | some id, rule in _object_rules; status := _status(rule, i)},
	}
]

_object_rules := {id: summary |
	some id, rule in data.thunderguard.catalogue.rules
	rule.scope == "object"
	summary := {
		"subjects": data.thunderguard.rules[id].subjects,
		"unjudged": data.thunderguard.rules[id].unjudged,
		"violated": {violation.entry.index | some violation in data.thunderguard.rules[id].violations},
	}
}

_status(rule, i) := "violated" if i in rule.violated

_status(rule, i) := "not judged" if {
	not i in rule.violated
	i in rule.unjudged
}

_status(rule, i) := "passed" if {
	not i in rule.violated
	not i in rule.unjudged
	i in rule.subjects
}

_status(rule, i) := "not matched" if {
	not i in rule.violated
	not i in rule.unjudged
	not i in rule.subjects
}

# METADATA
# description: The answer about one object. Undefined for what is no Kubernetes object.
verdict := {
	"findings": findings,
	"statuses": rows[0].statuses,
	"record": _record,
}

_record := inventory.records[0] if count(inventory.records) > 0

_record := null if count(inventory.records) == 0

# METADATA
# description: The answer about a set of records.
inventory_verdict := {"findings": findings} if documents.is_inventory

# METADATA
# description: The answers about the objects of a batch, one by one and in order; null for what is no object.
batch := [answer |
	some one in input.objects
	answer := _answer(one)
]

_answer(one) := answer if {
	answer := verdict with input as one
}

_answer(one) := null if not _answered(one)

_answered(one) if {
	verdict with input as one
}
