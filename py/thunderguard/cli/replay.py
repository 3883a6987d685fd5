"""``thunderguard replay``."""

from __future__ import annotations

import secrets
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from thunderguard.cli import options as opt
from thunderguard.cli import output
from thunderguard.cli.progress import shown_progress
from thunderguard.errors import UsageError
from thunderguard.model import ExitCode
from thunderguard.reports.terminal import pad, safe

if TYPE_CHECKING:
    from thunderguard.replay import Replay

# The profiles are written here as well, so that --help imports no part of the replay; a test compares the two.
PROFILES = ("dev", "ci", "deep")

_WIDTH = 100


@click.command(short_help="Prove on a captured snapshot that every engine agrees.")
@click.argument("snapshots", nargs=-1, metavar="SNAPSHOT...")
@click.option("--engines", default="embedded,reference", show_default=True, metavar="A,B", help="Engines, or all.")
@click.option("--examples", type=click.IntRange(min=1), metavar="N", help="Examples of each property.")
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default="dev",
    show_default=True,
    help="dev: 100 examples, new ones each time; ci: 200, always the same; deep: 5000 new ones.",
)
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Draw the examples of an earlier run.")
@click.option("--property", "properties", multiple=True, metavar="ID", help="Try this property only; can be repeated.")
@opt.estate
@click.option(
    "--policies",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="The rendered policies that kyverno and native judge by.  [default: policies]",
)
@click.option("--keep", is_flag=True, help="Add what disagrees to the cases in tests/cases/regressions.")
@click.option("--list", "listing", is_flag=True, help="List the properties and the mutations, and do nothing else.")
@opt.form("How the result is written.")
@click.option(
    "--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write the result as JUnit XML to FILE, too."
)
@click.option(
    "--deadline",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="After how long an engine that does not answer has failed.",
)
@opt.workers
@opt.color
def replay(
    snapshots: tuple[str, ...],
    *,
    engines: str,
    examples: int | None,
    profile: str,
    seed: int | None,
    properties: tuple[str, ...],
    estate: Path | None,
    policies: Path | None,
    keep: bool,
    listing: bool,
    form: str,
    junit: Path | None,
    deadline: float,
    workers: int | None,
    color: bool | None,
) -> int:
    """Prove on a captured snapshot that every engine agrees.

    Real objects of SNAPSHOT, and objects made from the Estate, are changed in small named ways and judged by every
    engine. What disagrees is made small, and shown as one manifest with both answers. --list tells what is tried.

    Exit codes: 0 all agree, 1 something disagrees, 2 usage, 3 an engine could not judge.
    """
    if listing:
        output.write(_listed())
        return ExitCode.CLEAN
    if not snapshots:
        raise click.UsageError("Missing argument 'SNAPSHOT...'.", click.get_current_context())
    if junit is not None:
        output.check_target(junit)

    from thunderguard.engines import ENGINE_NAMES, USUAL_ENGINES, EngineOptions
    from thunderguard.replay import Settings, run_replay
    from thunderguard.replay.run import PROFILES as KNOWN
    from thunderguard.reports.json import comparable, to_json

    settings = Settings(
        engines=USUAL_ENGINES if engines == "all" else opt.names(engines),
        properties=tuple(dict.fromkeys(properties)),
        examples=examples or KNOWN[profile],
        seed=seed if seed is not None else 0 if profile == "ci" else secrets.randbelow(2**31),
        profile=profile,
        estate=estate,
        keep=keep,
        workers=workers,
        options=EngineOptions(policies_dir=policies, deadline=deadline),
        words=(*snapshots, *_given("--estate", estate), *_given("--policies", policies)),
    )
    if not settings.engines:
        raise UsageError("no engine is named", hint=f"choose among {', '.join(ENGINE_NAMES)}")
    with shown_progress() as progress:
        result = run_replay(
            list(snapshots), settings, written=lambda report: comparable(to_json(report)), progress=progress
        )
    _write(result, form=form, junit=junit, color=color)
    return result.exit_code


def _given(option: str, path: Path | None) -> tuple[str, ...]:
    return () if path is None else (option, str(path))


def _write(result: Replay, *, form: str, junit: Path | None, color: bool | None) -> None:
    from thunderguard.reports import replay as shown

    value = result.to_json()
    if form == "json":
        output.write_bytes(shown.render_json(value))
    else:
        output.write(shown.render(value, look=output.look(color)))
    if junit is not None:
        output.write_file(junit, shown.render_junit(value))


def _listed() -> str:
    from thunderguard.replay.effects import PROMISES, Promise
    from thunderguard.replay.mutations import FAMILIES
    from thunderguard.replay.properties import PROPERTIES

    lines = ["Properties", ""]
    for one in PROPERTIES.values():
        lines += textwrap.wrap(one.text, _WIDTH, initial_indent=f"  {one.id}  ", subsequent_indent="     ")
    lines += ["", "Mutations", ""]
    width = max(len(mutation.name) for family in FAMILIES for mutation in family.mutations)
    for family in FAMILIES:
        lines.append(f"  {family.name}")
        for mutation in family.mutations:
            effect = str(mutation.promise)
            if mutation.promise is Promise.PLANTS and mutation.rules:
                effect += f" {', '.join(mutation.rules)}"
            lines.append(f"    {pad(mutation.name, width)}  {mutation.doc} [{effect}]")
    lines += ["", "Effects", ""]
    lines += [f"  {pad(str(promise), 8)}  {meaning}" for promise, meaning in PROMISES.items()]
    return "".join(f"{safe(line)}\n" for line in lines)
