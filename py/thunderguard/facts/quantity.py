"""Kubernetes quantities as whole thousandths.

The grammar is that of k8s.io/apimachinery ``resource.ParseQuantity``, narrowed to what Rego, CEL and Python can all
compute exactly: at most 15 digits before the point and 6 after it, nothing negative, and everything from 8Pi up
counts as 8Pi.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from thunderguard.facts.values import number_text

_QUANTITY = re.compile(
    r"\+?(?:(?P<whole>[0-9]{1,15})(?:\.(?P<part>[0-9]{0,6}))?|\.(?P<bare>[0-9]{1,6}))"
    r"(?:(?P<suffix>[numkMGTPE]|[KMGTPE]i)|[eE](?P<exponent>[+-]?[0-9]{1,2}))?\Z"
)
_FACTORS = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 10**3),
    **{letter: Fraction(10 ** (3 * power)) for power, letter in enumerate("kMGTPE", 1)},
    **{f"{letter}i": Fraction(2 ** (10 * power)) for power, letter in enumerate("KMGTPE", 1)},
}
_LARGEST_EXPONENT = 18
_FINEST_OF_LARGE = 3

#: 8Pi in thousandths. Everything above counts as this, so that no engine needs more than 64 bits.
LARGEST = 2**53 * 1000


def milli(value: Any) -> int | None:
    """Give the quantity ``value``, a string or a JSON number, in thousandths rounded up; None when it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = number_text(value)
    found = _QUANTITY.match(value) if isinstance(value, str) else None
    if found is None:
        return None
    digits, fraction = found["whole"] or "0", found["part"] or found["bare"] or ""
    suffix, exponent = found["suffix"], int(found["exponent"] or 0)
    if abs(exponent) > _LARGEST_EXPONENT or (suffix in ("Pi", "Ei") and len(fraction) > _FINEST_OF_LARGE):
        return None
    factor = _FACTORS[suffix] if suffix else Fraction(10) ** exponent
    thousandths = 1000 * factor * Fraction(int(digits + fraction), 10 ** len(fraction))
    return min(-(-thousandths.numerator // thousandths.denominator), LARGEST)
