"""``thunderguard snapshot``."""

from __future__ import annotations

from pathlib import Path

import click

from thunderguard.cli import output
from thunderguard.model import ExitCode
from thunderguard.reports.terminal import safe


@click.group(short_help="Work on snapshot files.")
def snapshot() -> None:
    """Work on snapshot files."""


@snapshot.command(short_help="Say whether a snapshot is whole and unchanged.")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
def verify(file: Path) -> int:
    """Say whether a snapshot is whole and unchanged.

    Its header says how many objects it holds, of which kinds, and their hash. What does not hold is named, and the
    exit code is 3 then.
    """
    from thunderguard.snapshot import verify as problems_of

    problems = problems_of(file)
    for problem in problems:
        line = "" if problem.line is None else f":{problem.line}"
        output.write(f"{safe(f'{problem.file or file}{line}: {problem.message}')}\n")
    if problems:
        return ExitCode.INCOMPLETE
    output.write(f"{safe(str(file))}: whole and unchanged\n")
    return ExitCode.CLEAN
