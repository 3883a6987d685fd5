# METADATA
# title: A required service is there
package thunderguard.estate_rules["missing-service"]

import data.thunderguard.contract
import data.thunderguard.facts.inventory
import data.thunderguard.facts.namespaces
import data.thunderguard.result
import future.keywords.not

# METADATA
# description: A required service without an instance.
violations contains found if {
	some i, service in contract.services
	service.required == true
	_replicas(service) == 0
	args := {"service": service.name, "home": _home(service)}
	found := result.violation("absent", _estate, ["spec", "services", i], args, service.name)
}

# METADATA
# description: A required service with too few replicas.
violations contains found if {
	some i, service in contract.services
	service.required == true
	replicas := _replicas(service)
	replicas > 0
	replicas < service.replicas.min
	args := {
		"service": service.name,
		"replicas": sprintf("%v", [replicas]),
		"minimum": sprintf("%v", [service.replicas.min]),
	}
	found := result.violation("minimum", _estate, ["spec", "services", i], args, service.name)
}

_replicas(service) := sum([replicas |
	some record in inventory.inventory
	record.type == "workload"
	not record.root
	namespaces.allowed(record.resource.namespace)
	service.name in record.services
	replicas := _counted(record.replicas) * count(record.names)
])

# A kind without a number of replicas counts as one.
_counted(null) := 1

_counted(n) := n if is_number(n)

_home(service) := concat("", [service.home.kind, " ", service.home.namespace, "/", service.home.name])

_home(service) := service.name if not service.home

_estate := {"resource": {
	"apiVersion": "thunderguard.dev/v1alpha1",
	"kind": "Estate",
	"namespace": "",
	"name": contract.name,
}}
