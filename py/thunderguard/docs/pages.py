"""The pages of an estate as texts, from its Estate, the catalogue and, where there is one, the audit of a snapshot."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from thunderguard.catalogue import Catalogue
from thunderguard.docs import mermaid
from thunderguard.docs.captured import captured
from thunderguard.docs.markdown import anchor, code, quoted, words
from thunderguard.docs.services import in_order_of_use, outside, services_of
from thunderguard.estate import Estate
from thunderguard.model import JsonObject, Report

if TYPE_CHECKING:
    from jinja2 import Environment

#: The pages by the names of their files.
PAGES = ("ARCHITECTURE.md", "DEPLOYMENT.md", "SERVICES.md", "TROUBLESHOOTING.md")

#: As many findings of a rule are shown; the report has them all.
SHOWN = 20


def pages(estate: Estate, catalogue: Catalogue, *, path: str, report: Report | None = None) -> dict[str, str]:
    """Give the text of each of :data:`PAGES`.

    ``path`` is that of the Estate as the reader of the pages may write it. ``report`` is the audit of a snapshot by
    this Estate; without one the pages say what is declared and nothing about what runs. No text depends on the time.
    """
    services = services_of(estate)
    seen = None if report is None else captured(report, services)
    spec = estate.data["spec"]
    deprecated = spec.get("deprecated", {})
    values: dict[str, Any] = {
        "estate": estate.name,
        "path": path,
        "namespaces": spec["namespaces"]["allowed"],
        "exempt": spec["namespaces"].get("exempt", []),
        "services": services,
        "in_order": in_order_of_use(services),
        "outside": outside(services),
        "deprecated": [
            *((f"chart {chart['name']}", chart) for chart in deprecated.get("charts", ())),
            *((f"service {service['name']}", service) for service in deprecated.get("services", ())),
        ],
        "required": spec.get("resources", {}).get("require", []),
        "forbidden_tags": spec.get("images", {}).get("forbidTags", []),
        "waivers": [{**waiver, "covers": _covers(waiver)} for waiver in spec.get("waivers", ())],
        "rules": list(catalogue.rules.values()),
        "captured": seen,
        "declared_diagram": mermaid.declared(services),
        "seen_diagram": mermaid.seen(seen.seen) if seen is not None and seen.seen else "",
        "shown": SHOWN,
    }
    environment = _environment()
    return {name: environment.get_template(f"{name}.j2").render(values) for name in PAGES}


def _covers(waiver: JsonObject) -> str:
    """Say in words what a waiver covers."""
    resource, labels = waiver.get("resource", {}), waiver.get("selector", {}).get("matchLabels", {})
    address = "/".join(resource[part] for part in ("namespace", "kind", "name") if part in resource)
    wanted = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return " with ".join(part for part in (address, wanted) if part)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - it writes Markdown, whose signs the filters escape
        loader=PackageLoader("thunderguard.docs"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"words": words, "code": code, "anchor": anchor, "quoted": quoted}
    return environment
