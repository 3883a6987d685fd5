"""Quantities as whole thousandths, at every edge of the grammar."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thunderguard.facts.quantity import LARGEST, milli

READABLE = [
    ("0", 0),
    ("+0", 0),
    ("1", 1000),
    ("1000m", 1000),
    ("500m", 500),
    ("0.5", 500),
    (".5", 500),
    ("5.", 5000),
    ("1.000001", 1001),
    ("0.0001", 1),
    ("1n", 1),
    ("1000000n", 1),
    ("1000001n", 2),
    ("1u", 1),
    ("1001u", 2),
    ("0n", 0),
    ("1k", 10**6),
    ("1M", 10**9),
    ("1G", 10**12),
    ("1T", 10**15),
    ("1P", 10**18),
    ("1E", LARGEST),
    ("1Ki", 1024 * 1000),
    ("2Gi", 2 * 2**30 * 1000),
    ("1.5Gi", 3 * 2**29 * 1000),
    ("7Pi", 7 * 2**50 * 1000),
    ("7.999Pi", 7999 * 2**50),
    ("8Pi", LARGEST),
    ("9Pi", LARGEST),
    ("1Ei", LARGEST),
    ("999999999999999E", LARGEST),
    ("1e3", 10**6),
    ("1E3", 10**6),
    ("1e+3", 10**6),
    ("1e-3", 1),
    ("1e-18", 1),
    ("1e18", LARGEST),
    ("1.5e1", 15000),
    ("999999999999999", 999999999999999000),
    (2, 2000),
    (0, 0),
    (0.5, 500),
    (1.0, 1000),
    (0.0001, None),
]

UNREADABLE: list[Any] = [
    "",
    " 1",
    "1 ",
    "1\n",
    "-1",
    "-0",
    -1,
    "--1",
    "++1",
    ".",
    "+",
    "m",
    "1mm",
    "1ki",
    "1K",
    "1Mb",
    "1 Gi",
    "1e",
    "1e19",
    "1e-19",
    "1e100",
    "1e3Gi",
    "1.2.3",
    "1234567890123456",
    "0.1234567",
    "1.2345Pi",
    "1.2345Ei",
    "\u0661",
    "NaN",
    "Inf",
    10**16,
    0.1234567,
    float("inf"),
    True,
    None,
    [],
    {},
    "two",
]


@pytest.mark.parametrize(("value", "expected"), READABLE)
def test_a_quantity_is_read(value: Any, expected: int) -> None:
    assert milli(value) == expected


@pytest.mark.parametrize("value", UNREADABLE, ids=repr)
def test_what_is_no_quantity_is_not_read(value: Any) -> None:
    assert milli(value) is None


@given(st.integers(0, 10**12), st.integers(0, 10**6 - 1), st.sampled_from(["", "m", "k", "M", "Ki", "Mi"]))
def test_reading_rounds_up_and_never_down(whole: int, part: int, suffix: str) -> None:
    """Property: what is read is the smallest whole number of thousandths not below the exact value."""
    factors: dict[str, int | Fraction] = {
        "": 1,
        "m": Fraction(1, 1000),
        "k": 1000,
        "M": 10**6,
        "Ki": 2**10,
        "Mi": 2**20,
    }
    exact = (whole + Fraction(part, 10**6)) * factors[suffix] * 1000
    read = milli(f"{whole}.{part:06d}{suffix}")
    assert read is not None
    assert read == LARGEST or 0 <= read - exact < 1


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Property: no text raises, and what is read lies between nothing and 8Pi."""
    read = milli(text)
    assert read is None or 0 <= read <= LARGEST
