"""Fingerprints: the identity of a finding over time.

A fingerprint is made of the rule, the root owner and the path, and survives what changes by itself: the hash in the
names of pods and ReplicaSets, the version of an API, a re-capture, another file, another order of a list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from thunderguard.model import JsonObject, Resource
from thunderguard.paths import Segment, format_path, parse_path

_TEMPLATE_HASH = "pod-template-hash"


def fingerprint(rule: str, resource: Resource, path: str, *, owner: tuple[str, str], obj: JsonObject | None) -> str:
    """Give 32 hex digits for a finding of ``rule`` at ``path`` of ``resource``.

    ``owner`` is the kind and name that :func:`stable_owner` gives for the object. ``obj`` is the object that ``path``
    leads into, where there is one (a finding about something missing has none).
    """
    stable = path if obj is None else stable_path(obj, parse_path(path))
    group = resource.apiVersion.rpartition("/")[0]
    text = "\n".join((rule, group, owner[0], resource.namespace, owner[1], stable))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def stable_owner(obj: JsonObject, kind: str, name: str) -> tuple[str, str]:
    """Give the kind and name that stand for ``obj``: its controller's, without the hash that a ReplicaSet bears.

    ``obj`` is a root of the set it was read with, so its controller, if it names one, was not there to be judged.
    The label ``pod-template-hash`` is the Deployment controller's own
    (https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label).
    """
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        return kind, name
    references = metadata.get("ownerReferences")
    for reference in references if isinstance(references, list) else ():
        if not isinstance(reference, dict) or reference.get("controller") is not True:
            continue
        owner_kind, owner_name = reference.get("kind"), reference.get("name")
        if isinstance(owner_kind, str) and isinstance(owner_name, str):
            labels = metadata.get("labels")
            suffix = labels.get(_TEMPLATE_HASH) if isinstance(labels, dict) else None
            if owner_kind == "ReplicaSet" and isinstance(suffix, str) and owner_name.endswith(f"-{suffix}"):
                return "Deployment", owner_name.removesuffix(f"-{suffix}")
            return owner_kind, owner_name
    return kind, name


def stable_path(obj: JsonObject, segments: Sequence[Segment]) -> str:
    """Spell a path with the names of list elements in place of their positions, where the names tell them apart."""
    stable: list[Segment] = []
    value: Any = obj
    for segment in segments:
        if isinstance(segment, int) and isinstance(value, list):
            name = _name_in(value, segment)
            stable.append(segment if name is None else f"name={name}")
            value = value[segment] if segment < len(value) else None
        else:
            stable.append(segment)
            value = value.get(segment) if isinstance(value, dict) else None
    return format_path(stable)


def _name_in(elements: list[Any], place: int) -> str | None:
    names = [element.get("name") if isinstance(element, dict) else None for element in elements]
    name = names[place] if place < len(names) else None
    return name if isinstance(name, str) and names.count(name) == 1 else None
