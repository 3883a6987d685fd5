"""Our example charts on a real cluster: what is rendered and judged beforehand is what Helm installs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bed.cluster import ROOT, Cluster
from thunderguard.charts.chartfile import open_chart
from thunderguard.charts.render import render

CHARTS = ROOT / "examples" / "charts"


def by_address(objects: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["kind"], one["metadata"]["name"]): one for one in objects}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("thunderline", []),
        ("thunderline", ["values-production.yaml", "ci/training-values.yaml"]),
        ("october", ["values-september.yaml"]),
    ],
)
def test_what_is_judged_beforehand_is_what_helm_installs(
    cluster: Cluster, prefix: str, name: str, values: list[str]
) -> None:
    chart = CHARTS / name
    files = [chart / file for file in values]
    words: list[str | Path] = [word for file in files for word in ("--values", file)]
    where = ("--namespace", prefix)
    # The pods of this cluster do not run, so that hooks would never end.
    cluster.helm("upgrade", "--install", "thunderline", chart, *words, *where, "--create-namespace", "--no-hooks")
    with open_chart(chart) as opened:
        rendering = render(opened, values=files, release="thunderline", namespace=prefix)
    rendered = by_address([yaml.safe_load(one.text) for one in rendering.objects if not one.hooks])
    manifest = cluster.helm("get", "manifest", "thunderline", *where)
    installed = by_address([one for one in yaml.safe_load_all(manifest) if one])
    assert rendered == installed
    for kind in ("Deployment", "StatefulSet", "CronJob", "Service", "ResourceQuota"):
        live = {one["metadata"]["name"] for one in cluster.get(kind, "-n", prefix)}
        assert live >= {name for found, name in rendered if found == kind}
    # Hooks are kept apart by Helm, and judged all the same.
    hooks = cluster.helm("get", "hooks", "thunderline", *where)
    expected = by_address([yaml.safe_load(one.text) for one in rendering.objects if one.hooks])
    assert by_address([one for one in yaml.safe_load_all(hooks) if one]) == expected
    assert expected
