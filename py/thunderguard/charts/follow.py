"""The findings of a report followed back to the charts that were rendered for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from thunderguard.charts.chartfile import ChartSource, open_chart
from thunderguard.charts.explain import Explained, Explainer
from thunderguard.charts.origins import origins_of, with_origins
from thunderguard.charts.shipped import defaults, shipped
from thunderguard.charts.trials import Setup, Trials
from thunderguard.charts.values import stacked
from thunderguard.engines import open_engine
from thunderguard.facts.contract import Contract
from thunderguard.model import Level, RawFinding

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.charts.settings import Installation
    from thunderguard.charts.sources import Asked
    from thunderguard.engines import Engine
    from thunderguard.estate import Estate
    from thunderguard.model import JsonObject, Key, Report

# A chart of many findings takes some fifty; who waits longer for a slow one would rather have the findings alone.
_MOST_RENDERS = 400
_SECONDS = 60.0


@dataclass(frozen=True)
class Followed:
    """A report whose findings have origins, and one values file for all that values can mend.

    ``mended`` of the ``explained`` findings are gone with ``patch``.
    """

    report: Report
    patch: JsonObject = field(default_factory=dict)
    explained: int = 0
    mended: int = 0


def follow(
    report: Report,
    charts: Sequence[tuple[str, Installation]],
    asked: Asked,
    *,
    estate: Estate,
    catalogue: Catalogue,
) -> Followed:
    """Follow the findings of ``report`` on what ``charts`` render to their templates and values.

    ``charts`` are named with how they are installed. What is waived is left alone. Raises ChartError when a chart does
    not render any more, and what opening an engine raises.
    """
    wanted = {(one.rule, one.resource, one.path): one.file for one in report.findings if one.waived is None}
    total = Followed(report)
    if not wanted or not charts:
        return total
    with open_engine("embedded", estate=estate, catalogue=catalogue) as engine:
        for path, how in charts:
            with _opened(path, wanted) as chart:
                if chart is None:
                    continue
                explained = _explained(chart, how, asked, wanted, engine, estate, catalogue)
                total = Followed(
                    with_origins(total.report, origins_of(explained, chart)),
                    stacked(total.patch, explained.patch),
                    total.explained + len(explained.explanations),
                    total.mended + len(explained.mended),
                )
    return total


@contextmanager
def _opened(path: str, wanted: Mapping[Key, str | None]) -> Iterator[ChartSource | None]:
    """Open the chart ``path`` if any of the findings is in one of its files."""
    with open_chart(path) as chart:
        inside = chart.shown("")
        yield chart if any(file is not None and file.startswith(inside) for file in wanted.values()) else None


def _explained(
    chart: ChartSource,
    how: Installation,
    asked: Asked,
    wanted: Mapping[Key, str | None],
    engine: Engine,
    estate: Estate,
    catalogue: Catalogue,
) -> Explained:
    setup = Setup(how.release, how.rendered_namespace, asked.values, asked.sets)
    made: dict[str, Trials] = {}

    def trials_in(namespace: str) -> Trials:
        if namespace not in made:
            # The namespace may be unknown where templates see one all the same.
            known = how.namespace if namespace == how.rendered_namespace else namespace
            rendering = replace(setup, namespace=namespace).rendering(chart)
            made[namespace] = Trials(rendering, engine, namespace=known, most=_MOST_RENDERS, seconds=_SECONDS)
        return made[namespace]

    # What the chart says itself comes first: what a values file has put over it may be the fault.
    others = [defaults(chart), *(file.values for file in shipped(chart))]
    explainer = Explainer(chart, setup, trials_in, Contract.of(estate.data), catalogue, others)
    beside = [RawFinding(rule, resource, place, Level.INFO) for rule, resource, place in wanted]
    return explainer.explain(lambda key: key in wanted, beside)
