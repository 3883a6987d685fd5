# METADATA
# description: What every object has - its address and its owner - and which of them run pods.
package thunderguard.facts.objects

import data.thunderguard.facts.documents
import future.keywords.not

# METADATA
# description: |
#   [{index, object, file, resource, group, template}] of every readable document. template is the path of the pod
#   template, null when the object is no workload.
entries := [entry |
	some index, addressed in _addressed
	resource := addressed.resource
	type := _types[[resource.apiVersion, resource.kind]]
	entry := {
		"index": index,
		"object": addressed.object,
		"file": addressed.file,
		"resource": resource,
		"group": type.group,
		"template": _template(addressed.object, type),
	}
]

_addressed := [{"object": obj, "file": document.file, "resource": resource} |
	some document in documents.documents
	obj := document.object
	documents.readable(obj)
	resource := resource_of(obj)
]

# [apiVersion, kind] → {group, template}; many objects share few types
_types := {type: {"group": group, "template": template} |
	some type in {[resource.apiVersion, resource.kind] |
		some addressed in _addressed
		resource := addressed.resource
	}
	group := group_of({"apiVersion": type[0]})
	template := _built_in_template(group, type[1])
}

_built_in_template(group, kind) := template if {
	built_in[kind].group == group
	template := built_in[kind].template
} else := null

# METADATA
# description: The address of a readable object. Absent parts are empty strings.
resource_of(obj) := resource if {
	obj.kind
	metadata := obj.metadata
	name := metadata.name
	is_string(name)
	name != ""
	namespace := metadata.namespace
	is_string(namespace)
	resource := {"apiVersion": obj.apiVersion, "kind": obj.kind, "namespace": namespace, "name": name}
} else := resource if {
	obj.kind
	metadata := obj.metadata
	resource := {
		"apiVersion": obj.apiVersion,
		"kind": obj.kind,
		"namespace": text_field(metadata, "namespace"),
		"name": _name(metadata),
	}
} else := resource if {
	resource := {"apiVersion": obj.apiVersion, "kind": "Chart", "namespace": "", "name": obj.name}
}

_name(metadata) := name if {
	name := text_field(metadata, "name")
	name != ""
} else := name if {
	name := text_field(metadata, "generateName")
}

# METADATA
# description: A field of a map when it is a string, else the empty string.
text_field(map, key) := value if {
	value := map[key]
	is_string(value)
} else := ""

# METADATA
# description: The API group of an object, empty for the core group.
group_of(obj) := group if {
	slash := indexof(obj.apiVersion, "/")
	slash >= 0
	group := substring(obj.apiVersion, 0, slash)
} else := ""

# METADATA
# description: How people name an object.
resource_text(resource) := words if {
	resource.namespace == ""
	words := concat("/", [resource.kind, resource.name])
} else := words if {
	words := concat("/", [resource.namespace, resource.kind, resource.name])
}

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
# description: "template → where its spec and its labels stand."
places := {
	[]: {"spec": ["spec"], "labels": ["metadata", "labels"]},
	["spec", "template"]: {
		"spec": ["spec", "template", "spec"],
		"labels": ["spec", "template", "metadata", "labels"],
	},
	["spec", "jobTemplate", "spec", "template"]: {
		"spec": ["spec", "jobTemplate", "spec", "template", "spec"],
		"labels": ["spec", "jobTemplate", "spec", "template", "metadata", "labels"],
	},
}

# METADATA
# description: Whether an entry is of a built-in workload kind, and not of another group's kind with that name.
is_built_in(entry) if built_in[entry.object.kind].group == entry.group

# Any kind with spec.template.spec.containers is a workload.
_template(obj, type) := path if {
	path := type.template
	path != null
} else := path if {
	is_array(obj.spec.template.spec.containers)
	path := ["spec", "template"]
} else := null

# METADATA
# description: |
#   The controller of an object: the owner reference with controller true
#   (https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/).
owner_of(obj) := controllers[0] if {
	is_array(obj.metadata.ownerReferences)
	controllers := [reference | some reference in obj.metadata.ownerReferences; reference.controller == true]
}
