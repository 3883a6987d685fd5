"""``thunderguard conform``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from thunderguard.cli import options as opt
from thunderguard.cli import output
from thunderguard.cli.progress import shown_progress
from thunderguard.errors import UsageError


def _names(_ctx: click.Context, _parameter: click.Parameter, value: Sequence[str]) -> tuple[str, ...]:
    """Give the names of an option that may be given again and takes lists, each once."""
    return opt.names(",".join(value))


@click.command(short_help="Run the declared suite on every engine.")
@click.option(
    "--engine",
    "engines",
    multiple=True,
    callback=_names,
    metavar="NAME,...",
    help="Ask these engines only; can be given again.  [default: all but the webhook ones]",
)
@click.option(
    "--cases",
    "directory",
    type=click.Path(path_type=Path),
    default="tests/cases",
    show_default=True,
    metavar="DIR",
    help="Where the cases are.",
)
@click.option(
    "--rule",
    "rules",
    multiple=True,
    callback=_names,
    metavar="ID,...",
    help="Run the cases of these rules only; can be given again.",
)
@click.option("--verbose", is_flag=True, help="Show every difference with its object, and what was expected and got.")
@opt.at
@opt.form("How the result is written.")
@opt.color
def conform(
    *,
    engines: Sequence[str],
    directory: Path,
    rules: Sequence[str],
    verbose: bool,
    at: date | None,
    form: str,
    color: bool | None,
) -> int:
    """Run the declared suite on every engine.

    The suite is a directory of cases, objects and admission requests with everything that is to be found in them. The
    exit code is 1 when an engine says anything else or a listed deviation is none any more, and 3 when one could not
    judge all it was asked.

    opa-webhook, kyverno-webhook and native-webhook send every question to a real API server as a dry run. They start
    one of their own, with the policies installed, and are asked when they are named.
    """
    from thunderguard.catalogue import load_catalogue
    from thunderguard.cli.judge import unknown_rule
    from thunderguard.conformance.deviations import load_deviations
    from thunderguard.conformance.load import load_cases
    from thunderguard.conformance.run import run_cases
    from thunderguard.engines.registry import ENGINE_NAMES, USUAL_ENGINES, check_name
    from thunderguard.estate import DEFAULT_ESTATE, load_estate
    from thunderguard.reports import conformance

    for name in engines:
        check_name(name)
    catalogue = load_catalogue()
    for rule in rules:
        if rule not in catalogue.object_rules:
            raise unknown_rule(rule, catalogue.object_rules)
    cases = load_cases(directory, catalogue.object_rules)
    deviations = load_deviations(directory, engines=ENGINE_NAMES, cases={case.id for case in cases})
    chosen = [case for case in cases if not rules or case.rule in rules]
    if not chosen:
        raise UsageError(f"{directory} has no cases of {', '.join(rules)}")
    with shown_progress() as progress:
        result = run_cases(
            chosen,
            engines or USUAL_ENGINES,
            estate=load_estate(_near(DEFAULT_ESTATE)),
            catalogue=catalogue,
            deviations=deviations,
            progress=progress,
            at=at,
        )
    if form == "json":
        output.write_bytes(conformance.to_json(result))
    else:
        output.write(conformance.render(result, look=output.look(color), verbose=verbose))
    return result.exit_code


def _near(path: Path) -> Path:
    """Give ``path`` as a person at this place would write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
