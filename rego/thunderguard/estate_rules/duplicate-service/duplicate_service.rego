# METADATA
# title: A single-instance service runs once
package thunderguard.estate_rules["duplicate-service"]

import data.thunderguard.contract
import data.thunderguard.facts.helm
import data.thunderguard.facts.inventory
import data.thunderguard.facts.objects
import data.thunderguard.result
import future.keywords.not

# METADATA
# description: An active instance that is not the one to keep.
violations contains found if {
	some service in contract.services
	service.home
	ranked := sort({[_rank(address, service.home), instance] |
		some record in inventory.inventory
		record.type == "workload"
		not record.root
		service.name in record.services
		not record.replicas == 0
		some address in inventory.addresses(record)
		instance := {"resource": address, "release": record.release}
	})
	count(ranked) > 1
	some i, pair in ranked
	i > 0
	args := {
		"service": service.name,
		"count": sprintf("%v", [count(ranked)]),
		"keep": objects.resource_text(ranked[0][1].resource),
		"remove": helm.remove_by(pair[1].release, pair[1].resource),
	}
	found := result.violation("duplicate", pair[1], [], args, service.name)
}

# The instance to keep is the one nearest to the service's home.
_rank(address, home) := [
	_place(_at(address, home)),
	_place(address.namespace == home.namespace),
	_place(address.namespace in contract.allowed),
	address.namespace,
	address.kind,
	address.name,
]

# A kind of another API group is another kind, whatever its name.
_at(resource, home) := [
	objects.group_of(resource), resource.kind, resource.namespace, resource.name,
] == [
	object.get(objects.built_in, [home.kind, "group"], ""), home.kind, home.namespace, home.name,
]

_place(true) := 0

_place(false) := 1
