"""Options that several commands have, each worded once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from thunderguard.model import Level

Command = TypeVar("Command", bound=Callable[..., Any])

NEVER = "never"

estate = click.option(
    "--estate",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The Estate to judge by.  [default: examples/thunderline/estate.yaml]",
)
workers = click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Judge with N processes.  [default: as needed]"
)
color = click.option(
    "--color/--no-color", default=None, help="Colours or none.  [default: on a terminal without NO_COLOR]"
)


def form(help_text: str) -> Callable[[Command], Command]:
    """Give the option --format, ``text`` or ``json``; ``help_text`` says of what."""
    return click.option(
        "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help=help_text
    )


def fail_on(findings: str) -> Callable[[Command], Command]:
    """Give the option --fail-on; ``findings`` says which ones it is about and ends with their verb."""
    return click.option(
        "--fail-on",
        type=click.Choice([*(level.value for level in Level), NEVER]),
        default=Level.DENY.value,
        show_default=True,
        help=f"The level from which on {findings} the exit code 1.",
    )


def level(chosen: str) -> Level | None:
    """Read the value of --fail-on; None for never."""
    return None if chosen == NEVER else Level(chosen)


def names(text: str) -> tuple[str, ...]:
    """Read a list of names that commas part; each is given once."""
    return tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))


def together(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Make one decorator of several, which stand in the help in this order."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add
