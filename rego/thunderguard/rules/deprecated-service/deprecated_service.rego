# METADATA
# title: A deprecated service is not run
package thunderguard.rules["deprecated-service"]

import data.thunderguard.contract
import data.thunderguard.facts.containers
import data.thunderguard.facts.helm
import data.thunderguard.result
import future.keywords.not

# METADATA
# description: Indices of the entries that the rule speaks about.
subjects := {workload.index | some workload in containers.workloads}

# METADATA
# description: Nothing is left open.
unjudged := set()

# METADATA
# description: A workload recognised as a deprecated service.
violations contains found if {
	some workload in containers.workloads
	some name in workload.deprecated
	some service in contract.deprecated_services
	service.name == name
	places := [container.path |
		some container in workload.containers
		service.name in container.deprecated
	]
	path := places[0]
	args := {"service": service.name, "reason": service.reason, "command": _command(workload, service)}
	found := result.violation("service", workload, path, args, service.name)
}

_command(workload, _) := helm.uninstall(helm.release_of(workload))

_command(workload, service) := service.remedy if not helm.release_of(workload)
