"""Names that may stand in a command, and how people name an object to kubectl."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from thunderguard.facts.resources import group_of
from thunderguard.plan.amounts import OWN_GROUPS

if TYPE_CHECKING:
    from thunderguard.model import Resource

# No name of an API server is anything else; one that is would be an option, a list, or a path to kubectl.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,252}[A-Za-z0-9])?\Z")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{0,62}\Z")
_GROUP = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?\Z")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,511}\Z")


def is_name(text: str) -> bool:
    """Say whether ``text`` is a name that an API server could have accepted."""
    return _NAME.match(text) is not None


def is_image(text: str) -> bool:
    """Say whether ``text`` is an image reference of plain characters."""
    return _IMAGE.match(text) is not None


def is_addressable(resource: Resource) -> bool:
    """Say whether an object has an address that a command may name."""
    group = group_of(resource.apiVersion)
    return (
        is_name(resource.name)
        and (not resource.namespace or is_name(resource.namespace))
        and _KIND.match(resource.kind) is not None
        and (not group or _GROUP.match(group) is not None)
    )


def typed(resource: Resource) -> str:
    """Spell the kind of an object for kubectl: with its group where the API server has none of that name."""
    group = group_of(resource.apiVersion)
    kind = resource.kind.lower()
    return kind if group in OWN_GROUPS else f"{kind}.{group}"


def where(resource: Resource) -> tuple[str, ...]:
    """Give the words that name the namespace of an object, none for one without."""
    return ("-n", resource.namespace) if resource.namespace else ()
