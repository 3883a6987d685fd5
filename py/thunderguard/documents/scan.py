"""The quick scan: may the bulk loader read this text, or would it read something else than Kubernetes?

The bulk loader (ryaml) follows YAML 1.2 and Kubernetes YAML 1.1, so that they differ about some plain scalars, merge
keys and tags. The scan looks for any place where such a thing could begin; it may err only towards caution. That it
misses nothing is a property test (tests/properties/test_yaml_reading.py).
"""

from __future__ import annotations

import re

# Where a plain scalar, a property or an indicator can begin: at the start of a line, after an indicator and blanks,
# after a flow indicator, and after a ":" that ends a quoted key.
_START = r"(?:^[ \t]*|[-?:][ \t]+|(?<![A-Za-z0-9_./-]):|[\[{,][ \t]*)"
_END = r"(?=[ \t]*(?:$|[,\]}#]|:(?:[\s,\[\]{}]|$)))"
# Numbers that both read alike: whole numbers and fractions in their usual form. With two dots, and in dates, both see
# text.
_SAFE = (
    r"(?:-?(?:0|[1-9][0-9]{0,17})|-?(?:0|[1-9][0-9]{0,13})\.[0-9]{0,6}[1-9]"
    r"|[0-9]+(?:\.[0-9]+){2,}|[0-9]{4}-[0-9]{2}-[0-9]{2}"
    # Hashes and UUIDs: a letter other than e makes them text, unless they look like 0b1, 0o1 or 0x1.
    r"|(?!0[bBoOxX])[0-9][0-9a-fA-F-]*[abcdfABCDF][0-9a-fA-F-]*)"
)
_DOUBTFUL = (
    r"(?:"
    r"[&*!%]"  # anchors, aliases, tags, directives
    r"|\?(?![A-Za-z])|<<"  # explicit keys, merge keys
    r"|(?:[yY](?:es)?|[nN]o?|[oO](?:n|ff)|YES|NO|ON|OFF)" + _END + r"|[-+]?\.[iInN]"
    # underscores are dropped before a number is read, wherever they stand behind the first character
    r"|(?=[-+.0-9])(?!" + _SAFE + _END + r")[-+]?_*\.?_*[0-9][0-9_.eExXoObBa-fA-F+-]*" + _END + r")"
)
_FIND = re.compile(_START + _DOUBTFUL, re.MULTILINE)
# In a flow collection "?" is an indicator even without a blank after it.
_FLOW_KEY = re.compile(r"[\[{,][ \t]*\?|^[ \t]*\?", re.MULTILINE)
_ODD_BREAKS = re.compile("[\r\x85\u2028\u2029\ufeff]")

# The search above takes twice as long as the bulk loader, so that a cheaper look at the words of the text comes first:
# where no word is doubtful, whatever stands around it, only lines with a mark are searched.
_WORD_BREAKS = str.maketrans("[]{},\"'", "       ")
_BARE_WORDS = ("y", "Y", "yes", "Yes", "YES", "n", "N", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF")
_WORDS = frozenset(f"{before}{word}{after}" for word in _BARE_WORDS for before in ("", ":") for after in ("", ":"))
_MARKS = ("&", "*", "!", "%", "?", "<<")
_FIRST = frozenset("+-.:0123456789")
_DOUBTFUL_WORD = re.compile(r":*(?:[-+]?\.[iInN]|(?!" + _SAFE + r":*\Z)[-+]?_*\.?_*[0-9][0-9_.eExXoObBa-fA-F+-]*:*\Z)")


# A text with more lines to look at than this is searched whole.
_FEW_LINES = 100
# Words found good before, since manifests repeat themselves; forgotten when they become many.
_good_words: set[str] = set()
_MOST_WORDS = 50_000


def is_fast(text: str) -> bool:
    """Say whether the bulk loader reads ``text`` (one document, lines ended by newlines) as Kubernetes would."""
    return _plain_breaks(text) and all(map(_nothing_found, _doubtful_parts(text)))


def _doubtful_parts(text: str) -> list[str]:
    """Give the parts of ``text``, whole lines, in which something may be found: nothing else has to be searched."""
    words = set(text.translate(_WORD_BREAKS).split()) - _good_words
    if not _WORDS.isdisjoint(words) or any(word[0] in _FIRST and _DOUBTFUL_WORD.match(word) for word in words):
        return [text]
    if len(_good_words) > _MOST_WORDS:
        _good_words.clear()
    _good_words.update(words)
    # No word is doubtful, and what is found never reaches over a line, so that it holds a mark.
    lines: set[tuple[int, int]] = set()
    for mark in _MARKS:
        at = text.find(mark)
        while at >= 0:
            start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
            end = len(text) if end < 0 else end
            lines.add((start, end))
            if len(lines) > _FEW_LINES:
                return [text]
            at = text.find(mark, end)
    return [text[start:end] for start, end in lines]


def _nothing_found(text: str) -> bool:
    return _FIND.search(text) is None and ("?" not in text or _FLOW_KEY.search(text) is None)


def _plain_breaks(text: str) -> bool:
    # Most manifests are ASCII, which Python knows without looking; then only the carriage return is left.
    return "\r" not in text if text.isascii() else _ODD_BREAKS.search(text) is None
