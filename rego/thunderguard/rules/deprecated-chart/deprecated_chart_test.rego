package thunderguard.deprecated_chart_test

import data.thunderguard.testing
import future.keywords.not

_id := "deprecated-chart"

_label := `metadata.labels["helm.sh/chart"]`

_labelled(chart) := testing.labelled(testing.thing("v1", "ConfigMap", "prod", "x"), {"helm.sh/chart": chart})

_argo(kind, spec) := testing.with_spec(testing.thing("argoproj.io/v1alpha1", kind, "argocd", "x"), spec)

_chart_file(fields) := object.union({"apiVersion": "v2", "name": "mine", "version": "1.0.0"}, fields)

_finding(resource, path, command) := {
	"rule": _id,
	"level": "deny",
	"service": null,
	"resource": resource,
	"path": path,
	"message": sprintf("%s comes from the deprecated chart thunder-stack: superseded", [_text(resource)]),
	"remedy": command,
	"file": null,
	"index": 0,
}

_text(resource) := concat("/", [part | some part in [resource.namespace, resource.kind, resource.name]; part != ""])

test_fail_label if {
	testing.same(testing.findings(_id, _labelled("thunder-stack-0.1.0")), {_finding(
		testing.address("v1", "ConfigMap", "prod", "x"),
		_label,
		"drop thunder-stack",
	)})
}

test_fail_versions_in_a_label if {
	every label in [
		"thunder-stack", "thunder-stack-0.1.0", "thunder-stack-0.1.0-rc.1_build5", "thunder-stack-v1.0.0",
		"thunder-stack-10.20.30+build", "thunder-stack-1.2.3_4",
	] {
		testing.paths(_id, _labelled(label)) == {_label}
	}
}

test_success_other_charts if {
	every label in [
		"thunder-stack-extras-1.0.0", "my-thunder-stack-1.0.0", "thunder-stack-", "thunder-stack-1.0", "thunder-stack-x1.0.0",
		"thunder-stack0.1.0", "Thunder-stack-1.0.0", "thunder-stack-1.0.0/x", "thunder-stack-1.0.0 ", "", "thunder",
	] {
		testing.status(_id, _labelled(label)) == "passed"
	}
}

test_fail_pod_template_label if {
	base := testing.deployment("x", "kube-system", [testing.container("a", "other:1")])
	template := testing.with_spec(base, {"template": {"metadata": {"labels": {"helm.sh/chart": "thunder-stack-0.1.0"}}}})
	below := `spec.template.metadata.labels["helm.sh/chart"]`
	cron := testing.with_spec(
		testing.cron_job("x", "prod", [testing.container("a", "other:1")]),
		{"jobTemplate": {"spec": {"template": {"metadata": {"labels": {"helm.sh/chart": "thunder-stack"}}}}}},
	)
	testing.all_same({
		"exempt namespaces, too": [testing.paths(_id, template), {below}],
		"the own label does not tell": [
			testing.paths(_id, testing.labelled(template, {"helm.sh/chart": "fine-1.0.0"})),
			{below},
		],
		"the own label is first": [
			testing.paths(_id, testing.labelled(template, {"helm.sh/chart": "thunder-stack-1.0.0"})),
			{_label},
		],
		"cron job": [
			testing.paths(_id, cron),
			{`spec.jobTemplate.spec.template.metadata.labels["helm.sh/chart"]`},
		],
		"pod": [
			testing.paths(_id, testing.labelled(testing.pod("x", "prod", []), {"helm.sh/chart": "thunder-stack"})),
			{_label},
		],
	})
}

test_success_label_that_is_no_text if {
	testing.status(_id, _labelled(1)) == "not matched"
	testing.status(_id, testing.thing("v1", "ConfigMap", "prod", "x")) == "not matched"
	testing.status(_id, testing.labelled(testing.thing("v1", "ConfigMap", "prod", "x"), [])) == "not matched"
}

test_fail_command_uninstalls_the_release if {
	release := {"meta.helm.sh/release-name": "old", "meta.helm.sh/release-namespace": "thunder"}
	by_label := testing.labelled(
		_labelled("thunder-stack-0.1.0"),
		{"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "older"},
	)
	unknown := testing.labelled(
		testing.thing("v1", "ConfigMap", "", "x"),
		{
			"helm.sh/chart": "thunder-stack-0.1.0",
			"app.kubernetes.io/managed-by": "Helm",
			"app.kubernetes.io/instance": "older",
		},
	)
	remedies := {name: remedy |
		some name, document in {
			"annotations": testing.annotated(_labelled("thunder-stack"), release),
			"labels": by_label,
			"namespace unknown": unknown,
		}
		some found in testing.findings(_id, document)
		remedy := found.remedy
	}
	testing.same(remedies, {
		"annotations": "helm uninstall old -n thunder",
		"labels": "helm uninstall older -n prod",
		"namespace unknown": "drop thunder-stack",
	})
}

test_fail_chart_file if {
	testing.same(
		testing.findings(_id, _chart_file({"name": "thunder-stack"})),
		{_finding(testing.address("v2", "Chart", "", "thunder-stack"), "name", "drop thunder-stack")},
	)
	testing.all_same({
		"dependency": [
			testing.paths(_id, _chart_file({"dependencies": [{"name": "fine"}, {"name": "thunder-stack"}]})),
			{"dependencies[1].name"},
		],
		"aliased": [
			testing.paths(_id, _chart_file({"dependencies": [{"name": "thunder-stack", "alias": "fine"}]})),
			{"dependencies[0].name"},
		],
		"version 1": [testing.paths(_id, _chart_file({"apiVersion": "v1", "name": "thunder-stack"})), {"name"}],
		"both": [
			testing.paths(_id, _chart_file({"name": "thunder-stack", "dependencies": [{"name": "thunder-stack"}]})),
			{"name", "dependencies[0].name"},
		],
		"an alias is no name": [
			testing.paths(_id, _chart_file({"dependencies": [{"name": "fine", "alias": "thunder-stack"}]})),
			set(),
		],
		"broken dependencies": [testing.paths(_id, _chart_file({"dependencies": "thunder-stack"})), set()],
		"broken dependency": [
			testing.paths(_id, _chart_file({"dependencies": ["thunder-stack", null, {"name": 5}]})),
			set(),
		],
	})
	testing.status(_id, _chart_file({})) == "passed"
}

test_fail_release if {
	testing.same(
		testing.findings(_id, testing.release("old", "thunder", "thunder-stack")),
		{_finding(
			testing.address("thunderguard.dev/v1alpha1", "Release", "thunder", "old"),
			"spec.chart.name",
			"helm uninstall old -n thunder",
		)},
	)
}

test_success_release if {
	testing.status(_id, testing.release("new", "prod", "fine")) == "passed"
	gone := testing.with_spec(testing.release("old", "thunder", "thunder-stack"), {"status": "uninstalled"})
	testing.status(_id, gone) == "not matched"
}

test_fail_argo if {
	chart := {"chart": "thunder-stack"}
	path := {"path": "charts/thunder-stack"}
	testing.all_same({
		"chart": [testing.paths(_id, _argo("Application", {"source": chart})), {"spec.source.chart"}],
		"path": [testing.paths(_id, _argo("Application", {"source": path})), {"spec.source.path"}],
		"sources": [
			testing.paths(_id, _argo("Application", {"sources": [{"chart": "fine"}, chart, path]})),
			{"spec.sources[1].chart", "spec.sources[2].path"},
		],
		"set": [
			testing.paths(_id, _argo("ApplicationSet", {"template": {"spec": {"source": chart, "sources": [path]}}})),
			{"spec.template.spec.source.chart", "spec.template.spec.sources[0].path"},
		],
		"broken": [testing.paths(_id, _argo("Application", {"source": "thunder-stack", "sources": {}})), set()],
	})
	testing.status(_id, _argo("Application", {"source": {"chart": "fine", "path": "charts/my-thunder-stack"}})) == "passed"
	testing.status(_id, _argo("Application", {"source": "x", "sources": [5, null]})) == "passed"
	testing.status(_id, object.union(_argo("Application", {}), {"spec": null})) == "passed"
	testing.status(_id, _argo("AppProject", {"source": chart})) == "not matched"
}

test_fail_flux_and_k3s if {
	flux := testing.thing("helm.toolkit.fluxcd.io/v2", "HelmRelease", "flux", "x")
	repository := testing.thing("source.toolkit.fluxcd.io/v1", "OCIRepository", "flux", "x")
	source := testing.thing("source.toolkit.fluxcd.io/v1", "HelmChart", "flux", "x")
	k3s := testing.thing("helm.cattle.io/v1", "HelmChart", "kube-system", "x")
	archive := "https://charts.example.org/thunder-stack-0.1.0.tgz"
	testing.all_same({
		"flux": [
			testing.paths(_id, testing.with_spec(flux, {"chart": {"spec": {"chart": "./charts/thunder-stack"}}})),
			{"spec.chart.spec.chart"},
		],
		"source": [testing.paths(_id, testing.with_spec(source, {"chart": "thunder-stack"})), {"spec.chart"}],
		"oci": [
			testing.paths(_id, testing.with_spec(repository, {"url": "oci://ghcr.io/org/thunder-stack"})),
			{"spec.url"},
		],
		"oci with digest": [
			testing.paths(_id, testing.with_spec(repository, {"url": "oci://ghcr.io/org/thunder-stack:1.0.0@sha256:ab"})),
			{"spec.url"},
		],
		"k3s": [testing.paths(_id, testing.with_spec(k3s, {"chart": "stable/thunder-stack"})), {"spec.chart"}],
		"k3s archive": [testing.paths(_id, testing.with_spec(k3s, {"chart": archive})), {"spec.chart"}],
		"other archive": [
			testing.paths(_id, testing.with_spec(k3s, {"chart": "https://x/thunder-stack-extras-0.1.0.tgz"})),
			set(),
		],
	})
	every other in [flux, repository, source, k3s] {
		testing.status(_id, other) == "passed"
		testing.status(_id, object.union(other, {"apiVersion": "example.org/v1"})) == "not matched"
	}
}

test_fail_each_deprecated_chart_once if {
	changes := {"deprecated": {"charts": [
		{"name": "old", "reason": "a", "remedy": "b"},
		{"name": "old-1.0.0", "reason": "c", "remedy": "d"},
	]}}
	testing.same(
		{found.remedy | some found in testing.findings_under(_id, _labelled("old-1.0.0"), changes)},
		{"b", "d"},
	)
}

test_success_nothing_deprecated if {
	testing.findings_under(_id, _labelled("thunder-stack-0.1.0"), {"deprecated": null}) == set()
}
