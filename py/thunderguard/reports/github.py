"""Workflow commands of GitHub Actions: each finding becomes an annotation at its line.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from thunderguard.model import Finding, Level, Problem, Report, in_order
from thunderguard.reports.setting import Setting, writable
from thunderguard.reports.terminal import safe

_COMMANDS = {Level.DENY: "error", Level.WARN: "warning", Level.INFO: "notice"}


def render(report: Report, setting: Setting) -> bytes:
    """Write an annotation for each finding and each problem, one a line."""
    findings = in_order(report.findings)
    lines = [_finding(finding, setting) for finding in findings]
    lines += [_problem(problem) for problem in report.problems]
    return "".join(f"{line}\n" for line in lines).encode()


def _finding(finding: Finding, setting: Setting) -> str:
    properties = {
        "file": finding.file,
        "line": finding.line,
        "col": finding.column if finding.line is not None else None,
        "title": f"{finding.rule}: {setting.title(finding.rule)}",
    }
    words = f"{finding.resource} {finding.path}: {finding.message}. {finding.remedy}"
    if (waived := finding.waived) is not None:
        properties["title"] = f"{finding.rule}, waived until {waived.expires}"
        return _command("notice", properties, f"{words} (waived by {waived.owner}: {waived.reason})")
    return _command(_COMMANDS[finding.level], properties, words)


def _problem(problem: Problem) -> str:
    about = f"{problem.object}: " if problem.object else ""
    properties = {"file": problem.file, "line": problem.line, "title": f"Thunderguard: {problem.kind}"}
    return _command("error", properties, f"{about}{problem.message}")


def _command(name: str, properties: dict[str, str | int | None], message: str) -> str:
    written = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value is not None)
    return f"::{name} {written}::{_data(message)}"


def _data(text: str) -> str:
    # The runner undoes these escapes, so that a name can neither end the line nor begin a command of its own.
    escaped = str(writable(text)).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return safe(escaped)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
