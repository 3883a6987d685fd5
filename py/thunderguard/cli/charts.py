"""``thunderguard charts``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from thunderguard.cli import options as opt
from thunderguard.cli import output
from thunderguard.cli.chartvalues import check_no_matrix, check_property, property_options, try_values
from thunderguard.cli.judge import report_targets, unknown_rule, write_reports
from thunderguard.cli.progress import shown_progress

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.charts.chartfile import ChartSource
    from thunderguard.charts.matrix import Matrix
    from thunderguard.reports.charts import ChartResult


@click.command(short_help="Judge a chart under each of its values files.")
@click.argument("chart", metavar="CHART", type=click.Path(path_type=Path))
@click.option(
    "-f",
    "--values",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Try this values file as well; can be given again.",
)
@click.option(
    "--pair",
    "pairs",
    multiple=True,
    metavar="FILE,FILE",
    help="Try these values files of the chart together, in this order; can be given again.",
)
@click.option("--base", metavar="REVISION", help="Say whether the chart's version rose since this git revision.")
@opt.release
@click.option(
    "--namespace", metavar="NS", help="The namespace of the release.  [default: the Estate's, if it has only one]"
)
@opt.estate
@opt.fail_on("findings make")
@opt.at
@click.option("--rule", "rules", multiple=True, metavar="ID", help="Ask this rule only; can be given again.")
@property_options
@opt.form("How the result is written.")
@opt.report
@opt.workers
@opt.color
def charts(
    chart: Path,
    *,
    values: tuple[Path, ...],
    pairs: tuple[str, ...],
    base: str | None,
    release: str | None,
    namespace: str | None,
    estate: Path | None,
    fail_on: str,
    at: date | None,
    rules: tuple[str, ...],
    by_property: bool,
    examples: int | None,
    seed: int | None,
    deadline: float | None,
    form: str,
    reports: Sequence[str],
    workers: int | None,
    color: bool | None,
) -> int:
    """Judge a chart under each of its values files.

    CHART is a directory with a Chart.yaml, or a .tgz. It is rendered with its own values, with each values*.yaml, each
    ci/*-values.yaml and each values file in examples/, and with the pairs that --pair and its thunderguard-charts.yaml
    name, or with values that none of them has (--property). What a finding is about, and which values mend it, says
    `thunderguard lint CHART -f FILE`.
    """
    also = report_targets(reports)
    check_property(by_property=by_property, examples=examples, seed=seed, deadline=deadline)

    from thunderguard.catalogue import load_catalogue
    from thunderguard.charts.chartfile import open_chart
    from thunderguard.charts.checks import CHECKS, checks
    from thunderguard.charts.matrix import merged, pairs_of, run_matrix, values_sets
    from thunderguard.charts.settings import installation
    from thunderguard.estate import DEFAULT_ESTATE, load_estate
    from thunderguard.reports import charts as shown

    catalogue = load_catalogue()
    for rule in rules:
        if rule not in catalogue.rules:
            raise unknown_rule(rule, catalogue.rules)
    contract = load_estate(estate or DEFAULT_ESTATE)
    named = pairs_of(pairs)
    if by_property:
        check_no_matrix(reports=reports, base=base, at=at)
        return try_values(
            str(chart),
            examples=examples,
            seed=seed,
            deadline=deadline,
            fail_on=fail_on,
            form=form,
            color=color,
            estate=contract,
            more=values,
            pairs=named,
            release=release,
            namespace=namespace,
            rules=rules,
            workers=workers,
        )
    if base is not None and not chart.is_dir():
        raise click.UsageError("--base needs the directory of a chart.", click.get_current_context())
    with open_chart(chart) as opened, shown_progress() as progress:
        sets = values_sets(opened, pairs=named, more=values)
        files = list(dict.fromkeys(file for one in sets for file in one.files))
        matrix = run_matrix(
            opened,
            sets,
            installation(opened, contract, release=release, namespace=namespace),
            estate=contract,
            real=chart.is_dir(),
            fail_on=opt.level(fail_on),
            rules=list(dict.fromkeys(rules)),
            at=at,
            workers=workers,
            checks=checks(opened, files, contract, base=base),
            progress=progress,
        )
        result = _result(matrix, opened, catalogue)
    if also:
        write_reports(merged(matrix), also, matrix.exit_code, opt.clock(at), more=CHECKS)
    if form == "json":
        output.write_bytes(shown.to_json(result))
    else:
        output.write(shown.render(result, look=output.look(color)))
    return matrix.exit_code


def _result(matrix: Matrix, chart: ChartSource, catalogue: Catalogue) -> ChartResult:
    from thunderguard.charts.checks import CHECKS
    from thunderguard.reports.charts import ChartResult, ValuesColumn

    known = {**catalogue.rules, **CHECKS}

    columns = [
        ValuesColumn(
            one.values.name,
            [_shown(file, chart) for file in one.values.files],
            one.report,
            None if one.error is None else one.problem(matrix.chart),
        )
        for one in matrix.columns
    ]
    return ChartResult(
        chart=matrix.chart,
        name=matrix.name,
        version=matrix.version,
        release=matrix.how.release,
        namespace=matrix.how.namespace,
        columns=columns,
        checks=matrix.checks,
        fail_on=matrix.fail_on,
        exit_code=matrix.exit_code,
        levels={rule.id: rule.level for rule in known.values()},
        titles={rule.id: rule.title for rule in known.values()},
    )


def _shown(file: Path, chart: ChartSource) -> str:
    root = chart.folder.resolve()
    return (
        chart.shown(file.resolve().relative_to(root).as_posix()) if file.resolve().is_relative_to(root) else str(file)
    )
