"""``thunderguard whatif``."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from thunderguard.cli import options as opt
from thunderguard.cli import output
from thunderguard.cli.progress import shown_progress
from thunderguard.errors import UsageError
from thunderguard.model import ExitCode

NEWLY_DENIED, ANY = "newly-denied", "any"


@click.command(short_help="Say what another Estate or other rules would deny and allow.")
@click.argument("snapshots", nargs=-1, required=True, metavar="SNAPSHOT...")
@click.option("--estate", type=click.Path(path_type=Path), metavar="FILE", help="The Estate to try.")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The Estate that is in force.  [default: examples/thunderline/estate.yaml]",
)
@click.option("--rego", type=click.Path(path_type=Path), metavar="DIR", help="The rules to try.")
@click.option(
    "--fail-on",
    type=click.Choice([NEWLY_DENIED, ANY, opt.NEVER]),
    default=NEWLY_DENIED,
    show_default=True,
    help="What makes the exit code 1: something that becomes denied, any change, or nothing.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How the changes are written.",
)
@opt.at
@opt.workers
@opt.color
def whatif(
    snapshots: tuple[str, ...],
    *,
    estate: Path | None,
    against: Path | None,
    rego: Path | None,
    fail_on: str,
    form: str,
    at: date | None,
    workers: int | None,
    color: bool | None,
) -> int:
    """Say what another Estate or other rules would deny and allow.

    Each SNAPSHOT, which is anything that audit takes but standard input, is judged by what is in force and by what is
    to be tried. What becomes denied or allowed is listed by rule and object. Without --estate the Estate stays the same
    and only the rules of --rego are tried.
    """
    if estate is None and rego is None:
        raise click.UsageError("name what to try, with --estate, --rego or both.", click.get_current_context())
    if "-" in snapshots:
        raise UsageError("each source is judged twice, and standard input can be read once", hint="name a file")

    from thunderguard.reports import whatif as written
    from thunderguard.whatif import Side, compare

    with shown_progress() as progress:
        found = compare(
            list(dict.fromkeys(snapshots)),
            Side(against),
            Side(estate or against, rego),
            at=at,
            workers=workers,
            progress=progress,
        )
    if form == "json":
        output.write_bytes(written.render_json(found))
    elif form == "markdown":
        output.write(written.render_markdown(found))
    else:
        output.write(written.render(found, output.look(color)))
    if found.incomplete:
        return ExitCode.INCOMPLETE
    fails = {NEWLY_DENIED: bool(found.count("denied")), ANY: found.is_any, opt.NEVER: False}[fail_on]
    return ExitCode.FINDINGS if fails else ExitCode.CLEAN
