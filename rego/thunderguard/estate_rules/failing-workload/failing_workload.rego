# METADATA
# title: Pods start and stay up
package thunderguard.estate_rules["failing-workload"]

import data.thunderguard.facts.inventory
import data.thunderguard.facts.namespaces
import data.thunderguard.result
import future.keywords.not

# METADATA
# description: A workload with pods that do not start or do not stay up.
violations contains found if {
	some root in {record.root | some record in _failing}
	pods := [record | some record in _failing; record.root == root]
	failures := {failure | some record in pods; some failure in record.failures}
	args := {
		"failures": concat("; ", sort(failures)),
		"pod": min([record.resource.name | some record in pods]),
	}
	services := {name |
		some record in inventory.inventory
		record.type == "workload"
		record.resource == root
		some name in record.services
	}
	found := result.violation("failing", {"resource": root}, ["status"], args, _first(services))
}

_failing := [record |
	some record in inventory.inventory
	record.type == "workload"
	count(record.failures) > 0
	not namespaces.exempt(record.resource)
]

_first(services) := min(services) if count(services) > 0

_first(services) := null if count(services) == 0
