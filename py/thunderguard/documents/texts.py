"""From the bytes of one file to its documents: decoding, cutting at ``---``, and parsing each part."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from ryaml._ryaml import InvalidYamlError, loads

from thunderguard.documents import jsontext
from thunderguard.documents.errors import Unreadable
from thunderguard.documents.limits import DEFAULT_LIMITS, Limits, megabytes
from thunderguard.documents.scalars import go_number
from thunderguard.documents.scan import is_fast
from thunderguard.documents.yamlevents import load_events

_MARKER = re.compile(r"^(---|\.\.\.)(?=[ \t\n]|\Z)", re.MULTILINE)
_BLANK = re.compile(r"(?:---(?=[ \t\n]|\Z))?[ \t]*(?:#[^\n]*)?(?:\n[ \t]*(?:#[^\n]*)?)*\Z")
_LIST_KIND = re.compile(r"""^[ \t{,]*["']?kind["']?[ \t]*:[ \t]*["']?[A-Za-z0-9]*List\b""", re.MULTILINE)
_JSON_LIST_KIND = re.compile(r'"kind"\s*:\s*"[A-Za-z0-9]*List"')
_WHOLE_FLOAT = re.compile(r"[0-9](?:\.0+|(?:\.[0-9]+)?[eE][-+]?[0-9]+)\s*[,}\]]")
_LINES_READ = 4096


@dataclass(frozen=True, slots=True)
class Part:
    """One document of a file: its text, the 1-based line where the text begins, its place among the documents."""

    text: str
    line: int
    index: int
    is_json: bool = False

    @property
    def content_line(self) -> int:
        """Give the line of the first line that is neither empty, nor a comment, nor a bare ``---``."""
        start = 0
        for at in range(_LINES_READ):
            end = self.text.find("\n", start, _LINES_READ)
            bare = self.text[start : _LINES_READ if end < 0 else end].removeprefix("---").strip()
            if bare and not bare.startswith("#"):
                return self.line + at
            if end < 0:
                break
            start = end + 1
        return self.line


def decode(data: bytes) -> str:
    """Decode a file's bytes; a UTF-8 byte order mark is dropped. Raises Unreadable for any other encoding."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        wide = "UTF-32" if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")) else "UTF-16"
        raise Unreadable(f"the file is {wide}; save it as UTF-8")
    try:
        text = str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"the file is not UTF-8: byte 0x{data[error.start]:02X} at offset {error.start}; save it as UTF-8",
            data.count(b"\n", 0, error.start) + 1,
        ) from None
    text = text.removeprefix("\ufeff")
    at = text.find("\0")
    if at >= 0:
        if data[:4].count(0) == 2:
            raise Unreadable("the file looks like UTF-16 without a byte order mark; save it as UTF-8")
        raise Unreadable("the file holds a NUL byte; it is not text", text.count("\n", 0, at) + 1)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def split(text: str, *, json_only: bool = False) -> Iterator[Part]:
    """Cut the text of a file into its documents, leaving out parts that hold nothing but comments.

    A text that begins with ``{`` or ``[`` and is valid JSON, or a stream of JSON objects, is read as JSON, which is
    how kubectl decides, too (k8s.io/apimachinery/pkg/util/yaml, ``YAMLOrJSONDecoder``). With ``json_only`` it is
    never tried as YAML. A line ``---`` or ``...`` ends a document wherever it stands (YAML 1.1, 9.1).
    """
    opening = text.lstrip()[:1]
    if opening in ("{", "[") or json_only:
        pieces = _json_pieces(text)
        if pieces or json_only:
            yield from pieces or [Part(text, 1, 0, True)]
            return
    index = 0
    for piece, line in _pieces(text):
        if not is_blank(piece):
            yield Part(piece, line, index)
            index += 1


def is_blank(text: str) -> bool:
    """Say whether a part holds nothing but blank lines, comments and its own ``---``."""
    return _BLANK.match(text) is not None


def load(part: Part, limits: Limits = DEFAULT_LIMITS) -> tuple[Any, bytes]:
    """Parse one document; give its value and its JSON. Raises Unreadable, lines counted within the part."""
    if len(part.text) > limits.document and not (len(part.text) <= limits.listing and _looks_like_list(part.text)):
        raise Unreadable(
            f"the document is larger than {megabytes(limits.document)}; etcd would not take a tenth of it",
            kind="malformed",
        )
    with _NoCollector():
        return _load_json(part.text) if part.is_json else _load_yaml(part.text, limits)


class _NoCollector:
    """Hold the garbage collector: a document makes thousands of containers and no cycles, and it walks them all."""

    def __enter__(self) -> None:
        self._collecting = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._collecting:
            gc.enable()


def dump(value: Any) -> bytes:
    """Write ``value`` as compact JSON; raises Unreadable when it is nested too deeply for that."""
    try:
        return orjson.dumps(value)
    except TypeError as error:
        if "ecursion" in str(error):
            raise Unreadable(f"nested more than {DEFAULT_LIMITS.depth} levels deep", kind="malformed") from None
        raise Unreadable(f"cannot be written as JSON: {error}", kind="malformed") from None


def _load_yaml(text: str, limits: Limits) -> tuple[Any, bytes]:
    if is_fast(text):
        try:
            value = loads(text)
            # Keys that are not text make orjson refuse; the exact reader spells them.
            return value, orjson.dumps(value)
        except (ValueError, TypeError, InvalidYamlError):
            pass
    value = load_events(text, limits)
    return value, dump(value)


def _load_json(text: str) -> tuple[Any, bytes]:
    value = parse_json(text)
    if _WHOLE_FLOAT.search(text):
        dump(value)
        value = _go_numbers(value)
    encoded = dump(value)
    refuse_duplicates(text)
    return value, encoded


def parse_json(text: str | bytes) -> Any:
    """Parse JSON. Raises Unreadable with the line; a depth beyond orjson's own limit is named as such."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "depth" in error.msg or "ecursion" in error.msg:
            raise Unreadable(
                f"nested more than {DEFAULT_LIMITS.depth} levels deep", error.lineno, "malformed"
            ) from None
        raise Unreadable(f"not JSON: {error.msg} at column {error.colno}", error.lineno) from None


def refuse_duplicates(text: str) -> None:
    """Raise Unreadable when a key stands twice in one object of the valid JSON ``text``."""

    def pairs(items: list[tuple[str, Any]]) -> None:
        if len(dict(items)) != len(items):
            raise _DuplicateError

    try:
        json.loads(text, object_pairs_hook=pairs, parse_int=len, parse_float=len)
    except _DuplicateError:
        found = jsontext.duplicate_key(text)
        if found is None:
            raise AssertionError("a duplicate key was seen and then not found") from None
        key, first, second = found
        raise Unreadable(
            f'the key "{key}" stands twice in one object',
            jsontext.line_and_column(text, second)[0],
            "malformed",
            jsontext.line_and_column(text, first)[0],
        ) from None


class _DuplicateError(Exception):
    pass


def _json_pieces(text: str) -> list[Part]:
    try:
        with _NoCollector():
            orjson.loads(text)
        return [Part(text, 1, 0, True)]
    except orjson.JSONDecodeError as error:
        if "depth" in error.msg or "ecursion" in error.msg:
            return [Part(text, 1, 0, True)]
        if "trailing" not in error.msg and "unexpected content" not in error.msg:
            return []
    parts: list[Part] = []
    line = 1
    at = 0
    for start, end in jsontext.split(text):
        line += text.count("\n", at, start)
        at = start
        parts.append(Part(text[start:end], line, len(parts), True))
    return parts if all(part.text.startswith(("{", "[")) for part in parts) else []


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    if not _has_markers(text):
        yield text, 1
        return
    start = 0
    line = 1
    for marker in _MARKER.finditer(text):
        at = marker.start()
        if at > start:
            before = text[start:at]
            if marker[1] == "---" and _only_directives(before):
                continue
            yield before, line
            line += before.count("\n")
            start = at
        if marker[1] == "...":
            end = text.find("\n", at)
            start = len(text) if end < 0 else end + 1
            line += 1
    if start < len(text):
        yield text[start:], line


def _has_markers(text: str) -> bool:
    """Say whether there may be a line that begins with a marker, faster than by the pattern."""
    return text.startswith(("---", "...")) or "\n---" in text or "\n..." in text


def _only_directives(text: str) -> bool:
    lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    return bool(lines) and all(line.startswith("%") for line in lines)


def _looks_like_list(text: str) -> bool:
    # kubectl writes `kind: List` behind the items, other tools in front of them.
    return any(
        _LIST_KIND.search(end) or _JSON_LIST_KIND.search(end) for end in (text[:_LINES_READ], text[-_LINES_READ:])
    )


def _go_numbers(value: Any) -> Any:
    if isinstance(value, float):
        return go_number(value)
    if isinstance(value, dict):
        return {key: _go_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_go_numbers(item) for item in value]
    return value
