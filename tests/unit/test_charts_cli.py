"""What the options about values refuse, before anything is rendered."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_values import october

from thunderguard.cli.app import app
from thunderguard.cli.chartvalues import followed
from thunderguard.errors import ChartError

CHART = "examples/charts/october"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lint", "examples/good", "--write-values", "x.yaml"), "no chart is named"),
        (("lint", CHART, "examples/charts/thunderline", "--write-values", "x.yaml"), "2 charts are named"),
        (("lint", CHART, "--write-values", "x.yaml", "--no-explain-values"), "exclude each other"),
        (("lint", CHART, "--write-values", "/nowhere/x.yaml"), "is not a directory"),
        (("charts", CHART, "--seed", "3"), "--seed is for --property"),
        (("charts", CHART, "--examples", "3"), "--examples is for --property"),
        (("charts", CHART, "--deadline", "3"), "--deadline is for --property"),
        (("charts", CHART, "--property", "--base", "HEAD"), "--base and --property exclude each other"),
        (("charts", CHART, "--property", "--report", "json=x.json"), "--report and --property exclude each other"),
        (("charts", CHART, "--property", "--deadline", "0"), "not in the range x>0"),
        (("charts", "examples/nothing", "--property"), "no such file or directory"),
    ],
)
def test_what_cannot_be_is_refused(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    with pytest.raises(SystemExit) as ended:
        app.main(list(words), standalone_mode=True)
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert said in err


def test_a_chart_that_renders_no_more_costs_the_explanation_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ChartError("too slow\x1b")

    monkeypatch.setattr("thunderguard.charts.follow.follow", fails)
    report = october()
    assert followed(report, [], estate=None, values_target=None) == report
    assert "too slow\\x1b" in capsys.readouterr().err
    with pytest.raises(ChartError):
        followed(report, [], estate=None, values_target=tmp_path / "x.yaml")
