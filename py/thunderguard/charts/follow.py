"""The findings of a report followed back to the charts that were rendered for it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from thunderguard.charts.chartfile import shown
from thunderguard.charts.explain import Explained, Explainer
from thunderguard.charts.origins import origins_of, with_origins
from thunderguard.charts.shipped import defaults, shipped
from thunderguard.charts.trials import Trials
from thunderguard.charts.values import stacked
from thunderguard.engines import open_engine
from thunderguard.facts.contract import Contract
from thunderguard.model import Level, RawFinding

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.charts.chartfile import ChartSource
    from thunderguard.charts.installed import Installed
    from thunderguard.charts.trials import Setup
    from thunderguard.engines import Engine
    from thunderguard.estate import Estate
    from thunderguard.model import JsonObject, Key, Report

# A chart of many findings takes some fifty; who waits longer for a slow one would rather have the findings alone.
_MOST_RENDERS = 400
_SECONDS = 60.0
# The rule about the set that values obey by turning something off. What the others ask for is for a person to say.
_OF_THE_SET = frozenset({"duplicate-service"})


@dataclass(frozen=True)
class Followed:
    """A report whose findings have origins, and one values file for all that values files can mend.

    ``mended`` of the ``explained`` findings are gone with ``patch``. ``left`` are the charts that were too many for the
    time there is.
    """

    report: Report
    patch: JsonObject = field(default_factory=dict)
    explained: int = 0
    mended: int = 0
    left: int = 0


def follow(report: Report, charts: Sequence[Installed], *, estate: Estate, catalogue: Catalogue) -> Followed:
    """Follow the findings of ``report`` on what ``charts`` render to their templates and values.

    A chart that the user named has a time of its own; those that manifests deliver share one. What is waived is left
    alone. Raises ChartError when a chart does not render any more, and what opening an engine raises.
    """
    wanted = {(one.rule, one.resource, one.path): one.file for one in report.findings if one.waived is None}
    total = Followed(report)
    if not wanted or not charts:
        return total
    shared = _SECONDS
    with open_engine("embedded", estate=estate, catalogue=catalogue) as engine:
        for installed in charts:
            inside = shown(installed.label, "")
            if not any(file is not None and file.startswith(inside) for file in wanted.values()):
                continue
            if installed.into is not None and shared <= 0:
                total = replace(total, left=total.left + 1)
                continue
            began = time.monotonic()
            seconds = _SECONDS if installed.into is None else shared
            with installed.opened() as (chart, setup):
                explained = _explained(chart, setup, installed, wanted, engine, estate, catalogue, seconds)
                origins = origins_of(explained, chart, installed)
            total = replace(total, report=with_origins(total.report, origins))
            if installed.into is None:
                total = replace(
                    total,
                    patch=stacked(total.patch, explained.patch),
                    explained=total.explained + len(explained.explanations),
                    mended=total.mended + len(explained.mended),
                )
            else:
                shared -= time.monotonic() - began
    return total


def _explained(
    chart: ChartSource,
    setup: Setup,
    installed: Installed,
    wanted: Mapping[Key, str | None],
    engine: Engine,
    estate: Estate,
    catalogue: Catalogue,
    seconds: float,
) -> Explained:
    how = installed.how
    made: dict[str, Trials] = {}

    def trials_in(namespace: str) -> Trials:
        if namespace not in made:
            # The namespace may be unknown where templates see one all the same.
            known = how.namespace if namespace == how.rendered_namespace else namespace
            rendering = replace(setup, namespace=namespace).rendering(chart)
            made[namespace] = Trials(
                rendering, engine, namespace=known, of_the_set=_OF_THE_SET, most=_MOST_RENDERS, seconds=seconds
            )
        return made[namespace]

    # What the chart says itself comes first: what a values file has put over it may be the fault.
    others = [defaults(chart), *(file.values for file in shipped(chart))]
    explainer = Explainer(chart, setup, trials_in, Contract.of(estate.data), catalogue, others, installed.moving)
    beside = [RawFinding(rule, resource, place, Level.INFO) for rule, resource, place in wanted]
    return explainer.explain(lambda key: key in wanted, beside)
