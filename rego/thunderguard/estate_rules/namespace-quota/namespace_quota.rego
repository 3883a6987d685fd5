# METADATA
# title: An allowed namespace has a quota and default limits
package thunderguard.estate_rules["namespace-quota"]

import data.thunderguard.contract
import data.thunderguard.facts.inventory
import data.thunderguard.result
import data.thunderguard.text
import future.keywords.not

# METADATA
# description: An allowed namespace without a ResourceQuota or a LimitRange.
violations contains found if {
	some namespace in contract.allowed
	missing := {kind | some kind in ["LimitRange", "ResourceQuota"]} - _present(namespace)
	count(missing) > 0
	resource := {"apiVersion": "v1", "kind": "Namespace", "namespace": "", "name": namespace}
	args := {"missing": text.join(missing)}
	found := result.violation("absent", {"resource": resource}, ["metadata", "name"], args, null)
}

_present(namespace) := {record.resource.kind |
	some record in inventory.inventory
	record.resource.namespace == namespace
	record.resource.kind in {"LimitRange", "ResourceQuota"}
	record.resource.apiVersion == "v1"
}
