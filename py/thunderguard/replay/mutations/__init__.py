"""The mutations: small named changes of real objects, a module for each family."""

from __future__ import annotations

from collections.abc import Mapping

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

__all__ = ["FAMILIES", "MUTATIONS", "Arguments", "Mutation"]
