"""Releases as Helm stores them."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any


def stored(
    name: str,
    namespace: str,
    revision: int = 1,
    *,
    chart: str = "thunderhelm",
    status: str = "deployed",
    driver: str = "Secret",
    damaged: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """Give the Secret (or ConfigMap) in which Helm keeps one revision; ``more`` goes into the release."""
    release = {
        "name": name,
        "namespace": namespace,
        "version": revision,
        "info": {"status": status, "first_deployed": "2025-10-01T09:00:00Z", "last_deployed": "2025-10-04T09:00:00Z"},
        "chart": {"metadata": {"name": chart, "version": "0.2.0"}},
        **more,
    }
    data = base64.b64encode(gzip.compress(json.dumps(release).encode()))
    if damaged:
        data = data[: len(data) // 2 // 4 * 4]
    labels = {"owner": "helm", "name": name, "status": status, "version": str(revision)}
    metadata = {"name": f"sh.helm.release.v1.{name}.v{revision}", "namespace": namespace, "labels": labels}
    kept: dict[str, Any] = {"apiVersion": "v1", "kind": driver, "metadata": metadata}
    if driver == "Secret":
        return {**kept, "type": "helm.sh/release.v1", "data": {"release": base64.b64encode(data).decode()}}
    return {**kept, "data": {"release": data.decode()}}
