"""Text in a terminal: nothing that came from input can steer it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_values import texts

from thunderguard.reports.terminal import ASCII, UNICODE, Paint, columns, glyphs_for, pad, safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("web", "web"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x7f\x9b2J", "\\x7f\\x9b2J"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066x\u2069\u200b\ufeff", "\\u2066x\\u2069\\u200b\\ufeff"),
        ("a\u2028b\u2029", "a\\u2028b\\u2029"),
        ("\udcff", "\\udcff"),
        ("\U000e0041", "\\U000e0041"),
        ("é 日本 ✗", "é 日本 ✗"),
        ("^v?[0-9]+\\.[0-9]+$", "^v?[0-9]+\\.[0-9]+$"),
    ],
)
def test_safe_writes_out_what_could_steer_a_terminal(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_safe_writes_out_what_the_encoding_cannot_write() -> None:
    assert safe("é日", encoding="latin-1") == "é\\u65e5"


@given(texts, st.sampled_from([None, "ascii", "latin-1", "cp1252", "utf-8"]))
def test_safe_leaves_no_control_or_format_character(text: str, encoding: str | None) -> None:
    """No character of a control, format, surrogate, private or separator category is ever left.

    What is left can be written in the encoding, and a second pass changes nothing.
    """
    shown = safe(text, encoding=encoding)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    shown.encode(encoding or "utf-8")
    assert safe(shown, encoding=encoding) == shown


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_safe_leaves_plain_text_alone(text: str) -> None:
    """Printable ASCII comes back as it was."""
    assert safe(text) == text


@pytest.mark.parametrize(("text", "width"), [("web", 3), ("日本", 4), ("e\u0301", 1), ("", 0)])
def test_columns_counts_what_a_terminal_shows(text: str, width: int) -> None:
    assert columns(text) == width
    assert columns(pad(text, 6)) == 6


def test_pad_keeps_a_longer_text_whole() -> None:
    assert pad("thunderline", 3) == "thunderline"


@pytest.mark.parametrize(
    ("encoding", "glyphs"), [("utf-8", UNICODE), ("ascii", ASCII), ("latin-1", ASCII), (None, ASCII), ("none", ASCII)]
)
def test_glyphs_are_those_the_encoding_can_write(encoding: str | None, glyphs: object) -> None:
    assert glyphs_for(encoding) is glyphs


def test_paint_colours_only_when_on() -> None:
    assert Paint(on=False)("web", "red") == "web"
    assert Paint(on=True)("web", "red", "bold") == "\x1b[31;1mweb\x1b[0m"
    assert Paint(on=True)("") == ""
