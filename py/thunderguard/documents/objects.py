"""From parsed values to Documents: what is a Kubernetes object, and what a List holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple, TypeAlias

from thunderguard.documents.errors import Unreadable
from thunderguard.documents.header import is_header
from thunderguard.documents.limits import Limits, megabytes
from thunderguard.documents.texts import dump
from thunderguard.model import Document, JsonObject, Problem

_LIST_DEPTH = 8
_SHAPES = {dict: "a mapping", list: "a list", str: "text", bool: "a boolean", int: "a number", float: "a number"}


class LeftOut(NamedTuple):
    """A file, or an object in it, that is no manifest and was passed over on purpose."""

    file: str
    reason: str


Item: TypeAlias = Document | Problem | LeftOut


@dataclass(slots=True)
class Origin:
    """Where values come from: the file as the user wrote it, and whether it was found by walking a directory."""

    file: str
    walked: bool
    numbers: Iterator[int]
    limits: Limits
    line: int | None = None
    document_index: int = 0

    @classmethod
    def start(cls, file: str, *, walked: bool, limits: Limits, numbers: Iterator[int] | None = None) -> Origin:
        """Begin a file; ``numbers`` gives the documents of all files of a shard their index."""
        return cls(file, walked, count() if numbers is None else numbers, limits)


def items(value: Any, text: bytes, origin: Origin) -> Iterator[Item]:
    """Give what one parsed document holds: a Document, or those of its List, or the Problem with it.

    ``text`` is its JSON. A List is recognised as kubectl does it, by its ``items``, and by a kind ending in "List";
    items that name no kind take it, and the apiVersion, from the List (k8s.io/apimachinery,
    ``unstructuredJSONScheme.decodeToList``).
    """
    if is_list(value):
        yield from _flatten(value, origin, [], 1)
        return
    yield _one(value, text, origin, None)


def is_list(value: Any) -> bool:
    """Say whether a value is a List of objects."""
    return (
        isinstance(value, dict)
        and isinstance(kind := value.get("kind"), str)
        and kind.endswith("List")
        and isinstance(value.get("items"), list)
    )


def describe(value: JsonObject) -> str:
    """Name an object as well as it can be named, for a Problem."""
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    namespace, name = metadata.get("namespace"), metadata.get("name") or metadata.get("generateName")
    where = f"{namespace}/" if isinstance(namespace, str) and namespace else ""
    return f"{where}{value.get('kind')}/{name if isinstance(name, str) else ''}"


def is_chart(value: JsonObject) -> bool:
    """Say whether a mapping is a Chart.yaml (Helm's chart.Metadata: apiVersion v1 or v2, name, version; no kind)."""
    return (
        "kind" not in value
        and value.get("apiVersion") in ("v1", "v2")
        and isinstance(value.get("name"), str)
        and isinstance(value.get("version"), str)
    )


def _flatten(value: JsonObject, origin: Origin, numbers: list[int], depth: int) -> Iterator[Item]:
    if depth > _LIST_DEPTH:
        yield _problem(origin, "malformed", f"Lists are nested more than {_LIST_DEPTH} deep")
        return
    kind = value["kind"].removesuffix("List")
    version = value.get("apiVersion")
    numbers = numbers or [0]
    item: Any
    for place, listed in enumerate(value["items"]):
        if isinstance(listed, dict) and kind and not listed.get("kind"):
            item = {"apiVersion": version, **listed, "kind": kind}
        else:
            item = listed
        if is_list(item):
            yield from _flatten(item, origin, numbers, depth + 1)
            continue
        if not isinstance(item, dict):
            yield _problem(
                origin, "malformed", f"items[{place}] of the {value['kind']} is {_shape(item)}, not an object"
            )
        else:
            try:
                yield _one(item, dump(item), origin, numbers[0])
            except Unreadable as error:
                yield _problem(origin, error.kind, error.message, describe(item))
        numbers[0] += 1


def _one(value: Any, text: bytes, origin: Origin, list_index: int | None) -> Item:
    if not isinstance(value, dict):
        return _problem(
            origin, "unread", f"not a Kubernetes object: a mapping is needed and this document is {_shape(value)}"
        )
    kind = value.get("kind")
    version = value.get("apiVersion")
    if kind is None:
        if is_chart(value):
            return _document(text, origin, list_index)
        if origin.walked and _is_values(origin.file):
            return LeftOut(origin.file, "values of a Helm chart")
        missing = "no kind" if version is not None else "neither kind nor apiVersion"
        return _problem(origin, "unread", f"not a Kubernetes object: it has {missing}")
    if not isinstance(kind, str) or not kind:
        return _problem(origin, "malformed", f"kind is {_shape(kind) if kind != '' else 'empty'}; it must be a name")
    if not isinstance(version, str) or not version:
        what = "has no apiVersion" if not version else f"has {_shape(version)} as apiVersion"
        return _problem(origin, "malformed", f"an object of kind {kind} {what}", describe(value))
    reason = _not_for_judging(value, origin)
    if reason is not None:
        return LeftOut(origin.file, reason)
    metadata = value.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        return _problem(origin, "malformed", f"metadata is {_shape(metadata)}; it must be a mapping", describe(value))
    if len(text) > origin.limits.document:
        limit = megabytes(origin.limits.document)
        return _problem(origin, "malformed", f"the object is larger than {limit}", describe(value))
    return _document(text, origin, list_index)


def _not_for_judging(value: JsonObject, origin: Origin) -> str | None:
    group = value["apiVersion"].split("/", 1)[0]
    if is_header(value):
        return "the header of a snapshot"
    if origin.walked and group == "thunderguard.dev" and value["kind"] == "Estate":
        return "the Estate itself"
    if origin.walked and group == "kustomize.config.k8s.io":
        return "a kustomization"
    return None


def _is_values(file: str) -> bool:
    name = file.replace("\\", "/").rsplit("/", 1)[-1]
    return name.startswith("values") and name.endswith((".yaml", ".yml", ".json"))


def _document(text: bytes, origin: Origin, list_index: int | None) -> Document:
    line = origin.line if list_index is None else None
    return Document(next(origin.numbers), text, origin.file, line, origin.document_index, list_index)


def _problem(origin: Origin, kind: str, message: str, name: str | None = None) -> Problem:
    return Problem(kind, message, origin.file, origin.line, name)


def _shape(value: Any) -> str:
    return "null" if value is None else _SHAPES.get(type(value), "something else")
