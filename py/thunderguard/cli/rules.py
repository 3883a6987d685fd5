"""``thunderguard rules``."""

from __future__ import annotations

import textwrap

import click

from thunderguard.cli import output
from thunderguard.model import ExitCode
from thunderguard.reports.terminal import pad, safe

_WIDTH = 100


@click.group(invoke_without_command=True, short_help="List the rules, or show one.")
@click.pass_context
def rules(ctx: click.Context) -> int:
    """List the rules, or show one.

    Without a command: the id, level, scope and title of every rule. Scope object is decided by one object alone,
    scope estate needs the whole set, scope report all that was found in it.
    """
    if ctx.invoked_subcommand is not None:
        return ExitCode.CLEAN
    from thunderguard.catalogue import load_catalogue

    known = load_catalogue().rules
    rows = [("id", "level", "scope", "title")]
    rows += [(rule.id, str(rule.level), str(rule.scope), rule.title) for _, rule in sorted(known.items())]
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    for row in rows:
        cells = [pad(safe(cell), width) for cell, width in zip(row, widths, strict=False)]
        output.write("  ".join([*cells, safe(row[3])]) + "\n")
    return ExitCode.CLEAN


@rules.command(short_help="Say why a rule is there and what to do about what breaks it.")
@click.argument("rule_id", metavar="ID")
def show(rule_id: str) -> int:
    """Say why a rule is there and what to do about what breaks it."""
    from thunderguard.catalogue import load_catalogue
    from thunderguard.cli.judge import unknown_rule

    known = load_catalogue().rules
    if rule_id not in known:
        raise unknown_rule(rule_id, known)
    rule = known[rule_id]
    lines = [rule.id, f"  {rule.title}", "", f"  level  {rule.level}", f"  scope  {rule.scope}"]
    if rule.complete:
        lines.append("         answered from a whole estate only: lint asks it with --complete")
    lines += [f"  since  {rule.since}"]
    if rule.audit:
        lines.append(f"  audit  {rule.audit}")
    lines += ["", "why", *_wrapped(rule.why, "  "), "", "what breaks it, and the remedy"]
    for key in sorted(rule.violations):
        message, remedy = rule.violations[key]
        lines += [f"  {key}", *_wrapped(message, "    "), *_wrapped(f"remedy: {remedy}", "    ")]
    output.write("".join(f"{safe(line)}\n" for line in lines))
    return ExitCode.CLEAN


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=_WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
