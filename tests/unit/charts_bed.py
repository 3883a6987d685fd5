"""Charts as Python functions of their values, so that unit tests need no Helm."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from thunderguard.catalogue import load_catalogue
from thunderguard.charts.trials import Item, Trials
from thunderguard.charts.values import merged
from thunderguard.engines import Engine, open_engine
from thunderguard.errors import ChartError
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import JsonObject

BOUNDED = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}}


def workload(name: str, container: JsonObject, kind: str = "Deployment", namespace: str | None = None) -> JsonObject:
    """Give a workload of one container."""
    metadata: JsonObject = {"name": name}
    if namespace is not None:
        metadata["namespace"] = namespace
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": metadata,
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "main", **container}]}}},
    }


def chart(
    values: JsonObject, template: Callable[[JsonObject], list[tuple[str, JsonObject]]]
) -> Callable[[JsonObject], list[Item]]:
    """Give what renders ``template``, which names the file of each object; a KeyError is a template error."""

    def render(tried: JsonObject) -> list[Item]:
        seen = merged(copy.deepcopy(values), tried)
        try:
            objects = template(seen)
        except (KeyError, TypeError, ValueError) as error:
            raise ChartError(f"template: {error!r}") from None
        return [Item(name, place, obj) for place, (name, obj) in enumerate(objects)]

    return render


@cache
def _engine() -> Engine:
    # It holds nothing that has to be given back.
    return open_engine("embedded", estate=load_estate(DEFAULT_ESTATE), catalogue=load_catalogue())


@contextmanager
def trials_of(render: Callable[[JsonObject], list[Item]], **options: Any) -> Iterator[Trials]:
    """Give trials of ``render`` by the embedded engine and the default Estate."""
    yield Trials(render, _engine(), namespace="thunderline", **options)
