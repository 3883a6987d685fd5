# METADATA
# title: A service answers for its health
package thunderguard.rules["health-probes"]

import data.thunderguard.contract
import data.thunderguard.facts.containers
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
# description: A service without a probe that it declares.
violations contains found if {
	some pair in _instances
	serving := containers.of_service(pair.workload, pair.service.name)
	some wanted, probe in {"readiness": "readinessProbe", "liveness": "livenessProbe"}
	pair.service.probes[wanted] == true
	not _probed(serving, probe)
	path := array.concat(serving[0].path, [probe])
	args := {
		"container": containers.container_name(serving[0]),
		"service": pair.service.name,
		"probe": probe,
		"field": text.path(path),
	}
	found := result.violation("probe", pair.workload, path, args, pair.service.name)
}

_probed(serving, probe) if {
	some container in serving
	is_object(container.raw[probe])
}

_instances := [{"workload": workload, "service": service} |
	some workload in containers.own_workloads
	some name in workload.services
	not _runs_to_completion(workload)
	some service in contract.services_by_name[name]
	service.probes
]

_runs_to_completion(workload) if {
	workload.group == "batch"
	workload.resource.kind in {"Job", "CronJob"}
}
