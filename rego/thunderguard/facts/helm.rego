# METADATA
# description: Charts and releases, and the command that removes an object.
package thunderguard.facts.helm

import data.thunderguard.facts.namespaces
import future.keywords.not

_version := `[-]v?[0-9]+[.][0-9]+[.][0-9]+([-_+][0-9A-Za-z._+-]*)?$`

# METADATA
# description: Whether a chart label or source, such as thunder-stack-0.1.0, names a chart.
names_chart(text, chart) if text == chart

names_chart(text, chart) if {
	startswith(text, concat("", [chart, "-"]))
	rest := substring(text, count(chart), -1)
	regex.match(concat("", ["^", _version]), rest)
}

# METADATA
# description: The chart's name in a chart label.
chart_name(label) := regex.replace(label, _version, "")

# METADATA
# description: The part of a chart source (path, URL, OCI reference) that names the chart.
source_name(source) := name if {
	segments := split(trim_right(split(source, "@")[0], "/"), "/")
	archive := trim_suffix(segments[count(segments) - 1], ".tgz")
	name := regex.replace(archive, ":[^:]*$", "")
}

# METADATA
# description: |
#   The Helm release that an object belongs to, {name, namespace}; the annotations are Helm's own
#   (https://helm.sh/docs/faq/changes_since_helm2/). Undefined when it belongs to none or its namespace is unknown.
release_of(entry) := release if {
	annotations := entry.object.metadata.annotations
	name := annotations["meta.helm.sh/release-name"]
	_filled(name)
	namespace := _release_namespace(annotations, entry)
	namespace != ""
	release := {"name": name, "namespace": namespace}
} else := release if {
	labels := entry.object.metadata.labels
	labels["app.kubernetes.io/managed-by"] == "Helm"
	_filled(labels["app.kubernetes.io/instance"])
	not _filled(entry.object.metadata.annotations["meta.helm.sh/release-name"])
	release := {"name": labels["app.kubernetes.io/instance"], "namespace": entry.resource.namespace}
	release.namespace != ""
}

_release_namespace(annotations, entry) := namespace if {
	namespace := annotations["meta.helm.sh/release-namespace"]
	_filled(namespace)
} else := namespace if {
	namespace := entry.resource.namespace
}

_filled(text) if {
	is_string(text)
	text != ""
}

# METADATA
# description: The command that uninstalls a release.
uninstall(release) := concat("", ["helm uninstall ", release.name, " -n ", release.namespace])

# METADATA
# description: |
#   The command that removes an object: by its release where the whole release is out of place, else by itself.
remove(entry) := command if {
	command := remove_by(release_of(entry), entry.resource)
} else := command if {
	command := remove_by(null, entry.resource)
}

# METADATA
# description: The same for an address and its release, null when it belongs to none.
remove_by(release, resource) := command if {
	release != null
	resource.namespace != ""
	not namespaces.allowed(resource.namespace)
	command := uninstall(release)
} else := command if {
	command := concat("", ["kubectl delete ", _typed(resource.kind), " ", resource.name, _flag(resource)])
}

# Engines do not agree on small letters outside ASCII.
_typed(kind) := small if {
	regex.match("^[A-Za-z0-9]+$", kind)
	small := lower(kind)
} else := kind

_flag(resource) := flag if {
	resource.namespace != ""
	flag := concat("", [" -n ", resource.namespace])
} else := ""

# METADATA
# description: Whether an object is a Release, the record that stands for a Helm release, and is not uninstalled.
is_release(entry) if {
	entry.group == "thunderguard.dev"
	entry.object.kind == "Release"
	not entry.object.spec.status == "uninstalled"
}
