"""The pages of the October estate stand where they should, and every link in them and beside them leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from thunderguard.docs import PAGES
from thunderguard.docs.markdown import anchor

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "examples" / "thunderline" / "docs"
TEXTS = [
    *(DOCS / name for name in PAGES),
    *(ROOT / "examples" / name / "README.md" for name in ("alerts", "ci", "live")),
]
_LINK = re.compile(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)")


def anchors(path: Path) -> set[str]:
    """Give the fragments of the headings of ``path``; what stands in a fenced block is no heading."""
    prose = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {anchor(title) for title in re.findall(r"^#+ (.+)$", prose, re.MULTILINE)}


def test_the_four_pages_are_there_and_no_other() -> None:
    assert sorted(path.name for path in DOCS.iterdir()) == sorted(PAGES)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_links_lead_somewhere(path: Path) -> None:
    for target, fragment in _LINK.findall(path.read_text(encoding="utf-8")):
        there = path.parent / target if target else path
        assert there.exists(), target
        assert not fragment or fragment in anchors(there), fragment
