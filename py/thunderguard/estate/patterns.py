"""Which patterns mean the same to every engine: RE2, Go's regexp in OPA, CEL, and the regex crate of the embedded engine."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

# What one engine reads as Unicode and another as ASCII, or only one of them knows.
_REFUSED = (
    (re.compile(r"\\[dDwWsSbB]"), "write a class such as [0-9], [0-9A-Za-z_] or [ \\t\\n]: engines differ on Unicode"),
    (re.compile(r"\\[pPAzZCQEG0-7x]"), "write the characters themselves: engines differ on this escape"),
    (re.compile(r"\(\?"), "write it without (?...): engines differ on groups and flags"),
    (re.compile(r"\[[^]]*(&&|--|~~|\[(?!:))"), "no set operations inside [...]: only one engine knows them"),
    (re.compile(r"(?<!\\)\{(?![0-9])|\{,"), "escape a brace that is no repetition: engines differ on it"),
)


def mistake(pattern: str) -> tuple[str, str] | None:
    """Say what is wrong with ``pattern`` and what to do; None when every engine reads it alike."""
    for refused, remedy in _REFUSED:
        found = refused.search(pattern)
        if found is not None:
            return f"{found[0]!r} is not portable", remedy
    try:
        _options_compile(pattern)
    except Exception as error:  # noqa: BLE001 - the binding's own error class is private
        said = error.args[0] if error.args else error
        return f"not a regular expression: {said.decode() if isinstance(said, bytes) else said}", "see RE2's syntax page"
    repeats = [int(number) for number in re.findall(r"\{([0-9]+)", pattern)]
    if any(number > 1000 for number in repeats):
        return "repeats more than 1000 times", "RE2 allows up to 1000"
    return None


@cache
def _options_compile(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)
