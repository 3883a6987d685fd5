# METADATA
# description: |
#   The entry points: deny and warn for conftest, verdict for one object, batch for many that know nothing of each
#   other, inventory_verdict for a whole set. Rules are found by their path, which is also their id.
package thunderguard.main

import data.thunderguard.contract
import data.thunderguard.facts.documents
import data.thunderguard.facts.inventory
import data.thunderguard.facts.objects
import data.thunderguard.facts.waivers
import data.thunderguard.result
import future.keywords.not

# METADATA
# description: |
#   Everything found and not waived, in the shape of reports; index is the place of the entry, -1 for a rule about the
#   set.
findings contains made if {
	some id, found in _found
	some violation in found
	not waivers.covering(id, violation.entry)
	made := result.finding(id, violation)
}

findings contains made if {
	documents.is_set
	some violation in data.thunderguard.estate_rules[id].violations
	not waivers.covering(id, violation.entry)
	made := result.finding(id, violation)
}

# METADATA
# description: "[{finding, waiver}] of what a waiver of the Estate covers: it fails nothing, and is said all the same."
waived contains {"finding": made, "waiver": waiver} if {
	some id, _ in waivers.in_force
	some violation in _found[id]
	waiver := waivers.covering(id, violation.entry)
	made := result.finding(id, violation)
}

waived contains {"finding": made, "waiver": waiver} if {
	documents.is_set
	some id, _ in waivers.in_force
	some violation in data.thunderguard.estate_rules[id].violations
	waiver := waivers.covering(id, violation.entry)
	made := result.finding(id, violation)
}

# What the rules say, by id. Each is asked by name for what is wanted of it: the whole of a package is all its parts
# besides.
_found := {id: found | found := data.thunderguard.rules[id].violations} if _asks_all

_found := {id: found |
	violations := data.thunderguard.rules[id].violations
	others := _others(id)
	found := {violation | some violation in violations; not violation.entry.index in others}
} if {
	documents.partial != {}
}

_subjects := {id: subjects | subjects := data.thunderguard.rules[id].subjects} if _asks_all

_subjects := {id: subjects | all := data.thunderguard.rules[id].subjects; subjects := all - _others(id)} if {
	documents.partial != {}
}

_unjudged := {id: unjudged | unjudged := data.thunderguard.rules[id].unjudged} if _asks_all

_unjudged := {id: unjudged | all := data.thunderguard.rules[id].unjudged; unjudged := all - _others(id)} if {
	documents.partial != {}
}

# An inventory has no objects, so that nothing need be asked about them.
_asks_all if {
	not documents.is_inventory
	documents.partial == {}
}

# The documents that bring a part which a rule does not judge.
_others(id) := {index | some index, rules in documents.partial; not id in rules}

# METADATA
# description: What fails a build.
deny contains answer if {
	some found in findings
	found.level == "deny"
	answer := _answer(found)
}

# METADATA
# description: Without a contract nothing can be judged, and silence would look like a pass.
deny contains answer if {
	not contract.spec.namespaces.allowed
	answer := {"msg": "no Estate: load it as data.estate, as conftest.toml does with estate:FILE"}
}

# METADATA
# description: What is shown and does not fail a build.
warn contains answer if {
	some found in findings
	found.level == "warn"
	answer := _answer(found)
}

# METADATA
# description: What is waived is shown, and until when. It is no finding for whoever counts those.
warn contains answer if {
	some borne in waived
	answer := {
		"msg": sprintf("waived until %s by %s: %s", [
			borne.waiver.expires,
			borne.waiver.owner,
			_message(borne.finding),
		]),
		"waived": borne,
		"file": borne.finding.file,
	}
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
	some entry in objects.entries
	ids := [id |
		some id, unjudged in _unjudged
		entry.index in unjudged
		not entry.index in _violated[id]
	]
	count(ids) > 0
	answer := {
		"msg": sprintf("%s: namespace unknown, not judged by %s", [
			objects.resource_text(entry.resource),
			concat(", ", sort(ids)),
		]),
		"resource": entry.resource,
		"file": entry.file,
	}
}

# METADATA
# description: A finding as conftest shows it, with the file that --combine tells.
_answer(found) := object.union({"msg": _message(found)}, found)

_message(found) := sprintf("%s: %s: %s. %s", [
	found.rule,
	objects.resource_text(found.resource),
	found.message,
	found.remedy,
])

_violated := {id: indices |
	some id, found in _found
	indices := {violation.entry.index |
		some violation in found
		not waivers.covering(id, violation.entry)
	}
}

# METADATA
# description: |
#   For each entry the status of every rule of scope object: passed, violated, not matched or not judged.
rows := [row |
	some entry in objects.entries
	row := {
		"resource": entry.resource,
		"file": entry.file,
		"statuses": {id: status | some id, _ in _subjects; status := _status(id, entry.index)},
	}
]

_status(id, i) := "violated" if {
	i in _violated[id]
} else := "not judged" if {
	i in _unjudged[id]
} else := "passed" if {
	i in _subjects[id]
} else := "not matched"

# METADATA
# description: The rules that had something to say about an object, good or bad.
spoken contains id if {
	some id, index
	_subjects[id][index]
	not _unjudged[id][index]
}

spoken contains id if {
	some found in findings
	id := found.rule
}

# METADATA
# description: The answer about one object. Undefined for what is no Kubernetes object.
verdict := {
	"findings": findings,
	"statuses": rows[0].statuses,
	"record": _record,
}

_record := record if {
	record := inventory.records[0]
} else := null

# METADATA
# description: |
#   The answers about the objects of a batch, by their places: findings with their index, the places of which each rule
#   speaks or which it leaves open, and the records. An object that is none shifts the others, so none may be one.
batch := {
	"count": count(objects.entries),
	"findings": findings,
	"subjects": _subjects,
	"unjudged": _unjudged,
	"records": inventory.records,
} if {
	documents.is_batch
}

# METADATA
# description: The answer about a set of records.
inventory_verdict := {"findings": findings} if documents.is_inventory
