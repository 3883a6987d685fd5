"""Charts on disk: what is one, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from thunderguard.charts.chartfile import ChartSource, is_chart, mapping_file, open_chart
from thunderguard.charts.render import RenderedObject, Rendering, check_names, failure, file_of, release_name
from thunderguard.charts.settings import Settings, installation, settings_of
from thunderguard.errors import ChartError
from thunderguard.estate import DEFAULT_ESTATE, load_estate


def chart_at(folder: Path, text: str = "apiVersion: v2\nname: web\nversion: 1.0.0\n") -> Path:
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(text, encoding="utf-8")
    return folder


def source(folder: Path, **metadata: object) -> ChartSource:
    return ChartSource(folder, str(folder), {"name": "web", "version": "1.0.0", **metadata})


def test_a_folder_is_a_chart_when_there_is_something_to_render(tmp_path: Path) -> None:
    assert is_chart(chart_at(tmp_path / "chart"))
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "Chart.yaml").write_text("apiVersion: v2\nname: a\nversion: 1.0.0\n", encoding="utf-8")
    assert not is_chart(tmp_path / "manifests")
    assert not is_chart(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("apiVersion: v2\nname: web\n", "has no version"),
        ("apiVersion: v2\nname: 3\nversion: 1.0.0\n", "has no name"),
        ("- a\n", "is a list, not a mapping"),
        ("a: [\n", r"Chart\.yaml:2: not YAML"),
        ("a: b\n---\na: b\n", "holds 2 documents, not one"),
        ("", "has no name"),
        ("apiVersion: v2\nname: web\nversion: 1.0.0\ntype: library\n", "is a library chart: it renders nothing"),
    ],
)
def test_what_is_wrong_with_a_chart_file_is_said(tmp_path: Path, text: str, message: str) -> None:
    folder = chart_at(tmp_path / "chart", text)
    with pytest.raises(ChartError, match=message) as caught, open_chart(folder):
        pass
    assert caught.value.file == f"{folder}/Chart.yaml"


def test_a_chart_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ChartError, match="no such file or directory"), open_chart(tmp_path / "none"):
        pass


def test_a_link_that_leads_out_of_the_chart_is_refused(tmp_path: Path) -> None:
    folder = chart_at(tmp_path / "chart")
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    (folder / "templates" / "a.yaml").write_text("a: b\n", encoding="utf-8")
    (folder / "inside").symlink_to("templates/a.yaml")
    with open_chart(folder):
        pass
    (folder / "files").symlink_to(tmp_path)
    with pytest.raises(ChartError, match="chart/files is a link that leads out of the chart"), open_chart(folder):
        pass


def test_a_values_file_is_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    for text, message in {
        b"- a\n": "is a list, not a mapping",
        b"text\n": "is text, not a mapping",
        b"7\n": "is a number, not a mapping",
        b"a: \xff\n": "is not UTF-8",
        b"a: b\na: c\n": "the key",
    }.items():
        path.write_bytes(text)
        with pytest.raises(ChartError, match=message):
            mapping_file(path, "values.yaml")
    path.write_bytes(b"# nothing\n")
    assert mapping_file(path, "values.yaml") == {}


def test_names_of_releases_and_namespaces_are_those_of_helm() -> None:
    check_names("thunderline.v2", "thunderline")
    for release in ("Thunderline", "-x", "x_y", "", "a" * 54, "x\n"):
        with pytest.raises(ChartError, match="cannot be the name of a release"):
            check_names(release, "thunderline")
    for namespace in ("a.b", "--all", "", "A"):
        with pytest.raises(ChartError, match="cannot be a namespace"):
            check_names("thunderline", namespace)
    assert release_name(source(Path("x"), name="My_Chart.2")) == "my-chart-2"
    assert release_name(source(Path("x"), name="__")) == "release"


def test_the_installation_is_asked_for_or_set_or_the_estates(tmp_path: Path) -> None:
    estate = load_estate(DEFAULT_ESTATE)
    folder = chart_at(tmp_path / "chart")
    chart = source(folder)
    assert installation(chart, estate) == installation(chart, estate, release="web", namespace="thunderline")
    settings = folder / "thunderguard-charts.yaml"
    settings.write_text("release: one\nnamespace: two\npairs: [[a.yaml, b.yaml]]\n", encoding="utf-8")
    assert settings_of(chart) == Settings("one", "two", (("a.yaml", "b.yaml"),))
    how = installation(chart, estate, namespace="three")
    assert (how.release, how.namespace) == ("one", "three")
    for text, message in {
        "relase: x\n": "unknown key relase",
        "pairs: a.yaml\n": "pairs is not a list of lists",
        "pairs: [[]]\n": "pairs is not a list of lists",
        "release: 7\n": "release is not text",
    }.items():
        settings.write_text(text, encoding="utf-8")
        with pytest.raises(ChartError, match=message):
            settings_of(chart)


def test_a_template_of_a_subchart_is_found_by_its_alias(tmp_path: Path) -> None:
    folder = chart_at(tmp_path / "chart")
    chart_at(folder / "charts" / "db", "apiVersion: v2\nname: db\nversion: 1.0.0\n")
    (folder / "charts" / "cache-2.0.0.tgz").write_bytes(b"")
    chart = source(folder, dependencies=[{"name": "db", "alias": "main"}, {"name": "cache", "alias": "fast"}])
    assert file_of(chart, "templates/a.yaml") == "templates/a.yaml"
    assert file_of(chart, "charts/main/templates/a.yaml") == "charts/db/templates/a.yaml"
    assert file_of(chart, "charts/db/templates/a.yaml") == "charts/db/templates/a.yaml"
    assert file_of(chart, "charts/fast/templates/a.yaml") == "charts/cache-2.0.0.tgz"
    assert file_of(chart, "charts/gone/templates/a.yaml") == "charts/gone/templates/a.yaml"


def test_helms_own_words_are_kept_with_file_and_line(tmp_path: Path) -> None:
    chart = source(chart_at(tmp_path / "chart"))
    said = 'level=WARN msg="x"\nError: web/templates/b.yaml:3:10\n  executing "web/templates/b.yaml" at <.Values.a>:\n'
    error = failure(chart, f"{said}    nil pointer\n\nUse --debug flag to render out invalid YAML\n")
    assert error.message.endswith(
        'web/templates/b.yaml:3:10 executing "web/templates/b.yaml" at <.Values.a>: nil pointer'
    )
    assert (error.file, error.line) == (f"{chart.label}/templates/b.yaml", 3)
    missing = failure(chart, "Error: found in Chart.yaml, but missing in charts/ directory: db\n")
    assert missing.hint == f"run `helm dependency build {chart.label}`"
    assert failure(chart, "").message.endswith("helm failed and did not say why")


def test_the_objects_of_a_template_are_one_text(tmp_path: Path) -> None:
    objects = (
        RenderedObject("templates/b.yaml", 0, 2, (), "kind: B\n"),
        RenderedObject("templates/a.yaml", 0, 2, (), "kind: A\nx: y\n"),
        RenderedObject("templates/a.yaml", 1, 5, ("test",), "kind: C\n"),
    )
    rendering = Rendering(source(tmp_path), "r", "n", objects)
    assert list(rendering.templates) == ["templates/a.yaml", "templates/b.yaml"]
    text = rendering.text_of("templates/a.yaml")
    assert text == "---\nkind: A\nx: y\n---\nkind: C\n"
    assert [text.splitlines()[one.line - 1] for one in objects[1:]] == ["kind: A", "kind: C"]
