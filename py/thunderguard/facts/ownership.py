"""Who made whom in a set of objects, so that a Deployment with three pods is spoken of once.

The source is the Kubernetes garbage collector: an owner reference names an object of the same namespace by
apiVersion, kind, name and uid, and at most one reference of an object is its controller.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from thunderguard.facts.resources import group_of, namespace_of, type_of
from thunderguard.facts.values import as_list, as_text, dig
from thunderguard.facts.workloads import template_path

#: Pod, ReplicaSet, Deployment and two operators above them need four; a longer chain is a loop or a mistake.
LONGEST_CHAIN = 8


class Address(NamedTuple):
    """What an owner reference says of an object, with the namespace both share."""

    group: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What ownership needs to know of one object. ``controller`` is the address and uid of its controller, if any."""

    address: Address
    uid: str
    is_workload: bool
    controller: tuple[Address, str] | None


def identity_of(obj: Any) -> Identity:
    """Read the identity of ``obj``. Texts that repeat are shared, so 100,000 identities stay small."""
    group, kind = type_of(obj)
    namespace = sys.intern(namespace_of(obj))
    name, uid = (as_text(dig(obj, ("metadata", key))) for key in ("name", "uid"))
    return Identity(
        Address(sys.intern(group), sys.intern(kind), namespace, name),
        uid,
        template_path(obj) is not None,
        _controller(obj, namespace),
    )


def _controller(obj: Any, namespace: str) -> tuple[Address, str] | None:
    for reference in as_list(dig(obj, ("metadata", "ownerReferences"))):
        if isinstance(reference, dict) and reference.get("controller") is True:
            group, kind = group_of(reference.get("apiVersion")), as_text(reference.get("kind"))
            name, uid = as_text(reference.get("name")), as_text(reference.get("uid"))
            return Address(sys.intern(group), sys.intern(kind), namespace, sys.intern(name)), sys.intern(uid)
    return None


def resolve_roots(identities: Iterable[Identity]) -> list[int]:
    """Give for each identity the place of its root: its own place when nothing of the set owns it.

    Only a workload owns. A chain that does not end within :data:`LONGEST_CHAIN` steps is a loop, and what leads
    into it is its own root.
    """
    known = list(identities)
    places = _index(known)
    owners = [_owner(place, identity, places) for place, identity in enumerate(known)]
    return [_root(place, owners) for place in range(len(known))]


def roots_of(objects: Iterable[Any]) -> list[int]:
    """Give for each object the place of its root; see :func:`resolve_roots`."""
    return resolve_roots(map(identity_of, objects))


# Of what an owner reference may mean, by address and uid: the first two, since an object is not its own owner.
# The uid is empty for an object that has none, and None leads to objects whatever their uid.
_KEPT = 2
_Places: TypeAlias = dict[tuple[Address, str | None], list[int]]


def _index(known: Sequence[Identity]) -> _Places:
    wanted = {identity.controller[0] for identity in known if identity.controller}
    places: _Places = {}
    for place, identity in enumerate(known):
        if identity.is_workload and identity.address in wanted:
            for uid in (identity.uid, None):
                found = places.setdefault((identity.address, uid), [])
                if len(found) < _KEPT:
                    found.append(place)
    return places


def _owner(place: int, identity: Identity, places: _Places) -> int | None:
    if identity.controller is None:
        return None
    address, uid = identity.controller
    for meant in (uid, "") if uid else (None,):
        for candidate in places.get((address, meant), ()):
            if candidate != place:
                return candidate
    return None


def _root(place: int, owners: Sequence[int | None]) -> int:
    root = place
    for _ in range(LONGEST_CHAIN):
        owner = owners[root]
        if owner is None:
            return root
        root = owner
    return root if owners[root] is None else place
