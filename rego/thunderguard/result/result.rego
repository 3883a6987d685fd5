# METADATA
# description: The only maker of findings. A rule says what it saw; words, level and shape come from here.
package thunderguard.result

import data.thunderguard.contract

# METADATA
# description: |
#   What a rule returns: the key of one of its violations in the catalogue, the entry found, the path inside it as
#   segments, the arguments of the message, and the service concerned (or null).
violation(key, entry, segments, args, service) := {
	"key": key,
	"entry": {
		"resource": entry.resource,
		"index": object.get(entry, "index", -1),
		"file": object.get(entry, "file", null),
	},
	"path": data.thunderguard.text.path(segments),
	"args": args,
	"service": service,
}

# METADATA
# description: The finding that a violation of a rule makes, in the shape of reports.
finding(id, violation) := made if {
	rule := contract.rules[id]
	words := rule.violations[violation.key]
	resource := violation.entry.resource
	args := object.union(
		{
			"kind": resource.kind,
			"name": resource.name,
			"namespace": resource.namespace,
			"resource": data.thunderguard.facts.objects.resource_text(resource),
		},
		violation.args,
	)
	made := {
		"rule": id,
		"level": rule.level,
		"service": violation.service,
		"resource": resource,
		"path": violation.path,
		"message": data.thunderguard.text.render(words.message, args),
		"remedy": data.thunderguard.text.render(words.remedy, args),
		"file": violation.entry.file,
		"index": violation.entry.index,
	}
}
