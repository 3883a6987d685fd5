"""The mutations: small named changes of real objects, a module for each family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from thunderguard.replay.mutations import (
    charts,
    hiding,
    identity,
    images,
    lookalikes,
    noise,
    owners,
    placement,
    probes,
    resources,
    scaling,
    shapes,
)
from thunderguard.replay.mutations.base import Arguments, Family, Mutation

if TYPE_CHECKING:
    from thunderguard.facts.subject import Subject

FAMILIES: tuple[Family, ...] = (
    resources.FAMILY,
    images.FAMILY,
    placement.FAMILY,
    identity.FAMILY,
    hiding.FAMILY,
    charts.FAMILY,
    owners.FAMILY,
    scaling.FAMILY,
    probes.FAMILY,
    noise.FAMILY,
    shapes.FAMILY,
    lookalikes.FAMILY,
)

#: Every mutation by name.
MUTATIONS: Mapping[str, Mutation] = {mutation.name: mutation for family in FAMILIES for mutation in family.mutations}


def fitting(view: Subject) -> tuple[tuple[Mutation, ...], ...]:
    """Give the mutations that change an object such as ``view``, by family; a family without one is left out."""
    families = (tuple(mutation for mutation in family.mutations if mutation.needs(view)) for family in FAMILIES)
    return tuple(family for family in families if family)


__all__ = ["FAMILIES", "MUTATIONS", "Arguments", "Mutation", "fitting"]
