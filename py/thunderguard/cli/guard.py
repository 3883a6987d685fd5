"""``thunderguard guard``."""

from __future__ import annotations

from pathlib import Path

import click

from thunderguard.cli import output
from thunderguard.model import ExitCode
from thunderguard.reports.terminal import safe


@click.command(short_help="Say whether the embedded engine may judge by Rego files.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
def guard(paths: tuple[Path, ...]) -> int:
    """Say whether the embedded engine may judge by Rego files.

    PATH is a Rego file or a directory of them. A construct on which the embedded engine and OPA differ in silence is
    refused, and named with its file and line; the exit code is 1 then.
    """
    from thunderguard.engines.guard import guard_paths

    violations = guard_paths(paths)
    lines = [safe(str(violation)) for violation in violations]
    lines.append(f"{len(violations)} refused" if violations else "nothing is refused")
    output.write("".join(f"{line}\n" for line in lines))
    return ExitCode.FINDINGS if violations else ExitCode.CLEAN
