"""Engines at a real door, opened for tests."""

from __future__ import annotations

from typing import Any, cast

from bed.cluster import BIN
from thunderguard.catalogue import load_catalogue
from thunderguard.engines import EngineOptions, open_engine
from thunderguard.engines.webhook.engine import WebhookEngine
from thunderguard.estate import DEFAULT_ESTATE, Estate, load_estate

CATALOGUE = load_catalogue()
ESTATE = load_estate(DEFAULT_ESTATE)


def missing(*programs: str) -> list[str]:
    """Give those of ``programs`` that `make tools` has yet to build."""
    return [program for program in programs if not (BIN / program).is_file()]


def opened(name: str, estate: Estate = ESTATE, **options: Any) -> WebhookEngine:
    """Open the engine ``name`` with ``options`` of :class:`EngineOptions`."""
    engine = open_engine(name, estate=estate, catalogue=CATALOGUE, options=EngineOptions(**options))
    return cast("WebhookEngine", engine)
