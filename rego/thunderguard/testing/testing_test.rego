# METADATA
# description: |
#   What the tests of the rules share: builders of small objects, one compact Estate in which every rule can fire, and
#   comparisons that print both sides when they differ.
package thunderguard.testing

import future.keywords.not

# METADATA
# description: The Estate of the tests. It knows nothing of any example.
estate := {
	"apiVersion": "thunderguard.dev/v1alpha1",
	"kind": "Estate",
	"metadata": {"name": "testland"},
	"spec": {
		"namespaces": {"allowed": ["prod", "data"], "exempt": ["kube-system"]},
		"services": [
			{
				"name": "mlflow",
				"recognise": [{"image": "^mlflow$"}, {"image": "^python$", "command": "mlflow server"}],
				"home": {"kind": "Deployment", "namespace": "prod", "name": "mlflow"},
				"replicas": {"min": 1, "max": 1},
				"required": true,
				"ceiling": {"cpu": "1", "memory": "2Gi"},
				"probes": {"readiness": true, "liveness": true},
				"image": {"repositories": ["docker.io/library/mlflow", "ghcr.io/mlflow/mlflow"], "tag": "^v[0-9]+"},
			},
			{
				"name": "web",
				"recognise": [{"labels": {"app": "web", "tier": "front"}}, {"name": "^web$"}],
				"home": {"kind": "StatefulSet", "namespace": "prod", "name": "web"},
				"replicas": {"min": 2, "max": 3},
				"required": true,
				"probes": {"readiness": true},
			},
			{
				"name": "runner",
				"recognise": [{"image": "^runner$"}, {"command": "--runner"}],
				"execution": ["Job", "CronJob", "Sidecar"],
				"ceiling": {"cpu": "2", "memory": "4Gi"},
			},
			{
				"name": "batch",
				"recognise": [{"image": "^batch$"}],
				"home": {"kind": "CronJob", "namespace": "data", "name": "batch"},
				"replicas": {"max": 2},
			},
			{
				"name": "sweeper",
				"recognise": [{"image": "^sweeper$"}],
				"home": {"kind": "Job", "namespace": "data", "name": "sweeper"},
				"replicas": {"max": 0},
			},
			{"name": "loose", "recognise": [{"image": "^loose$"}], "required": true},
		],
		"deprecated": {
			"charts": [{"name": "thunder-stack", "reason": "superseded", "remedy": "drop thunder-stack"}],
			"services": [{
				"name": "automat",
				"recognise": [{"image": "^automat$"}],
				"reason": "absorbed",
				"remedy": "drop automat",
			}],
		},
		"resources": {"require": ["requests.cpu", "requests.memory", "limits.cpu", "limits.memory"]},
		"images": {"forbidTags": ["latest"]},
		"thresholds": {"restarts": 5, "unlimitedUsage": {"cpu": "500m", "memory": "1Gi"}},
	},
}

# METADATA
# description: An object of any kind. An empty namespace is left out.
thing(version, kind, namespace, name) := {
	"apiVersion": version,
	"kind": kind,
	"metadata": object.union({"name": name}, {key: value |
		some key, value in {"namespace": namespace}
		value != ""
	}),
}

# METADATA
# description: The same with a spec.
with_spec(obj, spec) := object.union(obj, {"spec": spec})

# METADATA
# description: The same with labels.
labelled(obj, labels) := object.union(obj, {"metadata": {"labels": labels}})

# METADATA
# description: The same with annotations.
annotated(obj, annotations) := object.union(obj, {"metadata": {"annotations": annotations}})

# METADATA
# description: The same with a controller, from [apiVersion, kind, name, uid].
owned_by(obj, owner) := object.union(obj, {"metadata": {"ownerReferences": [{
	"apiVersion": owner[0], "kind": owner[1], "name": owner[2], "uid": owner[3], "controller": true,
}]}})

# METADATA
# description: The same with a uid.
identified(obj, uid) := object.union(obj, {"metadata": {"uid": uid}})

# METADATA
# description: A container with all requests and limits, which breaks no rule.
container(name, image) := object.union(unbounded(name, image), {"resources": {
	"requests": {"cpu": "100m", "memory": "64Mi"},
	"limits": {"cpu": "500m", "memory": "1Gi"},
}})

# METADATA
# description: A container without requests and limits.
unbounded(name, image) := {"name": name, "image": image}

# METADATA
# description: A container with both probes.
probed(name, image) := object.union(container(name, image), {
	"readinessProbe": {"httpGet": {"path": "/", "port": 80}},
	"livenessProbe": {"httpGet": {"path": "/", "port": 80}},
})

# METADATA
# description: A Deployment with these containers.
deployment(name, namespace, containers) := workload("apps/v1", "Deployment", namespace, name, containers)

# METADATA
# description: A workload with spec.template.
workload(version, kind, namespace, name, containers) := with_spec(
	thing(version, kind, namespace, name),
	{"template": {"spec": {"containers": containers}}},
)

# METADATA
# description: A Pod with these containers.
pod(name, namespace, containers) := with_spec(thing("v1", "Pod", namespace, name), {"containers": containers})

# METADATA
# description: A CronJob with these containers.
cron_job(name, namespace, containers) := with_spec(
	thing("batch/v1", "CronJob", namespace, name),
	{"jobTemplate": {"spec": {"template": {"spec": {"containers": containers}}}}},
)

# METADATA
# description: A Release, the record that stands for a Helm release.
release(name, namespace, chart) := with_spec(
	thing("thunderguard.dev/v1alpha1", "Release", namespace, name),
	{"chart": {"name": chart, "version": "1.0.0"}, "revision": 1, "status": "deployed"},
)

# METADATA
# description: The address of a finding about an object.
address(version, kind, namespace, name) := {"apiVersion": version, "kind": kind, "namespace": namespace, "name": name}

# METADATA
# description: The whole findings of one rule about an input, with index.
findings(id, document) := found if {
	all := data.thunderguard.main.findings with input as document with data.estate as estate
	found := {finding | some finding in all; finding.rule == id}
}

# METADATA
# description: The same under an Estate with other parts of its spec; a part that is null is taken out.
findings_under(id, document, changes) := found if {
	other := changed_estate(changes)
	all := data.thunderguard.main.findings with input as document with data.estate as other
	found := {finding | some finding in all; finding.rule == id}
}

# METADATA
# description: The Estate of the tests with other parts of its spec.
changed_estate(changes) := object.union(
	object.remove(estate, ["spec"]),
	{"spec": object.union(
		object.remove(estate.spec, object.keys(changes)),
		{part: value | some part, value in changes; value != null},
	)},
)

# METADATA
# description: The places of one rule's findings; short, for tables.
paths(id, document) := {found.path | some found in findings(id, document)}

# METADATA
# description: The messages of one rule's findings.
messages(id, document) := {found.message | some found in findings(id, document)}

# METADATA
# description: The remedies of one rule's findings.
remedies(id, document) := {found.remedy | some found in findings(id, document)}

# METADATA
# description: The status of one rule for the first object of an input.
status(id, document) := statuses(document)[0][id]

# METADATA
# description: The statuses of all objects of an input.
statuses(document) := [row.statuses | some row in rows] if {
	rows := data.thunderguard.main.rows with input as document with data.estate as estate
}

# METADATA
# description: Whether two values are equal; prints both when they are not.
same(seen, wanted) if {
	seen == wanted
} else := false if {
	print("seen  ", seen)
	print("wanted", wanted)
}

# METADATA
# description: "Whether all the cases of a table hold: name → [seen, wanted]; prints those that do not."
all_same(table) if {
	different := {name: pair | some name, pair in table; pair[0] != pair[1]}
	different == {}
}

# METADATA
# description: How people name an object.
text_of(resource) := concat("/", [part |
	some part in [resource.namespace, resource.kind, resource.name]
	part != ""
])

test_same_tells_apart if {
	same(1, 1)
	not same(1, 2)
	all_same({"a": [1, 1]})
	not all_same({"a": [1, 1], "b": [1, 2]})
}
