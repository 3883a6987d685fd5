# METADATA
# title: A deprecated chart is not deployed
package thunderguard.rules["deprecated-chart"]

import data.thunderguard.contract
import data.thunderguard.facts.documents
import data.thunderguard.facts.helm
import data.thunderguard.facts.objects
import data.thunderguard.facts.ownership
import data.thunderguard.result
import future.keywords.not

# METADATA
# description: Indices of the entries that the rule speaks about.
subjects := {labelled.entry.index | some labelled in _labelled} | {speaking.entry.index | some speaking in _bringing}

# METADATA
# description: Nothing is left open.
unjudged := set()

# METADATA
# description: |
#   A label that names a deprecated chart: the object's own, and the pod template's where that one does not tell.
violations contains found if {
	some labelled in _labelled
	some chart in _deprecated[labelled.name]
	not _told_before(labelled)
	found := _violation(labelled.entry, labelled.path, chart)
}

# METADATA
# description: A source that names a deprecated chart.
violations contains found if {
	some speaking in _bringing
	some path in speaking.paths
	value := object.get(speaking.entry.object, path, null)
	is_string(value)
	some chart in contract.deprecated_charts
	helm.names_chart(helm.source_name(value), chart.name)
	found := _violation(speaking.entry, path, chart)
}

_violation(entry, path, chart) := found if {
	args := {"chart": chart.name, "reason": chart.reason, "command": _command(entry, chart)}
	found := result.violation("chart", entry, path, args, null)
}

# [{entry, path, name}] of the labels that name a chart
_labelled := array.concat(
	[{"entry": entry, "path": _own_label, "name": name} |
		some entry in ownership.judged
		name := entry.object.metadata.labels["helm.sh/chart"]
		is_string(name)
	],
	[{"entry": entry, "path": path, "name": name} |
		some entry in ownership.judged

		# A Pod is its own template.
		entry.template != []
		path := array.concat(objects.places[entry.template].labels, ["helm.sh/chart"])
		name := object.get(entry.object, path, null)
		is_string(name)
	],
)

_own_label := ["metadata", "labels", "helm.sh/chart"]

_told_before(labelled) if {
	labelled.path != _own_label
	_deprecated[labelled.entry.object.metadata.labels["helm.sh/chart"]]
}

# label → the deprecated charts that it names; many objects share few labels
_deprecated := {name: charts |
	some name in {labelled.name | some labelled in _labelled}
	charts := [chart | some chart in contract.deprecated_charts; helm.names_chart(name, chart.name)]
	count(charts) > 0
}

# [{entry, paths}] of what brings a chart, with the fields that may name it
_bringing := [{"entry": entry, "paths": paths} |
	some entry in ownership.judged
	[entry.group, entry.resource.kind] in _bringers
	paths := _paths(entry)
]

_bringers := object.keys(_source_paths) | {
	["argoproj.io", "Application"], ["argoproj.io", "ApplicationSet"], ["thunderguard.dev", "Release"], ["", "Chart"],
}

_paths(entry) := paths if {
	paths := _source_paths[[entry.group, entry.object.kind]]
} else := paths if {
	entry.group == "argoproj.io"
	paths := _argo_paths(entry, _argo_specs[entry.object.kind])
} else := [["spec", "chart", "name"]] if {
	helm.is_release(entry)
} else := paths if {
	documents.is_chart_file(entry.object)
	dependencies := [["dependencies", i, "name"] |
		is_array(entry.object.dependencies)
		some i, _ in entry.object.dependencies
	]
	paths := array.concat([["name"]], dependencies)
}

_source_paths := {
	["helm.cattle.io", "HelmChart"]: [["spec", "chart"]],
	["helm.toolkit.fluxcd.io", "HelmRelease"]: [["spec", "chart", "spec", "chart"]],
	["source.toolkit.fluxcd.io", "HelmChart"]: [["spec", "chart"]],
	["source.toolkit.fluxcd.io", "OCIRepository"]: [["spec", "url"]],
}

_argo_specs := {"Application": ["spec"], "ApplicationSet": ["spec", "template", "spec"]}

_argo_paths(entry, spec) := array.concat(
	[array.concat(spec, ["source", key]) | some key in ["chart", "path"]],
	[path |
		sources := object.get(entry.object, array.concat(spec, ["sources"]), [])
		is_array(sources)
		some i, _ in sources
		some key in ["chart", "path"]
		path := array.concat(spec, ["sources", i, key])
	],
)

_command(entry, chart) := command if {
	helm.is_release(entry)
	entry.resource.namespace != ""
	command := helm.uninstall(entry.resource)
} else := command if {
	command := helm.uninstall(helm.release_of(entry))
} else := command if {
	command := chart.remedy
}
