package thunderguard.facts.helm_test

import data.thunderguard.facts.helm
import data.thunderguard.facts.objects
import data.thunderguard.testing
import future.keywords.not

_entry(obj) := entry if {
	entries := objects.entries with input as obj
	entry := entries[0]
}

_release(obj) := [release | release := helm.release_of(_entry(obj))]

_remove(obj) := command if {
	entry := _entry(obj)
	command := helm.remove(entry) with data.estate as testing.estate
}

_labels := {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "by-label"}

_map(namespace) := testing.thing("v1", "ConfigMap", namespace, "x")

test_chart_names if {
	testing.all_same({label: [helm.chart_name(label), name] | some label, name in {
		"web-1.2.3": "web",
		"web-1.2.3-rc.1": "web",
		"web-v1.2.3": "web",
		"web-1.2.3+build": "web",
		"my-web-1.2.3_build": "my-web",
		"web": "web",
		"web-1.2": "web-1.2",
		"": "",
		"web-1.2.3-4.5.6": "web",
	}})
}

test_source_names if {
	testing.all_same({source: [helm.source_name(source), name] | some source, name in {
		"web": "web",
		"charts/web": "web",
		"oci://ghcr.io/org/web:1.2.3": "web",
		"oci://ghcr.io/org/web:1.2.3@sha256:ab/c": "web",
		"https://x/web-1.2.3.tgz": "web-1.2.3",
		"charts/web/": "web",
		"host:5000/web": "web",
		"web@1.0.0": "web",
		"charts/web:1:2": "web:1",
		"web-1.2.3.tgz:1": "web-1.2.3.tgz",
		"": "",
		"/": "",
	}})
}

test_releases if {
	annotations := {"meta.helm.sh/release-name": "a", "meta.helm.sh/release-namespace": "ns"}
	testing.all_same({
		"annotations": [_release(testing.annotated(_map("prod"), annotations)), [{"name": "a", "namespace": "ns"}]],
		"own namespace": [
			_release(testing.annotated(_map("prod"), {"meta.helm.sh/release-name": "a"})),
			[{"name": "a", "namespace": "prod"}],
		],
		"strange namespace": [
			_release(testing.annotated(_map("prod"), object.union(annotations, {"meta.helm.sh/release-namespace": 5}))),
			[{"name": "a", "namespace": "prod"}],
		],
		"labels": [_release(testing.labelled(_map("prod"), _labels)), [{"name": "by-label", "namespace": "prod"}]],
		"annotations first": [
			_release(testing.annotated(testing.labelled(_map("prod"), _labels), annotations)),
			[{"name": "a", "namespace": "ns"}],
		],
		"empty annotation": [
			_release(testing.annotated(testing.labelled(_map("prod"), _labels), {"meta.helm.sh/release-name": ""})),
			[{"name": "by-label", "namespace": "prod"}],
		],
		"namespace unknown": [_release(testing.annotated(_map(""), {"meta.helm.sh/release-name": "a"})), []],
		"namespace unknown, labels": [_release(testing.labelled(_map(""), _labels)), []],
		"managed by others": [
			_release(testing.labelled(_map("prod"), object.union(_labels, {"app.kubernetes.io/managed-by": "helm"}))),
			[],
		],
		"none": [_release(_map("prod")), []],
		"strange": [
			_release(object.union(_map("prod"), {"metadata": {"labels": "x", "annotations": []}})),
			[],
		],
		"instance that is no text": [
			_release(testing.labelled(_map("prod"), object.union(_labels, {"app.kubernetes.io/instance": 5}))),
			[],
		],
	})
}

test_removes if {
	testing.all_same({
		"object": [_remove(_map("prod")), "kubectl delete configmap x -n prod"],
		"cluster-scoped": [_remove(testing.thing("v1", "Node", "", "x")), "kubectl delete node x"],
		"kind outside ASCII": [
			_remove(testing.thing("example.org/v1", "Größe", "prod", "x")),
			"kubectl delete Größe x -n prod",
		],
		"release out of place": [_remove(testing.labelled(_map("thunder"), _labels)), "helm uninstall by-label -n thunder"],
		"release in an allowed namespace": [
			_remove(testing.labelled(_map("prod"), _labels)),
			"kubectl delete configmap x -n prod",
		],
		"namespace unknown": [
			_remove(testing.annotated(_map(""), {
				"meta.helm.sh/release-name": "a",
				"meta.helm.sh/release-namespace": "thunder",
			})),
			"kubectl delete configmap x",
		],
	})
}

test_release_records if {
	record := testing.release("a", "prod", "web")
	helm.is_release(_entry(record))
	not helm.is_release(_entry(testing.with_spec(record, {"status": "uninstalled"})))
	not helm.is_release(_entry(object.union(record, {"apiVersion": "example.org/v1"})))
	not helm.is_release(_entry(object.union(record, {"kind": "Other"})))
	helm.is_release(_entry(object.union(record, {"spec": null})))
}

test_labels_that_name_a_chart if {
	table := {
		"thunder-stack": true, "thunder-stack-0.1.0": true, "thunder-stack-0.1.0-rc.1_build5": true,
		"thunder-stack-v1.0.0": true, "thunder-stack-1.0.0+build": true, "thunder-stack-10.20.30_": true,
		"thunder-stack-extras-1.0.0": false, "my-thunder-stack-1.0.0": false, "thunder-stack-": false,
		"thunder-stack-1.0": false, "thunder-stack-latest": false, "thunder-stack-1.0.0.1": false,
		"thunder-stack-vv1.0.0": false, "thunder-stack1.0.0": false, "Thunder-stack-1.0.0": false, "thunder": false,
		"": false,
	}
	testing.all_same({label: [[true | helm.names_chart(label, "thunder-stack")], [true | wanted == true]] |
		some label, wanted in table
	})
}

test_commands_of_addresses if {
	here := testing.address("v1", "Pod", "thunder", "x")
	release := {"name": "a", "namespace": "ns"}
	helm.uninstall(release) == "helm uninstall a -n ns"
	helm.remove_by(release, here) == "helm uninstall a -n ns" with data.estate as testing.estate
	helm.remove_by(null, here) == "kubectl delete pod x -n thunder" with data.estate as testing.estate
}
