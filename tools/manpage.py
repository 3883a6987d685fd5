"""Write or check man/thunderguard.1, which says what ``--help`` says of every command.

The language is that of man(7): https://man7.org/linux/man-pages/man7/groff_man.7.html
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from generated import run
from thunderguard import assets
from thunderguard.cli.app import app

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "man" / "thunderguard.1"
NAME = "thunderguard"

EXIT = (
    ("0", "clean"),
    ("1", "findings at or above --fail-on, or, with --check, files that are not current"),
    ("2", "wrong usage or configuration, or nothing to judge"),
    ("3", "something could not be read or judged; the rest was"),
    ("130", "interrupted"),
)
ENVIRONMENT = (
    ("KUBECONFIG", "Where the kubeconfig is, for what reads a live cluster."),
    ("NO_COLOR", "With any value, text has no colours."),
    ("THUNDERGUARD_DEBUG", "With any value, an error shows where in the program it arose."),
)


def escaped(text: str) -> str:
    """Write ``text`` so that roff sets every sign of it as it is."""
    shown = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    shown = shown.replace("^", "\\(ha").replace("~", "\\(ti")
    return f"\\&{shown}" if shown.startswith(".") else shown


def paragraphs(text: str) -> Iterator[str]:
    """Give the lines of a help text; a paragraph that begins with a backspace keeps its lines."""
    for place, block in enumerate(inspect.cleandoc(text).split("\n\n")):
        if place:
            yield ".PP"
        if block.startswith("\b"):
            yield ".nf"
            yield from (escaped(line) for line in block.splitlines()[1:])
            yield ".fi"
        else:
            yield escaped(" ".join(block.split()))


def listed(entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Give a list of terms, in bold, with what each means."""
    for term, meaning in entries:
        yield ".TP"
        yield f"\\fB{escaped(term)}\\fR"
        yield escaped(" ".join(meaning.split()))


def options(ctx: click.Context) -> list[tuple[str, str]]:
    """Give the options of a command, as its help does."""
    every = [parameter for parameter in ctx.command.get_params(ctx) if isinstance(parameter, click.Option)]
    records = (parameter.get_help_record(ctx) for parameter in every)
    return [record for record in records if record is not None]


def commands(ctx: click.Context) -> Iterator[click.Context]:
    """Give the context of each command below that of ``ctx``, a group before what is in it."""
    if not isinstance(ctx.command, click.Group):
        return
    for name in ctx.command.list_commands(ctx):
        command = ctx.command.get_command(ctx, name)
        assert command is not None  # noqa: S101 - it was listed
        inner = click.Context(command, info_name=name, parent=ctx, **command.context_settings)
        yield inner
        yield from commands(inner)


def synopsis(ctx: click.Context) -> str:
    """Give the words that call a command."""
    pieces = " ".join(ctx.command.collect_usage_pieces(ctx))
    return f"\\fB{escaped(ctx.command_path)}\\fR {escaped(pieces)}"


def page() -> str:
    """Give the whole page."""
    root = click.Context(app, info_name=NAME, **app.context_settings)
    summary = inspect.cleandoc(app.help or "").rstrip(".")
    lines = [
        '.\\" Written by tools/manpage.py. Do not edit.',
        f'.TH {NAME.upper()} 1 "" "{NAME} {assets.version()}"',
        ".SH NAME",
        f"{NAME} \\- {escaped(summary[0].lower() + summary[1:])}",
        ".SH SYNOPSIS",
        synopsis(root),
        ".SH DESCRIPTION",
        escaped(
            "One declared contract, the Estate, says what may run where, and one catalogue of rules says what breaks "
            "it. The same verdict comes out for manifests, at the API server's door and on a live or captured cluster."
        ),
        ".SH OPTIONS",
        *listed(options(root)),
        ".SH COMMANDS",
    ]
    for ctx in commands(root):
        lines += [f".SS {escaped(ctx.command_path.partition(' ')[2])}", synopsis(ctx), ".PP"]
        lines += paragraphs(ctx.command.help or "")
        lines += listed(options(ctx))
        if ctx.command.epilog:
            lines += [".PP", *paragraphs(ctx.command.epilog)]
    lines += [".SH EXIT STATUS", *listed(EXIT), ".SH ENVIRONMENT", *listed(ENVIRONMENT)]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write (--write) or check (--check) the page; give the exit code."""
    return run("manpage", ROOT, PAGE, lambda: page().encode(), argv)


if __name__ == "__main__":
    sys.exit(main())
