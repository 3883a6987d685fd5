# METADATA
# title: A deprecated chart is not deployed
package thunderguard.rules["deprecated-chart"]

import data.thunderguard.contract
import data.thunderguard.facts.documents
import data.thunderguard.facts.helm
import data.thunderguard.facts.ownership
import data.thunderguard.result
import future.keywords.not

# METADATA
# description: Indices of the entries that the rule speaks about.
subjects := {speaking.entry.index | some speaking in _labelled} | {speaking.entry.index | some speaking in _bringing}

# METADATA
# description: Nothing is left open.
unjudged := set()

# METADATA
# description: A label that names a deprecated chart.
violations contains found if {
	some speaking in _labelled
	label := [told | some told in speaking.labels; _deprecated[told.name]][0]
	some chart in _deprecated[label.name]
	found := _violation(speaking.entry, label.path, chart)
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

# [{entry, labels: [{path, name}]}]: the object's own label, and the pod template's where that one does not tell
_labelled := [{"entry": entry, "labels": labels} |
	some entry in ownership.judged
	labels := array.concat(_own_label(entry), _template_label(entry))
	count(labels) > 0
]

_own_label(entry) := [{"path": ["metadata", "labels", "helm.sh/chart"], "name": name}] if {
	name := entry.object.metadata.labels["helm.sh/chart"]
	is_string(name)
} else := []

_template_label(entry) := [] if {
	entry.template in {null, []}
} else := [{"path": path, "name": name}] if {
	path := array.concat(entry.template, ["metadata", "labels", "helm.sh/chart"])
	name := object.get(entry.object, path, null)
	is_string(name)
} else := []

# label → the deprecated charts that it names; many objects share few labels
_deprecated := {name: charts |
	some name in {label.name | some speaking in _labelled; some label in speaking.labels}
	charts := [chart | some chart in contract.deprecated_charts; helm.names_chart(name, chart.name)]
	count(charts) > 0
}

# [{entry, paths}] of what brings a chart, with the fields that may name it
_bringing := [{"entry": entry, "paths": paths} |
	some entry in ownership.judged
	paths := _paths(entry)
]

_paths(entry) := paths if {
	paths := _source_paths[entry.group][entry.object.kind]
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
	"helm.cattle.io": {"HelmChart": [["spec", "chart"]]},
	"helm.toolkit.fluxcd.io": {"HelmRelease": [["spec", "chart", "spec", "chart"]]},
	"source.toolkit.fluxcd.io": {"HelmChart": [["spec", "chart"]], "OCIRepository": [["spec", "url"]]},
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
