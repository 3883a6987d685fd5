"""Packaged charts from strangers: whatever an archive holds, nothing is written outside the folder for it."""

from __future__ import annotations

import io
import tarfile
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from thunderguard.charts.archive import unpack_stream
from thunderguard.errors import ChartError

PARTS = st.sampled_from(["web", "..", ".", "", "a", "Chart.yaml", "templates", "\\..", "~", "C:", "a\0b", "ä"])
NAMES = st.lists(PARTS, min_size=1, max_size=5).map("/".join)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])


def packed(members: list[tuple[str, bytes, str]]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            member.size = 1 if kind == tarfile.REGTYPE else 0
            tar.addfile(member, io.BytesIO(b"x"))
    return made.getvalue()


@given(st.lists(st.tuples(NAMES, KINDS, NAMES), max_size=8))
def test_nothing_is_written_outside_the_folder(members: list[tuple[str, bytes, str]]) -> None:
    """Unpacking ends well or with a ChartError, and what it wrote is plain files inside the folder it was given."""
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above, "one", "two")
        folder.mkdir(parents=True)
        try:
            root = unpack_stream(io.BytesIO(packed(members)), folder, "web.tgz")
        except ChartError:
            pass
        else:
            assert root.parent == folder
        outside = [path for path in Path(above).rglob("*") if not path.is_relative_to(folder)]
        assert outside == [folder.parent]
        assert not [path for path in folder.rglob("*") if path.is_symlink() or not (path.is_file() or path.is_dir())]


@given(st.binary(max_size=400))
def test_noise_is_no_chart(noise: bytes) -> None:
    """Bytes that are no archive give a ChartError, with or without the first bytes of one."""
    for data in (noise, b"\x1f\x8b" + noise, packed([])[:20] + noise):
        with tempfile.TemporaryDirectory() as folder:
            try:
                unpack_stream(io.BytesIO(data), Path(folder), "web.tgz")
            except ChartError:
                continue
            raise AssertionError("noise was taken for a chart")
