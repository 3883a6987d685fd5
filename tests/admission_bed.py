"""What tests of admission engines share: two small policies, in both flavours, and the words for them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from thunderguard.catalogue import Catalogue, Rule
from thunderguard.engines import Engine, EngineOptions, open_engine
from thunderguard.model import Level, Scope

POLICIES = Path(__file__).parent / "data" / "tiny_policies"
ENGINES = ("kyverno", "native")
FILES = {"kyverno": "kyverno.yaml", "native": "native.yaml"}
OBJECT_RULES = ("has-team", "no-latest")
DEADLINE = 60.0

ESTATE: dict[str, Any] = {
    "apiVersion": "thunderguard.dev/v1alpha1",
    "kind": "Estate",
    "metadata": {"name": "small"},
    "spec": {"teams": ["red", "blue"]},
}


def _rule(name: str, scope: Scope, level: Level, words: tuple[str, str]) -> Rule:
    return Rule(name, name, "", scope, level, False, "0.1.0", "", {"only": words})


CATALOGUE = Catalogue(
    {
        "has-team": _rule(
            "has-team", Scope.OBJECT, Level.WARN, ("{resource} has no team", "name a team for {resource}")
        ),
        "no-latest": _rule("no-latest", Scope.OBJECT, Level.DENY, ("{image} moves", "pin {image}")),
        "too-many": _rule("too-many", Scope.ESTATE, Level.DENY, ("{count} objects", "remove some")),
    }
)


def opened(name: str, **options: Any) -> Engine:
    """Open an admission engine with the small policies."""
    estate = cast("Any", SimpleNamespace(data=ESTATE, name="small"))
    options.setdefault("policies_dir", POLICIES)
    options.setdefault("deadline", DEADLINE)
    return open_engine(name, estate=estate, catalogue=CATALOGUE, options=EngineOptions(**options))
