"""``thunderguard render``."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from thunderguard.cli import options as opt
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
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The Estate that the policies ask the API server for, and whose waivers native ones hold.  "
    "[default: examples/thunderline/estate.yaml]",
)
@opt.at
@click.option(
    "--output",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write to DIR instead of beside the bodies.",
)
def render(*, check: bool, folder: Path | None, estate: Path | None, at: date | None, target: Path | None) -> int:
    """Write the Kyverno and native policies and the rule pages, from the CEL bodies and the catalogue.

    The API server has no clock: a native policy holds the waivers that are in force when it is rendered, so that it is
    not current any more on the day after one ends.
    """
    from thunderguard import assets
    from thunderguard.catalogue import load_catalogue
    from thunderguard.estate import DEFAULT_ESTATE, load_estate
    from thunderguard.facts.waivers import Waivers, today
    from thunderguard.render import differences, rendered, write

    source = folder or assets.root("policies")
    contract = load_estate(estate or DEFAULT_ESTATE)
    waivers, day = Waivers.of(contract.data).all, at or today()
    in_force = [waiver for waiver in waivers if waiver.is_in_force(day)]
    files = rendered(source, load_catalogue(), estate=contract.name, waivers=in_force)
    place = target or source
    if check:
        stale = list(differences(place, files))
        for name in stale:
            output.write(f"{safe(str(place / name))} is not current\n")
        for waiver in waivers:
            if not waiver.is_in_force(day) and f"{waiver.rule}/native.yaml" in stale:
                output.write(
                    safe(f"the waiver of {waiver.rule} for {waiver.subject} ended on {waiver.expires}; {waiver.owner}")
                    + " answers for it\n"
                )
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
