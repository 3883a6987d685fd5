"""Facts about one object: values, images, addresses, workloads, namespaces, charts, releases."""

from __future__ import annotations

from typing import Any

import pytest

from thunderguard.facts.charts import DeprecatedChart, chart_name, source_name
from thunderguard.facts.image import normalise, parse_image
from thunderguard.facts.namespaces import Namespaces, is_namespaced, is_unknown
from thunderguard.facts.remove import helm_release, remove_command, uninstall_command
from thunderguard.facts.resources import group_of, name_of, resource_of
from thunderguard.facts.values import as_integer, load_json, value_text
from thunderguard.facts.workloads import containers_of, replicas_of, template_path
from thunderguard.model import Resource


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        ("", ""),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (3.0, "3"),
        (1.5, "1.5"),
        (-2, "-2"),
        (0.00001, "a number"),
        ([1], "an array"),
        ({}, "an object"),
    ],
)
def test_a_value_is_spelled(value: Any, text: str) -> None:
    assert value_text(value) == text


@pytest.mark.parametrize(
    ("value", "number"), [(1, 1), (1.0, 1), (1.5, None), (True, None), ("1", None), (None, None), (1e999, None)]
)
def test_only_a_whole_number_is_an_integer(value: Any, number: int | None) -> None:
    assert as_integer(value) == number


def test_half_a_surrogate_pair_becomes_a_replacement_character() -> None:
    assert load_json(rb'{"a\ud800": ["\udc00b", "\ud83d\ude00"]}') == {"a\ufffd": ["\ufffdb", "\U0001f600"]}


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b"[Infinity]", b"{} {}"])
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|Expecting|Extra data"):
        load_json(text)


@pytest.mark.parametrize(
    ("text", "repository", "name", "tag", "digest"),
    [
        ("mlflow", "mlflow", "mlflow", "", ""),
        ("mlflow:v1", "mlflow", "mlflow", "v1", ""),
        ("ghcr.io/a/mlflow:v1@sha256:ab", "ghcr.io/a/mlflow", "mlflow", "v1", "sha256:ab"),
        ("host:5000/a", "host:5000/a", "a", "", ""),
        ("host:5000/a:t", "host:5000/a", "a", "t", ""),
        ("host:5000/a@sha256:x/y", "host:5000/a", "a", "", "sha256:x/y"),
        ("a:", "a", "a", "", ""),
        ("a@", "a", "a", "", ""),
        (":t", "", "", "t", ""),
        ("a/", "a/", "", "", ""),
        ("a:b:c", "a", "a", "b:c", ""),
        ("", "", "", "", ""),
    ],
)
def test_an_image_is_taken_apart(text: str, repository: str, name: str, tag: str, digest: str) -> None:
    image = parse_image(text)
    assert (image.repository, image.name, image.tag, image.digest) == (repository, name, tag, digest)


@pytest.mark.parametrize(
    ("repository", "short"),
    [
        ("docker.io/library/postgres", "postgres"),
        ("index.docker.io/library/postgres", "postgres"),
        ("library/postgres", "postgres"),
        ("docker.io/a/b", "a/b"),
        ("docker.io/docker.io/a", "docker.io/a"),
        ("ghcr.io/library/a", "ghcr.io/library/a"),
    ],
)
def test_what_docker_hub_implies_is_dropped(repository: str, short: str) -> None:
    assert normalise(repository) == short


@pytest.mark.parametrize(
    ("api_version", "group"), [("v1", ""), ("apps/v1", "apps"), ("a/b/c", "a"), (None, ""), (3, ""), ("", "")]
)
def test_the_group_stands_before_the_slash(api_version: Any, group: str) -> None:
    assert group_of(api_version) == group


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"name": "a"}, "a"),
        ({"generateName": "a-"}, "a-"),
        ({"name": "", "generateName": "a-"}, "a-"),
        ({"name": 3, "generateName": "a-"}, "a-"),
        ({"name": None}, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_a_name_may_be_generated(metadata: Any, name: str) -> None:
    assert name_of({"metadata": metadata}) == name


def test_a_chart_file_is_an_object_without_a_kind() -> None:
    chart = {"apiVersion": "v2", "name": "c", "version": "1.0.0"}
    assert resource_of(chart) == Resource("v2", "Chart", "", "c")
    assert resource_of({**chart, "kind": "X"}) == Resource("v2", "X", "", "")
    assert resource_of({**chart, "version": 1}) == Resource("v2", "", "", "")
    assert resource_of({**chart, "apiVersion": ["v2"]}) == Resource("", "", "", "")


CONTAINERS: dict[str, Any] = {"template": {"spec": {"containers": []}}}


@pytest.mark.parametrize(
    ("obj", "path"),
    [
        ({"apiVersion": "v1", "kind": "Pod"}, ()),
        ({"apiVersion": "apps/v1", "kind": "Deployment", "spec": None}, ("spec", "template")),
        ({"apiVersion": "v1", "kind": "ReplicationController"}, ("spec", "template")),
        ({"apiVersion": "batch/v1", "kind": "CronJob"}, ("spec", "jobTemplate", "spec", "template")),
        ({"apiVersion": "x/v1", "kind": "Pod"}, None),
        ({"apiVersion": "v1", "kind": "Deployment"}, None),
        ({"apiVersion": "x/v1", "kind": "Deployment", "spec": CONTAINERS}, ("spec", "template")),
        ({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "spec": CONTAINERS}, ("spec", "template")),
        ({"apiVersion": "x/v1", "kind": "Y", "spec": {"template": {"spec": {"containers": {}}}}}, None),
        ({"apiVersion": "v1", "kind": "Service"}, None),
        ([], None),
    ],
)
def test_where_a_pod_template_stands(obj: Any, path: tuple[str, ...] | None) -> None:
    assert template_path(obj) == path


def test_containers_have_a_role_and_a_place() -> None:
    spec = {
        "containers": [{"name": "a"}, None, {"name": 3}],
        "initContainers": [{"name": "i"}, {"name": "s", "restartPolicy": "Always"}],
        "ephemeralContainers": [{"name": "e"}],
    }
    found = containers_of({"apiVersion": "v1", "kind": "Pod", "spec": spec}, ())
    assert [(c.role, c.path, c.label, c.serves) for c in found] == [
        ("container", ("spec", "containers", 0), "a", True),
        ("container", ("spec", "containers", 2), "2", True),
        ("init", ("spec", "initContainers", 0), "i", False),
        ("sidecar", ("spec", "initContainers", 1), "s", True),
        ("ephemeral", ("spec", "ephemeralContainers", 0), "e", False),
    ]
    assert containers_of({"spec": {"containers": {"a": {}}}}, ()) == []


@pytest.mark.parametrize(
    ("kind", "spec", "replicas"),
    [
        ("apps/v1 Deployment", {}, 1),
        ("apps/v1 Deployment", {"replicas": None}, 1),
        ("apps/v1 StatefulSet", {"replicas": 0}, 0),
        ("apps/v1 ReplicaSet", {"replicas": 4}, 4),
        ("v1 ReplicationController", {"replicas": "4"}, 1),
        ("apps/v1 Deployment", {"replicas": -1}, 1),
        ("apps/v1 Deployment", {"replicas": False}, 1),
        ("v1 Pod", {"replicas": 0}, 1),
        ("batch/v1 Job", {"parallelism": 0}, 1),
        ("apps/v1 DaemonSet", {}, None),
        ("argoproj.io/v1 Rollout", {"replicas": 0}, None),
    ],
)
def test_how_many_pods_a_workload_keeps(kind: str, spec: Any, replicas: int | None) -> None:
    api_version, name = kind.split()
    assert replicas_of({"apiVersion": api_version, "kind": name, "spec": spec}) == replicas


@pytest.mark.parametrize(
    ("kind", "namespaced"),
    [
        ("v1 Service", True),
        ("v1 Namespace", False),
        ("v1 Node", False),
        ("v1 PersistentVolume", False),
        ("v1 PersistentVolumeClaim", True),
        ("rbac.authorization.k8s.io/v1 Role", True),
        ("rbac.authorization.k8s.io/v1 ClusterRole", False),
        ("networking.k8s.io/v1 Ingress", True),
        ("networking.k8s.io/v1 IngressClass", False),
        ("storage.k8s.io/v1 StorageClass", False),
        ("example.com/v1 Thing", False),
        ("apps/v1 Deployment", True),
        ("batch/v1 CronJob", True),
    ],
)
def test_which_kinds_live_in_a_namespace(kind: str, namespaced: bool) -> None:
    api_version, name = kind.split()
    obj = {"apiVersion": api_version, "kind": name}
    assert is_namespaced(obj) is namespaced
    assert is_unknown(obj) is namespaced
    assert not is_unknown({**obj, "metadata": {"namespace": "x"}})


def test_an_object_without_a_kind_lives_nowhere_but_a_custom_workload_does() -> None:
    assert not is_namespaced({})
    assert not is_namespaced({"apiVersion": "v1", "kind": 5})
    assert is_namespaced({"apiVersion": "x/v1", "kind": "Y", "spec": CONTAINERS})


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("old", True),
        ("old-0.1.0", True),
        ("old-v0.1.0", True),
        ("old-0.1.0-rc.1", True),
        ("old-0.1.0_build", True),
        ("old-0.1.0+a.b", True),
        ("old-0.1.0\n", False),
        ("old-0.1", False),
        ("old-1.2.3x", False),
        ("old-new-0.1.0", False),
        ("older-0.1.0", False),
        ("very-old", False),
        ("old-", False),
        ("", False),
    ],
)
def test_when_a_label_names_a_chart(value: str, named: bool) -> None:
    assert DeprecatedChart("old", "", "").is_named_by(value) is named


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("thunderhelm-0.2.0", "thunderhelm"),
        ("a-b-v1.2.3-rc.1", "a-b"),
        ("a-1.2", "a-1.2"),
        ("a", "a"),
        ("a-1.2.3-b-4.5.6", "a"),
    ],
)
def test_the_name_in_a_chart_label(label: str, name: str) -> None:
    assert chart_name(label) == name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("old", "old"),
        ("charts/old", "old"),
        ("./charts/old/", "old"),
        ("oci://ghcr.io/x/old", "old"),
        ("oci://ghcr.io/x/old:1.0.0", "old"),
        ("oci://ghcr.io/x/old@sha256:ab/cd", "old"),
        ("https://x/old-0.1.0.tgz", "old-0.1.0"),
        ("", ""),
    ],
)
def test_the_name_in_a_chart_source(value: str, name: str) -> None:
    assert source_name(value) == name


SPACES = Namespaces(frozenset({"prod"}), frozenset({"kube-system"}))


def _owned(namespace: Any = None, annotations: Any = None, labels: Any = None) -> dict[str, Any]:
    metadata = {"name": "x", "namespace": namespace, "annotations": annotations, "labels": labels}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}


BY_LABEL = {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "rel"}
BY_NOTE = {"meta.helm.sh/release-name": "note"}


@pytest.mark.parametrize(
    ("obj", "uninstall", "remove"),
    [
        (_owned(), None, "kubectl delete deployment x"),
        (_owned("dev"), None, "kubectl delete deployment x -n dev"),
        (_owned("dev", labels=BY_LABEL), "helm uninstall rel -n dev", "helm uninstall rel -n dev"),
        (_owned("prod", labels=BY_LABEL), "helm uninstall rel -n prod", "kubectl delete deployment x -n prod"),
        (_owned(labels=BY_LABEL), None, "kubectl delete deployment x"),
        (_owned("dev", BY_NOTE, BY_LABEL), "helm uninstall note -n dev", "helm uninstall note -n dev"),
        (
            _owned("dev", {**BY_NOTE, "meta.helm.sh/release-namespace": "ops"}),
            "helm uninstall note -n ops",
            "helm uninstall note -n ops",
        ),
        (
            _owned(None, {**BY_NOTE, "meta.helm.sh/release-namespace": "ops"}),
            "helm uninstall note -n ops",
            "kubectl delete deployment x",
        ),
        (_owned("dev", {"meta.helm.sh/release-name": ""}), None, "kubectl delete deployment x -n dev"),
        (
            _owned("dev", labels={**BY_LABEL, "app.kubernetes.io/managed-by": "helm"}),
            None,
            "kubectl delete deployment x -n dev",
        ),
        (_owned("dev", [], 3), None, "kubectl delete deployment x -n dev"),
    ],
)
def test_the_command_that_takes_an_object_away(obj: dict[str, Any], uninstall: str | None, remove: str) -> None:
    assert uninstall_command(obj) == uninstall
    assert remove_command(obj, SPACES) == remove


def test_a_release_without_a_namespace_is_still_named() -> None:
    release = helm_release(_owned(labels=BY_LABEL))
    assert release is not None
    assert (release.name, release.namespace) == ("rel", "")


def test_only_a_known_namespace_is_exempt() -> None:
    assert SPACES.exempts(_owned("kube-system"))
    assert not SPACES.exempts(_owned("prod"))
    assert not Namespaces(frozenset(), frozenset({""})).exempts(_owned())
