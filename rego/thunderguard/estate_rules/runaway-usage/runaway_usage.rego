# METADATA
# title: Measured use stays within bounds
package thunderguard.estate_rules["runaway-usage"]

import data.thunderguard.contract
import data.thunderguard.facts.inventory
import data.thunderguard.facts.namespaces
import data.thunderguard.quantity
import data.thunderguard.result
import data.thunderguard.text
import future.keywords.not

# METADATA
# description: A workload that uses more than its ceiling, or much without a limit.
violations contains found if {
	some root in {excess.root | some excess in _excesses}
	usage := {excess.text | some excess in _excesses; excess.root == root}
	args := {"usage": concat("; ", sort(usage))}
	found := result.violation("usage", {"resource": root}, ["status"], args, null)
}

_excesses := [{"root": pod.root, "text": words} |
	some measured in inventory.inventory
	measured.type == "metrics"
	not namespaces.exempt(measured.resource)
	some name in measured.names
	some pod in _pods[[measured.resource.namespace, name]]
	some container in measured.containers
	some amount in ["cpu", "memory"]
	used := container.usage[amount]
	bound := _exceeded(pod.bounds[container.name][amount], amount, quantity.milli(used))
	words := concat("", [
		name, "/", container.name, " ", amount, " ", text.value(used), ", ", bound.text,
	])
]

# The smallest ceiling; where that holds or there is none, the Estate's threshold for what has no limit.
_exceeded(bound, amount, used) := exceeded if {
	ranked := sort([[quantity.milli(ceiling), text.value(ceiling)] | some ceiling in bound.ceilings])
	used > ranked[0][0]
	exceeded := {"text": concat("", ["ceiling ", ranked[0][1]])}
} else := {"text": "no limit"} if {
	bound.limited == false
	used > quantity.milli(contract.spec.thresholds.unlimitedUsage[amount])
}

# [namespace, name] → the pods with it
_pods := {key: pods |
	some key in {[measured.resource.namespace, name] |
		some measured in inventory.inventory
		measured.type == "metrics"
		some name in measured.names
	}
	pods := [pod | some pod in _pod_list[key]]
}

_pod_list[key] contains pod if {
	some record in inventory.inventory
	record.type == "workload"
	record.resource.kind == "Pod"
	record.resource.apiVersion == "v1"
	some address in inventory.addresses(record)
	key := [address.namespace, address.name]
	pod := {"root": object.get(record, "root", address), "bounds": record.bounds}
}
