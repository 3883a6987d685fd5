"""The explanation of a rule or a finding, as text and as JSON (``schemas/explain.schema.json``)."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import orjson

from thunderguard.reports.json import finding_value
from thunderguard.reports.setting import writable
from thunderguard.reports.sheet import Sheet, counted

if TYPE_CHECKING:
    from thunderguard.explain.explain import Explained
    from thunderguard.model import Finding, JsonObject
    from thunderguard.reports.text import Look

FORMAT_VERSION = "1"
_WIDTH = 96
_MOST_LINES = 60


def render(told: Explained, look: Look) -> str:
    """Give an explanation as text."""
    sheet = Sheet(look)
    rule, finding = told.rule, told.finding
    if finding is not None:
        _about(sheet, told, finding)
    sheet.line(sheet.paint(f"{rule.id}: {rule.title}", "bold"))
    sheet.line(f"  level  {rule.level}")
    sheet.line(f"  scope  {rule.scope}")
    sheet.line(f"  audit  {sheet.safe(rule.audit)}")
    sheet.section("Why")
    _paragraph(sheet, rule.why)
    if finding is None:
        sheet.section("What breaks it, and what to do")
        for key, (message, remedy) in rule.violations.items():
            sheet.line(f"  {key}")
            sheet.line(f"    {message}")
            sheet.line(f"    {sheet.glyphs.arrow} {remedy}")
    if told.found is not None:
        sheet.section(f"Found here: {counted(len(told.found), 'finding')}")
        for one in told.found:
            sheet.line(f"  {one.fingerprint}  {sheet.safe(one.resource)}  {sheet.safe(one.path)}")
    if told.examples is not None:
        for name, example in (("fails", told.examples.fails), ("passes", told.examples.passes)):
            sheet.section(f"This {name}  ({example.source})")
            lines = example.text.splitlines()
            for text in lines[:_MOST_LINES]:
                sheet.line(f"  {text}")
            if len(lines) > _MOST_LINES:
                sheet.line(f"  ... {len(lines) - _MOST_LINES} more lines; --format json has them")
    return sheet.text()


def _about(sheet: Sheet, told: Explained, finding: Finding) -> None:
    paint, safe = sheet.paint, sheet.safe
    sheet.line(paint(f"{finding.level}  {safe(finding.resource)}  {safe(finding.path)}", "red", "bold"))
    sheet.line(f"  {safe(finding.message)}")
    sheet.line(f"  {sheet.glyphs.arrow} {safe(finding.remedy)}")
    sheet.line(f"  fingerprint {finding.fingerprint}")
    if finding.file is not None:
        line = "" if finding.line is None else f":{finding.line}"
        sheet.line(f"  at {safe(finding.file)}{line}")
    sheet.section("What decided")
    for clue in told.clues:
        sheet.line(f"  {clue.topic:<10}  {safe(clue.text)}")
    if told.untraced:
        sheet.line(f"  {told.untraced}")
    sheet.line()


def _paragraph(sheet: Sheet, text: str) -> None:
    for line in textwrap.wrap(text, _WIDTH, break_on_hyphens=False):
        sheet.line(f"  {sheet.safe(line)}")


def render_json(told: Explained) -> bytes:
    """Give an explanation as JSON."""
    rule, examples = told.rule, told.examples
    value: JsonObject = {
        "formatVersion": FORMAT_VERSION,
        "rule": {
            "id": rule.id,
            "title": rule.title,
            "why": rule.why,
            "level": str(rule.level),
            "scope": str(rule.scope),
            "since": rule.since,
            "audit": rule.audit,
            "violations": {
                key: {"message": message, "remedy": remedy} for key, (message, remedy) in rule.violations.items()
            },
        },
        "examples": None
        if examples is None
        else {
            name: {"source": one.source, "text": one.text}
            for name, one in (("fails", examples.fails), ("passes", examples.passes))
        },
        "finding": None if told.finding is None else _finding(told.finding),
        "trace": [{"topic": clue.topic, "text": clue.text} for clue in told.clues],
        "found": None if told.found is None else [_finding(one) for one in told.found],
    }
    return orjson.dumps(writable(value), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _finding(finding: Finding) -> JsonObject:
    value = finding_value(finding)
    kept = ("fingerprint", "rule", "level", "service", "resource", "path", "file", "line", "message", "remedy")
    return {key: value[key] for key in kept}
