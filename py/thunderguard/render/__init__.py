"""Admission policies and pages, rendered from the CEL bodies and the catalogue."""

from thunderguard.render.files import differences, rendered, write

__all__ = ["differences", "rendered", "write"]
