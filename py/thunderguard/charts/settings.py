"""``thunderguard-charts.yaml`` in a chart: how it is installed, and which values files belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from thunderguard.charts.chartfile import mapping_file
from thunderguard.charts.render import check_names, release_name
from thunderguard.errors import ChartError

if TYPE_CHECKING:
    from thunderguard.charts.chartfile import ChartSource
    from thunderguard.estate import Estate

SETTINGS_FILE = "thunderguard-charts.yaml"
#: Where ``helm template`` says a release is when nobody does.
HELM_NAMESPACE = "default"


@dataclass(frozen=True, slots=True)
class Settings:
    """How the chart is installed, and the values files that are used together, in order, as ``pairs``."""

    release: str | None = None
    namespace: str | None = None
    pairs: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Installation:
    """How a chart is installed. ``namespace`` None: unknown, so that rules about namespaces are not judged."""

    release: str
    namespace: str | None

    @property
    def rendered_namespace(self) -> str:
        """Give the namespace that templates see."""
        return self.namespace or HELM_NAMESPACE


def settings_of(chart: ChartSource) -> Settings:
    """Read the settings of a chart; without the file there are none. Raises ChartError when it is not right."""
    path = chart.folder / SETTINGS_FILE
    if not path.is_file():
        return Settings()
    name = chart.shown(SETTINGS_FILE)
    value = mapping_file(path, name)
    unknown = sorted({*value} - {"release", "namespace", "pairs"})
    if unknown:
        raise ChartError(
            f"{name} has an unknown key {unknown[0]}", hint="keys are release, namespace, pairs", file=name
        )
    pairs = value.get("pairs") or []
    if not isinstance(pairs, list) or not all(map(_is_names, pairs)):
        raise ChartError(f"{name}: pairs is not a list of lists of values files", file=name)
    for key in ("release", "namespace"):
        if not isinstance(value.get(key), str | None):
            raise ChartError(f"{name}: {key} is not text", file=name)
    return Settings(value.get("release"), value.get("namespace"), tuple(tuple(pair) for pair in pairs))


def installation(
    chart: ChartSource, estate: Estate, *, release: str | None = None, namespace: str | None = None
) -> Installation:
    """Say how ``chart`` is installed: as asked, else as its settings say.

    Without either the release has the chart's name, and goes into the namespace of the Estate if there is only one.
    Raises ChartError for names that cannot be.
    """
    settings = settings_of(chart)
    allowed = estate.data["spec"]["namespaces"]["allowed"]
    found = Installation(
        release or settings.release or release_name(chart),
        namespace or settings.namespace or (allowed[0] if len(allowed) == 1 else None),
    )
    check_names(found.release, found.rendered_namespace)
    return found


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) and one for one in value)
