"""Text that is safe to show in a terminal, whatever a manifest called itself.

Names, messages and file names come from input that nobody vouches for. An escape sequence in one of them could move
the cursor and rewrite the verdict above it, a newline could forge a line of the report, and a bidirectional control
could show a name backwards. :func:`safe` makes all of them visible; every other module prints through it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import astuple, dataclass

_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}

# Unicode general categories that are shown as an escape: control and format characters (bidirectional controls and
# zero-width characters among them), surrogates, private and unassigned code points, and line and paragraph separators.
_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe(text: str, *, encoding: str | None = None) -> str:
    r"""Give ``text`` with every character that could steer a terminal written out, such as ``\x1b`` or ``\u202e``.

    With ``encoding``, what that encoding cannot write is written out as well. Applying it twice changes nothing.
    """
    # Nearly every name is plain ASCII: one test in C instead of a look at each character.
    if text.isascii() and text.isprintable():
        return text
    shown = "".join(_escape(char) if unicodedata.category(char) in _ESCAPED else char for char in text)
    if encoding is not None:
        shown = shown.encode(encoding, "backslashreplace").decode(encoding)
    return shown


def _escape(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def columns(text: str) -> int:
    """Say how many terminal columns ``text`` takes: wide East Asian characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    total = 0
    for char in text:
        if unicodedata.category(char) not in {"Mn", "Me"}:
            total += 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
    return total


def pad(text: str, width: int) -> str:
    """Fill ``text`` with blanks on the right up to ``width`` columns; a longer text stays whole."""
    return text + " " * max(0, width - columns(text))


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs of a text report."""

    home: str
    away: str
    parked: str
    failing: str
    none: str
    arrow: str


UNICODE = Glyphs(home="●", away="✗", parked="○", failing="!", none="·", arrow="→")
ASCII = Glyphs(home="*", away="x", parked="0", failing="!", none=".", arrow="->")


def glyphs_for(encoding: str | None) -> Glyphs:
    """Choose the signs that ``encoding`` can write."""
    try:
        "".join(astuple(UNICODE)).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours, or none: with ``on`` false every text comes back as it was."""

    on: bool = False

    def __call__(self, text: str, *names: str) -> str:
        """Give ``text`` in the colours and weights ``names``. The text must be safe already."""
        if not self.on or not text or not names:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"
