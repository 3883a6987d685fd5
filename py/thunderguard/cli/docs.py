"""``thunderguard docs``."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from thunderguard.cli import options as opt
from thunderguard.cli import output
from thunderguard.model import ExitCode
from thunderguard.reports.terminal import safe


@click.command(short_help="Write the pages about an estate: services, architecture, deployment, trouble.")
@opt.estate
@click.option(
    "--snapshot",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Say what runs as well: judge this snapshot and put what was seen into the pages.",
)
@opt.at
@click.option(
    "--output",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("docs"),
    show_default=True,
    metavar="DIR",
    help="Where the pages are.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 and name the pages that are not current.")
def docs(*, estate: Path | None, snapshot: Path | None, at: date | None, target: Path, check: bool) -> int:
    """Write SERVICES.md, ARCHITECTURE.md, DEPLOYMENT.md and TROUBLESHOOTING.md from the Estate and the catalogue."""
    from thunderguard.catalogue import load_catalogue
    from thunderguard.docs import pages
    from thunderguard.estate import DEFAULT_ESTATE, load_estate
    from thunderguard.files import seen_from_here
    from thunderguard.render import differences, write

    path = estate or DEFAULT_ESTATE
    contract = load_estate(path)
    report = None
    if snapshot is not None:
        from thunderguard.audit import run_audit

        report = run_audit([str(snapshot)], estate=path, at=at)
        for problem in report.problems:
            output.note(f"{safe(problem.file or str(snapshot))}: {safe(problem.message)}")
    files = pages(contract, load_catalogue(), path=seen_from_here(path), report=report)
    incomplete = ExitCode.INCOMPLETE if report is not None and report.problems else ExitCode.CLEAN
    if check:
        stale = list(differences(target, files))
        for name in stale:
            output.write(f"{safe(str(target / name))} is not current\n")
        if stale:
            output.error(f"{len(stale)} of {len(files)} pages are not current", hint="run `thunderguard docs`")
            return ExitCode.FINDINGS
        output.write(f"{len(files)} pages are current\n")
        return incomplete
    changed = write(target, files)
    for name in changed:
        output.write(f"{safe(str(target / name))} written\n")
    output.write(f"{len(changed)} of {len(files)} pages written\n")
    return incomplete
