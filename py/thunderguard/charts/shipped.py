"""What a chart brings about its values, read: values files and a schema."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from thunderguard.charts.chartfile import mapping_file
from thunderguard.charts.matrix import DEFAULT_VALUES, values_sets
from thunderguard.charts.values import stacked
from thunderguard.errors import ChartError

if TYPE_CHECKING:
    from thunderguard.charts.chartfile import ChartSource
    from thunderguard.model import JsonObject

_SCHEMA_FILE = "values.schema.json"
_LARGEST_SCHEMA = 4 << 20


@dataclass(frozen=True)
class Shipped:
    """A set of values files of a chart, or one that was named: its name, and what its files say together."""

    name: str
    values: JsonObject


def shipped(chart: ChartSource, *, pairs: Sequence[Sequence[str]] = (), more: Sequence[Path] = ()) -> list[Shipped]:
    """Give the sets of values that the matrix tries, its default values left out; a file that is no map is, too.

    Raises ChartError for a pair whose file is not there.
    """
    found = []
    for one in values_sets(chart, pairs=pairs, more=more):
        values: JsonObject = {}
        try:
            for file in one.files:
                values = stacked(values, mapping_file(file, str(file)))
        except ChartError:
            # The matrix says so.
            continue
        if one.files:
            found.append(Shipped(one.name, values))
    return found


def defaults(chart: ChartSource) -> JsonObject:
    """Read the values.yaml of a chart; without one it is empty. Raises ChartError when it is no map."""
    file = chart.folder / DEFAULT_VALUES
    return mapping_file(file, chart.shown(DEFAULT_VALUES)) if file.is_file() else {}


def schema_of(chart: ChartSource) -> JsonObject | None:
    """Read the values.schema.json of a chart; None when it has none. Raises ChartError when it is none."""
    file = chart.folder / _SCHEMA_FILE
    if not file.is_file():
        return None
    name = chart.shown(_SCHEMA_FILE)
    if file.stat().st_size > _LARGEST_SCHEMA:
        raise ChartError(f"{name} is larger than a schema can be", file=name)
    try:
        value = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ChartError(f"{name}:{error.lineno}: not JSON: {error.msg}", file=name, line=error.lineno) from None
    if not isinstance(value, dict):
        raise ChartError(f"{name} is no JSON object", file=name)
    return value


def allowed_by(schema: JsonObject | None) -> Callable[[JsonObject], bool]:
    """Give what says whether values meet ``schema``; what cannot be read as a schema here is left to Helm."""
    import jsonschema_rs

    def nothing_is_fetched(uri: str) -> Any:
        raise ValueError(f"{uri} is not part of the chart")

    try:
        validator = jsonschema_rs.validator_for(schema or {}, retriever=nothing_is_fetched)
    except (ValueError, TypeError):
        return lambda _: True
    valid: Callable[[JsonObject], bool] = validator.is_valid
    return valid
