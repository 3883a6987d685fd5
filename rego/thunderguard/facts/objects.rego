package thunderguard.facts.objects

import data.thunderguard.facts.documents
import future.keywords.not

# METADATA
# description: |
#   [{index, object, file, resource, group, template}] of every readable document. template is the path of the pod
#   template, absent when the object is no workload.
entries := [entry |
	some document in documents.documents
	documents.readable(document.object)
	entry := object.union(
		{
			"object": document.object,
			"file": document.file,
			"resource": resource_of(document.object),
			"group": group_of(document.object),
		},
		_template_field(document.object),
	)
]

_template_field(obj) := {"template": path} if path := template_path(obj)

_template_field(obj) := {} if not template_path(obj)

# METADATA
# description: The address of an object. Absent parts are empty strings.
resource_of(obj) := resource if {
	not documents.is_chart_file(obj)
	resource := {
		"apiVersion": obj.apiVersion,
		"kind": obj.kind,
		"namespace": text_field(obj.metadata, "namespace"),
		"name": _name(obj.metadata),
	}
}

resource_of(obj) := resource if {
	documents.is_chart_file(obj)
	resource := {"apiVersion": obj.apiVersion, "kind": "Chart", "namespace": "", "name": obj.name}
}

_name(metadata) := text_field(metadata, "name") if text_field(metadata, "name") != ""

_name(metadata) := text_field(metadata, "generateName") if text_field(metadata, "name") == ""

text_field(map, key) := map[key] if is_string(map[key])

text_field(map, key) := "" if not is_string(map[key])

# METADATA
# description: The API group of an object, empty for the core group.
group_of(obj) := parts[0] if {
	parts := split(obj.apiVersion, "/")
	count(parts) > 1
}

group_of(obj) := "" if count(split(obj.apiVersion, "/")) == 1

# METADATA
# description: How people name an object.
resource_text(resource) := concat("/", [resource.kind, resource.name]) if resource.namespace == ""

resource_text(resource) := concat("/", [resource.namespace, resource.kind, resource.name]) if resource.namespace != ""

# METADATA
# description: The built-in workload kinds, their groups and where the pod template stands.
built_in := {
	"Pod": {"group": "", "template": []},
	"ReplicationController": {"group": "", "template": ["spec", "template"]},
	"ReplicaSet": {"group": "apps", "template": ["spec", "template"]},
	"Deployment": {"group": "apps", "template": ["spec", "template"]},
	"StatefulSet": {"group": "apps", "template": ["spec", "template"]},
	"DaemonSet": {"group": "apps", "template": ["spec", "template"]},
	"Job": {"group": "batch", "template": ["spec", "template"]},
	"CronJob": {"group": "batch", "template": ["spec", "jobTemplate", "spec", "template"]},
}

# METADATA
# description: Whether an object is of a built-in workload kind, and not of another group's kind with that name.
is_built_in(obj) if built_in[obj.kind].group == group_of(obj)

# METADATA
# description: |
#   The path of the pod template. Undefined when the object is no workload: any kind with spec.template.spec.containers
#   is one.
template_path(obj) := built_in[obj.kind].template if is_built_in(obj)

template_path(obj) := ["spec", "template"] if {
	is_array(obj.spec.template.spec.containers)
	not is_built_in(obj)
}

# METADATA
# description: |
#   The controller of an object: the owner reference with controller true
#   (https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/).
owner_of(obj) := controllers[0] if {
	is_array(obj.metadata.ownerReferences)
	controllers := [reference | some reference in obj.metadata.ownerReferences; reference.controller == true]
}
