"""What a case is: objects, the forms in which engines are asked about them, and what is to be said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import TypeAlias

import orjson

from thunderguard.admission import PERSON, PERSON_GROUPS, review
from thunderguard.facts.resources import resource_of
from thunderguard.model import JsonObject, Resource

#: The identity of a finding, as of :attr:`thunderguard.model.RawFinding.key`.
Key: TypeAlias = tuple[str, Resource, str]


class Form(StrEnum):
    """How an engine is asked about an object."""

    MANIFEST = "manifest"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Expected:
    """One finding of a case. ``where`` holds the parts of the address of the objects it is about; all, when empty."""

    rule: str
    path: str
    where: Mapping[str, str]

    def is_about(self, resource: Resource) -> bool:
        """Say whether ``resource`` is one of them."""
        return all(getattr(resource, part) == wanted for part, wanted in self.where.items())


@dataclass(frozen=True, slots=True)
class Scaled:
    """The type of the workload that a Scale is about."""

    api_version: str
    kind: str


@dataclass(frozen=True, slots=True)
class Check:
    """One question of a case: the text that engines judge, and the answer that is right.

    ``matched`` false says that no rule may have passed, since none speaks about it.
    """

    case: str
    form: Form
    text: bytes
    findings: frozenset[Key]
    unjudged: frozenset[str]
    matched: bool

    @property
    def violated(self) -> frozenset[str]:
        """The rules that have findings."""
        return frozenset(rule for rule, _, _ in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case of a rule, from ``file`` at ``line``.

    ``estate`` is the JSON text of what stands in place of the default Estate's fields, ``{}`` for nothing. ``at`` is
    the day on which it is asked, None for today. The fields from ``operation`` on speak about the request alone.
    """

    rule: str
    name: str
    file: str
    line: int
    objects: tuple[JsonObject, ...]
    forms: tuple[Form, ...]
    estate: str
    findings: tuple[Expected, ...]
    unjudged: frozenset[str] = frozenset()
    matched: bool = True
    at: date | None = None
    operation: str = "CREATE"
    old: JsonObject | None = None
    subresource: str = ""
    scales: Scaled | None = None
    username: str = PERSON
    groups: tuple[str, ...] = PERSON_GROUPS

    @property
    def id(self) -> str:
        """``rule/name``, by which deviations name the case."""
        return f"{self.rule}/{self.name}"

    @property
    def place(self) -> str:
        """``file:line``."""
        return f"{self.file}:{self.line}"

    def resource(self, obj: JsonObject) -> Resource:
        """Give the address by which findings name ``obj``: of a Scale, that of the workload."""
        own = resource_of(obj)
        if self.scales is None:
            return own
        return replace(own, apiVersion=self.scales.api_version, kind=self.scales.kind)

    def document(self, obj: JsonObject, form: Form) -> JsonObject:
        """Give what an engine judges: ``obj`` itself, or the AdmissionReview about it."""
        if form is Form.MANIFEST:
            return obj
        deleted = self.operation == "DELETE"
        return review(
            None if deleted else obj,
            operation=self.operation,
            old=obj if deleted else self.old,
            subresource=self.subresource,
            username=self.username,
            groups=self.groups,
            kind=self.scales.kind if self.scales else None,
            api_version=self.scales.api_version if self.scales else None,
        )

    def checks(self) -> Iterator[Check]:
        """Give a check for each object in each form."""
        for form in self.forms:
            for obj in self.objects:
                resource = self.resource(obj)
                yield Check(
                    case=self.id,
                    form=form,
                    text=orjson.dumps(self.document(obj, form)),
                    findings=frozenset(
                        (one.rule, resource, one.path) for one in self.findings if one.is_about(resource)
                    ),
                    unjudged=self.unjudged,
                    matched=self.matched,
                )
