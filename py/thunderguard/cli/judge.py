"""``thunderguard audit`` and ``thunderguard lint``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from thunderguard.cli import options as opt
from thunderguard.cli import output
from thunderguard.cli.capture import Cluster, captured, cluster_options
from thunderguard.cli.chartvalues import check_explain, explain_options, followed
from thunderguard.cli.progress import Progress, shown_progress
from thunderguard.errors import SourceError, UsageError
from thunderguard.model import Report

if TYPE_CHECKING:
    from thunderguard.capture import Connection
    from thunderguard.catalogue import Rule
    from thunderguard.charts.installed import Installed
    from thunderguard.charts.sources import Asked
    from thunderguard.charts.stage import Stage
    from thunderguard.cli.page import Beside
    from thunderguard.recorded import Recorded
    from thunderguard.reports.setting import Clock

# The names of the engines, written here as well so that --help imports none of them; a test compares the two.
ENGINES = ("embedded", "opa", "conftest", "kyverno", "native", "reference")

# Follows the findings on charts to their values.
Follow: TypeAlias = "Callable[[Report, list[Installed]], Report]"

_options = opt.together(
    opt.estate,
    click.option(
        "--engine", type=click.Choice(ENGINES), default="embedded", show_default=True, help="Who gives the verdict."
    ),
    click.option("--opa-url", metavar="URL", help="An OPA server that already runs, for --engine opa."),
    opt.fail_on("findings make"),
    opt.at,
    click.option(
        "--baseline",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A JSON report; only findings that it does not have fail.",
    ),
    click.option("--namespace", metavar="NS", help="The namespace of manifests that name none."),
    click.option("--rule", "rules", multiple=True, metavar="ID", help="Ask this rule only; can be given again."),
    opt.form("How the report is written."),
    click.option(
        "--output",
        "target",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write the report to FILE, all of it or nothing.",
    ),
    opt.report,
    opt.workers,
    opt.color,
)


@click.command(short_help="Judge a live cluster, a snapshot or manifests by every rule.")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "--save", type=click.Path(path_type=Path), metavar="FILE", help="Keep what was read of the cluster as a snapshot."
)
@cluster_options
@_options
def audit(
    sources: tuple[str, ...],
    *,
    save: Path | None,
    kubeconfig: Path | None,
    context: str | None,
    no_helm_secrets: bool,
    timeout: float,
    **options: Any,
) -> int:
    """Judge a live cluster, a snapshot or manifests by every rule.

    SOURCE is a snapshot (.jsonl, .gz, .zst), a file of manifests (YAML, JSON, `kubectl get -o yaml|json`), a
    directory of them, or - for standard input. Without one the live cluster of the current context is read and judged.
    """
    if not sources:
        cluster = Cluster(kubeconfig, context, not no_helm_secrets, timeout)
        return _judge((), cluster=cluster, save=save, complete=True, picture=True, **options)
    given = click.get_current_context()
    for name in ("save", "kubeconfig", "context", "no_helm_secrets", "timeout"):
        if given.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} is for a live cluster, and not for a SOURCE.", given)
    return _judge(sources, complete=True, picture=True, **options)


@click.command(short_help="Judge manifests and charts before they are applied.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--complete", is_flag=True, help="PATH holds the whole estate: ask what is missing from it, too.")
@opt.chart_values
@opt.release
@explain_options
@_options
def lint(
    paths: tuple[str, ...],
    *,
    complete: bool,
    values: tuple[Path, ...],
    sets: tuple[str, ...],
    release: str | None,
    explain_values: bool,
    values_target: Path | None,
    **options: Any,
) -> int:
    """Judge manifests and charts before they are applied.

    PATH is a file of manifests, a directory of them, or - for standard input. A Helm chart (a directory with a
    Chart.yaml, or a .tgz) and a kustomization are rendered first, with no network. Rules that only a whole estate can
    answer are left out, unless --complete says that PATH is one.

    What is found about an object of a chart is followed to its template and to the values that decide, those in the
    manifest for a chart that Argo CD, Flux or k3s delivers. What speaks about no object of it, such as a service that
    is missing, is not.
    """
    from thunderguard.charts.sources import Asked

    charts = Asked(values, sets, release, options["namespace"])
    check_explain(paths, values_target, explain_values=explain_values)
    follow = partial(followed, estate=options["estate"], values_target=values_target)
    return _judge(
        paths, complete=complete, picture=False, charts=charts, follow=follow if explain_values else None, **options
    )


def _judge(
    paths: Sequence[str],
    *,
    complete: bool,
    picture: bool,
    estate: Path | None,
    engine: str,
    opa_url: str | None,
    fail_on: str,
    at: date | None,
    baseline: Path | None,
    namespace: str | None,
    rules: Sequence[str],
    form: str,
    target: Path | None,
    reports: Sequence[str],
    workers: int | None,
    color: bool | None,
    allow_partial: bool = False,
    cluster: Cluster | None = None,
    save: Path | None = None,
    charts: Asked | None = None,
    follow: Follow | None = None,
) -> int:
    if opa_url is not None and engine != "opa":
        raise click.UsageError("--opa-url needs --engine opa.", click.get_current_context())
    if target is not None:
        output.check_target(target)
    if save is not None:
        output.check_target(save)
    also = report_targets(reports)
    before = _recorded(baseline)
    titles = _titles(rules, complete=complete)

    # Not before the cheap mistakes are told: this brings in the readers and the engines.
    from thunderguard.audit import exit_code, run_audit

    with (
        _staged(paths, charts, estate) as (stage, rendered),
        _read(stage.paths, cluster, save) as (read, connection, progress),
    ):
        report = run_audit(
            read,
            estate=estate,
            engine=engine,
            opa_url=opa_url,
            fail_on=opt.level(fail_on),
            namespace=namespace,
            namespaces=stage.namespaces,
            rules=list(dict.fromkeys(rules)),
            complete=complete,
            workers=workers,
            progress=progress,
            at=at,
        )
        report = stage.named(report, " ".join(paths))
        if follow is not None and rendered:
            report = follow(report, rendered)
        page = None
        if any(form == "html" for form, _ in also):
            from thunderguard.cli.page import beside

            page = beside(report, read if picture else (), estate=estate, before=before)
    if connection is not None:
        from thunderguard.capture.live import of_the_cluster

        report = of_the_cluster(report, connection)
    report = replace(report, known=None if before is None else before.fingerprints)
    code = exit_code(report, allow_partial=allow_partial)
    clock = opt.clock(at)
    write_reports(report, also, code, clock, page)
    _write(report, titles, form=form, code=code, target=target, color=color, picture=picture, clock=clock)
    return code


@contextmanager
def _staged(paths: Sequence[str], charts: Asked | None, estate: Path | None) -> Iterator[tuple[Stage, list[Installed]]]:
    """Give the stage with what is judged: ``paths`` as they are or, with ``charts``, charts among them rendered.

    Those charts come with it.
    """
    from thunderguard.charts.stage import Stage

    rendered: list[Installed] = []
    with Stage() as stage:
        if charts is None:
            stage.paths.extend(paths)
        else:
            from thunderguard.charts.sources import Staging
            from thunderguard.estate import DEFAULT_ESTATE, load_estate

            staging = Staging(stage, charts, load_estate(estate or DEFAULT_ESTATE))
            staging.add(paths)
            rendered = staging.charts
        try:
            yield stage, rendered
        except SourceError as error:
            raise SourceError(stage.told(error.message), hint=error.hint) from None


@contextmanager
def _read(
    paths: Sequence[str], cluster: Cluster | None, save: Path | None
) -> Iterator[tuple[list[str], Connection | None, Progress | None]]:
    """Give the files to judge, and the connection when they hold a cluster and are gone afterwards."""
    if cluster is None:
        with shown_progress() as progress:
            yield list(paths), None, progress
        return
    with TemporaryDirectory(prefix="thunderguard-") as folder:
        path = save or Path(folder) / "cluster.jsonl"
        with captured(path, cluster) as (connection, _, progress):
            yield [str(path)], None if save else connection, progress


def _recorded(baseline: Path | None) -> Recorded | None:
    if baseline is None:
        return None
    from thunderguard.recorded import read

    return read(baseline)


def report_targets(asked: Sequence[str]) -> list[tuple[str, Path]]:
    """Read the values of --report. Raises UsageError for a format that is not there or a file that cannot be."""
    from thunderguard.reports.formats import FORMATS

    targets = []
    for text in asked:
        form, separator, file = text.partition("=")
        if form not in FORMATS or not separator or not file:
            names = ", ".join(sorted(FORMATS))
            raise UsageError(f"--report {text!r} is not FORMAT=FILE", hint=f"formats are {names}")
        output.check_target(Path(file))
        targets.append((form, Path(file)))
    if len({path.resolve() for _, path in targets}) < len(targets):
        raise UsageError("two reports would be written to one file", hint="give each --report a file of its own")
    return targets


def write_reports(
    report: Report,
    targets: Sequence[tuple[str, Path]],
    code: int,
    clock: Clock,
    page: Beside | None = None,
    more: Mapping[str, Rule] | None = None,
) -> None:
    """Write ``report`` in the formats and to the files that --report asked for. Raises UsageError.

    ``page`` is what the HTML page shows beside the report, ``more`` are rules besides those of the catalogue.
    """
    if not targets:
        return
    from thunderguard import assets
    from thunderguard.catalogue import load_catalogue
    from thunderguard.reports.formats import render
    from thunderguard.reports.setting import Setting

    rules = {**load_catalogue().rules, **(more or {})}
    setting = Setting(rules=rules, exit_code=code, version=assets.version(), clock=clock)
    if page is not None:
        setting = replace(setting, changes=page.changes, compared=page.compared, plan=page.plan)
    for form, path in targets:
        output.write_file(path, render(form, report, setting))


def _titles(rules: Sequence[str], *, complete: bool) -> dict[str, str]:
    """Give the titles of the catalogue; raise UsageError when one of ``rules`` is not in it or cannot be asked."""
    from thunderguard.catalogue import load_catalogue

    known = load_catalogue().rules
    for rule in rules:
        if rule not in known:
            raise unknown_rule(rule, known)
        if known[rule].complete and not complete:
            raise UsageError(
                f"rule {rule} can only be answered from a whole estate", hint="add --complete if the paths hold one"
            )
    return {name: rule.title for name, rule in known.items()}


def unknown_rule(rule: str, known: Iterable[str]) -> UsageError:
    """Give the error for a rule id that is not in the catalogue, with the nearest one that is."""
    import difflib

    near = difflib.get_close_matches(rule, list(known), n=1, cutoff=0.5)
    ask = "thunderguard rules lists all of them"
    return UsageError(f"no rule is called {rule!r}", hint=f"did you mean {near[0]}? {ask}" if near else ask)


def _write(
    report: Report,
    titles: dict[str, str],
    *,
    form: str,
    code: int,
    target: Path | None,
    color: bool | None,
    picture: bool,
    clock: Clock,
) -> None:
    if form == "json":
        from thunderguard.reports import json

        data = json.render(report, clock=clock)
        if target is None:
            output.write_bytes(data)
    else:
        from thunderguard.reports import text

        look = output.look(color) if target is None else text.Look(color=bool(color))
        shown = text.render(report, titles=titles, exit_code=code, look=look, picture=picture)
        data = shown.encode("utf-8")
        if target is None:
            output.write(shown)
    if target is not None:
        from thunderguard.reports.text import summary

        output.write_file(target, data)
        # The report is out of sight, so its last line is said here as well.
        output.note(summary(report, code))
