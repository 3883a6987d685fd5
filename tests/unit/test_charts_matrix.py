"""A chart under several values files: how the reports become one, how they are shown, and how a report is renamed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import orjson
from report_values import deployment, finding, report

from thunderguard.charts.chartfile import ChartSource
from thunderguard.charts.kustomize import Built
from thunderguard.charts.matrix import Column, Matrix, ValuesSet, merged, pairs_of
from thunderguard.charts.render import RenderedObject, Rendering
from thunderguard.charts.settings import Installation
from thunderguard.charts.stage import Stage
from thunderguard.errors import ChartError
from thunderguard.model import Finding, LedgerRow, Level, Problem, Report, Status
from thunderguard.reports import charts as shown
from thunderguard.reports.charts import ChartResult, ValuesColumn
from thunderguard.reports.text import Look
from thunderguard.schemas import validator

WEB, WORKER = deployment("thunderline", "web"), deployment("thunderline", "worker")
HOW = Installation("thunderline", "thunderline")
BOTH = finding("resource-limits", WEB, path="spec", file="a/templates/web.yaml")
ONE = finding("image-reference", WORKER, path="spec", file="a/templates/worker.yaml", level=Level.WARN)
CHECK = finding("chart-lock", WEB, level=Level.WARN, file="a/Chart.lock")


def judged(*found: Finding, web: Status = Status.PASSED) -> Report:
    rows = (LedgerRow(WEB, "a/templates/web.yaml", {"resource-limits": web, "image-reference": Status.PASSED}),)
    totals = {"resource-limits": {web: 1}, "image-reference": {Status.PASSED: 1}}
    return replace(report(*found, kind="files", rows=rows, objects=1), totals=totals)


def matrix(*columns: Column, checks: tuple[Finding, ...] = ()) -> Matrix:
    return Matrix("a", "web", "1.0.0", HOW, columns, checks)


def column(name: str, *found: Finding, web: Status = Status.PASSED) -> Column:
    return Column(ValuesSet(name), judged(*found, web=web))


BROKEN = Column(ValuesSet("bad.yaml"), error=ChartError("it does not render", hint="mend it", file="a/t.yaml", line=3))


def test_one_report_has_each_finding_once_and_the_heaviest_answer() -> None:
    made = merged(
        matrix(
            column("values.yaml", BOTH, web=Status.VIOLATED),
            column("b.yaml", BOTH, ONE, web=Status.NOT_JUDGED),
            BROKEN,
            checks=(CHECK,),
        )
    )
    assert [(one.rule, one.message) for one in made.findings] == [
        ("chart-lock", "it is wrong"),
        ("image-reference", "it is wrong (with b.yaml)"),
        ("resource-limits", "it is wrong"),
    ]
    assert [row.statuses["resource-limits"] for row in made.rows] == [Status.VIOLATED]
    assert made.totals["resource-limits"][Status.VIOLATED] == 1
    assert sum(made.totals["resource-limits"].values()) == 1
    assert made.problems == (Problem("unread", "with bad.yaml: it does not render (mend it)", "a/t.yaml", 3),)
    assert made.source["objects"] == 1


def test_the_exit_code_is_that_of_the_worst_set() -> None:
    clean, failing = column("values.yaml"), column("b.yaml", BOTH)
    warned = column("c.yaml", ONE)
    assert matrix(clean).exit_code == 0
    assert matrix(clean, warned).exit_code == 0
    assert matrix(clean, failing).exit_code == 1
    assert matrix(clean, failing, BROKEN).exit_code == 3
    assert matrix(clean, checks=(CHECK,)).exit_code == 0
    assert replace(matrix(clean, checks=(CHECK,)), fail_on=Level.WARN).exit_code == 1


def test_pairs_are_two_names_or_more() -> None:
    assert pairs_of(["a.yaml, b.yaml", "a,b,c"]) == [["a.yaml", "b.yaml"], ["a", "b", "c"]]


def result(*columns: ValuesColumn) -> ChartResult:
    return ChartResult(
        chart="a",
        name="web\x1b[2J",
        version="1.0.0",
        release="thunderline",
        namespace=None,
        columns=columns,
        checks=(CHECK,),
        fail_on=Level.DENY,
        exit_code=3,
        levels={"resource-limits": Level.DENY, "image-reference": Level.WARN},
        titles={"resource-limits": "Everything is bounded"},
    )


SHOWN = result(
    ValuesColumn("values.yaml", [], judged(BOTH, web=Status.VIOLATED)),
    ValuesColumn("b.yaml", ["a/b.yaml"], judged(ONE, web=Status.NOT_JUDGED)),
    ValuesColumn("bad.yaml", ["a/bad.yaml"], error=Problem("unread", "with bad.yaml: no", "a/t.yaml", 3)),
)


def test_the_text_shows_rules_sets_and_what_is_wrong() -> None:
    text = shown.render(SHOWN, look=Look())
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == r"Chart web\x1b[2J 1.0.0 under 3 sets of values"
    assert "release thunderline in namespace (unknown: not judged)" in lines
    assert "1 values.yaml 1 object, 1 deny" in lines
    assert "3 bad.yaml does not render" in lines
    assert "image-reference · 1 x" in lines
    assert "resource-limits 1 ? x" in lines
    assert "thunderline/Deployment/web spec a/templates/web.yaml values 1" in lines
    assert "bad.yaml a/t.yaml:3" in lines
    assert lines[-1] == "1 deny, 2 warn, 0 info; 0 of 3 sets of values clean; exit 3"
    assert "\x1b" not in text
    assert "\x1b[" in shown.render(SHOWN, look=Look(color=True))
    assert shown.render(SHOWN, look=Look(encoding="ascii")).isascii()


def test_the_json_is_as_its_schema_says() -> None:
    value = json.loads(shown.to_json(SHOWN))
    assert [error.message for error in validator("charts").iter_errors(value)] == []
    assert [(one["name"], one["objects"], len(one["findings"])) for one in value["values"]] == [
        ("values.yaml", 1, 1),
        ("b.yaml", 1, 1),
        ("bad.yaml", None, 0),
    ]
    assert value["values"][2]["error"]["line"] == 3
    assert value["namespace"] is None


def test_a_stage_names_what_it_stands_for_and_goes(tmp_path: Path) -> None:
    chart = ChartSource(tmp_path, "charts/web", {"name": "web"})
    objects = (
        RenderedObject("templates/a.yaml", 0, 2, (), "kind: A\nx: y\n"),
        RenderedObject("templates/a.yaml", 1, 5, ("test", "pre-install"), "kind: B\n"),
    )
    with Stage() as stage:
        assert stage.is_bare
        stage.add_path("plain.yaml")
        (rendered,) = stage.add_rendering(Rendering(chart, "r", "n", objects))
        (built,) = stage.add_built([Built("k/a.yaml", {"kind": "A"}), Built("k/a.yaml", {"kind": "B"})], None)
        stage.add_copy(b"name: web\n", "web.tgz")
        assert stage.namespaces == {rendered: "n"}
        assert stage.paths == ["plain.yaml", rendered, built, stage.paths[-1]]
        assert Path(rendered).read_text(encoding="utf-8") == "---\nkind: A\nx: y\n---\nkind: B\n"
        assert [orjson.loads(line) for line in Path(built).read_bytes().split(b"\n")[1::2]] == [
            {"kind": "A"},
            {"kind": "B"},
        ]
        found = [
            replace(BOTH, file=rendered, line=3, column=1),
            replace(BOTH, file=rendered, line=5, column=1),
            replace(BOTH, file=stage.paths[-1], line=1, column=1),
            replace(BOTH, file="plain.yaml", line=7, column=2),
        ]
        problem = Problem("malformed", "it is odd", rendered, 5)
        made = report(*found, kind="files", problems=(problem,), rows=(LedgerRow(WEB, built, {}),))
        made = replace(made, source={**made.source, "leftOut": [{"file": built, "reason": "x"}]})
        named = stage.named(made, "charts/web plain.yaml")
        assert stage.told(f"no object in {rendered}") == "no object in charts/web/templates/a.yaml"
    assert not Path(rendered).exists()
    assert [(one.file, one.line, one.message) for one in named.findings] == [
        ("charts/web/templates/a.yaml", None, "it is wrong"),
        ("charts/web/templates/a.yaml", None, "it is wrong (a Helm hook: test, pre-install)"),
        ("web.tgz", 1, "it is wrong"),
        ("plain.yaml", 7, "it is wrong"),
    ]
    assert named.problems == (Problem("malformed", "it is odd", "charts/web/templates/a.yaml", None),)
    assert named.rows[0].file == "k/a.yaml"
    assert named.source["leftOut"] == [{"file": "k/a.yaml", "reason": "x"}]
    assert named.source["path"] == "charts/web plain.yaml"
