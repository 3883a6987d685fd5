"""What the commands about charts say of values: which ones decide, which ones mend, and which ones break a rule."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from thunderguard.cli import options as opt
from thunderguard.cli import output
from thunderguard.errors import ChartError, UsageError
from thunderguard.reports.terminal import safe

if TYPE_CHECKING:
    from thunderguard.charts.installed import Installed
    from thunderguard.estate import Estate
    from thunderguard.model import JsonObject, Report

explain_options = opt.together(
    click.option(
        "--explain-values/--no-explain-values",
        "explain_values",
        default=True,
        show_default=True,
        help="Say of a chart's findings which template and values key decide, and what mends them.",
    ),
    click.option(
        "--write-values",
        "values_target",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write the values that mend a chart's findings to FILE, to be given as the last -f.",
    ),
)

property_options = opt.together(
    click.option(
        "--property",
        "by_property",
        is_flag=True,
        help="Try values that no file has: switches in pairs, then drawn ones; show the fewest that break a rule.",
    ),
    click.option("--examples", type=click.IntRange(min=1), metavar="N", help="Values to draw.  [default: 100]"),
    click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Draw the values of an earlier run."),
    click.option(
        "--deadline",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="Begin no new values after this long.  [default: 60]",
    ),
)


def check_property(*, by_property: bool, **only: object) -> None:
    """Raise UsageError when an option is given that only --property has a use for."""
    for name, value in only.items():
        if value is not None and not by_property:
            raise UsageError(f"--{name} is for --property", hint="add --property to try values that no file has")


def check_no_matrix(**only: object) -> None:
    """Raise UsageError when an option is given that --property has no use for."""
    for name, value in only.items():
        if value:
            raise UsageError(
                f"--{name.removesuffix('s')} and --property exclude each other", hint="run the command twice"
            )


def try_values(
    chart: str,
    *,
    examples: int | None,
    seed: int | None,
    deadline: float | None,
    fail_on: str,
    form: str,
    color: bool | None,
    estate: Estate,
    more: Sequence[Path] = (),
    pairs: Sequence[Sequence[str]] = (),
    release: str | None = None,
    namespace: str | None = None,
    rules: Sequence[str] = (),
    workers: int | None = None,
) -> int:
    """Try values on ``chart``, which ``more`` values files are for, too; write what came of it, give the exit code."""
    import secrets

    from thunderguard.charts.properties import EXAMPLES, SECONDS, Settings
    from thunderguard.charts.tryvalues import try_values as tried
    from thunderguard.cli.progress import shown_progress
    from thunderguard.reports import chartproperty

    chosen = Settings(
        seed=secrets.randbelow(2**31) if seed is None else seed,
        examples=examples or EXAMPLES,
        seconds=deadline or SECONDS,
        fail_on=opt.level(fail_on),
    )
    with shown_progress() as progress:
        run = tried(
            chart,
            chosen,
            estate=estate,
            more=more,
            pairs=pairs,
            release=release,
            namespace=namespace,
            rules=rules,
            workers=workers,
            progress=progress,
        )
    value = run.to_json()
    if form == "json":
        output.write_bytes(chartproperty.render_json(value))
    else:
        output.write(chartproperty.render(value, look=output.look(color)))
    return run.exit_code


def check_explain(paths: Sequence[str], values_target: Path | None, *, explain_values: bool) -> None:
    """Raise UsageError when the values for the charts among ``paths`` cannot be written to ``values_target``."""
    if values_target is None:
        return
    if not explain_values:
        raise UsageError("--write-values and --no-explain-values exclude each other")
    from thunderguard.charts.chartfile import is_chart

    charts = [path for path in paths if path != "-" and is_chart(path)]
    if len(charts) != 1:
        told = f"{len(charts)} charts are named" if charts else "no chart is named"
        raise UsageError(f"--write-values is for one chart, and {told}", hint="name one chart at a time")
    output.check_target(values_target)


def followed(
    report: Report,
    charts: Sequence[Installed],
    *,
    estate: Path | None,
    values_target: Path | None,
) -> Report:
    """Give ``report`` with the origins of its findings on ``charts``; write what mends them to ``values_target``."""
    if not report.findings and values_target is None:
        return report

    from thunderguard.catalogue import load_catalogue
    from thunderguard.charts.follow import follow
    from thunderguard.estate import DEFAULT_ESTATE, load_estate

    try:
        found = follow(report, charts, estate=load_estate(estate or DEFAULT_ESTATE), catalogue=load_catalogue())
    except ChartError as error:
        # It was rendered once, and is judged: that it is too slow to be rendered often is no reason to say nothing.
        if values_target is not None:
            raise
        output.note(f"the values were not looked into: {safe(error.message)}")
        return report
    if found.left:
        charts_left = f"{found.left} chart{'s' if found.left > 1 else ''}"
        output.note(f"the values of {charts_left} were not looked into, for lack of time: name fewer manifests")
    if values_target is not None:
        chart = next(one.label for one in charts if one.into is None)
        output.write_file(values_target, _values_file(chart, found.patch, found.mended, found.explained))
        told = f"{values_target}: mends {found.mended} of {found.explained} findings"
        output.note(f"{told}; give it as the last -f" if found.patch else f"{told}: no values do")
    return found.report


def _values_file(chart: str, patch: JsonObject, mended: int, explained: int) -> bytes:
    from thunderguard.charts.values import written

    head = [
        f"# With these values {mended} of {explained} findings of thunderguard lint on {safe(chart)} are gone.",
        "# Amounts and versions are examples: put in what the services need. Give it as the last -f.",
    ]
    return ("\n".join(head) + "\n" + written(patch)).encode("utf-8", "backslashreplace")
