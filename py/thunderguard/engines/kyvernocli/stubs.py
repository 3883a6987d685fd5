"""CustomResourceDefinitions without a schema, for the kinds that the program does not know by itself.

Without one a native policy ends the run at such an object, and a Kyverno policy is matched by a guess.
"""

from __future__ import annotations

from collections.abc import Iterable

from thunderguard.admission import split_api_version
from thunderguard.engines.definitions import definition
from thunderguard.engines.kyvernocli.known import KINDS
from thunderguard.engines.kyvernocli.questions import as_yaml
from thunderguard.facts.resources import API_VERSION
from thunderguard.model import JsonObject

_ESTATE = (*split_api_version(API_VERSION), "Estate")


def definitions(types: Iterable[tuple[str, str, str]]) -> str:
    """Give the definitions of the Estate and of those (group, version, kind) of ``types`` that are not built in."""
    wanted = sorted({_ESTATE, *types} - KINDS)
    return "\n---\n".join(as_yaml(_definition(*one)) for one in wanted)


def _definition(group: str, version: str, kind: str) -> JsonObject:
    scope = "Cluster" if (group, version, kind) == _ESTATE else "Namespaced"
    return definition(group, [version], kind, scope=scope)
