"""Measure the page of a report in a real browser: how soon it is painted, and how fast a filter answers.

The findings are those of October 8, 2025, over and over under other names. Times are the browser's own: First
Contentful Paint, and from a key or a choice until the frame that shows its answer. Prints medians and whether the goals
are reached. Needs Debian's chromium.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.table import Table

from thunderguard import assets
from thunderguard.audit import run_audit
from thunderguard.catalogue import load_catalogue
from thunderguard.model import Report
from thunderguard.reports.html import render
from thunderguard.reports.setting import Setting

ROOT = Path(__file__).resolve().parent.parent
SNAPSHOT = ROOT / "examples" / "thunderline" / "2025-10-08.jsonl"

PAINT = 2000
FILTER = 200

# A promise that gives the milliseconds from a change until the second frame after it: then it is on the screen.
TIMED = """(change) => new Promise((done) => {
  const began = performance.now();
  change();
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
})"""

CHANGES = {
    "search": "['q', 'mlflow-7']",
    "search that finds nothing": "['q', 'nowhere']",
    "search cleared": "['q', '']",
    "rule": "['rule', 'resource-limits']",
    "all rules": "['rule', '']",
    "group by object": "['group', 'owner']",
    "group by rule": "['group', 'rule']",
}

# Readiness is what the browser tells of itself: painted, and the script done.
READY = "() => performance.getEntriesByName('first-contentful-paint').length && document.querySelector('tr.finding')"


def main() -> int:
    """Make the page, measure, print; exit 1 when a goal is missed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--findings", type=int, default=10_000, help="how many findings (default 10000)")
    options.add_argument("--repeat", type=int, default=5, help="how often each is measured (default 5)")
    chosen = options.parse_args()
    program = shutil.which("chromium")
    if program is None:
        sys.exit("install Debian's chromium: apt-get install chromium")
    console = Console()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = Path(folder) / "page.html"
        setting = Setting(rules=load_catalogue().rules, exit_code=1, version=assets.version())
        page.write_bytes(render(many(chosen.findings), setting))
        browser = playwright.chromium.launch(executable_path=program)
        turns = [measure(browser, page) for _ in range(chosen.repeat)]
        browser.close()
        size = page.stat().st_size / 1e6
    table = Table(title=f"a page of {chosen.findings} findings, {size:.1f} MB, median of {chosen.repeat}")
    for heading in ("what", "ms", "min-max"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    medians = {}
    for name in turns[0]:
        measured = [turn[name] for turn in turns]
        medians[name] = statistics.median(measured)
        table.add_row(name, f"{medians[name]:.0f}", f"{min(measured):.0f}-{max(measured):.0f}")
    console.print(table)
    goals = {
        f"first paint below {PAINT} ms": medians["first paint"] < PAINT,
        f"every filter below {FILTER} ms": all(medians[name] < FILTER for name in CHANGES),
    }
    for goal, reached in goals.items():
        console.print(f"{'reached' if reached else 'MISSED '}  {goal}", style="green" if reached else "red")
    return 0 if all(goals.values()) else 1


def many(number: int) -> Report:
    """Give October's report with ``number`` findings."""
    report = run_audit([str(SNAPSHOT)])
    found = [
        replace(one, resource=replace(one.resource, name=f"{one.resource.name}-{turn}"), fingerprint=f"{turn}-{place}")
        for turn in range(number // len(report.findings) + 1)
        for place, one in enumerate(report.findings)
    ]
    return replace(report, findings=tuple(found[:number]))


def measure(browser: Browser, page: Path) -> dict[str, float]:
    """Open the page anew and give milliseconds by what was done."""
    tab = browser.new_page()
    tab.goto(page.as_uri())
    tab.wait_for_function(READY)
    times: dict[str, float] = {
        "first paint": tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"),
        "list ready": tab.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"),
    }
    for name, change in CHANGES.items():
        times[name] = tab.evaluate(
            f"""() => ({TIMED})(() => {{
              const [id, value] = {change};
              const control = document.getElementById(id);
              control.value = value;
              control.dispatchEvent(new Event('input', {{ bubbles: true }}));
            }})"""
        )
    tab.close()
    return times


if __name__ == "__main__":
    sys.exit(main())
