"""The manual page: every command and option is in it, no text in it is roff, and it goes stale visibly."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thunderguard.cli.app import app
from tool_modules import load_tool

ROOT = Path(__file__).resolve().parents[2]
MACROS = {".TH", ".SH", ".SS", ".TP", ".PP", ".nf", ".fi", '.\\"'}


MANPAGE = load_tool("manpage")
TEXT: str = MANPAGE.page()


def plain(text: str) -> str:
    """Read roff text back."""
    for sign, code in (("-", "\\-"), ("'", "\\(aq"), ("`", "\\(ga"), ("^", "\\(ha"), ("~", "\\(ti"), ("", "\\&")):
        text = text.replace(code, sign)
    return text.replace("\\fB", "").replace("\\fR", "").replace("\\e", "\\")


def test_every_command_has_its_section_with_every_option() -> None:
    sections = dict(re.findall(r"^\.SS (.*)\n((?:(?!\.S[SH] ).*\n)*)", TEXT, re.MULTILINE))
    found = {}
    for ctx in MANPAGE.commands(click.Context(app, info_name="thunderguard")):
        name = ctx.command_path.partition(" ")[2]
        section = plain(sections[name.replace("-", "\\-")])
        found[name] = section
        for parameter in ctx.command.get_params(ctx):
            if isinstance(parameter, click.Option):
                assert all(option in section for option in (*parameter.opts, *parameter.secondary_opts)), name
    assert {"audit", "rules show", "completion"} <= set(found)
    assert len(found) == len(sections)


def test_every_request_is_a_macro_that_man_knows() -> None:
    requests = {line.split(" ")[0] for line in TEXT.splitlines() if line[:1] in {".", "'"}}
    assert requests == MACROS
    assert "\b" not in TEXT


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=30))
def test_no_text_is_roff(text: str) -> None:
    """Whatever a help text says, roff sets its signs as they are: no line is a request, no backslash an escape."""
    shown = MANPAGE.escaped(text)
    assert not shown.startswith((".", "'"))
    assert plain(shown) == text
    assert re.fullmatch(r"(?:[^\\]|\\(?:e|-|&|\((?:aq|ga|ha|ti)))*", shown)


def test_it_goes_stale_visibly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(MANPAGE, "ROOT", tmp_path)
    monkeypatch.setattr(MANPAGE, "PAGE", tmp_path / "man" / "thunderguard.1")
    assert MANPAGE.main(["--check"]) == 1
    assert capsys.readouterr().err.startswith("error: man/thunderguard.1 is stale\n")
    assert MANPAGE.main(["--write"]) == 0
    assert MANPAGE.main(["--check"]) == 0
    MANPAGE.PAGE.write_text("old")
    assert MANPAGE.main(["--check"]) == 1
