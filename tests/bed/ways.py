"""The ways of admission by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from thunderguard.engines.webhook.way import Way

# Named by text, since each is imported only when it is asked for.
_WAYS = {
    "native": ("thunderguard.engines.webhook.native", "NativeWay"),
    "opa": ("thunderguard.engines.webhook.opa", "OpaWay"),
    "kyverno": ("thunderguard.engines.webhook.kyverno", "KyvernoWay"),
}
OWN = tuple(_WAYS)


def way(name: str) -> Way:
    """Make the way called ``name``, one of ``OWN``."""
    module, attribute = _WAYS[name]
    return cast("Way", getattr(import_module(module), attribute)())
