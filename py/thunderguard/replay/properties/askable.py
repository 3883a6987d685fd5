"""Which objects an API server can be asked to admit."""

from __future__ import annotations

from typing import Any

from thunderguard.documents.objects import is_list
from thunderguard.facts.namespaces import is_unknown
from thunderguard.facts.resources import OWN_GROUP, type_of


def is_askable(obj: Any) -> bool:
    """Say whether ``obj`` can be the object of an admission request.

    It has a kind, a version and a name; the API server has given it a namespace if it needs one. A List is taken apart
    before, a Chart.yaml and the record of a release are nothing that an API server knows.
    """
    if not isinstance(obj, dict) or is_list(obj):
        return False
    metadata = obj.get("metadata")
    known = all(isinstance(obj.get(key), str) and obj[key] for key in ("apiVersion", "kind"))
    if not known or not isinstance(metadata, dict) or type_of(obj)[0] == OWN_GROUP:
        return False
    name = metadata.get("name")
    namespace = metadata.get("namespace", "")
    return isinstance(name, str) and name != "" and isinstance(namespace, str) and not is_unknown(obj)


def same_address(one: Any, other: Any) -> bool:
    """Say whether two askable objects are one at different times."""
    return (type_of(one), one["metadata"].get("namespace"), one["metadata"]["name"]) == (
        type_of(other),
        other["metadata"].get("namespace"),
        other["metadata"]["name"],
    )
