"""Admission policies and pages, rendered from the CEL bodies and the catalogue."""

from thunderguard.render.files import DEFAULT_ESTATE, differences, rendered, write

__all__ = ["DEFAULT_ESTATE", "differences", "rendered", "write"]
