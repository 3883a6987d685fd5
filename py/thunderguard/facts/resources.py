"""The address of an object: group, kind, namespace, name."""

from __future__ import annotations

from typing import Any

from thunderguard.facts.values import as_object, as_text, dig
from thunderguard.model import JsonObject, Resource

API_VERSION = "thunderguard.dev/v1alpha1"
OWN_GROUP = "thunderguard.dev"
_CHART_VERSIONS = ("v1", "v2")


def group_of(api_version: Any) -> str:
    """Give the API group of an ``apiVersion``, empty for the core group."""
    return as_text(api_version).partition("/")[0] if "/" in as_text(api_version) else ""


def type_of(obj: Any) -> tuple[str, str]:
    """Give (group, kind) of an object, empty strings for what it does not say."""
    return group_of(dig(obj, ("apiVersion",))), as_text(dig(obj, ("kind",)))


def namespace_of(obj: Any) -> str:
    """Give ``metadata.namespace``, empty when it is not known."""
    return as_text(dig(obj, ("metadata", "namespace")))


def name_of(obj: Any) -> str:
    """Give ``metadata.name``, else ``metadata.generateName``, else the empty string."""
    metadata = as_object(dig(obj, ("metadata",)))
    return as_text(metadata.get("name")) or as_text(metadata.get("generateName"))


def is_chart_file(obj: JsonObject) -> bool:
    """Say whether ``obj`` is the content of a Chart.yaml, which has no kind."""
    return (
        obj.get("kind") is None
        and obj.get("apiVersion") in _CHART_VERSIONS
        and isinstance(obj.get("name"), str)
        and isinstance(obj.get("version"), str)
    )


def is_release(obj: JsonObject) -> bool:
    """Say whether ``obj`` is the record of a Helm release that a snapshot holds in place of its Secret."""
    return type_of(obj) == (OWN_GROUP, "Release")


def resource_of(obj: JsonObject) -> Resource:
    """Give the address by which findings name ``obj``."""
    if is_chart_file(obj):
        return Resource(obj["apiVersion"], "Chart", "", obj["name"])
    return Resource(as_text(obj.get("apiVersion")), as_text(obj.get("kind")), namespace_of(obj), name_of(obj))
