"""``thunderguard audit`` and ``thunderguard lint``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from thunderguard.cli import output
from thunderguard.cli.progress import shown_progress
from thunderguard.errors import UsageError
from thunderguard.model import Level, Report

# The names of the engines, written here as well so that --help imports none of them; a test compares the two.
ENGINES = ("embedded", "opa", "conftest", "reference")

_NEVER = "never"

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _options(command: _Command) -> _Command:
    """Add the options that audit and lint share."""
    options = (
        click.option(
            "--estate",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="The Estate to judge by.  [default: examples/thunderline/estate.yaml]",
        ),
        click.option(
            "--engine", type=click.Choice(ENGINES), default="embedded", show_default=True, help="Who gives the verdict."
        ),
        click.option("--opa-url", metavar="URL", help="An OPA server that already runs, for --engine opa."),
        click.option(
            "--fail-on",
            type=click.Choice([*(level.value for level in Level), _NEVER]),
            default=Level.DENY.value,
            show_default=True,
            help="The level from which on findings make the exit code 1.",
        ),
        click.option("--namespace", metavar="NS", help="The namespace of manifests that name none."),
        click.option("--rule", "rules", multiple=True, metavar="ID", help="Ask this rule only; can be given again."),
        click.option(
            "--format",
            "form",
            type=click.Choice(["text", "json"]),
            default="text",
            show_default=True,
            help="How the report is written.",
        ),
        click.option(
            "--output",
            "target",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Write the report to FILE, all of it or nothing.",
        ),
        click.option(
            "--workers", type=click.IntRange(min=1), metavar="N", help="Judge with N processes.  [default: as needed]"
        ),
        click.option(
            "--color/--no-color", default=None, help="Colours or none.  [default: on a terminal without NO_COLOR]"
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(short_help="Judge a snapshot, manifests or both by every rule.")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@_options
def audit(sources: tuple[str, ...], **options: Any) -> int:
    """Judge a snapshot, manifests or both by every rule.

    SOURCE is a snapshot (.jsonl, .gz, .zst), a file of manifests (YAML, JSON, `kubectl get -o yaml|json`), a
    directory of them, or - for standard input.
    """
    return _judge(sources, complete=True, picture=True, **options)


@click.command(short_help="Judge manifests before they are applied.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--complete", is_flag=True, help="PATH holds the whole estate: ask what is missing from it, too.")
@_options
def lint(paths: tuple[str, ...], *, complete: bool, **options: Any) -> int:
    """Judge manifests before they are applied.

    PATH is a file of manifests, a directory of them, or - for standard input. Rules that only a whole estate can
    answer are left out, unless --complete says that PATH is one.
    """
    return _judge(paths, complete=complete, picture=False, **options)


def _judge(
    paths: Sequence[str],
    *,
    complete: bool,
    picture: bool,
    estate: Path | None,
    engine: str,
    opa_url: str | None,
    fail_on: str,
    namespace: str | None,
    rules: Sequence[str],
    form: str,
    target: Path | None,
    workers: int | None,
    color: bool | None,
) -> int:
    if opa_url is not None and engine != "opa":
        raise click.UsageError("--opa-url needs --engine opa.", click.get_current_context())
    if target is not None:
        output.check_target(target)
    titles = _titles(rules, complete=complete)

    # Not before the cheap mistakes are told: this brings in the readers and the engines.
    from thunderguard.audit import exit_code, run_audit

    with shown_progress() as progress:
        report = run_audit(
            list(paths),
            estate=estate,
            engine=engine,
            opa_url=opa_url,
            fail_on=None if fail_on == _NEVER else Level(fail_on),
            namespace=namespace,
            rules=list(dict.fromkeys(rules)),
            complete=complete,
            workers=workers,
            progress=progress,
        )
    code = exit_code(report)
    _write(report, titles, form=form, code=code, target=target, color=color, picture=picture)
    return code


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
) -> None:
    if form == "json":
        from thunderguard.reports import json

        data = json.render(report)
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
