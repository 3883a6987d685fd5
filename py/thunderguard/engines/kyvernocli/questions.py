"""What a document asks, in the words of ``kubectl-kyverno``, and what cannot be asked in them.

It takes manifests, and by options of the whole run a user and an operation; it knows no old object, no subresource,
and no namespace that is not known.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from thunderguard.admission import PERSON, PERSON_GROUPS, is_review, plural, split_api_version
from thunderguard.engines.askable import InexpressibleError, NotJsonError, check_object, placed
from thunderguard.engines.kyvernocli.known import is_mistaken
from thunderguard.engines.kyvernocli.matching import Target
from thunderguard.facts.namespaces import is_unknown
from thunderguard.facts.resources import resource_of
from thunderguard.facts.values import as_object, as_text, dig, load_json
from thunderguard.model import JsonObject, Resource

# YAML reads these otherwise than JSON, or not at all, even in quotes.
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")

_PERSON = {"username": PERSON, "groups": list(PERSON_GROUPS)}


@dataclass(frozen=True)
class Question:
    """One document. ``user`` is the JSON text of the ``userInfo`` that asks."""

    obj: JsonObject
    operation: str
    user: bytes

    @property
    def words(self) -> tuple[bytes, str, bytes]:
        """All that the program is told; what is told alike is answered alike."""
        return (orjson.dumps(self.obj), self.operation, self.user)

    @cached_property
    def resource(self) -> Resource:
        """The address by which findings name the object."""
        return resource_of(self.obj)

    @property
    def is_unknown(self) -> bool:
        """Whether the object lives in a namespace that it does not name."""
        return is_unknown(self.obj)

    @property
    def is_placed(self) -> bool:
        """Whether it has the namespace it is judged in; the program puts ``default`` where there is none."""
        return bool(self.resource.namespace) or (self.resource.apiVersion, self.resource.kind) == ("v1", "Namespace")

    @cached_property
    def type(self) -> tuple[str, str, str]:
        """(group, version, kind)."""
        return (*split_api_version(self.resource.apiVersion), self.resource.kind)

    @cached_property
    def target(self) -> Target:
        """What policies are matched against."""
        group, version, kind = self.type
        labels = as_object(dig(self.obj, ("metadata", "labels")))
        # As the API machinery reads them: all or none.
        readable = all(isinstance(value, str) for value in labels.values())
        return Target(
            operation=self.operation,
            group=group,
            version=version,
            resource=plural(kind),
            labels=(labels if readable else {},),
        )

    @property
    def address(self) -> tuple[str, str, str, str]:
        """What has to be unique in one run: a second object of the same address ends the program."""
        name = as_text(dig(self.obj, ("metadata", "name")))
        return (self.resource.apiVersion, self.resource.kind.lower(), self.resource.namespace or "default", name)

    @property
    def can_be_tagged(self) -> bool:
        """Whether the object has metadata, where a tag can be put to tell its answers by."""
        return isinstance(self.obj.get("metadata"), dict)

    def text(self, tag: str) -> str:
        """Give the object as a YAML document, with ``tag`` as its uid, which no rule reads."""
        obj = self.obj
        if self.can_be_tagged:
            obj = {**obj, "metadata": {**obj["metadata"], "uid": tag}}
        return as_yaml(obj)


def as_yaml(value: Any) -> str:
    """Spell ``value`` in one line that readers of JSON and of YAML read alike."""
    text = orjson.dumps(value).decode()
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def question(text: bytes, *, operations: Collection[str]) -> Question:
    """Read a document for a program that knows ``operations``.

    A manifest is the CREATE of a person. Raises NotJsonError and InexpressibleError.
    """
    try:
        value = load_json(text)
        if not isinstance(value, dict):
            raise NotJsonError("it is not a JSON object")
        asked = _reviewed(value, operations) if is_review(value) else Question(value, "CREATE", orjson.dumps(_PERSON))
        as_yaml(asked.obj)
    except RecursionError:
        raise NotJsonError("it is nested too deeply") from None
    except (InexpressibleError, NotJsonError):
        raise
    except (ValueError, TypeError) as error:
        raise NotJsonError(f"it is not JSON: {error}") from None
    _check_object(asked.obj)
    return asked


def _reviewed(review: JsonObject, operations: Collection[str]) -> Question:
    request = as_object(review.get("request"))
    operation = as_text(request.get("operation"))
    obj, old = request.get("object"), request.get("oldObject")
    if operation not in operations:
        raise InexpressibleError(f"it cannot be told that the operation is {operation or 'unknown'}")
    if request.get("subResource"):
        raise InexpressibleError(f"it cannot be told of the subresource {request['subResource']!s:.60}")
    if operation == "UPDATE" and obj != old:
        raise InexpressibleError("it cannot be told the old object of an UPDATE")
    subject = old if operation == "DELETE" else obj
    if not isinstance(subject, dict):
        raise InexpressibleError("the request has no object")
    subject = placed(subject, as_text(request.get("namespace")))
    resource = as_text(dig(request, ("resource", "resource")))
    if resource != plural(as_text(subject.get("kind"))):
        raise InexpressibleError(f"it cannot be told that the resource is {resource or 'unknown'}")
    return Question(subject, operation, orjson.dumps(_user(request.get("userInfo"))))


def _user(user: Any) -> Mapping[str, Any]:
    known = as_object(user)
    return {key: known[key] for key in ("username", "uid", "groups", "extra") if known.get(key)}


def _check_object(obj: JsonObject) -> None:
    check_object(obj)
    if isinstance(obj.get("items"), list):
        raise InexpressibleError("an object that holds a list of items is taken for a list")
    if is_mistaken(split_api_version(obj["apiVersion"])[0], obj["kind"]):
        raise InexpressibleError(f"it takes the kind {obj['kind']:.60} for another one")
