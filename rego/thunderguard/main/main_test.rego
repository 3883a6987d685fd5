package thunderguard.main_test

import data.thunderguard.main
import data.thunderguard.testing
import future.keywords.not

_bad := testing.deployment("x", "thunder", [testing.unbounded("a", "app:1")])

_good := testing.deployment("runner", "prod", [testing.container("a", "app:1")])

_map(namespace) := testing.thing("v1", "ConfigMap", namespace, "x")

_object_rules := {
	"deprecated-chart", "deprecated-service", "health-probes", "image-reference", "job-only-service", "namespace-boundary",
	"resource-limits", "singleton-service",
}

_batch(objects) := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Batch", "objects": objects}

test_findings_tell_file_and_place if {
	given := [{"path": "a.yaml", "contents": _good}, {"path": "b.yaml", "contents": _map("thunder")}]
	testing.same(
		{[found.file, found.index, found.path] | some found in testing.findings("namespace-boundary", given)},
		{["b.yaml", 1, "metadata.namespace"]},
	)
}

test_every_rule_of_the_catalogue_is_found_by_its_path if {
	rules := data.thunderguard.catalogue.rules
	object_bodies := data.thunderguard.rules with input as _good with data.estate as testing.estate
	estate_bodies := data.thunderguard.estate_rules with input as _good with data.estate as testing.estate
	{id | some id, rule in rules; rule.scope == "object"} == object.keys(object_bodies)
	{id | some id, rule in rules; rule.scope == "estate"} == object.keys(estate_bodies)
	{id | some id, rule in rules; rule.scope == "object"} == _object_rules
}

test_verdict if {
	verdict := main.verdict with input as _bad with data.estate as testing.estate
	{found.rule | some found in verdict.findings} == {"namespace-boundary", "resource-limits"}
	testing.same(verdict.statuses, {
		"deprecated-chart": "not matched",
		"deprecated-service": "passed",
		"health-probes": "not matched",
		"image-reference": "passed",
		"job-only-service": "not matched",
		"namespace-boundary": "violated",
		"resource-limits": "violated",
		"singleton-service": "not matched",
	})
	verdict.record.type == "workload"
}

test_verdict_without_record if {
	verdict := main.verdict with input as _map("prod") with data.estate as testing.estate
	verdict.record == null
	verdict.findings == set()
	verdict.statuses["namespace-boundary"] == "passed"
}

test_verdict_of_what_is_no_object_is_undefined if {
	every given in [null, 5, true, "x", [], {}, {"kind": "Pod"}, {"kind": "Pod", "apiVersion": "v1"}] {
		not main.verdict with input as given with data.estate as testing.estate
	}
}

test_batch if {
	batch := main.batch with input as _batch([_good, _bad, _map("")]) with data.estate as testing.estate
	batch.count == 3
	{[found.rule, found.index] | some found in batch.findings} == {["namespace-boundary", 1], ["resource-limits", 1]}
	object.keys(batch.subjects) == _object_rules
	object.keys(batch.unjudged) == _object_rules
	batch.subjects["resource-limits"] == {0, 1}
	batch.subjects["namespace-boundary"] == {0, 1, 2}
	batch.unjudged["namespace-boundary"] == {2}
	[record.index | some record in batch.records] == [0, 1]
}

# It shifts the places of the others, which the count tells.
test_batch_with_what_is_no_object if {
	batch := main.batch with input as _batch([null, _bad, 5]) with data.estate as testing.estate
	batch.count == 1
	{found.index | some found in batch.findings} == {0}
}

_review(operation, obj) := {
	"apiVersion": "admission.k8s.io/v1",
	"kind": "AdmissionReview",
	"request": {"uid": "1", "operation": operation, "object": obj, "userInfo": {"username": "alice"}},
}

# Each is judged as if it came alone, so that one that is not judged keeps its place.
test_batch_of_reviews if {
	given := [_review("DELETE", null), _review("CREATE", _bad), _good, _review("CREATE", _map("thunder"))]
	batch := main.batch with input as _batch(given) with data.estate as testing.estate
	batch.count == 4
	{[found.rule, found.index] | some found in batch.findings} == {
		["namespace-boundary", 1], ["resource-limits", 1], ["namespace-boundary", 3],
	}
	batch.subjects["resource-limits"] == {1, 2}
	batch.subjects["namespace-boundary"] == {1, 2, 3}
}

test_verdict_of_a_review if {
	bare := main.verdict with input as _bad with data.estate as testing.estate
	asked := main.verdict with input as _review("CREATE", _bad) with data.estate as testing.estate
	asked == bare
	waived := main.verdict with input as _review("DELETE", null) with data.estate as testing.estate
	waived.findings == set()
	waived.record == null
	{status | some status in waived.statuses} == {"not matched"}
	object.keys(waived.statuses) == _object_rules
}

# The pod is wrong in more than one way; only the part that is asked for is judged.
test_a_part_of_a_pod if {
	resized := _with_subresource(_review("CREATE", _bad), "resize")
	alone := main.verdict with input as resized with data.estate as testing.estate
	{found.rule | some found in alone.findings} == {"resource-limits"}
	{id | some id, status in alone.statuses; status != "not matched"} == {"resource-limits"}
	object.keys(alone.statuses) == _object_rules
	given := [_review("CREATE", _bad), resized]
	batch := main.batch with input as _batch(given) with data.estate as testing.estate
	{[found.rule, found.index] | some found in batch.findings} == {
		["namespace-boundary", 0], ["resource-limits", 0], ["resource-limits", 1],
	}
	batch.subjects["namespace-boundary"] == {0}
	batch.subjects["resource-limits"] == {0, 1}
}

_with_subresource(review, subresource) := object.union(review, {"request": {"subResource": subresource}})

test_batch_is_no_set if {
	twice := [testing.release("a", "prod", "c"), testing.release("b", "prod", "c")]
	batch := main.batch with input as _batch(twice) with data.estate as testing.estate
	batch.findings == set()
	not main.batch with input as twice with data.estate as testing.estate
}

test_inventory_verdict if {
	batch := main.batch with input as _batch([
		testing.release("a", "prod", "c"),
		testing.release("b", "prod", "c"),
	])
		with data.estate as testing.estate
	inventory := {"apiVersion": "thunderguard.dev/v1alpha1", "kind": "Inventory", "records": batch.records}
	verdict := main.inventory_verdict with input as inventory with data.estate as testing.estate
	{found.rule | some found in verdict.findings} == {"duplicate-release", "missing-service", "namespace-quota"}
	not main.inventory_verdict with input as _bad with data.estate as testing.estate
}

test_rows if {
	rows := main.rows with input as [{"path": "a.yaml", "contents": _good}, {"path": "b.yaml", "contents": null}]
		with data.estate as testing.estate
	[[row.file, row.resource.name, row.statuses["resource-limits"]] | some row in rows] == [["a.yaml", "runner", "passed"]]
}

test_deny if {
	given := [{"path": "a.yaml", "contents": _map("thunder")}]
	denied := main.deny with input as given with data.estate as testing.estate
	testing.same(denied, {{
		"msg": concat("", [
			"namespace-boundary: thunder/ConfigMap/x: ConfigMap x is in namespace thunder; allowed: data, prod. ",
			"kubectl delete configmap x -n thunder, or deploy it to data, prod",
		]),
		"rule": "namespace-boundary",
		"level": "deny",
		"service": null,
		"resource": testing.address("v1", "ConfigMap", "thunder", "x"),
		"path": "metadata.namespace",
		"message": "ConfigMap x is in namespace thunder; allowed: data, prod",
		"remedy": "kubectl delete configmap x -n thunder, or deploy it to data, prod",
		"file": "a.yaml",
		"index": 0,
	}})
}

test_deny_nothing if {
	denied := main.deny with input as _good with data.estate as testing.estate
	denied == set()
	warned := main.warn with input as _good with data.estate as testing.estate
	warned == set()
}

# Silence would look like a pass.
test_deny_without_estate if {
	every estate in [{}, {"spec": {}}, {"metadata": {"name": "x"}, "spec": {"namespaces": {}}}] {
		denied := main.deny with input as _map("") with data.estate as estate
		denied == {{"msg": "no Estate: load it as data.estate, as conftest.toml does with estate:FILE"}}
	}
}

test_warn if {
	warned := main.warn with input as testing.deployment("x", "prod", [testing.container("a", "runner:1")])
		with data.estate as object.union(testing.estate, {"spec": {"services": [{
			"name": "runner",
			"recognise": [{"image": "^runner$"}],
			"probes": {"readiness": true},
		}]}})
	[answer] := [answer | some answer in warned]
	answer.msg == concat("", [
		"health-probes: prod/Deployment/x: container a of runner has no readinessProbe. ",
		"add spec.template.spec.containers[0].readinessProbe to container a",
	])
	answer.level == "warn"
}

test_warn_of_what_is_unreadable if {
	given := [{"path": "a.yaml", "contents": {"hello": "world"}}]
	warned := main.warn with input as given with data.estate as testing.estate
	unread := {answer | some answer in warned; answer.file == "a.yaml"}
	testing.same(unread, {{
		"msg": "not judged: not a Kubernetes object (kind, apiVersion and metadata are needed)",
		"file": "a.yaml",
	}})
}

test_warn_of_what_is_not_judged if {
	home := testing.deployment("mlflow", "", [testing.probed("a", "mlflow:v1")])
	warned := main.warn with input as home with data.estate as testing.estate
	testing.same(warned, {{
		"msg": "Deployment/mlflow: namespace unknown, not judged by namespace-boundary, singleton-service",
		"resource": testing.address("apps/v1", "Deployment", "", "mlflow"),
		"file": null,
	}})

	# What is violated is told as that.
	raised := testing.with_spec(home, {"replicas": 2})
	others := main.warn with input as raised with data.estate as testing.estate
	{answer.msg | some answer in others} == {"Deployment/mlflow: namespace unknown, not judged by namespace-boundary"}
}

test_strange_input_breaks_nothing if {
	every value in [null, 5, "x", [], {}, true, [5], {"a": {}}] {
		every strange in [
			{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"labels": value, "annotations": value}},
			{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"ownerReferences": value}, "spec": value},
			testing.with_spec(testing.thing("apps/v1", "Deployment", "prod", "x"), {"template": {"metadata": value}}),
			testing.with_spec(testing.thing("apps/v1", "Deployment", "prod", "x"), {"template": value}),
			testing.pod("x", "prod", value),
			testing.pod("x", "prod", [value]),
			testing.pod("x", "prod", [{
				"name": value, "image": value, "command": value, "args": [value], "resources": value, "restartPolicy": value,
			}]),
			object.union(testing.pod("x", "prod", []), {"status": value}),
			object.union(testing.pod("x", "prod", []), {"status": {"containerStatuses": [value]}}),
			testing.with_spec(testing.thing("argoproj.io/v1", "Application", "prod", "x"), {"sources": value}),
			testing.with_spec(testing.release("x", "prod", "c"), {"chart": value, "status": value}),
			testing.with_spec(
				testing.thing("autoscaling/v2", "HorizontalPodAutoscaler", "prod", "x"),
				{"scaleTargetRef": value},
			),
			object.union(testing.thing("metrics.k8s.io/v1", "PodMetrics", "prod", "x"), {"containers": value}),
		] {
			verdict := main.verdict with input as strange with data.estate as testing.estate
			object.keys(verdict.statuses) == _object_rules
		}
	}
}

test_the_four_statuses if {
	objects := [_good, _bad, _map(""), testing.thing("v1", "Node", "", "x"), testing.deployment("x", "kube-system", [])]
	seen := [[row["resource-limits"], row["namespace-boundary"]] | some row in testing.statuses(objects)]
	testing.same(seen, [
		["passed", "passed"],
		["violated", "violated"],
		["not matched", "not judged"],
		["not matched", "not matched"],
		["not matched", "not matched"],
	])
}

# Findings of level info are for reports; conftest has no place for them.
test_level_info_is_neither_denied_nor_warned_of if {
	all := main.findings with input as [_good] with data.estate as testing.estate
	denied := main.deny with input as [_good] with data.estate as testing.estate
	warned := main.warn with input as [_good] with data.estate as testing.estate
	"undeclared-workload" in {found.rule | some found in all; found.level == "info"}
	{answer.rule | some answer in (denied | warned)} == {found.rule | some found in all; found.level != "info"}
	not "undeclared-workload" in {answer.rule | some answer in (denied | warned)}
}

_waiving := testing.changed_estate({"waivers": [{
	"rule": "resource-limits",
	"resource": {"kind": "Deployment", "namespace": "thunder", "name": "x"},
	"reason": "r",
	"owner": "ops",
	"expires": "2026-12-31",
}]})

_rules_of(findings) := {found.rule | some found in findings}

# What a waiver covers is no finding until it ends, and is said meanwhile. It covers no other rule.
test_waived if {
	before := main.verdict with input as _bad with data.estate as _waiving with data.clock as {"at": "2026-12-31"}
	_rules_of(before.findings) == {"namespace-boundary"}
	before.statuses["resource-limits"] == "passed"
	after := main.verdict with input as _bad with data.estate as _waiving with data.clock as {"at": "2027-01-01"}
	_rules_of(after.findings) == {"namespace-boundary", "resource-limits"}
	after.statuses["resource-limits"] == "violated"
	warned := main.warn with input as _bad with data.estate as _waiving with data.clock as {"at": "2026-12-31"}
	{answer.msg | some answer in warned} == {concat("", [
		"waived until 2026-12-31 by ops: resource-limits: thunder/Deployment/x: ",
		"container a sets no limits.cpu, limits.memory, requests.cpu, requests.memory. ",
		"set limits.cpu, limits.memory, requests.cpu, requests.memory in the resources of container a",
	])}
	{answer.rule | some answer in warned} == set()
}

test_waived_in_a_batch if {
	batch := main.batch with input as _batch([_good, _bad])
		with data.estate as _waiving
		with data.clock as {"at": "2026-12-31"}
	{[found.rule, found.index] | some found in batch.findings} == {["namespace-boundary", 1]}
	batch.subjects["resource-limits"] == {0, 1}
}

test_waived_in_a_set if {
	twins := [testing.deployment("mlflow", namespace, [testing.container("a", "mlflow:v1")]) |
		some namespace in ["prod", "data"]
	]
	estate := testing.changed_estate({"waivers": [{
		"rule": "duplicate-service",
		"resource": {"kind": "Deployment", "namespace": "data", "name": "mlflow"},
		"reason": "r",
		"owner": "ops",
		"expires": "2026-12-31",
	}]})
	before := main.findings with input as twins with data.estate as estate with data.clock as {"at": "2026-12-31"}
	after := main.findings with input as twins with data.estate as estate with data.clock as {"at": "2027-01-01"}
	_rules_of(after) - _rules_of(before) == {"duplicate-service"}
	waived := main.waived with input as twins with data.estate as estate with data.clock as {"at": "2026-12-31"}
	{[borne.finding.rule, borne.waiver.owner] | some borne in waived} == {["duplicate-service", "ops"]}
}
