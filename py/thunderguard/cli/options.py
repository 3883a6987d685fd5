"""Options that several commands have, each worded once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from thunderguard.model import Level

if TYPE_CHECKING:
    from thunderguard.reports.setting import Clock

Command = TypeVar("Command", bound=Callable[..., Any])

NEVER = "never"

estate = click.option(
    "--estate",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The Estate to judge by.  [default: examples/thunderline/estate.yaml]",
)


def _day(context: click.Context, parameter: click.Parameter, value: str | None) -> date | None:
    """Read the value of --at: a full date of RFC 3339. Raises click.BadParameter."""
    if value is None:
        return None
    with suppress(ValueError):
        found = date.fromisoformat(value)
        # It also reads 20261231 and 2026-W53-4.
        if found.isoformat() == value:
            return found
    raise click.BadParameter(f"{value!r} is no day, such as 2026-12-31.", context, parameter)


at = click.option(
    "--at",
    callback=_day,
    metavar="DATE",
    help="Judge as on this day, such as 2026-12-31: waivers end on one.  [default: today]",
)
workers = click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Judge with N processes.  [default: as needed]"
)
color = click.option(
    "--color/--no-color", default=None, help="Colours or none.  [default: on a terminal without NO_COLOR]"
)

report = click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FORMAT=FILE",
    help="Write the report in FORMAT to FILE as well; can be given again.",
)
release = click.option("--release", metavar="NAME", help="The name of the release.  [default: the chart's name]")


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


def clock(day: date | None) -> Clock:
    """Give the clock of a command with --at: that day's first moment in UTC, or the present."""
    from thunderguard.reports.setting import utc_now

    if day is None:
        return utc_now
    moment = datetime.combine(day, time.min, UTC)
    return lambda: moment


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


chart_values = together(
    click.option(
        "-f",
        "--values",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Render a chart with this values file; can be given again.",
    ),
    click.option(
        "--set",
        "sets",
        multiple=True,
        metavar="KEY=VALUE",
        help="Render a chart with this value; can be given again.",
    ),
)
