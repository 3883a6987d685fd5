"""Helm charts by name, wherever an object may name one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from thunderguard.facts.resources import is_chart_file, is_release, type_of
from thunderguard.facts.values import as_list, as_text, dig

if TYPE_CHECKING:
    from thunderguard.model import JsonObject
    from thunderguard.paths import Segment

LABEL = "helm.sh/chart"

_VERSION = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+([-_+][0-9A-Za-z._+-]*)?\Z")
_NAME_VERSION = re.compile(r"-v?[0-9]+\.[0-9]+\.[0-9]+([-_+][0-9A-Za-z._+-]*)?\Z")
_TAG = re.compile(r":[^:]*\Z")

_SOURCE_FIELDS: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("helm.toolkit.fluxcd.io", "HelmRelease"): (("spec", "chart", "spec", "chart"),),
    ("source.toolkit.fluxcd.io", "HelmChart"): (("spec", "chart"),),
    ("source.toolkit.fluxcd.io", "OCIRepository"): (("spec", "url"),),
    ("helm.cattle.io", "HelmChart"): (("spec", "chart"),),
}
_ARGO_SPECS: dict[tuple[str, str], tuple[str, ...]] = {
    ("argoproj.io", "Application"): ("spec",),
    ("argoproj.io", "ApplicationSet"): ("spec", "template", "spec"),
}


@dataclass(frozen=True, slots=True)
class DeprecatedChart:
    """One entry of ``deprecated.charts``."""

    name: str
    reason: str
    remedy: str

    def is_named_by(self, value: str) -> bool:
        """Say whether ``value``, a name or a name with a version as in a chart label, names this chart."""
        if value == self.name:
            return True
        return value.startswith(f"{self.name}-") and _VERSION.match(value[len(self.name) + 1 :]) is not None


def deprecated_charts_of(estate: JsonObject) -> tuple[DeprecatedChart, ...]:
    """Read ``spec.deprecated.charts`` of the Estate object, sorted by name."""
    charts = (
        DeprecatedChart(*(as_text(dig(entry, (key,))) for key in ("name", "reason", "remedy")))
        for entry in as_list(dig(estate, ("spec", "deprecated", "charts")))
    )
    return tuple(sorted(charts, key=lambda chart: chart.name))


def chart_name(label: str) -> str:
    """Give the name of the chart that a label value ``name-version`` names."""
    return _NAME_VERSION.sub("", label, count=1)


def source_name(value: str) -> str:
    """Give the last part of a chart path, URL or OCI reference, without digest, ``.tgz`` and tag."""
    last = value.partition("@")[0].rstrip("/").rpartition("/")[2]
    return _TAG.sub("", last.removesuffix(".tgz"))


@dataclass(frozen=True, slots=True)
class ChartName:
    """A string of an object that names a chart, and where it stands."""

    path: tuple[Segment, ...]
    value: str


def label_names(obj: JsonObject, template: tuple[str, ...] | None) -> list[ChartName]:
    """Give the chart labels of ``obj`` and, for a workload, of its pod template."""
    places: list[tuple[str, ...]] = [("metadata", "labels", LABEL)]
    if template:
        places.append((*template, "metadata", "labels", LABEL))
    return [ChartName(path, value) for path in places if isinstance(value := dig(obj, path), str)]


def brings_charts(obj: JsonObject) -> bool:
    """Say whether ``obj`` is a Chart.yaml, a release, or of a kind that deploys charts."""
    kind = type_of(obj)
    return is_chart_file(obj) or is_release(obj) or kind in _SOURCE_FIELDS or kind in _ARGO_SPECS


def brought_names(obj: JsonObject) -> list[ChartName]:
    """Give the charts that a Chart.yaml, a release or an object of such a kind names."""
    if is_chart_file(obj):
        return _found(obj, [("name",), *_each(obj, ("dependencies",), "name")])
    if is_release(obj):
        return _found(obj, [("spec", "chart", "name")])
    kind = type_of(obj)
    places: list[tuple[Segment, ...]] = [*_SOURCE_FIELDS.get(kind, ())]
    if spec := _ARGO_SPECS.get(kind):
        for field in ("chart", "path"):
            places += [(*spec, "source", field), *_each(obj, (*spec, "sources"), field)]
    return [ChartName(name.path, source_name(name.value)) for name in _found(obj, places)]


def _each(obj: JsonObject, listed: tuple[str, ...], field: str) -> list[tuple[Segment, ...]]:
    return [(*listed, place, field) for place, _ in enumerate(as_list(dig(obj, listed)))]


def _found(obj: JsonObject, places: Sequence[tuple[Segment, ...]]) -> list[ChartName]:
    return [ChartName(path, value) for path in places if isinstance(value := _at(obj, path), str)]


def _at(value: Any, path: Sequence[Segment]) -> Any:
    for segment in path:
        value = value[segment] if isinstance(segment, int) else dig(value, (segment,))
    return value
