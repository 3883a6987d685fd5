"""Owner references: added by controllers, forged by people. One object alone is judged as if it had none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thunderguard.facts.subject import Subject
from thunderguard.facts.values import as_list
from thunderguard.replay.domains import OneOf
from thunderguard.replay.edit import put
from thunderguard.replay.effects import Mutated, Promise
from thunderguard.replay.mutations.base import Family, any_object

if TYPE_CHECKING:
    from thunderguard.replay.ground import Ground

FAMILY = Family("owners")
_UID = "00000000-0000-4000-8000-000000000001"


def _ownable(view: Subject) -> bool:
    return any_object(view) and isinstance(view.dig("metadata", "ownerReferences"), list | None)


def _with_owner(view: Subject, **reference: Any) -> Mutated:
    known = as_list(view.dig("metadata", "ownerReferences"))
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "no-such-owner", "uid": _UID, **reference}
    return Mutated(put(view.obj, ("metadata", "ownerReferences"), [*known, owner]))


@FAMILY.add(
    "forge-controller",
    Promise.NEUTRAL,
    _ownable,
    kind=OneOf(("ReplicaSet", "Deployment", "Job", "StatefulSet", "Rollout", "Node")),
)
def forge_controller(view: Subject, ground: Ground, kind: str) -> Mutated:
    """An object says that a controller made it, which is not in the set."""
    del ground
    return _with_owner(view, kind=kind, controller=True, blockOwnerDeletion=True)


@FAMILY.add("add-owner", Promise.NEUTRAL, _ownable, controller=OneOf((False, None, "true", 1)))
def add_owner(view: Subject, ground: Ground, controller: Any) -> Mutated:
    """An object has an owner that is not its controller, or does not say so as Kubernetes wants it."""
    del ground
    return _with_owner(view, controller=controller)


@FAMILY.add("own-itself", Promise.NEUTRAL, _ownable)
def own_itself(view: Subject, ground: Ground) -> Mutated:
    """An object says that it is its own controller."""
    del ground
    address = {"apiVersion": view.obj.get("apiVersion"), "kind": view.obj.get("kind"), "name": view.name}
    return _with_owner(view, **address, controller=True, uid=view.dig("metadata", "uid"))


@FAMILY.add(
    "odd-owners",
    Promise.NEUTRAL,
    lambda view: _ownable(view) and view.dig("metadata", "ownerReferences") is None,
    value=OneOf((None, [], {}, "Deployment", [None], [{}], [[]], [{"controller": True}])),
)
def odd_owners(view: Subject, ground: Ground, value: Any) -> Mutated:
    """The owner references of an object are not what Kubernetes wants."""
    del ground
    return Mutated(put(view.obj, ("metadata", "ownerReferences"), value))
