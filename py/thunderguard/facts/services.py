"""The services an Estate declares, and which container is which.

Recognition looks at regular containers and sidecars only: an init container ends before its pod serves anything.
Patterns are RE2, as in Rego and CEL, and are searched for, not anchored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import re2

from thunderguard.errors import EstateError
from thunderguard.facts.image import normalise, parse_image
from thunderguard.facts.quantity import milli
from thunderguard.facts.resources import name_of
from thunderguard.facts.values import as_integer, as_list, as_object, as_text, dig, has_label, value_text
from thunderguard.facts.workloads import GROUPS, Container

if TYPE_CHECKING:
    from thunderguard.model import JsonObject


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled RE2 pattern and its text."""

    text: str
    compiled: Any

    @classmethod
    def of(cls, text: Any) -> Pattern | None:
        """Compile ``text``; None when it is not a string. Raises EstateError when RE2 refuses it."""
        if not isinstance(text, str):
            return None
        options = re2.Options()
        options.log_errors = False
        try:
            return cls(text, re2.compile(text, options))
        except re2.error as error:
            raise EstateError(f"the Estate has the pattern {text!r}, which RE2 refuses: {error}") from error

    def found_in(self, text: str) -> bool:
        """Say whether the pattern is found anywhere in ``text``."""
        return self.compiled.search(text) is not None


@dataclass(frozen=True, slots=True)
class Criteria:
    """One way to recognise a service: all that is given must hold."""

    image: Pattern | None
    command: Pattern | None
    name: Pattern | None
    labels: Mapping[str, Any]

    @classmethod
    def of(cls, alternative: Any) -> Criteria:
        """Read one entry of a ``recognise`` list."""
        image, command, name = (Pattern.of(dig(alternative, (key,))) for key in ("image", "command", "name"))
        return cls(image, command, name, as_object(dig(alternative, ("labels",))))

    def match(self, obj: JsonObject, template: tuple[str, ...], container: Container) -> bool:
        """Say whether ``container`` of ``obj``, whose pod template is at ``template``, meets all of them."""
        image, name = container.body.get("image"), name_of(obj)
        own, templated = dig(obj, ("metadata", "labels")), dig(obj, (*template, "metadata", "labels"))
        return (
            (self.image is None or (isinstance(image, str) and self.image.found_in(parse_image(image).name)))
            and (self.command is None or self.command.found_in(command_line(container)))
            and (self.name is None or self.name.found_in(name))
            and all(has_label(own, key, v) or has_label(templated, key, v) for key, v in self.labels.items())
        )


def command_line(container: Container) -> str:
    """Give the command and arguments of ``container`` joined by blanks."""
    words = as_list(container.body.get("command")) + as_list(container.body.get("args"))
    return " ".join(word for word in words if isinstance(word, str))


@dataclass(frozen=True, slots=True)
class Home:
    """The one address of a service."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Give the form used in text."""
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def type(self) -> tuple[str, str]:
        """Its (group, kind)."""
        return GROUPS.get(self.kind, ""), self.kind


@dataclass(frozen=True, slots=True)
class Bound:
    """A quantity as the Estate spells it, and in thousandths."""

    text: str
    milli: int


@dataclass(frozen=True, slots=True)
class Service:
    """One entry of ``services``; ``place`` is its place in that list."""

    place: int
    name: str
    recognise: tuple[Criteria, ...]
    home: Home | None
    minimum: int | None
    maximum: int | None
    required: bool
    execution: tuple[str, ...]
    ceiling: Mapping[str, Bound]
    probes: tuple[str, ...]
    repositories: tuple[str, ...]
    tag: Pattern | None


@dataclass(frozen=True, slots=True)
class DeprecatedService:
    """One entry of ``deprecated.services``."""

    name: str
    recognise: tuple[Criteria, ...]
    reason: str
    remedy: str


class Recognisable(Protocol):
    """What a service has for recognition."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def recognise(self) -> tuple[Criteria, ...]:
        """The alternatives, any of which is enough."""


def recognised(
    services: Iterable[Recognisable], obj: JsonObject, template: tuple[str, ...], container: Container
) -> tuple[str, ...]:
    """Name those of ``services`` that ``container`` of ``obj`` is, sorted."""
    if not container.serves:
        return ()
    return tuple(
        sorted(s.name for s in services if any(criteria.match(obj, template, container) for criteria in s.recognise))
    )


def bounds_of(quantities: Any) -> dict[str, Bound]:
    """Read ``{cpu: …, memory: …}``, leaving out what is not a quantity."""
    found = {}
    for name, value in as_object(quantities).items():
        amount = milli(value)
        if amount is not None:
            found[name] = Bound(value_text(value), amount)
    return found


def services_of(estate: JsonObject) -> tuple[Service, ...]:
    """Read ``spec.services`` of the Estate object. Raises EstateError for a pattern that RE2 refuses."""
    return tuple(_service(place, entry) for place, entry in enumerate(as_list(dig(estate, ("spec", "services")))))


def _service(place: int, entry: Any) -> Service:
    home = dig(entry, ("home",))
    address = Home(*(as_text(dig(home, (key,))) for key in ("kind", "namespace", "name"))) if home else None
    wanted = (("readinessProbe", "readiness"), ("livenessProbe", "liveness"))
    return Service(
        place=place,
        name=as_text(dig(entry, ("name",))),
        recognise=tuple(Criteria.of(alternative) for alternative in as_list(dig(entry, ("recognise",)))),
        home=address,
        minimum=as_integer(dig(entry, ("replicas", "min"))),
        maximum=as_integer(dig(entry, ("replicas", "max"))),
        required=dig(entry, ("required",)) is True,
        execution=tuple(as_text(mode) for mode in as_list(dig(entry, ("execution",)))),
        ceiling=bounds_of(dig(entry, ("ceiling",))),
        probes=tuple(probe for probe, key in wanted if dig(entry, ("probes", key)) is True),
        repositories=tuple(normalise(as_text(r)) for r in as_list(dig(entry, ("image", "repositories")))),
        tag=Pattern.of(dig(entry, ("image", "tag"))),
    )


def deprecated_services_of(estate: JsonObject) -> tuple[DeprecatedService, ...]:
    """Read ``spec.deprecated.services``. Raises EstateError for a pattern that RE2 refuses."""
    return tuple(
        DeprecatedService(
            name=as_text(dig(entry, ("name",))),
            recognise=tuple(Criteria.of(alternative) for alternative in as_list(dig(entry, ("recognise",)))),
            reason=as_text(dig(entry, ("reason",))),
            remedy=as_text(dig(entry, ("remedy",))),
        )
        for entry in as_list(dig(estate, ("spec", "deprecated", "services")))
    )
