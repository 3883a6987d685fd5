# METADATA
# title: A service runs as the kinds it is declared for
package thunderguard.rules["job-only-service"]

import data.thunderguard.contract
import data.thunderguard.facts.containers
import data.thunderguard.facts.helm
import data.thunderguard.result
import data.thunderguard.text
import future.keywords.not

# METADATA
# description: Indices of the entries that the rule speaks about.
subjects := {pair.workload.index | some pair in _instances}

# METADATA
# description: Nothing is left open.
unjudged := set()

# METADATA
# description: A service run by a kind that its execution does not list.
violations contains found if {
	some pair in _instances
	container := containers.of_service(pair.workload, pair.service.name)[0]
	mode := _mode(pair.workload, container, pair.service.name)
	not mode in pair.service.execution
	args := {
		"service": pair.service.name,
		"execution": mode,
		"allowed": text.join(pair.service.execution),
		"remove": helm.remove(pair.workload),
	}
	found := result.violation("execution", pair.workload, container.path, args, pair.service.name)
}

_instances := [{"workload": workload, "service": service} |
	some workload in containers.own_workloads
	some name in workload.services
	some service in contract.services_by_name[name]
	service.execution
]

_mode(workload, container, name) := "Sidecar" if {
	_beside_another(workload, container, name)
} else := kind if {
	kind := workload.resource.kind
}

# A sidecar stands beside a container of another declared service: beside anything else it is a Deployment in disguise.
_beside_another(workload, container, name) if {
	count(workload.services) > 1
	some other in workload.containers
	some host in other.services
	host != name
	not host in container.services
}
