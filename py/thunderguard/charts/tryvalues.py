"""One chart under values that nobody shipped: everything that a property run needs, opened and put together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from thunderguard.catalogue import load_catalogue
from thunderguard.charts.chartfile import open_chart
from thunderguard.charts.generate import Ground
from thunderguard.charts.instrument import coalesced
from thunderguard.charts.properties import Progress, Property, PropertyRun, Settings
from thunderguard.charts.settings import installation
from thunderguard.charts.shipped import schema_of, shipped
from thunderguard.charts.trials import Setup, Trials
from thunderguard.engines import open_engine

if TYPE_CHECKING:
    from thunderguard.estate import Estate


def try_values(
    path: str,
    settings: Settings,
    *,
    estate: Estate,
    more: Sequence[Path] = (),
    pairs: Sequence[Sequence[str]] = (),
    release: str | None = None,
    namespace: str | None = None,
    rules: Sequence[str] = (),
    workers: int | None = None,
    progress: Progress | None = None,
) -> PropertyRun:
    """Try values on the chart ``path`` and give what came of it.

    ``more`` are values files beside the chart's own; ``pairs`` are some that are used together. ``rules`` (none: all)
    are those whose findings count. Raises ChartError when it is no chart or renders with no values at all,
    and what opening an engine raises.
    """
    catalogue = load_catalogue()
    with open_chart(path) as chart, open_engine("embedded", estate=estate, catalogue=catalogue) as engine:
        how = installation(chart, estate, release=release, namespace=namespace)
        setup = Setup(how.release, how.rendered_namespace)
        trials = Trials(
            setup.rendering(chart),
            engine,
            namespace=how.namespace,
            rules=rules or None,
            workers=workers,
            keep_items=False,
        )
        files = shipped(chart, pairs=pairs, more=more)
        ground = Ground(coalesced(chart, setup), [file.values for file in files], schema_of(chart))
        return Property(path, setup, trials, ground, files, settings, progress=progress).run()
