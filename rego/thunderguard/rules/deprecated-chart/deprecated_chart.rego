# METADATA
# title: A deprecated chart is not deployed
package thunderguard.rules["deprecated-chart"]

import data.thunderguard.facts.documents
import data.thunderguard.facts.helm
import data.thunderguard.facts.ownership
import data.thunderguard.result
import future.keywords.not

# METADATA
# description: Indices of the entries that the rule speaks about.
subjects := {entry.index |
	some entry in ownership.judged
	_speaks_of(entry)
}

# METADATA
# description: Nothing is left open.
unjudged := set()

# METADATA
# description: A place that names a deprecated chart.
violations contains found if {
	some entry in ownership.judged
	some named in _names(entry)
	some chart in data.estate.spec.deprecated.charts
	helm.names_chart(named.name, chart.name)
	args := {"chart": chart.name, "reason": chart.reason, "command": _command(entry, chart)}
	found := result.violation("chart", entry, named.path, args, null)
}

_speaks_of(entry) if count(_labels(entry)) > 0

_speaks_of(entry) if documents.is_chart_file(entry.object)

_speaks_of(entry) if helm.is_release(entry)

_speaks_of(entry) if entry.object.kind in _source_kinds[entry.group]

_source_kinds := {
	"argoproj.io": {"Application", "ApplicationSet"},
	"helm.toolkit.fluxcd.io": {"HelmRelease"},
	"source.toolkit.fluxcd.io": {"HelmChart", "OCIRepository"},
	"helm.cattle.io": {"HelmChart"},
}

# [{path, name}] of every place where the entry says which chart it comes from or brings.
_names(entry) := array.concat(_first_deprecated(_labels(entry)), _sources(entry))

# The pod template's label counts where the object's own one does not tell.
_first_deprecated(labels) := array.slice(hits, 0, 1) if {
	hits := [label |
		some label in labels
		some chart in data.estate.spec.deprecated.charts
		helm.names_chart(label.name, chart.name)
	]
}

_labels(entry) := [label |
	some owner in _label_owners(entry)
	path := array.concat(owner, ["metadata", "labels", "helm.sh/chart"])
	value := object.get(entry.object, path, null)
	is_string(value)
	label := {"path": path, "name": value}
]

_label_owners(entry) := [[], entry.template] if count(object.get(entry, "template", [])) > 0

_label_owners(entry) := [[]] if count(object.get(entry, "template", [])) == 0

_sources(entry) := [source |
	some path in _chart_paths(entry)
	value := object.get(entry.object, path, null)
	is_string(value)
	source := {"path": path, "name": helm.source_name(value)}
]

_chart_paths(entry) := paths if {
	documents.is_chart_file(entry.object)
	dependencies := [["dependencies", i, "name"] |
		is_array(entry.object.dependencies)
		some i, _ in entry.object.dependencies
	]
	paths := array.concat([["name"]], dependencies)
}

_chart_paths(entry) := [["spec", "chart", "name"]] if helm.is_release(entry)

_chart_paths(entry) := _argo_paths(entry, ["spec"]) if {
	entry.group == "argoproj.io"
	entry.object.kind == "Application"
}

_chart_paths(entry) := _argo_paths(entry, ["spec", "template", "spec"]) if {
	entry.group == "argoproj.io"
	entry.object.kind == "ApplicationSet"
}

_chart_paths(entry) := [["spec", "chart", "spec", "chart"]] if {
	entry.group == "helm.toolkit.fluxcd.io"
	entry.object.kind == "HelmRelease"
}

_chart_paths(entry) := [["spec", "chart"]] if {
	entry.group in {"source.toolkit.fluxcd.io", "helm.cattle.io"}
	entry.object.kind == "HelmChart"
}

_chart_paths(entry) := [["spec", "url"]] if {
	entry.group == "source.toolkit.fluxcd.io"
	entry.object.kind == "OCIRepository"
}

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

_command(entry, _) := helm.uninstall(entry.resource) if helm.is_release(entry)

_command(entry, _) := helm.uninstall(helm.release_of(entry)) if not helm.is_release(entry)

_command(entry, chart) := chart.remedy if {
	not helm.is_release(entry)
	not helm.release_of(entry)
}
