"""``thunderguard render``."""

from __future__ import annotations

from pathlib import Path

import click

from thunderguard.cli import output
from thunderguard.model import ExitCode
from thunderguard.reports.terminal import safe


@click.command(short_help="Write the Kyverno and native policies and the rule pages.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 and name the files that are not current.")
@click.option(
    "--policies",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder with the CEL bodies.  [default: policies]",
)
@click.option(
    "--estate",
    metavar="NAME",
    help="The name of the Estate that the policies ask the API server for.  [default: thunderline]",
)
@click.option(
    "--output",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write to DIR instead of beside the bodies.",
)
def render(*, check: bool, folder: Path | None, estate: str | None, target: Path | None) -> int:
    """Write the Kyverno and native policies and the rule pages, from the CEL bodies and the catalogue."""
    from thunderguard import assets
    from thunderguard.catalogue import load_catalogue
    from thunderguard.render import DEFAULT_ESTATE, differences, rendered, write

    source = folder or assets.root("policies")
    files = rendered(source, load_catalogue(), estate=estate or DEFAULT_ESTATE)
    place = target or source
    if check:
        stale = list(differences(place, files))
        for name in stale:
            output.write(f"{safe(str(place / name))} is not current\n")
        if stale:
            output.error(
                f"{len(stale)} of {len(files)} rendered files are not current", hint="run `thunderguard render`"
            )
            return ExitCode.FINDINGS
        output.write(f"{len(files)} rendered files are current\n")
        return ExitCode.CLEAN
    changed = write(place, files)
    for name in changed:
        output.write(f"{safe(str(place / name))} written\n")
    output.write(f"{len(changed)} of {len(files)} files written\n")
    return ExitCode.CLEAN
