"""``thunderguard estate``."""

from __future__ import annotations

from pathlib import Path

import click

from thunderguard.cli import output
from thunderguard.errors import EstateError
from thunderguard.model import ExitCode
from thunderguard.reports.terminal import safe


@click.group(short_help="Work on Estate files.")
def estate() -> None:
    """Work on Estate files."""


@estate.command(short_help="Say whether Estate files are valid.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> int:
    """Say whether Estate files are valid.

    Every mistake is named with its line, its path, the offending value and what to write instead; the exit code is 2
    then, as it is for every other command that is given such a file.
    """
    from thunderguard.estate import check_estate

    wrong = False
    for file in files:
        try:
            mistakes = check_estate(file)
        except EstateError as error:
            output.error(error.message, hint=error.hint)
            wrong = True
            continue
        if not mistakes:
            output.write(f"{safe(str(file))}: valid\n")
            continue
        wrong = True
        for mistake in mistakes:
            numbers = [str(number) for number in (mistake.line, mistake.column) if number]
            place = ":".join([str(file), *numbers])
            parts = [place, *([mistake.path] if mistake.path else []), mistake.message]
            output.write(f"{safe(': '.join(parts))}\n")
            if mistake.fix:
                output.write(f"  fix: {safe(mistake.fix)}\n")
    return ExitCode.USAGE if wrong else ExitCode.CLEAN
