"""CustomResourceDefinitions for kinds that a program or a server has to know before it can be asked about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from thunderguard.admission import plural
from thunderguard.model import JsonObject


def definition(
    group: str,
    versions: Sequence[str],
    kind: str,
    *,
    scope: str = "Namespaced",
    served_with: Mapping[str, Any] | None = None,
) -> JsonObject:
    """Give the definition of ``kind``, which is stored in the first of ``versions``.

    ``served_with`` is what every version has besides: a schema, subresources.
    """
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural(kind)}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural(kind), "singular": kind.lower()},
            "scope": scope,
            "versions": [
                {"name": version, "served": True, "storage": version == versions[0], **(served_with or {})}
                for version in versions
            ],
        },
    }
