# A small stand-in for the real policies, with the same entry points: two rules about objects, one about the set.
package thunderguard.main

import future.keywords.not

findings contains found if {
	some obj in objects
	some image in images(obj)
	endswith(image, ":latest")
	message := sprintf("%s uses %s", [obj.metadata.name, image])
	found := finding("no-latest", "deny", obj, "spec.containers[0].image", message)
}

findings contains found if {
	some obj in objects
	not has_team(obj)
	found := finding("has-team", "warn", obj, "metadata.labels", "no team")
}

findings contains found if {
	count(records) > data.thunderguard.limits.most
	found := finding("too-many", "deny", records[0], "", sprintf("%v objects", [count(records)]))
}

finding(rule, level, obj, path, message) := {
	"rule": rule,
	"level": level,
	"service": null,
	"resource": {
		"apiVersion": obj.apiVersion,
		"kind": obj.kind,
		"namespace": object.get(obj.metadata, "namespace", ""),
		"name": obj.metadata.name,
	},
	"path": path,
	"message": message,
	"remedy": "mend it",
}

images(obj) := [image |
	is_object(obj.spec)
	is_array(obj.spec.containers)
	some container in obj.spec.containers
	image := container.image
]

has_team(obj) if obj.metadata.labels.team in data.estate.teams

is_inventory if input.kind == "Inventory"

objects := [input] if {
	is_object(input)
	not is_inventory
	readable(input)
}

objects := [element.contents | some element in input] if is_array(input)

readable(obj) if {
	is_string(obj.kind)
	is_string(obj.metadata.name)
}

records := input.records if is_inventory

records := objects if is_array(input)

records := [] if {
	is_object(input)
	not is_inventory
}

statuses := {rule: status |
	some rule in ["has-team", "no-latest"]
	status := status_of(rule)
}

status_of("no-latest") := "not matched" if not objects[0].spec

status_of(rule) := "violated" if {
	some found in findings
	found.rule == rule
}

status_of("has-team") := "passed" if has_team(objects[0])

status_of("no-latest") := "passed" if {
	objects[0].spec
	names := {found.rule | some found in findings}
	not "no-latest" in names
}

verdict := {"findings": findings, "statuses": statuses, "record": objects[0]} if count(objects) == 1

inventory_verdict := {"findings": findings} if is_inventory

batch := {
	"count": count(verdicts),
	"findings": [found |
		some i, one in verdicts
		some each in one.findings
		found := object.union(each, {"index": i})
	],
	"subjects": {"has-team": places("has-team", "passed"), "no-latest": places("no-latest", "passed")},
	"unjudged": {"has-team": [], "no-latest": []},
	"records": [record | some i, one in verdicts; record := object.union(one.record, {"index": i})],
} if {
	input.kind == "Batch"
}

verdicts := [given |
	some one in input.objects
	given := verdict with input as one
]

places(rule, status) := [i |
	some i, one in verdicts
	one.statuses[rule] == status
]

deny contains answer if {
	some found in findings
	found.level == "deny"
	answer := object.union(found, {"msg": found.message})
}

warn contains answer if {
	some found in findings
	found.level == "warn"
	answer := object.union(found, {"msg": found.message})
}
