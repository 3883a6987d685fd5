"""Estates as objects of a plane: their definition, and the one that policies are to judge by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from yaml.cyaml import CSafeLoader

from thunderguard import assets
from thunderguard.controlplane.api import path_of
from thunderguard.controlplane.processes import eventually
from thunderguard.errors import EngineError
from thunderguard.facts.resources import API_VERSION

if TYPE_CHECKING:
    from thunderguard.engines.webhook.plane import Plane
    from thunderguard.model import JsonObject

_DEFINITION = "estate.crd.yaml"
_SECONDS = 60.0
_POLL = 0.05


def install_estates(plane: Plane, policies: Path | None) -> None:
    """Define the kind Estate in ``plane``, and wait until both doors serve it. Raises EngineError."""
    # Copies of policies for a test have no definition of their own.
    folder = policies if policies is not None and (policies / _DEFINITION).is_file() else assets.root("policies")
    crd: Any = yaml.load((folder / _DEFINITION).read_bytes(), Loader=CSafeLoader)
    path = path_of("customresourcedefinitions", api_version="apiextensions.k8s.io/v1", name=crd["metadata"]["name"])
    plane.back.apply(path, crd)
    listed = path_of("estates", api_version=API_VERSION)

    def is_served() -> bool:
        return all(api.request("GET", listed).is_good for api in (plane.back, plane.door))

    if not eventually(is_served, seconds=_SECONDS, interval=_POLL):
        raise EngineError(f"the API server does not serve Estates within {_SECONDS:g} s")


def put_estate(
    plane: Plane, estate: JsonObject, names: Iterable[str], annotations: Mapping[str, str] | None = None
) -> None:
    """Put ``estate`` into ``plane`` under each of ``names``, in the place of what is there. Raises EngineError.

    It has ``annotations`` in the place of its own.
    """
    for name in sorted(names):
        path = path_of("estates", api_version=API_VERSION, name=name)
        wanted = {**estate, "metadata": {"name": name, "annotations": dict(annotations or {})}}
        there = plane.back.get(path)
        if there is None:
            plane.back.create(path_of("estates", api_version=API_VERSION), wanted)
            continue
        wanted["metadata"]["resourceVersion"] = there["metadata"]["resourceVersion"]
        answer = plane.back.request("PUT", path, wanted)
        if not answer.is_good:
            raise EngineError(f"the API server refuses the Estate: {' '.join(answer.message.split())[:600]}")
