# METADATA
# title: A chart is released once
package thunderguard.estate_rules["duplicate-release"]

import data.thunderguard.contract
import data.thunderguard.facts.inventory
import data.thunderguard.facts.namespaces
import data.thunderguard.result
import future.keywords.not

# METADATA
# description: A release of a chart that is released elsewhere, and better placed there.
violations contains found if {
	some chart, ranked in _by_chart
	count(ranked) > 1
	some i, release in ranked
	i > 0
	resource := {
		"apiVersion": "thunderguard.dev/v1alpha1",
		"kind": "Release",
		"namespace": release[1],
		"name": release[2],
	}
	args := {
		"chart": chart,
		"count": sprintf("%v", [count(ranked)]),
		"keep": concat("", [ranked[0][2], " in ", ranked[0][1]]),
	}
	found := result.violation("duplicate", {"resource": resource}, ["spec", "chart", "name"], args, null)
}

# chart → its releases as [out of place, namespace, name], the one to keep first
_by_chart := {chart: ranked |
	some chart in {release.chart | some release in _releases}
	ranked := sort({[_place(release.namespace), release.namespace, release.name] |
		some release in _releases
		release.chart == chart
	})
}

_place(namespace) := 0 if namespaces.allowed(namespace)

_place(namespace) := 1 if not namespaces.allowed(namespace)

_releases := {release |
	some record in inventory.inventory
	record.type in _telling
	not record.root
	not record.uninstalled
	release := record.release
	release != null
	release.chart != ""
	not release.namespace in contract.exempt
}

# Labels speak only where no release is known: charts of subcharts would be counted beside it.
_telling := {"release"} if _knows_releases

_telling := {"workload"} if not _knows_releases

_knows_releases if {
	some record in inventory.inventory
	record.type == "release"
}
