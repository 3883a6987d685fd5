"""What a document asks, in the words of an API server: a request, and what has to be there before.

A manifest is the CREATE of a person. Whatever an API server cannot be asked is inexpressible, and never a pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from thunderguard.admission import PERSON, PERSON_GROUPS, is_review, split_api_version
from thunderguard.controlplane.api import Caller
from thunderguard.engines.askable import InexpressibleError, NotJsonError, check_object, placed
from thunderguard.engines.webhook.completion import completed
from thunderguard.facts.admission import subject_of
from thunderguard.facts.namespaces import is_unknown
from thunderguard.facts.resources import namespace_of, resource_of
from thunderguard.facts.values import as_list, as_object, as_text, dig, load_json
from thunderguard.model import JsonObject, Resource

PERSONAL = Caller(PERSON, PERSON_GROUPS)
_OPERATIONS = ("CREATE", "UPDATE", "DELETE")
_AMOUNTS = ("limits", "requests")


@dataclass(frozen=True, slots=True)
class Question:
    """One request.

    ``type`` is (group, version, kind) of the objects at its address and ``resource_name`` what the request calls their
    resource, "" when it does not say. ``obj`` is what is sent, ``old`` what is there before, None for nothing.
    ``resource`` is the address by which findings name what is asked about.
    """

    operation: str
    type: tuple[str, str, str]
    resource_name: str
    namespace: str
    name: str
    subresource: str
    obj: JsonObject | None
    old: JsonObject | None
    caller: Caller
    resource: Resource


def question(text: bytes) -> Question:
    """Read a document. Raises NotJsonError and InexpressibleError."""
    try:
        value = load_json(text)
    except RecursionError:
        raise NotJsonError("it is nested too deeply") from None
    except ValueError as error:
        raise NotJsonError(f"it is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise NotJsonError("it is not a JSON object")
    try:
        asked = _reviewed(value) if is_review(value) else _manifest(value)
        orjson.dumps([asked.obj, asked.old])
        asked.caller.headers()
    except RecursionError:
        raise NotJsonError("it is nested too deeply") from None
    except (TypeError, ValueError) as error:
        raise InexpressibleError(f"it cannot be sent: {error}") from None
    return asked


def _manifest(obj: JsonObject) -> Question:
    _check_object(obj)
    if is_unknown(obj):
        raise InexpressibleError("an object is sent to a namespace, and it does not say which")
    metadata = as_object(obj.get("metadata"))
    return Question(
        operation="CREATE",
        type=_type(obj),
        resource_name="",
        namespace=namespace_of(obj),
        name=as_text(metadata.get("name")),
        subresource="",
        obj=completed(obj),
        old=None,
        caller=PERSONAL,
        resource=resource_of(obj),
    )


def _reviewed(review: JsonObject) -> Question:
    request = as_object(review.get("request"))
    operation = as_text(request.get("operation"))
    if operation not in _OPERATIONS:
        raise InexpressibleError(f"no request has the operation {operation or 'unknown'} and can be a dry run")
    obj, old = request.get("object"), request.get("oldObject")
    subresource = as_text(request.get("subResource"))
    sent = old if operation == "DELETE" else obj
    if not isinstance(sent, dict):
        raise InexpressibleError("the request has no object")
    _check_object(sent)
    if operation == "UPDATE" and not isinstance(old, dict):
        raise InexpressibleError("an object that is not there cannot be updated")
    group, version = (as_text(dig(request, ("resource", part))) for part in ("group", "version"))
    namespace = as_text(request.get("namespace")) or namespace_of(sent)
    name = as_text(request.get("name")) or as_text(dig(sent, ("metadata", "name")))
    there = placed(sent, namespace)
    return Question(
        operation=operation,
        # The kind of a subresource is not that of the objects it belongs to.
        type=(group, version, "") if subresource else _type(sent),
        resource_name=as_text(dig(request, ("resource", "resource"))),
        namespace=namespace,
        name=name,
        subresource=subresource,
        obj=None if operation == "DELETE" else completed(there),
        old=completed(placed(old, namespace)) if isinstance(old, dict) and operation != "CREATE" else None,
        caller=_caller(request.get("userInfo")),
        resource=subject_of(review)[1] if not namespace or namespace_of(sent) else resource_of(there),
    )


def _caller(user: Any) -> Caller:
    known = as_object(user)
    name = as_text(known.get("username"))
    if not name:
        raise InexpressibleError("nobody asks")
    extra: Mapping[str, Any] = as_object(known.get("extra"))
    return Caller(
        name,
        tuple(as_text(group) for group in as_list(known.get("groups"))),
        as_text(known.get("uid")),
        {key: tuple(as_text(value) for value in as_list(values)) for key, values in extra.items()},
    )


def _check_amounts(value: Any) -> None:
    """Raise InexpressibleError for an amount that is null, which an API server reads as 0 and rules as absent."""
    if isinstance(value, list):
        for item in value:
            _check_amounts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in _AMOUNTS and isinstance(item, dict) and None in item.values():
                raise InexpressibleError(f"an API server reads an amount of {key} that is null as 0")
            _check_amounts(item)


def _type(obj: JsonObject) -> tuple[str, str, str]:
    return (*split_api_version(as_text(obj.get("apiVersion"))), as_text(obj.get("kind")))


def _check_object(obj: JsonObject) -> None:
    check_object(obj)
    _check_amounts(obj)
