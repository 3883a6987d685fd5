"""Manifests that deliver charts come from strangers, too: whatever stands in one, reading it ends well."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from thunderguard.charts.delivered import configs_of, deliveries, inside
from thunderguard.errors import ChartError

TEXTS = st.sampled_from(
    ["", "a", "charts/web", "../x", "/etc", "a\0b", "{{path}}", "{{.path.basename}}", "x: y", "- a", "["]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS | st.text(max_size=5)
KEYS = st.sampled_from(
    [
        "chart",
        "chartContent",
        "chartRef",
        "destination",
        "directories",
        "elements",
        "exclude",
        "forceString",
        "generators",
        "git",
        "helm",
        "kind",
        "list",
        "name",
        "namespace",
        "parameters",
        "path",
        "releaseName",
        "set",
        "source",
        "sourceRef",
        "sources",
        "spec",
        "targetNamespace",
        "template",
        "valueFiles",
        "values",
        "valuesContent",
        "valuesFiles",
        "valuesObject",
        "metadata",
        "value",
    ]
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5))
KINDS = st.sampled_from(
    [
        ("argoproj.io/v1alpha1", "Application"),
        ("argoproj.io/v1alpha1", "ApplicationSet"),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
        ("helm.cattle.io/v1", "HelmChart"),
        ("helm.cattle.io/v1", "HelmChartConfig"),
    ]
)


def place(path: tuple[str, ...], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{key: merged(one[key], value) if key in one else value for key, value in other.items()}}
    return other


PATHS = st.sampled_from(
    [
        ("source",),
        ("source", "helm"),
        ("sources",),
        ("chart", "spec"),
        ("chart", "spec", "sourceRef"),
        ("template", "spec", "source"),
        ("generators",),
        ("set",),
        ("values",),
        ("metadata",),
    ]
)
SPECS = st.lists(st.tuples(PATHS, VALUES), max_size=5)


@given(KINDS, SPECS, VALUES)
def test_reading_what_a_manifest_delivers_ends_well(
    kind: tuple[str, str], parts: list[tuple[tuple[str, ...], Any]], metadata: Any
) -> None:
    """There are deliveries, whose paths stay in the repository or are refused, or a ChartError; never anything else."""
    spec: Any = {}
    for path, value in parts:
        spec = merged(spec, place(path, value))
    obj = {"apiVersion": kind[0], "kind": kind[1], "metadata": metadata, "spec": spec}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / "charts" / "web").mkdir(parents=True)
        try:
            found = deliveries(obj, configs_of([obj]), root)
        except ChartError:
            return
        for one in found:
            assert isinstance(one.release, str)
            assert isinstance(one.namespace, str)
            assert all(isinstance(text, str) for text in (*one.files, *one.sets))
            assert all(isinstance(values, dict) for values in (*one.values, one.over))
            assert one.place
            assert (one.path is None) != (one.packed is None)
            if one.path is not None:
                try:
                    assert inside(root, one.path, one.what).is_relative_to(root)
                except ChartError:
                    continue
