"""A chart is released once."""

from __future__ import annotations

from collections.abc import Iterator

from thunderguard.engines.reference.inventory import Inventory, is_uninstalled
from thunderguard.engines.reference.verdict import Violation
from thunderguard.facts.charts import LABEL, chart_name
from thunderguard.facts.remove import helm_release
from thunderguard.facts.resources import API_VERSION
from thunderguard.model import Resource

_CHART = ("spec", "chart", "name")


def judge(inventory: Inventory) -> Iterator[Violation]:
    """Give every release but the best of each chart."""
    namespaces = inventory.contract.namespaces
    places: dict[str, set[tuple[bool, str, str]]] = {}
    for chart, namespace, name in _releases(inventory):
        if namespace not in namespaces.exempt:
            places.setdefault(chart, set()).add((namespace not in namespaces.allowed, namespace, name))
    for chart, releases in sorted(places.items()):
        (_, kept_namespace, kept_name), *others = sorted(releases)
        for _, namespace, name in others:
            args = {"chart": chart, "count": str(len(releases)), "keep": f"{kept_name} in {kept_namespace}"}
            yield Violation("duplicate", _CHART, args, None, Resource(API_VERSION, "Release", namespace, name))


def _releases(inventory: Inventory) -> Iterator[tuple[str, str, str]]:
    """Give (chart, namespace, release): from the records of Helm, else from the labels of the workloads it made."""
    records = inventory.releases()
    for record in records:
        chart = record.dig(*_CHART)
        if isinstance(chart, str) and not is_uninstalled(record):
            yield chart, record.namespace, record.resource.name
    if records:
        return
    for root in inventory.roots():
        label, release = root.dig("metadata", "labels", LABEL), helm_release(root.obj)
        if isinstance(label, str) and release and release.namespace:
            yield chart_name(label), release.namespace, release.name
