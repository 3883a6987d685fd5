"""The result of trying the values of a chart, for people: what breaks a rule first, each as a values file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import orjson

from thunderguard.reports.sheet import Sheet, counted

if TYPE_CHECKING:
    from thunderguard.model import JsonObject
    from thunderguard.reports.text import Look

_LONGEST_VALUES = 40


def render_json(value: JsonObject) -> bytes:
    """Write the JSON value of a result as text."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def render(value: JsonObject, *, look: Look) -> str:
    """Write the JSON value of a result for people; ``look`` says how text may look."""
    sheet = Sheet(look)
    place = f"as {value['release']} in {value['namespace']}"
    sheet.line(sheet.paint(sheet.safe(f"The values of {value['chart']}, {place}, seed {value['seed']}"), "bold"))
    switches = value["switches"]
    drawn = f"{value['rendered']} of {value['tried']} values files render"
    of_pairs = (
        f"{switches['covered']} of {switches['pairs']} pairs of {counted(switches['number'], 'switch', 'switches')}"
    )
    sheet.line(f"  {drawn}; {of_pairs} covered; {counted(value['renders'], 'render')} in {value['seconds']:.1f} s")
    if value["stopped"]:
        left = value["planned"] - value["tried"]
        sheet.line(
            sheet.paint(f"  the time was up: {counted(left, 'values file')} of {value['planned']} left out", "yellow")
        )
    new = [one for one in value["broken"] if one["shipped"] is None]
    if new:
        sheet.section("Values that break a rule, and no values file shows it")
    for one in new:
        _broken(sheet, one)
    known = [one for one in value["broken"] if one["shipped"] is not None]
    if known:
        sheet.section("Broken by the chart's own values files (thunderguard charts lists what)")
    for one in known:
        rules = Counter(found["rule"] for found in one["findings"])
        counts = ", ".join(f"{number} {sheet.safe(rule)}" for rule, number in sorted(rules.items()))
        sheet.line(f"  {sheet.safe(one['shipped'])}: {counts}")
    if value["notRendered"]:
        sheet.section("Not rendered")
    for one in value["notRendered"]:
        sheet.line(f"  {one['examples']} times: {sheet.safe(one['reason'])}")
        _values(sheet, one["values"])
    sheet.ending(summary(value), value["exitCode"])
    return sheet.text()


def summary(value: JsonObject) -> str:
    """Give the last line of the text: what came of the values, and the exit code."""
    new = sum(one["shipped"] is None for one in value["broken"])
    known = sum(len(one["findings"]) for one in value["broken"] if one["shipped"] is not None)
    parts = [
        f"{new} new combinations of values break a rule" if new != 1 else "1 new combination of values breaks a rule"
    ]
    if known:
        parts.append(f"{counted(known, 'finding')} of the chart's own values files")
    failed = value["tried"] - value["rendered"]
    if failed:
        parts.append(f"{failed} not rendered")
    return "; ".join([*parts, f"exit {value['exitCode']}"])


def _broken(sheet: Sheet, one: JsonObject) -> None:
    for found in one["findings"]:
        level = sheet.paint(found["level"], {"deny": "red", "warn": "yellow"}.get(found["level"], "dim"))
        sheet.line(
            f"  {level}  {sheet.safe(found['rule'])}  {sheet.safe(found['template'])}  {sheet.safe(found['resource'])}"
        )
        sheet.line(f"    {sheet.safe(found['path'])}  {sheet.safe(found['message'])}")
    _values(sheet, one["values"])


def _values(sheet: Sheet, text: str) -> None:
    lines = text.splitlines()
    for line in lines[:_LONGEST_VALUES]:
        sheet.line(f"      {sheet.paint(sheet.safe(line), 'cyan')}")
    if len(lines) > _LONGEST_VALUES:
        sheet.line(f"      ({len(lines) - _LONGEST_VALUES} more lines; --format json has them all)")
