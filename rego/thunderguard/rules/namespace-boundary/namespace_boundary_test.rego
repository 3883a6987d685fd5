package thunderguard.namespace_boundary_test

import data.thunderguard.testing
import future.keywords.not

_id := "namespace-boundary"

test_fail_object_elsewhere if {
	testing.same(testing.findings(_id, testing.thing("v1", "ConfigMap", "thunder", "x")), {{
		"rule": _id,
		"level": "deny",
		"service": null,
		"resource": testing.address("v1", "ConfigMap", "thunder", "x"),
		"path": "metadata.namespace",
		"message": "ConfigMap x is in namespace thunder; allowed: data, prod",
		"remedy": "kubectl delete configmap x -n thunder, or deploy it to data, prod",
		"file": null,
		"index": 0,
	}})
}

test_fail_namespace if {
	testing.same(testing.findings(_id, testing.thing("v1", "Namespace", "", "thunder")), {{
		"rule": _id,
		"level": "deny",
		"service": null,
		"resource": testing.address("v1", "Namespace", "", "thunder"),
		"path": "metadata.name",
		"message": "namespace thunder is not part of the estate; allowed: data, prod",
		"remedy": "kubectl delete namespace thunder, once nothing in it is needed",
		"file": null,
		"index": 0,
	}})
}

test_fail_remedy_uninstalls_the_release if {
	document := testing.labelled(
		testing.thing("v1", "ConfigMap", "thunder", "x"),
		{"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "old"},
	)
	testing.remedies(_id, document) == {"helm uninstall old -n thunder, or deploy it to data, prod"}
}

test_fail_every_kind_that_names_a_namespace if {
	every kind in [
		["apps/v1", "Deployment"], ["example.org/v1", "Widget"], ["v1", "Secret"], ["rbac.authorization.k8s.io/v1", "Role"],
		["networking.k8s.io/v1", "Ingress"], ["batch/v1", "CronJob"], ["policy/v1", "PodDisruptionBudget"],
		["example.org/v1", "Namespace"], ["example.org/v1", "ServiceAccount"],
	] {
		testing.paths(_id, testing.thing(kind[0], kind[1], "thunder", "default")) == {"metadata.namespace"}
	}
}

test_success_inside if {
	testing.all_same({
		"allowed": [testing.status(_id, testing.thing("v1", "ConfigMap", "prod", "x")), "passed"],
		"second allowed": [testing.status(_id, testing.thing("v1", "ConfigMap", "data", "x")), "passed"],
		"exempt": [testing.status(_id, testing.thing("v1", "ConfigMap", "kube-system", "x")), "not matched"],
		"namespace": [testing.status(_id, testing.thing("v1", "Namespace", "", "prod")), "passed"],
		"exempt namespace": [testing.status(_id, testing.thing("v1", "Namespace", "", "kube-system")), "not matched"],
		"default namespace": [testing.status(_id, testing.thing("v1", "Namespace", "", "default")), "not matched"],
	})
}

test_unknown_namespace_is_not_judged if {
	every kind in [
		["v1", "ConfigMap"], ["apps/v1", "Deployment"], ["networking.k8s.io/v1", "Ingress"],
		["autoscaling/v2", "HorizontalPodAutoscaler"],
		["rbac.authorization.k8s.io/v1", "RoleBinding"], ["discovery.k8s.io/v1", "Slice"],
	] {
		testing.status(_id, testing.thing(kind[0], kind[1], "", "x")) == "not judged"
	}
	own := testing.workload("example.org/v1", "Runner", "", "x", [])
	testing.status(_id, own) == "not judged"
}

test_success_cluster_scoped if {
	every kind in [
		["v1", "Node"], ["v1", "PersistentVolume"], ["v1", "ComponentStatus"],
		["rbac.authorization.k8s.io/v1", "ClusterRole"],
		["rbac.authorization.k8s.io/v1", "ClusterRoleBinding"], ["networking.k8s.io/v1", "IngressClass"],
		["storage.k8s.io/v1", "StorageClass"], ["apiextensions.k8s.io/v1", "CustomResourceDefinition"],
		["example.org/v1", "Widget"], ["thunderguard.dev/v1alpha1", "Estate"],
	] {
		testing.status(_id, testing.thing(kind[0], kind[1], "", "x")) == "not matched"
	}
	testing.status(_id, {"apiVersion": "v2", "name": "x", "version": "1.0.0"}) == "not matched"
	testing.status(_id, {"apiVersion": "v1", "name": "x", "version": "1.0.0"}) == "not matched"
}

test_success_made_by_the_control_plane if {
	helm := object.union(testing.thing("v1", "Secret", "thunder", "sh.helm"), {"type": "helm.sh/release.v1"})
	every document in [
		testing.thing("v1", "ServiceAccount", "thunder", "default"),
		testing.thing("v1", "ConfigMap", "thunder", "kube-root-ca.crt"),
		testing.thing("v1", "Service", "default", "kubernetes"),
		testing.thing("v1", "Endpoints", "default", "kubernetes"),
		testing.thing("discovery.k8s.io/v1", "EndpointSlice", "default", "kubernetes"),
		testing.thing("v1", "Event", "thunder", "x"),
		testing.thing("events.k8s.io/v1", "Event", "thunder", "x"),
		testing.thing("coordination.k8s.io/v1", "Lease", "thunder", "x"),
		testing.thing("apps/v1", "ControllerRevision", "thunder", "x"),
		testing.thing("metrics.k8s.io/v1beta1", "PodMetrics", "thunder", "x"),
		testing.release("x", "thunder", "fine"),
		helm,
	] {
		testing.status(_id, document) == "not matched"
	}
}

test_fail_what_only_looks_like_it if {
	other := object.union(testing.thing("v1", "Secret", "thunder", "x"), {"type": "Opaque"})
	every document in [
		testing.thing("v1", "ServiceAccount", "thunder", "builder"),
		testing.thing("v1", "ConfigMap", "thunder", "default"),
		testing.thing("v1", "Service", "thunder", "kubernetes"),
		testing.thing("v1", "Service", "default", "web"),
		testing.thing("example.org/v1", "Service", "default", "kubernetes"),
		object.union(testing.thing("example.org/v1", "Secret", "thunder", "x"), {"type": "helm.sh/release.v1"}),
		other,
	] {
		testing.paths(_id, document) == {"metadata.namespace"}
	}
}
