"""Finding every mistake in an Estate, with its place and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thunderguard.estate.patterns import mistake as pattern_mistake
from thunderguard.estate.schema import Breach, closed_schema, list_breaches, open_schema, rule_breaches
from thunderguard.estate.source import EstateText, read_estate
from thunderguard.paths import Segment, format_path

_LONGEST = 80


@dataclass(frozen=True, slots=True)
class EstateMistake:
    """One mistake: its file, 1-based line and column, field path, offending value, what is wrong and what to do."""

    file: str
    line: int
    column: int
    path: str
    value: str
    message: str
    fix: str

    def __str__(self) -> str:
        """Give it in one line."""
        shown = f" is {self.value}" if self.value else ""
        return f"{self.file}:{self.line}:{self.column}: {self.path}{shown}: {self.message}; {self.fix}"


def check_estate(path: Path) -> list[EstateMistake]:
    """Give every mistake in the Estate at ``path``. Raises EstateError when it cannot be read as one at all."""
    return mistakes_in(read_estate(path))


def mistakes_in(text: EstateText) -> list[EstateMistake]:
    """Give every mistake in an Estate that was read."""
    breaches = [*_schema_breaches(text.data), *list_breaches(text.data, open_schema())]
    if not breaches:
        # Rules are written for values that fit the schema.
        breaches = [*rule_breaches(text.data, open_schema()), *_home_breaches(text.data), *_pattern_breaches(text.data)]
    return sorted((_mistake(text, breach) for breach in breaches), key=lambda found: (found.line, found.column))


def _mistake(text: EstateText, breach: Breach) -> EstateMistake:
    line, column = text.place(breach.path)
    value = _value(text.data, breach.path)
    return EstateMistake(
        str(text.path), line, column, format_path(breach.path), value, breach.message, breach.remedy
    )


def _value(data: Any, path: Sequence[Segment]) -> str:
    for segment in path:
        try:
            data = data[segment]
        except (KeyError, IndexError, TypeError):
            return ""
    if isinstance(data, dict | list):
        return ""
    shown = ascii(data)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def _schema_breaches(data: Any) -> Iterator[Breach]:
    import json

    import jsonschema_rs

    validator = jsonschema_rs.Draft202012Validator(json.loads(closed_schema()))
    for error in validator.iter_errors(data):
        path = tuple(error.instance_path)
        schema = _at(json.loads(closed_schema()), list(error.schema_path)[:-1])
        if error.kind.name == "additionalProperties":
            yield from _unknown_fields(error.instance, schema, path)
        else:
            yield Breach(path, error.message.replace("\n", " ")[:300], _remedy(error.kind.name, schema))


def _unknown_fields(instance: Any, schema: Any, path: tuple[Segment, ...]) -> Iterator[Breach]:
    known = list(schema.get("properties", {}))
    for field in instance:
        if field not in known:
            near = difflib.get_close_matches(str(field), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
            yield Breach((*path, field), "unknown field", hint)


def _remedy(kind: str, schema: Any) -> str:
    if kind == "enum":
        return f"choose one of {', '.join(schema['enum'])}"
    if kind == "required":
        return f"required here: {', '.join(schema['required'])}"
    if kind == "pattern":
        return "write it as the pattern says"
    return f"see {kind} in policies/estate.crd.yaml"


def _at(schema: Any, path: Sequence[Any]) -> Any:
    for segment in path:
        schema = schema[segment]
    return schema


def _home_breaches(data: Any) -> Iterator[Breach]:
    """Point at the home itself where the rule about homes can only point at the list."""
    seen: dict[tuple[str, str, str], int] = {}
    for place, service in enumerate(data["spec"]["services"]):
        home = service.get("home")
        if home is None:
            continue
        address = (home["kind"], home["namespace"], home["name"])
        if address in seen:
            other = data["spec"]["services"][seen[address]]["name"]
            yield Breach(
                ("spec", "services", place, "home", "name"), f"is the home of {other} already", "give it a home of its own"
            )
        seen[address] = place


def _pattern_breaches(data: Any) -> Iterator[Breach]:
    spec = data["spec"]
    listed = [(("spec", "services"), spec["services"])]
    deprecated = spec.get("deprecated", {}).get("services", [])
    listed.append((("spec", "deprecated", "services"), deprecated))
    for path, services in listed:
        for place, service in enumerate(services):
            yield from _of_service(service, (*path, place))


def _of_service(service: Any, path: tuple[Segment, ...]) -> Iterator[Breach]:
    for place, alternative in enumerate(service["recognise"]):
        for field in ("image", "command", "name"):
            if field in alternative:
                yield from _pattern(alternative[field], (*path, "recognise", place, field))
    tag = service.get("image", {}).get("tag")
    if tag is not None:
        yield from _pattern(tag, (*path, "image", "tag"))


def _pattern(pattern: str, path: tuple[Segment, ...]) -> Iterator[Breach]:
    found = pattern_mistake(pattern)
    if found is not None:
        yield Breach(path, *found)
