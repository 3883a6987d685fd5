"""The engines by name. Each is imported only when it is chosen, since start-up time is part of every lint."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from thunderguard.engines.base import Engine, EngineOptions
from thunderguard.errors import UsageError

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.estate import Estate

# Named by text, so that importing the registry imports no engine.
_ENGINES = {
    "embedded": ("thunderguard.engines.embedded", "EmbeddedEngine"),
    "opa": ("thunderguard.engines.opa", "OpaEngine"),
    "conftest": ("thunderguard.engines.conftest", "ConftestEngine"),
    "kyverno": ("thunderguard.engines.kyverno", "KyvernoEngine"),
    "native": ("thunderguard.engines.native", "NativeEngine"),
    "opa-webhook": ("thunderguard.engines.webhook.opa", "OpaWebhookEngine"),
    "kyverno-webhook": ("thunderguard.engines.webhook.kyverno", "KyvernoWebhookEngine"),
    "native-webhook": ("thunderguard.engines.webhook.native", "NativeWebhookEngine"),
    "reference": ("thunderguard.engines.reference", "ReferenceEngine"),
}

ENGINE_NAMES: tuple[str, ...] = tuple(_ENGINES)
DEFAULT_ENGINE = "embedded"
#: Engines that ask a real API server, which is started for them. They are asked when they are named, and not for "all".
DOOR_ENGINES: tuple[str, ...] = ("opa-webhook", "kyverno-webhook", "native-webhook")
#: Those that are asked where nobody names any.
USUAL_ENGINES: tuple[str, ...] = tuple(name for name in ENGINE_NAMES if name not in DOOR_ENGINES)
#: Engines that judge one object at a time, as admission does, and never a whole estate.
ADMISSION_ENGINES: tuple[str, ...] = ("kyverno", "native", *DOOR_ENGINES)


def check_name(name: str) -> None:
    """Raise UsageError when no engine is called ``name``."""
    if name not in _ENGINES:
        raise UsageError(f"no engine is called {name!r}", hint=f"choose one of {', '.join(ENGINE_NAMES)}")


def open_engine(
    name: str,
    *,
    estate: Estate,
    catalogue: Catalogue,
    rego_dir: Path | None = None,
    opa_url: str | None = None,
    options: EngineOptions | None = None,
) -> Engine:
    """Open the engine ``name`` for ``estate`` and ``catalogue``; use it as a context manager.

    ``rego_dir`` (another folder of Rego sources) and ``opa_url`` (an OPA server that already runs) go before the
    same entries of ``options``. Raises UsageError for an unknown name, and what :class:`Engine` says for the rest.
    """
    check_name(name)
    if opa_url is not None and name != "opa":
        raise UsageError(f"the engine {name} does not use an OPA server", hint="use --engine opa with --opa-url")
    chosen = options or EngineOptions()
    if rego_dir is not None:
        chosen = replace(chosen, rego_dir=rego_dir)
    if opa_url is not None:
        chosen = replace(chosen, opa_url=opa_url)
    module, attribute = _ENGINES[name]
    engine = getattr(import_module(module), attribute)
    return cast("Engine", engine(estate=estate, catalogue=catalogue, options=chosen))
