"""Where findings on charts come from, in every format that says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
from report_values import NOON, deployment, finding, october

from thunderguard import schemas
from thunderguard.charts.origins import with_origins
from thunderguard.model import Origin, Report
from thunderguard.recorded import read
from thunderguard.reports import json, text
from thunderguard.reports.formats import render
from thunderguard.reports.setting import Setting

PATH = "spec.template.spec.containers[0].resources"
PATCH = "web:\n  resources:\n    limits:\n      cpu: 500m\n"
ORIGIN = Origin("chart/templates/web.yaml", 27, ("web.resources", "a.b"), PATCH, None, "an example")


def of_charts(*origins: Origin | None) -> Report:
    found = [
        replace(
            finding(
                "resource-limits", deployment("thunderline", f"web{number}"), path=PATH, file="chart/templates/web.yaml"
            ),
            origin=origin,
        )
        for number, origin in enumerate(origins)
    ]
    return replace(october(), findings=tuple(found), problems=())


def shown(*origins: Origin | None) -> str:
    return text.render(of_charts(*origins), titles={}, exit_code=1)


def test_json_has_the_origin_or_null() -> None:
    value = orjson.loads(json.render(of_charts(ORIGIN, None), clock=lambda: NOON))
    assert schemas.validator("report").is_valid(value)
    assert [one["origin"] for one in value["findings"]] == [
        {
            "template": "chart/templates/web.yaml",
            "line": 27,
            "keys": ["web.resources", "a.b"],
            "patch": PATCH,
            "option": None,
            "note": "an example",
            "into": None,
        },
        None,
    ]


def test_text_has_each_origin_once() -> None:
    lines = shown(ORIGIN, ORIGIN, None)
    assert lines.count("chart/templates/web.yaml:27  web.resources, a.b") == 1
    assert "      web:\n        resources:\n          limits:\n            cpu: 500m\n" in lines
    assert (
        "    resource-limits  thunderline/Deployment/web0\n    resource-limits  thunderline/Deployment/web1\n" in lines
    )
    assert "Where it comes from" not in shown(None)


def test_text_says_where_the_values_of_a_delivered_chart_go() -> None:
    into = "spec.values of HelmRelease/web (deploy/web.yaml)"
    lines = shown(replace(ORIGIN, into=into), ORIGIN).split("chart/templates/web.yaml:27")
    assert ["put into" in block for block in lines[1:]] == [False, True]
    assert f"{into}\n      web:\n" in lines[2]
    sarif = orjson.loads(
        render("sarif", of_charts(replace(ORIGIN, into=into)), Setting(rules={}, exit_code=1, version="1"))
    )
    assert sarif["runs"][0]["results"][0]["properties"]["valuesInto"] == into


def test_text_says_what_values_do_not_do() -> None:
    lines = shown(Origin("t.yaml", None), Origin("u.yaml", 3, option="--namespace thunderline"))
    assert "  t.yaml  no values key is known to decide it\n" in lines
    assert "install with --namespace thunderline" in lines


def test_names_cannot_steer_the_terminal() -> None:
    hostile = Origin("t\x1b[2J.yaml", 1, ("k\x1b]0;",), "a: \x1b[2J\n", "--namespace \x1b", "n\x1b", "i\x1b")
    assert "\x1b" not in shown(hostile)


def test_sarif_and_markdown_name_the_keys() -> None:
    setting = Setting(rules={}, exit_code=1, version="1")
    sarif = orjson.loads(render("sarif", of_charts(ORIGIN), setting))
    properties = sarif["runs"][0]["results"][0]["properties"]
    assert (properties["valuesKeys"], properties["valuesPatch"]) == (["web.resources", "a.b"], PATCH)
    assert b"values: <code>web.resources, a.b</code>" in render("markdown", of_charts(ORIGIN), setting)


def test_a_finding_gets_the_line_of_its_template() -> None:
    report = of_charts(None)
    (one,) = report.findings
    key = (one.rule, one.resource, one.path)
    (told,) = with_origins(report, {key: ORIGIN}).findings
    assert (told.origin, told.line) == (ORIGIN, 27)
    assert with_origins(replace(report, findings=(told,)), {key: replace(ORIGIN, into="later")}).findings == (told,)
    (kept,) = with_origins(report, {key: replace(ORIGIN, template="other/templates/web.yaml")}).findings
    assert kept == one


def test_a_report_of_before_there_were_origins_is_read(tmp_path: Path) -> None:
    value = orjson.loads(json.render(october(), clock=lambda: NOON))
    for one in value["findings"]:
        del one["origin"], one["waived"]
    for counts in value["ledger"]["totals"].values():
        del counts["waived"]
    path = tmp_path / "old.json"
    path.write_bytes(orjson.dumps(value))
    assert len(read(path).findings) == len(october().findings)
