"""``thunderguard baseline``: the findings that are known and do not fail a build."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from thunderguard.cli import options as opt
from thunderguard.cli import output
from thunderguard.model import ExitCode

if TYPE_CHECKING:
    from thunderguard.model import Report


@click.group(short_help="Keep the findings that are known, so that only new ones fail.")
def baseline() -> None:
    """Keep the findings that are known, so that only new ones fail.

    A baseline is a JSON report. `audit` and `lint` take it with --baseline.
    """


@baseline.command(short_help="Write a baseline of all that SOURCE breaks now.")
@click.argument("file", metavar="BASELINE", type=click.Path(path_type=Path))
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@opt.estate
@opt.at
def update(file: Path, sources: tuple[str, ...], *, estate: Path | None, at: date | None) -> int:
    """Write to BASELINE all that SOURCE breaks now. What is in it afterwards no longer fails.

    A finding that is waived is known only as long as its waiver is in force.
    """
    output.check_target(file)
    report = _audited(sources, estate, at)
    return _write(file, report)


@baseline.command(short_help="Take out of a baseline what SOURCE no longer breaks.")
@click.argument("file", metavar="BASELINE", type=click.Path(path_type=Path))
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@opt.estate
@opt.at
def prune(file: Path, sources: tuple[str, ...], *, estate: Path | None, at: date | None) -> int:
    """Take out of BASELINE what SOURCE no longer breaks. Nothing is added."""
    from dataclasses import replace

    from thunderguard import recorded

    output.check_target(file)
    known = recorded.read(file).fingerprints
    report = _audited(sources, estate, at)
    kept = tuple(finding for finding in report.findings if finding.fingerprint in known)
    return _write(file, replace(report, findings=kept), dropped=len(known) - len({one.fingerprint for one in kept}))


def _audited(sources: tuple[str, ...], estate: Path | None, at: date | None) -> Report:
    from thunderguard.audit import run_audit

    return run_audit(list(sources), estate=estate, at=at)


def _write(file: Path, report: Report, *, dropped: int | None = None) -> int:
    """Write ``report`` as the baseline, unless something was not judged: what it broke would count as new later."""
    if report.problems:
        first = report.problems[0]
        output.error(
            f"{len(report.problems)} problems, the first: {first.file or ''} {first.message}",
            hint="a baseline is written only from what was judged whole; thunderguard audit shows all problems",
        )
        return ExitCode.INCOMPLETE
    from thunderguard.reports import json

    output.write_file(file, json.render(report))
    words = f"{file}: {len(report.findings)} findings"
    output.note(words if dropped is None else f"{words}, {dropped} dropped")
    return ExitCode.CLEAN
