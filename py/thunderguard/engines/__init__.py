"""The ways to get a verdict, chosen by name with :func:`open_engine`."""

from thunderguard.engines.base import Engine, EngineOptions
from thunderguard.engines.registry import (
    ADMISSION_ENGINES,
    DEFAULT_ENGINE,
    DOOR_ENGINES,
    ENGINE_NAMES,
    USUAL_ENGINES,
    open_engine,
)

__all__ = [
    "ADMISSION_ENGINES",
    "DEFAULT_ENGINE",
    "DOOR_ENGINES",
    "ENGINE_NAMES",
    "USUAL_ENGINES",
    "Engine",
    "EngineOptions",
    "open_engine",
]
