"""What an API server puts into an object before policies see it: what they say of it is led back to what was sent.

A request that is left out becomes the limit of its name, and a generated name ends in five letters and digits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from thunderguard.facts.values import as_object, as_text
from thunderguard.paths import lookup, parse_path

if TYPE_CHECKING:
    from thunderguard.model import JsonObject, RawFinding

# The letters and digits of k8s.io/apimachinery/pkg/util/rand, and how many of them a name gets.
_ENDING = "[bcdfghjklmnpqrstvwxz2456789]{5}"
# Longer ones are cut before the ending is put behind.
_LONGEST = 58


def as_sent(text: str, obj: JsonObject | None) -> str:
    """Give what was said about ``obj`` with the beginning of its name in the place of the name that was made of it."""
    metadata = as_object((obj or {}).get("metadata"))
    beginning = as_text(metadata.get("generateName"))
    if not beginning or metadata.get("name"):
        return text
    return re.sub(re.escape(beginning[:_LONGEST]) + _ENDING, lambda _: beginning, text)


def without_echoes(findings: Sequence[RawFinding], obj: JsonObject | None) -> list[RawFinding]:
    """Leave out what is found about a request that was not sent, and is found about the limit it was made of as well.

    ``findings`` are those of one rule about ``obj``.
    """
    found = {finding.path for finding in findings}
    return [
        finding
        for finding in findings
        if not (
            ".resources.requests." in finding.path
            and ".resources.limits.".join(finding.path.rsplit(".resources.requests.", 1)) in found
            and not _was_sent(obj, finding.path)
        )
    ]


def _was_sent(obj: JsonObject | None, path: str) -> bool:
    segments = parse_path(path)
    return lookup(obj, segments)[1] == len(segments)
