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
	some root in {pod.root | some pod in _failing}
	pods := [pod | some pod in _failing; pod.root == root]
	failures := {failure | some pod in pods; some failure in pod.failures}
	args := {
		"failures": concat("; ", sort(failures)),
		"pod": min([pod.name | some pod in pods]),
	}
	services := {service |
		some record in inventory.inventory
		record.type == "workload"
		root.name in record.names
		record.resource == object.remove(root, ["name"])
		some service in record.services
	}
	found := result.violation("failing", {"resource": root}, ["status"], args, _first(services))
}

_failing := [pod |
	some record in inventory.inventory
	record.type == "workload"
	count(record.failures) > 0
	not namespaces.exempt(record.resource)
	some address in inventory.addresses(record)
	pod := {"name": address.name, "root": object.get(record, "root", address), "failures": record.failures}
]

_first(services) := min(services) if count(services) > 0

_first(services) := null if count(services) == 0
