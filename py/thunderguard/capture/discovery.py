"""What the server has: every kind that it lists, once, in the version that it prefers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from thunderguard.capture.kinds import Kind, api_version, root
from thunderguard.capture.requests import UnreadError
from thunderguard.facts.values import as_list
from thunderguard.model import JsonObject

# Reads a path, or raises UnreadError.
Read = Callable[[str], JsonObject]
# Takes what could not be read, and why.
Tell = Callable[[str, str], None]


def discover(read: Read, tell: Tell) -> list[Kind]:
    """Give every kind that can be listed, sorted; ``tell`` hears of the groups that do not answer."""
    found: dict[tuple[str, str], Kind] = {}
    for group, version in _versions(read, tell):
        try:
            answer = read(root(group, version))
        except UnreadError as error:
            tell(f"kinds of {api_version(group, version)}", error.reason)
            continue
        for kind in _kinds(group, version, answer):
            found.setdefault((kind.group, kind.resource), kind)
    return sorted(found.values())


def _versions(read: Read, tell: Tell) -> Iterator[tuple[str, str]]:
    """Give the groups with their versions, the preferred one first."""
    yield "", "v1"
    try:
        groups = _objects(read("/apis").get("groups"))
    except UnreadError as error:
        tell("API groups", error.reason)
        return
    for group in groups:
        preferred = group.get("preferredVersion")
        versions = [*([preferred] if isinstance(preferred, dict) else []), *_objects(group.get("versions"))]
        for version in dict.fromkeys(one.get("version") for one in versions):
            if isinstance(group.get("name"), str) and isinstance(version, str):
                yield group["name"], version


def _kinds(group: str, version: str, answer: JsonObject) -> Iterator[Kind]:
    for resource in _objects(answer.get("resources")):
        name, kind, verbs = resource.get("name"), resource.get("kind"), resource.get("verbs")
        if not isinstance(name, str) or not isinstance(kind, str) or not isinstance(verbs, list):
            continue
        if "list" in verbs and "/" not in name:
            yield Kind(group, name, version, kind, resource.get("namespaced") is True)


def _objects(value: Any) -> list[JsonObject]:
    return [one for one in as_list(value) if isinstance(one, dict)]
