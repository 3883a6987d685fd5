"""Chart labels and chart sources: the deprecated name, and what only looks like it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thunderguard.facts.charts import LABEL
from thunderguard.facts.resources import is_chart_file, is_release, type_of
from thunderguard.facts.subject import Subject
from thunderguard.facts.values import as_list
from thunderguard.paths import Segment
from thunderguard.replay.domains import OneOf, Whole
from thunderguard.replay.edit import at, put
from thunderguard.replay.effects import Effect, Mutated, Promise
from thunderguard.replay.ground import placed
from thunderguard.replay.mutations.base import Family, any_object, has_template, one_of, running_the_same

if TYPE_CHECKING:
    from thunderguard.replay.ground import Ground

FAMILY = Family("charts")
_RULE = "deprecated-chart"
_CHART = Whole()
_ON_OBJECT = ("metadata", "labels", LABEL)
_VERSION = OneOf(("0.1.0", "v1.2.3", "1.0.0-rc.1", "2.0.0+build.7", "10.20.30_x", "0.0.0", ""))

_LIKE_IT = ("my-{}-0.1.0", "{}-extra-0.1.0", "{}s-0.1.0", "-{}-0.1.0", "{}_0.1.0", "{} -0.1.0", "x{}", "")
_OTHER_VERSIONS = ("{}-0.1", "{}-", "{}-0.1.0-", "{}-latest", "{}-0.1.0.4", "{}-1.2.3-rc.1 ")
_REFERENCES = ("{}", "oci://r.example:5000/a/{}:0.1.0", "{}@sha256:00", "oci://r.example/{}-v1.0.0")
_PATHS = ("charts/{}", "{}-0.1.0.tgz", "https://x.example/{}-0.1.0.tgz", "./deploy/{}/")

# Where each kind names its chart.
_SOURCES: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("argoproj.io", "Application"): (("spec", "source", "chart"), ("spec", "source", "path")),
    ("helm.toolkit.fluxcd.io", "HelmRelease"): (("spec", "chart", "spec", "chart"),),
    ("helm.cattle.io", "HelmChart"): (("spec", "chart"),),
}


def _labelled(view: Subject) -> bool:
    """Say whether the object may get a chart label and only that one counts."""
    labels = view.dig("metadata", "labels")
    return any_object(view) and not is_release(view.obj) and (labels is None or isinstance(labels, dict))


def _template_label(view: Subject) -> object:
    return at(view.obj, (*view.template, "metadata", "labels", LABEL)) if view.template else None


def _brings(view: Subject) -> bool:
    return type_of(view.obj) in _SOURCES


def _name(ground: Ground, chart: int) -> str | None:
    known = one_of(ground.contract.deprecated_charts, chart)
    return None if known is None else known.name


@FAMILY.add("deprecate-label", Promise.PLANTS, _labelled, _RULE, chart=_CHART, version=_VERSION)
def deprecate_label(view: Subject, ground: Ground, chart: int, version: str) -> Mutated | None:
    """An object carries the label of a deprecated chart, with one version or another."""
    name = _name(ground, chart)
    if name is None or _template_label(view) is not None:
        return None
    obj = put(view.obj, _ON_OBJECT, f"{name}-{version}" if version else name)
    return running_the_same(view, ground, obj, Effect(placed(_RULE, *_ON_OBJECT)))


@FAMILY.add("deprecate-template-label", Promise.PLANTS, has_template, _RULE, chart=_CHART, version=_VERSION)
def deprecate_template_label(view: Subject, ground: Ground, chart: int, version: str) -> Mutated | None:
    """The pods of a workload carry the label of a deprecated chart, and the workload none."""
    name, labels = _name(ground, chart), (*(view.template or ()), "metadata", "labels")
    if name is None or view.dig(*_ON_OBJECT) is not None:
        return None
    if view.dig(*(view.template or ())) is None or not isinstance(view.dig(*labels), dict | None):
        return None
    path = (*labels, LABEL)
    obj = put(view.obj, path, f"{name}-{version}" if version else name)
    return running_the_same(view, ground, obj, Effect(placed(_RULE, *path)))


@FAMILY.add(
    "other-chart-label",
    Promise.EXACT,
    _labelled,
    chart=_CHART,
    form=OneOf((*_LIKE_IT, *_OTHER_VERSIONS)),
)
def other_chart_label(view: Subject, ground: Ground, chart: int, form: str) -> Mutated | None:
    """An object carries the label of a chart whose name only begins, ends or goes on like a deprecated one."""
    name = _name(ground, chart)
    if name is None or _template_label(view) is not None:
        return None
    text = form.format(name)
    # What reads like a longer name may be the name of another deprecated chart, and "-" is part of a version.
    if any(known.is_named_by(text) for known in ground.contract.deprecated_charts):
        return None
    obj = put(view.obj, _ON_OBJECT, text)
    effect = Effect(removes=placed(_RULE, *_ON_OBJECT), touches=frozenset({_RULE}))
    return running_the_same(view, ground, obj, effect)


@FAMILY.add(
    "deprecate-source",
    Promise.PLANTS,
    _brings,
    _RULE,
    chart=_CHART,
    place=Whole(0, 1),
    form=OneOf((*_REFERENCES, *_PATHS)),
)
def deprecate_source(view: Subject, ground: Ground, chart: int, place: int, form: str) -> Mutated | None:
    """An object of Argo CD, Flux or the k3s Helm controller deploys a deprecated chart."""
    name, path = _name(ground, chart), one_of(_SOURCES[view.type], place)
    if name is None or path is None:
        return None
    return Mutated(put(view.obj, path, form.format(name)), Effect(placed(_RULE, *path)))


@FAMILY.add("deprecate-release", Promise.PLANTS, lambda view: is_release(view.obj), _RULE, chart=_CHART)
def deprecate_release(view: Subject, ground: Ground, chart: int) -> Mutated | None:
    """A Helm release is one of a deprecated chart."""
    name, path = _name(ground, chart), ("spec", "chart", "name")
    if name is None or view.dig("spec", "status") == "uninstalled":
        return None
    return Mutated(put(view.obj, path, name), Effect(placed(_RULE, *path)))


@FAMILY.add("uninstall-release", Promise.EXACT, lambda view: is_release(view.obj))
def uninstall_release(view: Subject, ground: Ground) -> Mutated | None:
    """A Helm release is one that is gone, and of which only the history is kept."""
    del ground
    return Mutated(put(view.obj, ("spec", "status"), "uninstalled"), Effect(removes=placed(_RULE)))


@FAMILY.add(
    "deprecate-dependency",
    Promise.PLANTS,
    lambda view: is_chart_file(view.obj),
    _RULE,
    chart=_CHART,
    alias=OneOf((None, "other")),
)
def deprecate_dependency(view: Subject, ground: Ground, chart: int, alias: str | None) -> Mutated | None:
    """A Chart.yaml depends on a deprecated chart, perhaps under an alias."""
    name, known = _name(ground, chart), view.obj.get("dependencies")
    if name is None or not (known is None or isinstance(known, list)):
        return None
    body = {"name": name, "version": "0.1.0", **({"alias": alias} if alias else {})}
    path = ("dependencies", len(as_list(known)), "name")
    return Mutated(put(view.obj, ("dependencies",), [*as_list(known), body]), Effect(placed(_RULE, *path)))


@FAMILY.add(
    "deprecate-argo-sources",
    Promise.PLANTS,
    lambda view: type_of(view.obj) == ("argoproj.io", "Application"),
    _RULE,
    chart=_CHART,
)
def deprecate_argo_sources(view: Subject, ground: Ground, chart: int) -> Mutated | None:
    """One of several sources of an Argo CD Application is a deprecated chart."""
    name, known = _name(ground, chart), as_list(view.dig("spec", "sources"))
    if name is None:
        return None
    path: tuple[Segment, ...] = ("spec", "sources", len(known), "chart")
    obj = put(view.obj, ("spec", "sources"), [*known, {"repoURL": "https://x.example", "chart": name}])
    return Mutated(obj, Effect(placed(_RULE, *path)))
