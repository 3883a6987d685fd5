"""``thunderguard diff``."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from thunderguard.cli import options as opt
from thunderguard.cli import output
from thunderguard.model import ExitCode

if TYPE_CHECKING:
    from thunderguard.recorded import Recorded


@click.command(short_help="Say what is new and what is fixed between two snapshots or reports.")
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@opt.estate
@opt.fail_on("a new finding makes")
@opt.at
@opt.form("How the changes are written.")
@opt.color
def diff(
    before: str,
    after: str,
    *,
    estate: Path | None,
    fail_on: str,
    at: date | None,
    form: str,
    color: bool | None,
) -> int:
    """Say what is new and what is fixed between two snapshots or reports.

    Each of BEFORE and AFTER is a JSON report (--format json) or anything that audit takes. Findings are told apart
    by fingerprint, which survives new pod hashes, another file and another order.
    """
    from thunderguard.recorded import changes
    from thunderguard.reports import changes as written

    first, second = (_recorded(name, estate, at) for name in (before, after))
    found = changes(first, second)
    if form == "json":
        output.write_bytes(written.render_json(found, before=before, after=after))
    else:
        output.write(written.render(found, before=before, after=after, color=output.look(color).color))
    if first.incomplete or second.incomplete:
        return ExitCode.INCOMPLETE
    limit = opt.level(fail_on)
    fails = limit is not None and any(finding.level.reaches(limit) for finding in found.new)
    return ExitCode.FINDINGS if fails else ExitCode.CLEAN


def _recorded(name: str, estate: Path | None, at: date | None) -> Recorded:
    from thunderguard import recorded

    path = Path(name)
    if recorded.is_report(path):
        return recorded.read(path)
    from thunderguard.audit import run_audit

    return recorded.Recorded.of(name, run_audit([name], estate=estate, at=at))
