"""Values that are tried: which ones, what is told about those that break a rule, and when it stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from charts_bed import BOUNDED, chart, trials_of, workload
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thunderguard import schemas
from thunderguard.charts.generate import Ground, smallest
from thunderguard.charts.properties import Property, PropertyRun, Settings
from thunderguard.charts.shipped import Shipped
from thunderguard.charts.trials import Setup
from thunderguard.charts.values import spelled
from thunderguard.errors import ChartError
from thunderguard.model import JsonObject, Level
from thunderguard.reports import chartproperty
from thunderguard.reports.text import Look

VALUES: JsonObject = {
    "web": {"enabled": True, "resources": BOUNDED, "image": "tool:1.0.0"},
    "metrics": {"enabled": False},
    "cache": {"enabled": False, "size": 3},
    "mode": "small",
}


def template(values: JsonObject) -> list[tuple[str, JsonObject]]:
    """Break a rule with metrics and a cache together, and not render with a cache of size 0."""
    if values["cache"]["enabled"] and values["cache"]["size"] == 0:
        raise ValueError(f"a cache of size {values['cache']['size']}")
    main = {"image": values["web"]["image"], "resources": values["web"]["resources"]}
    objects = [("templates/web.yaml", workload("tool", main))] if values["web"]["enabled"] else []
    if values["metrics"]["enabled"] and values["cache"]["enabled"]:
        objects.append(("templates/exporter.yaml", workload("exporter", {"image": "exporter:1.0.0"})))
    return objects


def run(
    *,
    values: JsonObject = VALUES,
    of: Callable[[JsonObject], list[tuple[str, JsonObject]]] = template,
    shipped: dict[str, JsonObject] | None = None,
    schema: JsonObject | None = None,
    clock: Callable[[], float] = lambda: 0.0,
    **chosen: Any,
) -> PropertyRun:
    files = [Shipped(name, file) for name, file in (shipped or {}).items()]
    ground = Ground(values, [file.values for file in files], schema)
    with trials_of(chart(values, of)) as trials:
        setup = Setup("tool", "thunderline")
        how = Settings(**{"seed": 1, "examples": 40, **chosen})
        return Property("chart", setup, trials, ground, files, how, clock=clock).run()


def test_two_switches_together_are_found_and_made_small() -> None:
    result = run()
    (broken,) = result.broken
    assert broken.values == {"cache": {"enabled": True}, "metrics": {"enabled": True}}
    assert broken.is_new
    assert [found.raw.rule for found in broken.findings] == ["resource-limits"]
    assert result.exit_code == 1
    assert (result.pairs, result.covered) == (12, 12)


def test_what_does_not_render_is_counted_and_grouped() -> None:
    result = run(examples=200)
    (failed,) = result.not_rendered
    assert "a cache of size 0" in failed.reason
    assert failed.examples == result.tried - result.rendered > 0


def test_a_values_file_that_shows_it_is_named() -> None:
    shipped = {"values-all.yaml": {"cache": {"enabled": True}, "metrics": {"enabled": True}}}
    (broken,) = run(shipped=shipped).broken
    assert broken.shipped == "values-all.yaml"
    assert not broken.is_new


def test_defaults_that_break_a_rule_are_no_discovery() -> None:
    values = {**VALUES, "web": {**VALUES["web"], "image": "tool:latest"}}
    result = run(values=values)
    assert {(one.shipped, one.findings[0].raw.rule) for one in result.broken} == {
        (None, "resource-limits"),
        ("the default values", "image-reference"),
    }


def test_components_of_one_template_are_told_apart() -> None:
    def components(values: JsonObject) -> list[tuple[str, JsonObject]]:
        objects = []
        for name, one in values.items():
            made = workload(name, {"image": "tool:1.0.0", "resources": {}})
            made["spec"]["template"]["spec"]["containers"][0]["name"] = name
            objects += [("templates/all.yaml", made)] if one["enabled"] else []
        return objects

    result = run(values={"a": {"enabled": True}, "b": {"enabled": False}}, of=components)
    assert [(one.values, one.shipped) for one in result.broken] == [
        ({"b": {"enabled": True}}, None),
        ({}, "the default values"),
    ]


def test_the_same_seed_tries_the_same_values() -> None:
    first, second = run(seed=5).to_json(), run(seed=5).to_json()
    assert first == second


def test_the_time_bounds_it() -> None:
    times = iter(range(100))
    result = run(clock=lambda: float(next(times)), seconds=2.0, examples=500)
    assert result.stopped
    assert 0 < result.tried < result.planned


def test_however_little_time_there_is_some_values_are_tried() -> None:
    times = iter(range(100))
    result = run(clock=lambda: float(next(times)), seconds=0.001)
    assert result.stopped
    assert result.tried > 0


def test_a_chart_without_values_is_tried_as_it_is() -> None:
    result = run(values={}, of=lambda _: [("t.yaml", workload("tool", {"image": "tool:1.0.0", "resources": BOUNDED}))])
    assert (result.tried, result.switches, result.broken, result.exit_code) == (1, 0, (), 0)


def test_a_chart_that_never_renders_is_an_error() -> None:
    def broken(values: JsonObject) -> list[tuple[str, JsonObject]]:
        raise ValueError("never")

    with pytest.raises(ChartError, match="never"):
        run(of=broken)


def test_the_level_decides_the_exit_code() -> None:
    assert run(fail_on=None).exit_code == 0
    assert run(fail_on=Level.INFO).exit_code == 1


def test_a_schema_says_what_a_key_may_be() -> None:
    schema = {
        "type": "object",
        "properties": {
            "mode": {"$ref": "#/$defs/mode"},
            "cache": {"properties": {"size": {"type": "integer", "minimum": 7, "maximum": 8}}},
        },
        "$defs": {"mode": {"enum": ["small", "large"]}},
    }
    ground = Ground(VALUES, schema=schema)
    assert ground.switches["mode",] == ["small", "large"]
    sizes = set()

    @settings(max_examples=60, database=None, suppress_health_check=list(HealthCheck))
    @given(ground.drawn())
    def draw(file: JsonObject) -> None:
        sizes.add(file.get("cache", {}).get("size"))
        assert set(file) <= set(VALUES)

    draw()
    assert sizes == {None, 7, 8}


def test_without_a_schema_other_files_and_keys_of_the_same_name_say_it() -> None:
    values = {"a": {"resources": {}, "tag": "1"}, "b": {"resources": BOUNDED, "tag": "3"}}
    options = Ground(values, [{"a": {"mode": "x", "tag": "2"}}, {"a": {"mode": "y"}}]).options
    assert options["a", "resources"] == [{}, BOUNDED]
    assert options["a", "tag"] == ["1", "2"]
    assert options["a", "mode"] == ["x", "y"]


@given(st.data())
def test_what_is_drawn_changes_something_or_nothing_at_all(data: st.DataObject) -> None:
    """A drawn file sets only keys that may have another value, each to one of its options."""
    ground = Ground(VALUES)
    file = data.draw(ground.drawn())
    for key, value in smallest(VALUES, file).items():
        assert value in ground.options[key], spelled(key)


def test_the_result_is_what_the_schema_describes() -> None:
    values = {**VALUES, "web": {**VALUES["web"], "image": "tool:latest"}}
    result = run(values=values, examples=200).to_json()
    assert schemas.validator("chartproperty").is_valid(result)
    assert chartproperty.render_json(result).endswith(b"}\n")


def test_the_values_are_printed_as_a_file() -> None:
    shown = chartproperty.render(run(examples=200).to_json(), look=Look())
    assert "      cache:\n        enabled: true\n      metrics:\n        enabled: true\n" in shown
    assert "12 of 12 pairs of 3 switches covered" in shown
    assert "seed 1" in shown
    assert shown.splitlines()[-1].endswith("exit 1")


def test_names_cannot_steer_the_terminal() -> None:
    def hostile(values: JsonObject) -> list[tuple[str, JsonObject]]:
        return [("templates/\x1b[2Jx.yaml", workload("a\x1b]0;b", {"image": values["image"]}))]

    shown = chartproperty.render(run(values={"image": "x\x1b:latest", "on": True}, of=hostile).to_json(), look=Look())
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "(?i:\\pL)[[:alpha:]"},
        {"type": "integer", "minimum": 5, "maximum": 1},
        {"$ref": "https://example.com/other.json"},
        {"$ref": "#/definitions/not-there"},
        {"type": "integer", "exclusiveMinimum": True, "minimum": 3},
        {"enum": "small"},
        {"type": ["string", "null"], "format": "no-such-format"},
        {"not": {}, "const": 1},
        True,
        7,
    ],
)
def test_a_schema_that_cannot_be_drawn_from_stops_nothing(schema: Any) -> None:
    result = run(
        schema={"properties": {"mode": schema, "cache": {"properties": {"size": {"type": "integer", "minimum": 0}}}}}
    )
    assert result.tried > 0
    assert [one.values for one in result.broken] == [{"cache": {"enabled": True}, "metrics": {"enabled": True}}]


def test_a_schema_that_refers_to_itself_ends() -> None:
    schema = {"properties": {"web": {"$ref": "#"}}, "$ref": "#/properties/web"}
    assert run(schema=schema).tried > 0
