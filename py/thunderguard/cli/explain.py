"""``thunderguard explain``."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from thunderguard.cli import options as opt
from thunderguard.cli import output
from thunderguard.errors import UsageError
from thunderguard.model import ExitCode


@click.command(short_help="Say why a rule is there, or what decided about a finding.")
@click.argument("what", metavar="RULE|FINGERPRINT")
@click.argument("snapshot", required=False, metavar="[SNAPSHOT]")
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="FILE", help="A JSON report in which to look for the finding."
)
@opt.estate
@opt.at
@opt.form("How the explanation is written.")
@opt.color
def explain(
    what: str,
    *,
    snapshot: str | None,
    report: Path | None,
    estate: Path | None,
    at: date | None,
    form: str,
    color: bool | None,
) -> int:
    """Say why a rule is there, or what decided about a finding.

    For a RULE: why it is there, which part of the audit it answers, what to do about what breaks it, and an example
    that fails and one that passes. With a SNAPSHOT, which is anything that audit takes but standard input, also what it
    finds there.

    For the FINGERPRINT of a finding (as in a JSON report; its beginning is enough): the same, and what decided: who
    owns what, as which service a container was recognised and by what, and which value missed.
    """
    if snapshot is not None and report is not None:
        raise click.UsageError("name a SNAPSHOT or --report, not both.", click.get_current_context())
    if snapshot == "-":
        raise UsageError("the source is read twice, and standard input can be read once", hint="name a file")

    from thunderguard.explain.explain import explain as explained
    from thunderguard.reports import explain as written

    told = explained(what, snapshot, report, estate, at)
    if form == "json":
        output.write_bytes(written.render_json(told))
    else:
        output.write(written.render(told, output.look(color)))
    return ExitCode.INCOMPLETE if told.incomplete else ExitCode.CLEAN
