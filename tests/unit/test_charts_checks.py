"""What the files of a chart say before it is rendered."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from thunderguard.charts.chartfile import ChartSource, mapping_file
from thunderguard.charts.checks import _is_newer, checks
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.model import Finding, Level

ESTATE = load_estate(DEFAULT_ESTATE)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def chart(folder: Path, more: str = "") -> ChartSource:
    path = write(folder / "Chart.yaml", f"apiVersion: v2\nname: web\nversion: 1.0.0\n{more}")
    return ChartSource(folder, str(folder), mapping_file(path, "Chart.yaml"))


def told(found: list[Finding]) -> list[tuple[str, str]]:
    return [(one.rule, one.message) for one in found]


def test_a_plain_chart_has_nothing_to_say(tmp_path: Path) -> None:
    made = chart(tmp_path)
    write(tmp_path / "values.yaml", "image: {repository: app, tag: 1.0.0}\ntag: latest\n")
    assert checks(made, [], ESTATE) == []


def test_deprecation_is_told_of_a_chart_and_of_what_it_depends_on(tmp_path: Path) -> None:
    made = chart(tmp_path, "deprecated: true\ndependencies: [{name: db, alias: main, condition: main.on}]\n")
    write(tmp_path / "charts" / "db" / "Chart.yaml", "apiVersion: v2\nname: db\nversion: 2.0.0\ndeprecated: true\n")
    found = checks(made, [], ESTATE)
    assert told(found) == [
        ("chart-deprecated", "the chart web is deprecated by its own Chart.yaml"),
        ("chart-deprecated", "the dependency db (as main, when main.on) is deprecated by its own Chart.yaml"),
    ]
    assert [one.file for one in found] == [f"{tmp_path}/Chart.yaml", f"{tmp_path}/charts/db/Chart.yaml"]
    assert len({one.fingerprint for one in found}) == 2


def test_the_lock_file_and_what_is_vendored_have_to_agree(tmp_path: Path) -> None:
    made = chart(tmp_path, "dependencies: [{name: db}, {name: cache}, {name: queue}]\n")
    for name in ("db", "cache"):
        write(tmp_path / "charts" / name / "Chart.yaml", f"apiVersion: v2\nname: {name}\nversion: 2.0.0\n")
    write(tmp_path / "Chart.lock", "dependencies: [{name: db, version: 2.0.0}, {name: cache, version: 2.1.0}]\n")
    assert told(checks(made, [], ESTATE)) == [
        ("chart-lock", "Chart.lock has cache 2.1.0, and charts/ has 2.0.0"),
        ("chart-lock", "Chart.yaml depends on queue, and Chart.lock does not have it"),
    ]


def test_moving_tags_are_found_with_their_lines(tmp_path: Path) -> None:
    made = chart(tmp_path)
    write(
        tmp_path / "values.yaml",
        "web:\n  image:\n    repository: app\n    tag: latest\nworker:\n  image: registry:5000/app:latest\n"
        "pinned: {image: 'app:latest@sha256:0'}\nport: {image: 'registry:5000/app'}\n",
    )
    more = write(tmp_path / "ci" / "a-values.yaml", "list:\n  - image: app:latest\n")
    outside = write(tmp_path.parent / "outside.yaml", "image: app:latest\n")
    found = checks(made, [more, more, outside], ESTATE)
    assert {one.rule for one in found} == {"chart-image-tag"}
    assert {one.level for one in found} == {Level.WARN}
    assert [(one.path, one.line) for one in found] == [
        ("web.image.tag", 4),
        ("worker.image", 6),
        ("list[0].image", 2),
        ("image", 1),
    ]
    assert [one.file for one in found][:3] == [f"{tmp_path}/values.yaml"] * 2 + [f"{tmp_path}/ci/a-values.yaml"]


def test_values_that_cannot_be_read_are_left_to_rendering(tmp_path: Path) -> None:
    made = chart(tmp_path)
    (tmp_path / "values.yaml").write_bytes(b"image: app:latest\n\xff\n")
    more = write(tmp_path / "values-a.yaml", "image: [\n")
    assert checks(made, [more], ESTATE) == []


def test_versions_are_compared_as_versions() -> None:
    rising = ["0.9.9", "0.10.0-alpha", "0.10.0-alpha.1", "0.10.0-beta.2", "0.10.0-beta.11", "0.10.0", "0.10.1", "1.0.0"]
    for older, newer in pairwise(rising):
        assert _is_newer(newer, older), (older, newer)
        assert not _is_newer(older, newer), (older, newer)
    assert not _is_newer("1.0.0+b", "1.0.0+a")
    assert _is_newer("spring", "winter")
