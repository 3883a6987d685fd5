"""The properties, a module each, in the order of their letters."""

from __future__ import annotations

from collections.abc import Mapping

from thunderguard.replay.properties import (
    a_agreement,
    b_planted,
    c_noise,
    d_monotone,
    e_remedies,
    f_snapshot,
    g_recorded,
    h_admission,
    i_answers,
)
from thunderguard.replay.properties.base import Property

PROPERTIES: Mapping[str, Property] = {
    module.PROPERTY.id: module.PROPERTY
    for module in (
        a_agreement,
        b_planted,
        c_noise,
        d_monotone,
        e_remedies,
        f_snapshot,
        g_recorded,
        h_admission,
        i_answers,
    )
}

__all__ = ["PROPERTIES", "Property"]
