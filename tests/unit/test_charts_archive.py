"""Packaged charts that are unpacked, and those that are refused."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from thunderguard.charts import archive
from thunderguard.charts.archive import is_archive, unpack
from thunderguard.charts.chartfile import is_chart, open_chart, vendored
from thunderguard.errors import ChartError

CHART = b"apiVersion: v2\nname: web\nversion: 1.0.0\n"


def packed(path: Path, files: Mapping[str, bytes], *special: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for member in special:
            tar.addfile(member)
    return path


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def test_a_packaged_chart_is_unpacked_as_long_as_it_is_open(tmp_path: Path) -> None:
    path = packed(tmp_path / "web-1.0.0.tgz", {"web/Chart.yaml": CHART, "web/templates/a.yaml": b"a: b\n"})
    assert is_archive(path)
    assert is_chart(path)
    with open_chart(path, label="web-1.0.0.tgz") as chart:
        assert (chart.name, chart.version) == ("web", "1.0.0")
        assert (chart.folder / "templates" / "a.yaml").read_bytes() == b"a: b\n"
        assert chart.shown("templates/a.yaml") == "web-1.0.0.tgz/templates/a.yaml"
        folder = chart.folder
    assert not folder.exists()


@pytest.mark.parametrize("name", ["web/../../out.yaml", "../out.yaml", "/out.yaml", "web/..\\out.yaml"])
def test_a_path_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / "web.tgz", {"web/Chart.yaml": CHART, name: b"x"})
    inside = tmp_path / "in" / "deep"
    inside.mkdir(parents=True)
    with pytest.raises(ChartError, match=r"web\.tgz is refused: .*out\.yaml' in it leads out of its folder"):
        unpack(path, inside)
    assert not list(tmp_path.rglob("*out.yaml"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    path = packed(tmp_path / "web.tgz", {"web/Chart.yaml": CHART}, link("web/templates", "/etc", kind))
    with pytest.raises(ChartError, match="'web/templates' in it is a link or a device"):
        unpack(path, tmp_path / "in")


def test_a_bomb_is_given_up_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_LARGEST", 1 << 20)
    path = packed(tmp_path / "web.tgz", {"web/Chart.yaml": CHART, "web/big": bytes(8 << 20)})
    assert path.stat().st_size < 1 << 16
    with pytest.raises(ChartError, match=r"web\.tgz unpacks to more than 1 MiB"):
        unpack(path, tmp_path / "in")
    assert not (tmp_path / "in" / "web" / "big").exists()


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MOST_FILES", 3)
    path = packed(tmp_path / "web.tgz", {f"web/{number}": b"" for number in range(4)})
    with pytest.raises(ChartError, match="holds more than 3 files"):
        unpack(path, tmp_path / "in")


def test_what_is_no_archive_says_so(tmp_path: Path) -> None:
    whole = packed(tmp_path / "whole.tgz", {"web/Chart.yaml": CHART, "web/a": bytes(range(256)) * 64}).read_bytes()
    for name, data in {
        "cut.tgz": whole[: len(whole) // 2],
        "noise.tgz": gzip.compress(b"no tar at all " * 100),
        "plain.tgz": b"plain text",
        "header.tgz": b"\x1f\x8bnonsense",
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ChartError, match="is not a packaged chart, or is damaged") as caught:
            unpack(tmp_path / name, tmp_path / f"in-{name}")
        assert caught.value.file == str(tmp_path / name)
    assert not is_archive(tmp_path / "plain.tgz")


def test_an_archive_holds_one_chart(tmp_path: Path) -> None:
    for name, files in {
        "two.tgz": {"a/Chart.yaml": CHART, "b/Chart.yaml": CHART},
        "none.tgz": {"a/values.yaml": b"a: b\n"},
        "flat.tgz": {"Chart.yaml": CHART},
    }.items():
        with pytest.raises(ChartError, match=r"does not hold one folder with a Chart\.yaml"):
            unpack(packed(tmp_path / name, files), tmp_path / f"in-{name}")


def test_a_name_that_is_a_file_and_a_folder_is_an_error(tmp_path: Path) -> None:
    path = packed(tmp_path / "web.tgz", {"web/Chart.yaml": CHART, "web/a": b"", "web/a/b": b""})
    with pytest.raises(ChartError, match="a file and a folder at once"):
        unpack(path, tmp_path / "in")


def test_vendored_charts_are_found_in_folders_and_archives_below_each_other(tmp_path: Path) -> None:
    chart = tmp_path / "web"
    (chart / "charts" / "db").mkdir(parents=True)
    (chart / "Chart.yaml").write_bytes(CHART)
    (chart / "charts" / "db" / "Chart.yaml").write_bytes(CHART.replace(b"web", b"db"))
    inner = packed(tmp_path / "inner.tgz", {"inner/Chart.yaml": CHART}).read_bytes()
    packed(
        chart / "charts" / "cache-2.0.0.tgz",
        {"cache/Chart.yaml": CHART, "cache/charts/inner-1.0.0.tgz": inner},
    )
    found = [one.path for one in vendored(chart, tmp_path)]
    assert found == ["charts/cache-2.0.0.tgz", "charts/cache-2.0.0.tgz/charts/inner-1.0.0.tgz", "charts/db"]
