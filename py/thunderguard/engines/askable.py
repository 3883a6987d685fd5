"""What no engine that judges by admission can be asked about, whatever its program."""

from __future__ import annotations

from thunderguard.facts.resources import is_chart_file, is_release, namespace_of
from thunderguard.facts.values import as_text
from thunderguard.model import JsonObject


class NotJsonError(ValueError):
    """A document that is no JSON object; the message says why."""


class InexpressibleError(Exception):
    """A document that the engine cannot be asked about; the message says why."""


def check_object(obj: JsonObject) -> None:
    """Raise InexpressibleError when ``obj`` is no object of a cluster."""
    if is_chart_file(obj):
        raise InexpressibleError("a Chart.yaml is no object of a cluster")
    if is_release(obj):
        raise InexpressibleError("the record of a Helm release is no object of a cluster")
    for key in ("apiVersion", "kind"):
        if not as_text(obj.get(key)):
            raise InexpressibleError(f"it is no Kubernetes object: it has no {key}")
    if obj["apiVersion"].count("/") > 1 or obj["apiVersion"].endswith("/"):
        raise InexpressibleError(f"{obj['apiVersion']:.60} is no apiVersion")


def placed(obj: JsonObject, namespace: str) -> JsonObject:
    """Give ``obj`` in the namespace of the request that brings it, if it names none itself."""
    if not namespace or namespace_of(obj) or not isinstance(obj.get("metadata"), dict):
        return obj
    return {**obj, "metadata": {**obj["metadata"], "namespace": namespace}}
