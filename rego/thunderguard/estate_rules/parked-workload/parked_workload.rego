# METADATA
# title: Nothing is left scaled to zero
package thunderguard.estate_rules["parked-workload"]

import data.thunderguard.facts.helm
import data.thunderguard.facts.inventory
import data.thunderguard.facts.namespaces
import data.thunderguard.result
import future.keywords.not

# METADATA
# description: A workload scaled to zero.
violations contains found if {
	some record in inventory.inventory
	record.type == "workload"
	not record.root
	record.replicas == 0
	not namespaces.exempt(record.resource)
	some address in inventory.addresses(record)
	args := {"remove": helm.remove_by(record.release, address)}
	found := result.violation("parked", {"resource": address}, ["spec", "replicas"], args, _service(record))
}

_service(record) := record.services[0]

_service(record) := null if count(record.services) == 0
