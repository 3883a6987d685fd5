"""Words and code in Markdown that people read unrendered, too: nothing is escaped that means nothing."""

from __future__ import annotations

import html
import re
import shlex

from thunderguard.reports.setting import writable
from thunderguard.reports.terminal import safe

# What begins markup inside a line, a mention among it. Lines never begin with a value.
_SPECIAL = {ord(sign): f"\\{sign}" for sign in "\\`*_[]|~$"} | {ord(sign): f"&#{ord(sign)};" for sign in "<>&@"}
_REFERENCES = {ord(sign): f"&#{ord(sign)};" for sign in "\\`*_[]<>&|~$@:\"'"}
_PLAIN_CODE = re.compile(r"[^\\`|<>&]+\Z")


def words(text: object) -> str:
    """Write ``text`` in one line so that no sign in it is markup, in a sentence as in a cell of a table."""
    return line(text).translate(_SPECIAL)


def code(text: object) -> str:
    """Write ``text`` as code, in a sentence as in a cell of a table; nothing where there is no text."""
    shown = line(text)
    if not shown:
        return ""
    # No backslash holds in every dialect's code spans, so what would need one is written in HTML.
    return f"`{shown}`" if _PLAIN_CODE.match(shown) else f"<code>{shown.translate(_REFERENCES)}</code>"


def quoted(text: object) -> str:
    """Write ``text`` as one word of a shell's line."""
    return shlex.quote(line(text))


def line(text: object) -> str:
    """Give ``text`` in one line, without what could steer a terminal."""
    return " ".join(safe(str(writable(str(text)))).split())


def anchor(heading: str) -> str:
    """Give the fragment by which GitHub and GitLab link a heading of plain words."""
    return html.escape(re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-"))
