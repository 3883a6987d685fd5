package thunderguard.facts.namespaces_test

import data.thunderguard.facts.namespaces
import data.thunderguard.facts.objects
import data.thunderguard.testing
import future.keywords.not

_namespaced(obj) if {
	entries := objects.entries with input as obj
	entry := entries[0]
	kind := object.get(entry.object, "kind", null)
	namespaces.is_namespaced(entry.group, kind, entry.resource.namespace, entry.template)
}

test_whose_namespaces if {
	namespaces.exempt({"namespace": "kube-system"}) with data.estate as testing.estate
	not namespaces.exempt({"namespace": "prod"}) with data.estate as testing.estate
	not namespaces.exempt({"namespace": ""}) with data.estate as testing.estate
	namespaces.allowed("data") with data.estate as testing.estate
	not namespaces.allowed("kube-system") with data.estate as testing.estate
}

test_an_estate_may_exempt_nothing if {
	bare := {"spec": {"namespaces": {"allowed": ["prod"]}, "services": []}}
	not namespaces.exempt({"namespace": "kube-system"}) with data.estate as bare
	namespaces.allowed("prod") with data.estate as bare
}

test_namespaced if {
	every kind in [["v1", "Pod"], ["v1", "Anything"], ["apps/v1", "X"], ["metrics.k8s.io/v1", "PodMetrics"]] {
		_namespaced(testing.thing(kind[0], kind[1], "", "x"))
	}
	_namespaced(testing.thing("example.org/v1", "X", "prod", "x"))
	_namespaced(testing.workload("example.org/v1", "X", "", "x", []))
	every kind in [["v1", "Node"], ["metrics.k8s.io/v1", "NodeMetrics"], ["example.org/v1", "X"]] {
		not _namespaced(testing.thing(kind[0], kind[1], "", "x"))
	}
	not _namespaced({"apiVersion": "v1", "name": "x", "version": "1"})
}
