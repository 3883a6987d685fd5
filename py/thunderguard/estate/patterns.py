"""Which patterns mean the same to every engine.

That is RE2, Go's regexp in OPA and CEL, and the regex crate in the embedded engine. What they differ on is refused:
https://github.com/google/re2/wiki/Syntax, https://pkg.go.dev/regexp/syntax, https://docs.rs/regex/latest/regex/#syntax.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from thunderguard.estate.text import shown

_OUTSIDE = re.compile(r"\\.|\[\^?\]?|\(\??|\{[0-9]+(?:,[0-9]*)?\}|.", re.DOTALL)
_INSIDE = re.compile(r"\\.|\[:\^?[a-z]+:\]|&&|--|~~|.", re.DOTALL)
_SET_NOTATION = {"&&", "--", "~~", "["}
# After a backslash these stand for themselves, or for one control character, in every engine.
_ESCAPED = frozenset(r"\.+*?()|[]{}^$-#&~/" + "tnr")


def mistake(pattern: str) -> tuple[str, str] | None:
    """Say what is wrong with ``pattern`` and what to do; None when every engine reads it alike."""
    found = _not_portable(pattern)
    if found is not None:
        odd, remedy = found
        return f"{shown(odd)} in {shown(pattern)} is not portable", remedy
    said = _refusal(pattern)
    if said is not None:
        return (
            f"{shown(pattern)} is not a regular expression: {said}",
            "see RE2's syntax, or escape what is meant as text",
        )
    return None


def _not_portable(pattern: str) -> tuple[str, str] | None:
    at, inside = 0, False
    while at < len(pattern):
        token = (_INSIDE if inside else _OUTSIDE).match(pattern, at)
        assert token is not None  # noqa: S101 - the last alternative takes any character
        at = token.end()
        word = token[0]
        if word[0] == "\\" and (len(word) == 1 or word[1] not in _ESCAPED):
            return word, _escape_remedy(word)
        if inside:
            if word in _SET_NOTATION:
                return word, "escape it with a backslash: the embedded engine reads set notation inside [...]"
            inside = word != "]"
        elif word[0] == "[":
            inside = True
        elif word == "(?":
            return word, "write a plain group (...): engines differ on flags, names and look-around"
        elif word in {"{", "}"}:
            return word, "escape a brace that is no repetition: engines differ on it"
    return None


def _escape_remedy(word: str) -> str:
    classes = {
        "d": "[0-9]",
        "w": "[0-9A-Za-z_]",
        "s": "[ \\t\\n\\r]",
        "D": "[^0-9]",
        "W": "[^0-9A-Za-z_]",
        "S": "[^ \\t]",
    }
    if word[1:] in classes:
        return f"write {classes[word[1:]]}: engines differ on Unicode"
    if word[1:] in {"A", "z", "Z"}:
        return "write ^ or $"
    return "write the characters themselves: engines differ on this escape"


@cache
def _refusal(pattern: str) -> str | None:
    """Give what RE2 says against ``pattern``."""
    import re2

    options: Any = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else "unknown"
        return shown(said.decode(errors="replace") if isinstance(said, bytes) else str(said)).strip('"')
    return None
