"""A clean-up plan for people, as Markdown, and as JSON (``schemas/plan.schema.json``)."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import orjson

from thunderguard.reports.json import address
from thunderguard.reports.markdown import code, plain
from thunderguard.reports.setting import writable
from thunderguard.reports.sheet import Sheet, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from thunderguard.model import Finding, JsonObject
    from thunderguard.plan.steps import Command, Plan, Step
    from thunderguard.reports.text import Look

FORMAT_VERSION = "1"


def line(command: Command) -> str:
    """Give a command as one line of bash, every word quoted where it has to be. It is not yet safe to be shown."""
    text = " | ".join(shlex.join(words) for words in command.pipeline)
    if command.stdin is not None:
        text = f"printf '%s\\n' {shlex.quote(command.stdin)} | {text}"
    if command.file is not None:
        text = f'{text} > "$backup"/{shlex.quote(command.file)}'
    return f"until_nothing_is_left {text}" if command.silent else text


def lines(step: Step) -> list[str]:
    """Give all commands of a step as lines of bash, in the order in which they are run."""
    return [line(one) for one in (*step.guards, *step.backups, *step.commands, *step.checks)]


def summary(plan: Plan) -> str:
    """Give the totals."""
    resolved, number = len(plan.resolved), len(plan.findings)
    text = f"{counted(len(plan.steps), 'step')} {'resolves' if len(plan.steps) == 1 else 'resolve'}"
    by_hand = f"{counted(sum(len(step.findings) for step in plan.by_hand), 'finding')} left to do by hand"
    return f"{text} {resolved} of {counted(number, 'finding')}; {by_hand}"


def render(plan: Plan, look: Look) -> str:
    """Give a plan as text: each step with why, what is done, what may be lost and the way back."""
    sheet = Sheet(look)
    paint, safe = sheet.paint, sheet.safe
    sheet.line(paint(f"Clean-up of {safe(plan.source)} by the Estate {safe(plan.estate['name'])}", "bold"))
    for number, step in enumerate(plan.steps, 1):
        sheet.line()
        told = paint(f"resolves {counted(len(step.findings), 'finding')}", "dim")
        sheet.line(f"{number:>3}. {paint(safe(step.title), 'bold')}  {told}")
        sheet.line(f"     why     {safe(step.reason)}")
        for warning in step.warnings:
            sheet.line(f"     {paint('CAREFUL', 'red', 'bold')} {safe(warning)}")
        for name, commands in (
            ("before", step.guards),
            ("keep", step.backups),
            ("do", step.commands),
            ("look", step.checks),
        ):
            for shown in (safe(line(command)) for command in commands):
                sheet.line(f"     {name:<7} {paint(shown, 'cyan') if name == 'do' else shown}")
        for words in step.back:
            sheet.line(f"     back    {safe(words)}")
    if plan.by_hand:
        sheet.section("By hand")
        for step in plan.by_hand:
            left = paint(f"({counted(len(step.findings), 'finding')})", "dim")
            sheet.line(f"  -  {safe(step.title)}  {left}")
            sheet.line(f"     {safe(step.reason)}")
    sheet.line()
    sheet.line(paint(summary(plan), "bold"))
    return sheet.text()


def render_markdown(plan: Plan) -> str:
    """Give a plan as Markdown, for an issue or a change request."""
    told = [f"## Clean-up of {plain(plan.source)}", "", f"{plain(summary(plan))}", ""]
    for place, step in enumerate(plan.steps, 1):
        told += [f"{place}. **{plain(step.title)}**: resolves {counted(len(step.findings), 'finding')}"]
        told += [f"   - {plain(step.reason)}"]
        told += [f"   - ⚠️ {plain(warning)}" for warning in step.warnings]
        told += [f"   - {code(one)}" for one in lines(step)]
        told += [f"   - way back: {code(words)}" for words in step.back]
    if plan.by_hand:
        told += ["", "### By hand", ""]
        told += [f"- [ ] {plain(step.title)}<br>{plain(step.reason)}" for step in plan.by_hand]
    return "\n".join(told) + "\n"


def render_json(plan: Plan) -> bytes:
    """Give a plan as JSON."""
    left = [finding for step in plan.by_hand for finding in step.findings]
    value = {
        "formatVersion": FORMAT_VERSION,
        "source": plan.source,
        "estate": plan.estate,
        "steps": [_step(step, number) for number, step in enumerate(plan.steps, 1)],
        "byHand": [_step(step, None) for step in plan.by_hand],
        "totals": {"findings": len(plan.findings), "resolved": len(plan.resolved), "byHand": len(left)},
    }
    return orjson.dumps(writable(value), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _step(step: Step, number: int | None) -> JsonObject:
    value: JsonObject = {
        "kind": step.kind,
        "title": step.title,
        "reason": step.reason,
        "findings": [_finding(finding) for finding in step.findings],
    }
    if number is None:
        return value
    return {
        "number": number,
        **value,
        "warnings": list(step.warnings),
        "before": _commands(step.guards),
        "keep": _commands(step.backups),
        "do": _commands(step.commands),
        "look": _commands(step.checks),
        "back": list(step.back),
    }


def _commands(commands: Sequence[Command]) -> list[JsonObject]:
    return [
        {
            "line": line(command),
            "pipeline": [list(words) for words in command.pipeline],
            "stdin": command.stdin,
            "file": command.file,
            "untilNothingIsLeft": command.silent,
        }
        for command in commands
    ]


def _finding(finding: Finding) -> JsonObject:
    return {
        "fingerprint": finding.fingerprint,
        "rule": finding.rule,
        "level": str(finding.level),
        "resource": address(finding.resource),
        "path": finding.path,
        "message": finding.message,
    }
