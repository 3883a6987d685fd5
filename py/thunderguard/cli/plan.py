"""``thunderguard plan``."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from thunderguard.cli import options as opt
from thunderguard.cli import output
from thunderguard.errors import UsageError
from thunderguard.model import ExitCode
from thunderguard.reports.terminal import safe

if TYPE_CHECKING:
    from thunderguard.plan.steps import Plan

FORMATS = ("text", "sh", "json", "markdown")


@click.command(short_help="Give the clean-up of an estate as steps to run.")
@click.argument("snapshot", metavar="SNAPSHOT")
@opt.estate
@opt.at
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="How the plan is written."
)
@click.option(
    "--output",
    "target",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the plan to FILE, all of it or nothing.",
)
@opt.color
def plan(
    snapshot: str, *, estate: Path | None, at: date | None, form: str, target: Path | None, color: bool | None
) -> int:
    """Give the clean-up of an estate as steps to run.

    SNAPSHOT is anything that audit takes but standard input. Each step was tried on a model of the snapshot: it
    resolves the findings it names and breaks nothing that was whole. It comes with what to keep before, what may be
    lost and the way back. What only a person can decide is listed as left to do by hand.

    The script of --format sh shows what it would do, and does it with --apply.

    The exit code is 0 when there is a plan, and 3 when not everything could be judged.
    """
    if snapshot == "-":
        raise UsageError("a plan reads its source twice, and standard input can be read once", hint="name a file")
    if target is not None:
        output.check_target(target)

    from thunderguard.audit import run_audit
    from thunderguard.estate import DEFAULT_ESTATE, load_estate
    from thunderguard.plan.build import make_plan
    from thunderguard.plan.read import read_objects

    contract = load_estate(estate or DEFAULT_ESTATE)
    report = run_audit([snapshot], estate=estate, at=at)
    made = make_plan(read_objects(snapshot), report.findings, contract.data, source=snapshot, shown=dict(report.estate))
    data = _written(made, form, target, color)
    if target is not None:
        output.write_file(target, data.encode("utf-8", "backslashreplace"))
    else:
        output.write(data)
    for problem in report.problems:
        place = f"{problem.file}:{problem.line}: " if problem.line else ""
        output.note(f"warning: {safe(f'{place}{problem.message}')}")
    return ExitCode.INCOMPLETE if report.problems else ExitCode.CLEAN


def _written(made: Plan, form: str, target: Path | None, color: bool | None) -> str:
    from thunderguard.reports import plan as written
    from thunderguard.reports import script
    from thunderguard.reports.text import Look

    match form:
        case "sh":
            return script.render(made)
        case "json":
            return written.render_json(made).decode()
        case "markdown":
            return written.render_markdown(made)
        case _:
            return written.render(made, output.look(color) if target is None else Look(color=bool(color)))
