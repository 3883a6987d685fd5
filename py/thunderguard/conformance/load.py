"""Loading the cases of a directory: one file for each rule, ``<rule>.yaml``, and the same below ``regressions``."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from thunderguard import schemas
from thunderguard.conformance.cases import Case, Expected, Form, Scaled
from thunderguard.conformance.deviations import FILE as DEVIATIONS
from thunderguard.conformance.yamlfile import YamlFile, read_yaml
from thunderguard.errors import UsageError
from thunderguard.facts.resources import is_chart_file
from thunderguard.model import JsonObject
from thunderguard.paths import Segment, format_path, parse_path

#: The folder of the cases that a search for counterexamples kept.
REGRESSIONS = "regressions"

_REQUEST_ONLY = ("operation", "oldObject", "subresource", "scales", "user")


def load_cases(directory: Path, object_rules: Collection[str]) -> tuple[Case, ...]:
    """Read every case below ``directory``, in the order of files and lines.

    ``object_rules`` are the rules that may have cases and findings. Raises UsageError with file and line for a case
    that breaks the schema or contradicts itself, and when there is no case at all.
    """
    if not directory.is_dir():
        raise UsageError(f"{directory} is not a directory", hint="name the directory of the cases with --cases DIR")
    cases: dict[str, Case] = {}
    for path in _files(directory):
        for case in _cases(path, object_rules):
            if case.id in cases:
                raise UsageError(f"{case.place}: the case {case.name} stands at {cases[case.id].place} already")
            cases[case.id] = case
    if not cases:
        raise UsageError(f"{directory} has no cases", hint="a file <rule>.yaml holds the cases of a rule")
    return tuple(cases.values())


def _files(directory: Path) -> list[Path]:
    folders = (directory, directory / REGRESSIONS)
    return [path for folder in folders for path in sorted(folder.glob("*.yaml")) if path.name != DEVIATIONS]


def _cases(path: Path, object_rules: Collection[str]) -> Iterator[Case]:
    file = read_yaml(path)
    _check_schema(file)
    (rule,) = file.value
    if rule not in object_rules:
        raise UsageError(
            f"{file.name}:{file.line((rule,))}: {rule} is no rule that one object decides",
            hint=f"those are {', '.join(sorted(object_rules))}",
        )
    if path.stem != rule:
        raise UsageError(f"{file.name}:1: the cases of {rule} stand in a file {rule}.yaml")
    for place, raw in enumerate(file.value[rule]):
        yield _Reader(file, (rule, place), raw, object_rules).case(rule)


def _check_schema(file: YamlFile) -> None:
    """Raise UsageError for the first thing, in reading order, in which ``file`` breaks the schema."""
    errors = sorted(
        schemas.validator("cases").iter_errors(file.value),
        key=lambda error: (file.line(error.instance_path), str(error.message)),
    )
    if errors:
        path = tuple(errors[0].instance_path)
        where = f"{file.name}:{file.line(path)}"
        field = f"{format_path(path)}: " if path else ""
        raise UsageError(f"{where}: {field}{' '.join(errors[0].message.split())}")


class _Reader:
    """One case being read; ``at`` is its place in the file."""

    def __init__(self, file: YamlFile, at: tuple[Segment, ...], raw: JsonObject, rules: Collection[str]) -> None:
        self._file = file
        self._at = at
        self._raw = raw
        self._rules = rules

    def case(self, rule: str) -> Case:
        raw = self._raw
        scales, user = raw.get("scales"), raw.get("user", {})
        found = Case(
            rule=rule,
            name=raw["name"],
            file=self._file.name,
            line=self._file.line(self._at),
            objects=tuple(raw.get("objects") or [raw["object"]]),
            forms=self._forms(),
            estate=json.dumps(raw.get("estate", {}), sort_keys=True),
            findings=tuple(self._findings(rule)),
            unjudged=frozenset(raw.get("unjudged", ())),
            matched=raw.get("matched", True),
            at=self._day(),
            operation=raw.get("operation", "CREATE"),
            old=raw.get("oldObject"),
            subresource=raw.get("subresource", ""),
            scales=Scaled(scales["apiVersion"], scales["kind"]) if scales else None,
            **{key: _fitting(user[key]) for key in ("username", "groups") if key in user},
        )
        self._consistent(found)
        return found

    def _day(self) -> date | None:
        try:
            return date.fromisoformat(self._raw["at"]) if "at" in self._raw else None
        except ValueError:
            raise self._error(f"{self._raw['at']} is no day of the calendar", "at") from None

    def _forms(self) -> tuple[Form, ...]:
        only = [key for key in _REQUEST_ONLY if key in self._raw]
        if "as" in self._raw:
            if only and self._raw["as"] != [Form.REQUEST]:
                raise self._error(f"with {only[0]} it is a request and nothing else", "as")
            return tuple(form for form in Form if form in self._raw["as"])
        return (Form.REQUEST,) if only else (Form.MANIFEST, Form.REQUEST)

    def _findings(self, rule: str) -> Iterator[Expected]:
        for place, raw in enumerate(self._raw["findings"]):
            try:
                parse_path(raw["path"])
            except ValueError as error:
                raise self._error(str(error), "findings", place, "path") from None
            named = raw.get("rule", rule)
            self._known(named, "findings", place)
            yield Expected(named, raw["path"], raw.get("resource", {}))

    def _known(self, rule: str, *where: Segment) -> None:
        if rule not in self._rules:
            near = difflib.get_close_matches(rule, list(self._rules), n=1)
            guess = f"; did you mean {near[0]}?" if near else ""
            raise self._error(f"{rule} is no rule that one object decides{guess}", *where)

    def _consistent(self, case: Case) -> None:
        """Raise UsageError for a case that fits the schema and contradicts itself all the same."""
        for rule in case.unjudged:
            self._known(rule, "unjudged")
        for wrong, message, where in _contradictions(case):
            if wrong:
                raise self._error(message, where)
        for place, one in enumerate(case.findings):
            if not any(one.is_about(case.resource(obj)) for obj in case.objects):
                raise self._error("none of the objects has that address", "findings", place, "resource")

    def _error(self, message: str, *where: Segment) -> UsageError:
        line = self._file.line((*self._at, *where))
        return UsageError(f"{self._file.name}:{line}: case {self._raw['name']}: {message}")


def _contradictions(case: Case) -> tuple[tuple[bool, str, str], ...]:
    """Give what a case may not be: whether it is so, what to say then, and the field to say it of."""
    request = Form.REQUEST in case.forms
    findings = [(one.rule, one.path, *sorted(one.where.items())) for one in case.findings]
    found = {one.rule for one in case.findings}
    return (
        ((case.operation == "UPDATE") != (case.old is not None), "oldObject goes with UPDATE", "oldObject"),
        (case.old is not None and len(case.objects) > 1, "an UPDATE is of one object", "objects"),
        ((case.subresource == "scale") != (case.scales is not None), "scales goes with scale", "scales"),
        (request and any(is_chart_file(obj) for obj in case.objects), "nobody requests a Chart.yaml", "as"),
        (request and bool(case.unjudged), "a request names its namespace: add as: [manifest]", "unjudged"),
        (not case.matched and bool(found), "what is not matched has no findings", "findings"),
        (len(set(findings)) < len(findings), "a finding stands here twice", "findings"),
        (bool(found & case.unjudged), "a rule has findings or leaves it open", "unjudged"),
    )


def _fitting(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
