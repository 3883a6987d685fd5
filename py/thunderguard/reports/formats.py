"""The formats of ``--report FORMAT=FILE`` by name. Each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from thunderguard.model import Report
from thunderguard.reports.setting import Setting

Renderer = Callable[[Report, Setting], bytes]

FORMATS: Mapping[str, tuple[str, str]] = {
    "github": ("thunderguard.reports.github", "render"),
    "html": ("thunderguard.reports.html", "render"),
    "json": ("thunderguard.reports.formats", "render_json"),
    "junit": ("thunderguard.reports.junit", "render_report"),
    "markdown": ("thunderguard.reports.markdown", "render"),
    "openreports": ("thunderguard.reports.policyreport", "render_openreports"),
    "policyreport": ("thunderguard.reports.policyreport", "render"),
    "prometheus": ("thunderguard.reports.prometheus", "render"),
    "sarif": ("thunderguard.reports.sarif", "render"),
    "text": ("thunderguard.reports.formats", "render_text"),
}


def render(name: str, report: Report, setting: Setting) -> bytes:
    """Write ``report`` in the format ``name``, one of :data:`FORMATS`."""
    module, attribute = FORMATS[name]
    return cast("Renderer", getattr(import_module(module), attribute))(report, setting)


def render_json(report: Report, setting: Setting) -> bytes:
    """Write the JSON report."""
    from thunderguard.reports import json

    return json.render(report, clock=setting.clock)


def render_text(report: Report, setting: Setting) -> bytes:
    """Write the text for people, without colours."""
    from thunderguard.reports import text

    titles = {name: rule.title for name, rule in setting.rules.items()}
    return text.render(report, titles=titles, exit_code=setting.exit_code).encode("utf-8", "backslashreplace")
