"""Finding every mistake in an Estate, with its place and what to do about it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from thunderguard.estate.patterns import mistake as pattern_mistake
from thunderguard.estate.rules import Judge, by_cel, rule_breaches
from thunderguard.estate.schema import Breach, closed_schema, list_breaches, open_schema
from thunderguard.estate.source import EstateText, read_estate
from thunderguard.estate.text import printable, shown
from thunderguard.paths import Segment, format_path, lookup

_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
}
_REMEDIES = {
    "object": 'write its fields as "name: value"',
    "array": 'write its elements as "- element"',
    "string": "write text, in quotes where it looks like something else",
    "integer": "write a whole number, without quotes",
    "boolean": "write true or false, without quotes",
}
_BOUNDS = {
    "minimum": ("is less than", "write {bound} or more"),
    "maximum": ("is more than", "write {bound} or less"),
    "minLength": ("is shorter than", "write {bound} characters or more"),
    "maxLength": ("is longer than", "write {bound} characters or less"),
    "minItems": ("has fewer elements than", "give it {bound} or more"),
    "maxItems": ("has more elements than", "give it {bound} or less"),
    "minProperties": ("has fewer fields than", "give it {bound} or more, or leave it out"),
    "maxProperties": ("has more fields than", "give it {bound} or less"),
}


@dataclass(frozen=True, slots=True)
class EstateMistake:
    """One mistake: its file, 1-based line and column, field path, offending value, what is wrong and what to do.

    ``value`` is the value as JSON, cut where it gets long, and "" where nothing stands at ``path``; ``message`` tells
    it, too. All texts are printable.
    """

    file: str
    line: int
    column: int
    path: str
    value: str
    message: str
    fix: str

    def __str__(self) -> str:
        """Give it in one line."""
        field = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}:{self.column}: {field}{self.message}; {self.fix}"


def check_estate(path: Path) -> list[EstateMistake]:
    """Give every mistake in the Estate at ``path``. Raises EstateError when it cannot be read as one at all."""
    return mistakes_in(read_estate(path), by_cel)


def mistakes_in(text: EstateText, holds: Judge) -> list[EstateMistake]:
    """Give every mistake in an Estate that was read, in the order of the file; ``holds`` answers validation rules."""
    misfits = [*_number_breaches(text.data), *_schema_breaches(text.data)]
    unfit = frozenset(breach.path for breach in misfits)
    found = [
        *misfits,
        *_unknown_fields(text.data, json.loads(closed_schema())),
        *list_breaches(text.data, open_schema()),
        *rule_breaches(text.data, open_schema(), holds, unfit),
        *_pattern_breaches(text.data),
    ]
    mistakes = {_mistake(text, breach) for breach in found}
    return sorted(mistakes, key=lambda each: (each.line, each.column, each.path, each.message))


def _mistake(text: EstateText, breach: Breach) -> EstateMistake:
    line, column = text.place(breach.path)
    value, depth = lookup(text.data, breach.path)
    return EstateMistake(
        file=printable(str(text.path)),
        line=line,
        column=column,
        path=printable(format_path(breach.path)),
        value=shown(value) if depth == len(breach.path) else "",
        message=printable(breach.message),
        fix=printable(breach.remedy),
    )


def _number_breaches(value: Any, path: tuple[Segment, ...] = ()) -> Iterator[Breach]:
    # JSON Schema takes 5.0 for an integer, the engines do not; and 0.5 without quotes is the usual slip in a quantity.
    if isinstance(value, float):
        yield Breach(
            path, f"{shown(value)} is a number with a fraction", 'write a whole number, or text in quotes such as "0.5"'
        )
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _number_breaches(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _number_breaches(inner, (*path, place))


@cache
def _validator() -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(json.loads(closed_schema()))


def _schema_breaches(data: Any) -> Iterator[Breach]:
    schema = json.loads(closed_schema())
    for error in _validator().iter_errors(data):
        path = tuple(error.instance_path)
        value, _ = lookup(data, path)
        if error.kind.name == "additionalProperties" or isinstance(value, float):
            continue  # _unknown_fields and _number_breaches say more
        at, _ = lookup(schema, list(error.schema_path)[:-1])
        yield _misfit(error.kind.name, at, path, value, str(getattr(error.kind, "property", "")))


def _misfit(kind: str, schema: Any, path: tuple[Segment, ...], value: Any, missing: str) -> Breach:
    expected = schema.get("description", "")
    if kind == "required":
        meaning = schema["properties"][missing].get("description", "")
        return Breach(path, f"the field {missing} is missing", f"add it. {meaning}".strip())
    if kind == "type":
        remedy = "fill it in, or leave it out" if value is None else _REMEDIES[schema["type"]]
        return Breach(path, f"{shown(value)} is not {_KINDS[schema['type']]}", remedy)
    if kind == "enum":
        near = difflib.get_close_matches(str(value), schema["enum"], n=1)
        guess = f"did you mean {near[0]}? " if near else ""
        return Breach(path, f"{shown(value)} is not known here", f"{guess}Choose one of {', '.join(schema['enum'])}")
    if kind == "pattern":
        return Breach(path, f"{shown(value)} does not fit {schema['pattern']}", f"expected: {expected}")
    if kind in _BOUNDS:
        what, remedy = _BOUNDS[kind]
        return Breach(path, f"{shown(value)} {what} {schema[kind]}", remedy.format(bound=schema[kind]))
    return Breach(path, f"{shown(value)} breaks {kind}", f"expected: {expected}")


def _unknown_fields(value: Any, schema: Any, path: tuple[Segment, ...] = ()) -> Iterator[Breach]:
    if isinstance(value, list):
        for place, element in enumerate(value):
            yield from _unknown_fields(element, schema.get("items", {}), (*path, place))
    elif isinstance(value, dict) and "properties" in schema:
        for field, inner in value.items():
            if field in schema["properties"]:
                yield from _unknown_fields(inner, schema["properties"][field], (*path, field))
            # Other fields of metadata are the API server's business.
            elif path != ("metadata",):
                yield Breach((*path, field), f"unknown field with the value {shown(inner)}", _guess(field, schema))


def _guess(field: str, schema: Any) -> str:
    known = sorted(schema["properties"])
    near = difflib.get_close_matches(field, known, n=1) or [name for name in known if name.lower() == field.lower()]
    return f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"


def _pattern_breaches(data: Any) -> Iterator[Breach]:
    for path in (("spec", "services"), ("spec", "deprecated", "services")):
        for place, service in enumerate(_list(data, path)):
            here = (*path, place)
            for number in range(len(_list(service, ("recognise",)))):
                for field in ("image", "command", "name"):
                    yield from _pattern(service, ("recognise", number, field), here)
            yield from _pattern(service, ("image", "tag"), here)


def _pattern(service: Any, field: tuple[Segment, ...], here: tuple[Segment, ...]) -> Iterator[Breach]:
    pattern, depth = lookup(service, field)
    # What is no text was told of already.
    found = pattern_mistake(pattern) if depth == len(field) and isinstance(pattern, str) else None
    if found is not None:
        yield Breach((*here, *field), *found)


def _list(value: Any, path: Sequence[Segment]) -> list[Any]:
    found, depth = lookup(value, path)
    return found if depth == len(path) and isinstance(found, list) else []
