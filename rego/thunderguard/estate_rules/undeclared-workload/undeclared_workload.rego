# METADATA
# title: Every workload is one the Estate names
package thunderguard.estate_rules["undeclared-workload"]

import data.thunderguard.facts.helm
import data.thunderguard.facts.inventory
import data.thunderguard.facts.namespaces
import data.thunderguard.result
import future.keywords.not

# METADATA
# description: A workload in an allowed namespace that is no declared service.
violations contains found if {
	some record in inventory.inventory
	record.type == "workload"
	not record.root
	namespaces.allowed(record.resource.namespace)
	count(record.services) == 0
	count(record.deprecated) == 0
	some address in inventory.addresses(record)
	args := {"remove": helm.remove_by(record.release, address)}
	found := result.violation("undeclared", {"resource": address}, ["metadata", "name"], args, null)
}
