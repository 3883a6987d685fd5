"""How a chart among the sources is installed, so that it can be opened more than once: rendered, and looked into."""

from __future__ import annotations

import base64
import binascii
import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import orjson

from thunderguard.charts.archive import unpack_stream
from thunderguard.charts.chartfile import ChartSource, chart_in, open_chart
from thunderguard.charts.delivered import Delivery, resolved
from thunderguard.charts.settings import Installation
from thunderguard.charts.trials import Setup
from thunderguard.errors import ChartError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A chart and what it is installed with, as long as the context lasts.
Opened: TypeAlias = AbstractContextManager[tuple[ChartSource, Setup]]


@dataclass(frozen=True)
class Installed:
    """A chart among the sources. ``label`` stands in front of the names of its files.

    ``into`` says where in which manifest the values of a delivered chart stand, None for a chart that the user named,
    whose values are files. ``moving`` is what installing it in another namespace takes, which is put for ``{}``; None
    when that changes more than the namespace. ``note`` is what to know about changing the manifest.
    """

    label: str
    how: Installation
    opened: Callable[[], Opened]
    into: str | None = None
    moving: str | None = "--namespace {}"
    note: str = ""


def named(path: str, how: Installation, values: Sequence[Path], sets: Sequence[str]) -> Installed:
    """Give the chart ``path`` that the user named, with what the command line says of values."""
    setup = Setup(how.release, how.rendered_namespace, values, sets)

    @contextmanager
    def opened() -> Iterator[tuple[ChartSource, Setup]]:
        with open_chart(path) as chart:
            yield chart, setup

    return Installed(path, how, opened)


def delivered(delivery: Delivery, file: str, root: Path, path: Path | None, label: str) -> Installed:
    """Give the chart that the manifest ``file`` of the repository ``root`` delivers: ``path``, or the packed one."""
    how = Installation(delivery.release, delivery.namespace or None)
    holder = delivery.holder or f"{delivery.what} ({file})"
    return Installed(
        label,
        how,
        partial(_opened, delivery, how, root, path, label),
        into=f"{delivery.place} of {holder}",
        moving=None if delivery.moving is None else f"{delivery.moving}: {{}}",
        note=delivery.note,
    )


@contextmanager
def _opened(
    delivery: Delivery, how: Installation, root: Path, path: Path | None, label: str
) -> Iterator[tuple[ChartSource, Setup]]:
    with (
        tempfile.TemporaryDirectory(prefix="thunderguard-delivered-") as folder,
        _chart(delivery, path, label, Path(folder)) as chart,
    ):
        files = [*_values_files(delivery, chart, root)]
        for number, values in enumerate(delivery.values):
            inline = Path(folder) / f"values-{number}.json"
            inline.write_bytes(orjson.dumps(values))
            files.append(inline)
        yield chart, Setup(how.release, how.rendered_namespace, files, delivery.sets, delivery.over)


@contextmanager
def _chart(delivery: Delivery, path: Path | None, label: str, scratch: Path) -> Iterator[ChartSource]:
    if path is not None:
        with open_chart(path, label=label) as chart:
            yield chart
        return
    text = "".join((delivery.packed or "").split())
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ChartError(f"{delivery.what}: chartContent is not base64") from None
    target = scratch / "chart"
    target.mkdir()
    yield chart_in(unpack_stream(io.BytesIO(data), target, label), label)


def _values_files(delivery: Delivery, chart: ChartSource, root: Path) -> Iterator[Path]:
    for name in delivery.files:
        if "://" in name:
            raise ChartError(f"{delivery.what} names the values file {name}", hint="nothing is fetched from a network")
        folder = chart.folder.resolve()
        path = resolved(root if name.startswith("/") else folder, name, f"{delivery.what} names the values file")
        if not path.is_relative_to(root) and not path.is_relative_to(folder):
            raise ChartError(f"{delivery.what} names the values file {name}, which leads out of the repository")
        if path.is_file():
            yield path
        elif not delivery.lenient:
            raise ChartError(f"{delivery.what} names the values file {name}, which is not there")
