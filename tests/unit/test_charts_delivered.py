"""Which charts Argo CD, Flux and k3s are asked for, with which values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from thunderguard.charts.delivered import Delivery, configs_of, deliveries, inside, is_delivering, repository_of
from thunderguard.errors import ChartError


def application(spec: dict[str, Any], name: str = "estate") -> dict[str, Any]:
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name}, "spec": spec}


def k3s(kind: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": "estate", "namespace": "kube-system"}
    return {"apiVersion": "helm.cattle.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


def test_an_application_gives_values_in_the_order_of_argo() -> None:
    helm = {
        "releaseName": "thunderline",
        "valueFiles": ["values-prod.yaml", "$values/deploy/site.yaml"],
        "values": "web: {replicas: 2}\n",
        "parameters": [
            {"name": "web.tag", "value": "a,b"},
            {"name": "worker.tag", "value": "1.10", "forceString": True},
        ],
        "ignoreMissingValueFiles": True,
    }
    spec = {
        "source": {"repoURL": "https://example.org/estate", "path": "charts/web", "helm": helm},
        "destination": {"namespace": "thunderline"},
    }
    assert deliveries(application(spec), {}) == [
        Delivery(
            "Application/estate",
            "thunderline",
            "thunderline",
            path="charts/web",
            files=("values-prod.yaml", "/deploy/site.yaml"),
            values=({"web": {"replicas": 2}},),
            over={"worker": {"tag": "1.10"}},
            sets=(r"web.tag=a\,b",),
            lenient=True,
            place="spec.source.helm.values",
            moving="spec.destination.namespace",
        )
    ]
    # As Argo CD does, which looks at the text when there is no object.
    helm["valuesObject"] = {"web": {"replicas": 1}}
    (found,) = deliveries(application(spec), {})
    assert (found.values, found.place) == (({"web": {"replicas": 1}},), "spec.source.helm.valuesObject")
    helm |= {"values": "", "valuesObject": None}
    (found,) = deliveries(application(spec), {})
    assert (found.values, found.place) == ((), "spec.source.helm.valuesObject")


def test_of_several_sources_those_with_a_path_are_taken() -> None:
    sources = [{"path": "a"}, {"chart": "redis", "repoURL": "x"}, {"ref": "values"}, {"path": "b"}]
    found = deliveries(application({"sources": sources, "source": {"path": "c"}}), {})
    assert [(one.path, one.release, one.namespace) for one in found] == [("a", "estate", ""), ("b", "estate", "")]
    assert [one.place for one in found] == ["spec.sources[0].helm.valuesObject", "spec.sources[3].helm.valuesObject"]


def test_an_application_set_is_filled_from_its_lists() -> None:
    template = {
        "metadata": {"name": "web-{{cluster}}"},
        "spec": {"source": {"path": "charts/{{.path}}"}, "destination": {"namespace": "{{ cluster }}"}},
    }
    obj = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "all"},
        "spec": {
            "generators": [{"list": {"elements": [{"cluster": "one", "path": "a"}, {"cluster": "two", "path": "b"}]}}],
            "template": template,
        },
    }
    found = deliveries(obj, {})
    assert [(one.release, one.namespace, one.path) for one in found] == [
        ("web-one", "one", "charts/a"),
        ("web-two", "two", "charts/b"),
    ]
    assert {(one.place, one.moving, one.note) for one in found} == {
        (
            "spec.template.spec.source.helm.valuesObject",
            "spec.template.spec.destination.namespace",
            "it changes every Application of ApplicationSet/all, and was tried on one of 2",
        )
    }
    # What a cluster or a repository would have to be asked for stays open.
    obj["spec"] = {"generators": [{"clusters": {}}], "template": template}
    assert deliveries(obj, {}) == []


def test_an_application_set_looks_for_directories_in_the_repository(tmp_path: Path) -> None:
    for name in ("charts/web", "charts/worker", "charts/old", "charts/.git", "other"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "charts" / "file").write_text("", encoding="utf-8")
    directories: list[Any] = [{"path": "charts/*"}, {"path": "charts/old", "exclude": True}, {"path": "../*"}, 7]
    obj = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "all"},
        "spec": {
            "generators": [{"git": {"directories": directories}}],
            "template": {
                "metadata": {"name": "{{path.basename}}"},
                "spec": {"source": {"path": "{{path}}"}, "destination": {"namespace": "{{ .path.basename }}"}},
            },
        },
    }
    found = [(one.release, one.namespace, one.path) for one in deliveries(obj, {}, tmp_path)]
    assert found == [("web", "web", "charts/web"), ("worker", "worker", "charts/worker")]
    for pattern in ("", "/etc/*", "**/../..", "[", "a\0b"):
        obj["spec"] = {**obj["spec"], "generators": [{"git": {"directories": [{"path": pattern}]}}]}  # type: ignore[dict-item]
        assert deliveries(obj, {}, tmp_path) == []


def test_a_helm_release_from_a_repository_is_named_as_flux_names_it() -> None:
    chart = {"chart": "./charts/web", "sourceRef": {"kind": "GitRepository"}, "valuesFiles": ["site.yaml"]}
    obj: dict[str, Any] = {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": "web", "namespace": "flux"},
        "spec": {"chart": {"spec": chart}, "targetNamespace": "thunderline", "values": {"a": 1}},
    }
    (found,) = deliveries(obj, {})
    assert (found.release, found.namespace, found.files) == ("thunderline-web", "thunderline", ("/site.yaml",))
    assert found.values == ({"a": 1},)
    # The release would get another name with another namespace.
    assert (found.place, found.moving) == ("spec.values", None)
    obj["spec"]["releaseName"] = "web"
    assert deliveries(obj, {})[0].moving == "spec.targetNamespace"
    chart["sourceRef"] = {"kind": "HelmRepository"}
    assert deliveries(obj, {}) == []


def test_the_chart_of_k3s_takes_the_values_of_its_config_over_its_own() -> None:
    config = k3s("HelmChartConfig", valuesContent="web: {replicas: 2}\n")
    obj = k3s(
        "HelmChart",
        chartContent="AAAA",
        valuesContent="web: {replicas: 1}\n",
        targetNamespace="thunderline",
        set={"web.on": True, "web.tag": "10", "web.name": "null", "web.x[0]": "7"},
    )
    assert is_delivering(config)
    (found,) = deliveries(obj, configs_of([config, obj]))
    assert found.packed == "AAAA"
    assert found.path is None
    assert found.values == ({"web": {"replicas": 1}}, {"web": {"replicas": 2}})
    assert found.sets == ("web.name=null", "web.on=true", "web.x[0]=7")
    assert found.over == {"web": {"tag": "10"}}
    assert found.namespace == "thunderline"
    assert (found.place, found.holder) == ("spec.valuesContent", "HelmChartConfig/estate")
    (alone,) = deliveries(obj, {})
    assert (alone.place, alone.holder) == ("spec.valuesContent", None)
    (alone,) = deliveries(k3s("HelmChart", chartContent="AAAA", values={"a": 1}), {})
    assert alone.place == "spec.values"


@pytest.mark.parametrize("text", ["- a\n", "a: [\n", "a: b\n---\nc: d\n"])
def test_inline_values_that_are_none_are_an_error(text: str) -> None:
    with pytest.raises(ChartError, match=r"^HelmChart/estate: valuesContent is "):
        deliveries(k3s("HelmChart", chartContent="AAAA", valuesContent=text), {})


@pytest.mark.parametrize(
    "spec", [None, [], "x", {"source": None}, {"source": {"path": None, "helm": 7}}, {"sources": {}}]
)
def test_hostile_shapes_deliver_nothing(spec: Any) -> None:
    for kind in ("Application", "ApplicationSet"):
        assert deliveries({**application(spec), "kind": kind}, {}) == []
    for kind in ("HelmChart", "HelmChartConfig"):
        assert deliveries({**k3s(kind), "spec": spec}, {}) == []
    assert deliveries({"apiVersion": "v1", "kind": "Pod"}, {}) == []


def test_paths_are_those_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "deploy").mkdir()
    assert repository_of(str(tmp_path / "deploy" / "a.yaml")) == tmp_path.resolve()
    assert inside(tmp_path.resolve(), "./charts/web", "x") == tmp_path.resolve() / "charts" / "web"
    with pytest.raises(ChartError, match=r"names \.\./\.\./etc, which leads out of the repository"):
        inside(tmp_path.resolve(), "../../etc", "x")
    (tmp_path / "loop").symlink_to("loop")
    for path in ("a\0b", "x" * 5000, "loop/a"):
        with pytest.raises(ChartError, match="which cannot be a path"):
            inside(tmp_path.resolve(), path, "x")
