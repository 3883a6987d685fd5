"""From the message of an admission policy back to findings.

A message is one line: ``<rule id>: <path>: <message>. <remedy>`` for each finding, joined by `` | ``. The catalogue's
own templates take the words apart, and what no template gives is no message of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from thunderguard.facts.values import as_list, as_text, dig
from thunderguard.model import RawFinding, Resource
from thunderguard.paths import parse_path
from thunderguard.render.policies import MORE, SEPARATOR

if TYPE_CHECKING:
    from thunderguard.catalogue import Rule
    from thunderguard.model import JsonObject

_WORD = re.compile(r"\{(\w+)\}")


class MessageError(ValueError):
    """A message that is not made as above; the text says what of it is not."""


class Messages:
    """Reads messages by the words of the catalogue."""

    def __init__(self, rules: Mapping[str, Rule], estate: JsonObject) -> None:
        """Take the rules by id, and the Estate, whose sentences may stand in a message."""
        self._rules = rules
        deprecated = [(kind, dig(estate, ("spec", "deprecated", f"{kind}s"))) for kind in ("chart", "service")]
        told = [(kind, entry) for kind, entries in deprecated for entry in as_list(entries)]
        told += [("service", entry) for entry in as_list(dig(estate, ("spec", "services")))]
        self._told = {
            "chart": _any_of(dig(entry, ("name",)) for kind, entry in told if kind == "chart"),
            "service": _any_of(dig(entry, ("name",)) for kind, entry in told if kind == "service"),
            "reason": _any_of(dig(entry, ("reason",)) for _, entry in told),
        }

    def findings(self, rule: str, text: str, resource: Resource) -> list[RawFinding]:
        """Read what ``rule`` says about the object at ``resource``. Raises MessageError."""
        if text.endswith(MORE):
            raise MessageError(f"it is too long for the API server, and leaves findings out: {text!r:.200}")
        parts = re.split(rf"{re.escape(SEPARATOR)}(?={re.escape(rule)}: )", text)
        return [self._finding(rule, part, resource) for part in parts]

    def _finding(self, rule: str, text: str, resource: Resource) -> RawFinding:
        said, _, rest = text.partition(": ")
        path, colon, sentences = rest.partition(": ")
        if said != rule or not colon:
            raise MessageError(f"{text!r:.300} is no finding of {rule}")
        try:
            parse_path(path)
        except ValueError as error:
            raise MessageError(f"a finding of {rule} is at no field: {error}") from None
        message, remedy, service = self._words(rule, sentences, resource)
        return RawFinding(
            rule=rule,
            resource=resource,
            path=path,
            level=self._rules[rule].level,
            service=service,
            message=message,
            remedy=remedy,
        )

    def _words(self, rule: str, sentences: str, resource: Resource) -> tuple[str, str, str | None]:
        """Give message, remedy and the service that they name. Raises MessageError for words of nobody."""
        known = {
            "kind": resource.kind,
            "name": resource.name,
            "namespace": resource.namespace,
            "resource": str(resource),
        }
        for key, (message, remedy) in self._rules[rule].violations.items():
            found = re.fullmatch(self._expression(f"{message}. {remedy}", known), sentences, re.DOTALL)
            if found is not None:
                args = found.groupdict()
                return (*self._rules[rule].text(key, {**known, **args}), args.get("service"))
        raise MessageError(f"{sentences!r:.400} are no words of {rule}")

    def _expression(self, template: str, known: Mapping[str, str]) -> str:
        """Give the expression for all that ``template`` may become."""
        pattern, at = "", 0
        told: set[str] = set()
        for word in _WORD.finditer(template):
            pattern += re.escape(template[at : word.start()])
            at, name = word.end(), word[1]
            if name in known:
                pattern += _literally(known[name])
            elif name in told:
                pattern += f"(?P={name})"
            else:
                pattern += f"(?P<{name}>{self._told.get(name) or '.*?'})"
            told.add(name)
        return pattern + re.escape(template[at:])


def _any_of(texts: Iterable[Any]) -> str:
    """Give the expression for one of ``texts``, the longest first: one may begin as another does."""
    known = sorted({as_text(text) for text in texts} - {""}, key=len, reverse=True)
    return "|".join(_literally(text) for text in known)


def _literally(text: str) -> str:
    # A native policy puts a blank where a message would have a line feed.
    return re.escape(text).replace("\\\n", "[\n ]")
