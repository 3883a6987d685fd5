"""Roots of ownership in a set of objects."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thunderguard.facts.ownership import LONGEST_CHAIN, Identity, identity_of, resolve_roots


def _obj(kind: str, name: str, owner: tuple[str, str] | None = None, **more: Any) -> dict[str, Any]:
    api_version, kind_ = kind.split()
    metadata: dict[str, Any] = {"name": name, "namespace": "n", **more}
    if owner:
        owner_version, owner_kind = owner[0].split()
        reference = {"apiVersion": owner_version, "kind": owner_kind, "name": owner[1], "controller": True}
        metadata["ownerReferences"] = [{"kind": "Other", "name": "z"}, {**reference, **more.get("reference", {})}]
    return {"apiVersion": api_version, "kind": kind_, "metadata": metadata}


def _roots(*objects: dict[str, Any]) -> list[int]:
    return resolve_roots(identity_of(obj) for obj in objects)


DEPLOYMENT, REPLICA_SET, POD = "apps/v1 Deployment", "apps/v1 ReplicaSet", "v1 Pod"


def test_a_pod_belongs_to_its_deployment_through_its_replica_set() -> None:
    objects = (
        _obj(POD, "p", (REPLICA_SET, "r")),
        _obj(REPLICA_SET, "r", (DEPLOYMENT, "d")),
        _obj(DEPLOYMENT, "d"),
        _obj(POD, "alone"),
    )
    assert _roots(*objects) == [2, 2, 2, 3]


def test_the_version_of_the_owner_does_not_matter_but_its_group_does() -> None:
    owner = _obj(DEPLOYMENT, "d")
    assert _roots(owner, _obj(REPLICA_SET, "r", ("apps/v1beta1 Deployment", "d"))) == [0, 0]
    assert _roots(owner, _obj(REPLICA_SET, "r", ("extensions/v1beta1 Deployment", "d"))) == [0, 1]


@pytest.mark.parametrize(
    "owner",
    [
        _obj(REPLICA_SET, "other"),
        _obj(REPLICA_SET, "r", namespace="elsewhere"),
        _obj(REPLICA_SET, "r", uid="2"),
        _obj("v1 ConfigMap", "r"),
    ],
)
def test_what_only_resembles_the_owner_does_not_own(owner: dict[str, Any]) -> None:
    assert _roots(owner, _obj(POD, "p", (REPLICA_SET, "r"), reference={"uid": "1"})) == [0, 1]


def test_only_a_workload_owns() -> None:
    owner, owned = _obj("x/v1 Operator", "o"), _obj(DEPLOYMENT, "d", ("x/v1 Operator", "o"))
    assert _roots(owner, owned) == [0, 1]
    owner["spec"] = {"template": {"spec": {"containers": []}}}
    assert _roots(owner, owned) == [0, 0]


@pytest.mark.parametrize(("referred", "own", "root"), [("1", "1", 0), ("1", "", 0), ("", "1", 0), ("1", "2", 1)])
def test_a_uid_counts_when_both_carry_one(referred: str, own: str, root: int) -> None:
    owner = _obj(REPLICA_SET, "r", uid=own)
    assert _roots(owner, _obj(POD, "p", (REPLICA_SET, "r"), reference={"uid": referred})) == [0, root]


def test_of_two_of_one_name_the_uid_chooses() -> None:
    owners = (_obj(REPLICA_SET, "r", uid="1"), _obj(REPLICA_SET, "r", uid="2"))
    assert _roots(*owners, _obj(POD, "p", (REPLICA_SET, "r"), reference={"uid": "2"})) == [0, 1, 1]


@pytest.mark.parametrize("flag", [False, None, "true", 1])
def test_an_owner_that_is_no_controller_does_not_count(flag: Any) -> None:
    pod = _obj(POD, "p", (REPLICA_SET, "r"), reference={"controller": flag})
    assert _roots(_obj(REPLICA_SET, "r"), pod) == [0, 1]


def test_everything_on_a_loop_or_leading_into_one_is_its_own_root() -> None:
    objects = (_obj(POD, "a", (POD, "b")), _obj(POD, "b", (POD, "a")), _obj(POD, "c", (POD, "a")))
    assert _roots(*objects) == [0, 1, 2]
    assert _roots(_obj(POD, "self", (POD, "self"))) == [0]


def test_a_chain_is_followed_as_far_as_it_may_go() -> None:
    chain = [_obj(POD, "0"), *(_obj(POD, str(n), (POD, str(n - 1))) for n in range(1, LONGEST_CHAIN + 2))]
    assert _roots(*chain) == [0] * (LONGEST_CHAIN + 1) + [LONGEST_CHAIN + 1]


@given(st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(0, 9))), max_size=12))
def test_a_root_is_its_own_root_unless_it_is_on_a_loop(entries: list[tuple[int, int | None]]) -> None:
    """Property: roots lie in the set, and what is found as the root of another object is its own root."""
    objects = [_obj(POD, str(name), None if owner is None else (POD, str(owner))) for name, owner in entries]
    roots = _roots(*objects)
    assert len(roots) == len(objects)
    assert all(roots[root] == root for root in roots)


def test_a_hundred_thousand_objects_take_a_moment() -> None:
    identities: list[Identity] = []
    for n in range(25_000):
        deployment, replica_set = f"d{n}", f"d{n}-x"
        identities.append(identity_of(_obj(DEPLOYMENT, deployment)))
        identities.append(identity_of(_obj(REPLICA_SET, replica_set, (DEPLOYMENT, deployment))))
        identities += [identity_of(_obj(POD, f"p{n}-{k}", (REPLICA_SET, replica_set))) for k in range(2)]
    start = time.process_time()
    roots = resolve_roots(identities)
    assert time.process_time() - start < 5
    assert roots == [place - place % 4 for place in range(100_000)]


def test_many_of_one_address_take_a_moment() -> None:
    owners = [identity_of(_obj(REPLICA_SET, "r", uid=f"o{n}")) for n in range(20_000)]
    pods = [
        identity_of(_obj(POD, "p", (REPLICA_SET, "r"), reference={"uid": f"x{n}"}, uid=f"p{n}")) for n in range(20_000)
    ]
    start = time.process_time()
    assert resolve_roots([*owners, *pods]) == list(range(40_000))
    assert time.process_time() - start < 5
