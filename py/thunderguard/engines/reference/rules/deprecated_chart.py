"""A deprecated chart is not deployed, whatever tool brings it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from thunderguard.engines.reference.verdict import NOT_MATCHED, Verdict, Violation, verdict
from thunderguard.facts.charts import ChartName, DeprecatedChart, brings_charts, brought_names, label_names
from thunderguard.facts.resources import is_release

if TYPE_CHECKING:
    from thunderguard.facts.subject import Subject


def judge(subject: Subject) -> Verdict:
    """Judge whatever carries a chart label or names a chart to deploy; a release that is gone does not."""
    labels = label_names(subject.obj, subject.template)
    is_gone = is_release(subject.obj) and subject.dig("spec", "status") == "uninstalled"
    if is_gone or not (labels or brings_charts(subject.obj)):
        return NOT_MATCHED
    # The label of the pod template repeats that of the object.
    found = next((violations for label in labels if (violations := list(_matches(subject, label)))), [])
    return verdict([*found, *(v for name in brought_names(subject.obj) for v in _matches(subject, name))])


def _matches(subject: Subject, name: ChartName) -> Iterator[Violation]:
    for chart in subject.contract.deprecated_charts:
        if chart.is_named_by(name.value):
            args = {"chart": chart.name, "reason": chart.reason, "command": _command(subject, chart)}
            yield Violation("chart", name.path, args)


def _command(subject: Subject, chart: DeprecatedChart) -> str:
    if is_release(subject.obj) and subject.namespace:
        return f"helm uninstall {subject.resource.name} -n {subject.namespace}"
    return subject.uninstall or chart.remedy
