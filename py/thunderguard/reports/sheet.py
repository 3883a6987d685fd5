"""What the texts about several engines share: lines below headings, and a table with a column for each engine."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from rich.console import Console
from rich.table import Table
from rich.text import Text

from thunderguard.reports.terminal import Paint, glyphs_for, safe
from thunderguard.reports.text import PLAIN_WIDTH

if TYPE_CHECKING:
    from thunderguard.reports.text import Look

#: What stands in the first column, and the cells beside it.
Row: TypeAlias = tuple[str | Text, Iterable[Text]]

_WIDEST = 10_000


class Sheet:
    """The lines so far, and how they may look."""

    def __init__(self, look: Look) -> None:
        """Begin without a line."""
        self.paint = Paint(look.color)
        self.glyphs = glyphs_for(look.encoding)
        self._look = look
        self._lines: list[str] = []

    def text(self) -> str:
        """Give all lines as one text that ends with a newline."""
        return "\n".join(self._lines) + "\n"

    def safe(self, text: object) -> str:
        """Give what may be shown of ``text``."""
        return safe(str(text), encoding=self._look.encoding)

    def line(self, text: str = "") -> None:
        """Add a line, which must be safe already."""
        self._lines.append(text.rstrip())

    def section(self, title: str) -> None:
        """Begin a new part."""
        self.line()
        self.line(self.paint(title, "bold"))

    def table(self, head: str, names: Iterable[str], rows: Iterable[Row], legend: Iterable[str]) -> None:
        """Add a table with a column for each of ``names`` beside the one called ``head``, and what its signs mean."""
        table = Table(box=None, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column(head, no_wrap=True)
        for name in names:
            table.add_column(self.safe(name), justify="right", no_wrap=True)
        for first, cells in rows:
            table.add_row(first, *cells)
        endless = _console(io.StringIO(), _WIDEST, color=False)
        shown = io.StringIO()
        width = max(PLAIN_WIDTH, table.__rich_measure__(endless, endless.options).maximum)
        _console(shown, width, color=self._look.color).print(table)
        for line in shown.getvalue().splitlines():
            self.line(f"  {line}")
        self.line(f"  {self.paint('   '.join(legend), 'dim')}")

    def ending(self, summary: str, exit_code: int) -> None:
        """Add the last line, in the colour of the exit code."""
        self.line()
        self.line(self.paint(summary, {0: "green", 1: "red"}.get(exit_code, "yellow"), "bold"))


def counted(number: int, one: str, several: str | None = None) -> str:
    """Give a number with its noun; ``several`` is the plural of one that does not only take an s."""
    return f"{number} {one}" if number == 1 else f"{number} {several or f'{one}s'}"


def _console(file: io.StringIO, width: int, *, color: bool) -> Console:
    return Console(
        file=file,
        width=width,
        color_system="standard" if color else None,
        force_terminal=color,
        no_color=not color,
        legacy_windows=False,
        highlight=False,
        markup=False,
    )
