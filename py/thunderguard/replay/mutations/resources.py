"""Requests and limits: dropped, emptied, shrunk, grown, written in another unit, moved to the pod."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from thunderguard.facts.quantity import milli
from thunderguard.facts.subject import Subject
from thunderguard.paths import Segment, format_path
from thunderguard.replay.domains import OneOf, Whole
from thunderguard.replay.edit import at, drop, put
from thunderguard.replay.effects import Effect, Mutated, Place, Promise
from thunderguard.replay.ground import placed
from thunderguard.replay.mutations.base import Family, bounded_containers, judged_workload, one_of

if TYPE_CHECKING:
    from thunderguard.model import JsonObject
    from thunderguard.replay.ground import Ground

FAMILY = Family("resources")
_RULE = "resource-limits"
_FIELDS = ("limits.cpu", "limits.memory", "requests.cpu", "requests.memory")
_WHERE = Whole()
_FIELD = OneOf(_FIELDS)
_LARGEST_SPELLED = 10**14

# What is no quantity: words, what nearly is one, and what is no text.
_NO_NUMBERS = ("lots", "", "1 Gi", "1GB", "1gi", "1,5", "1_000", "0x10", "NaN", "1e", "Gi", ".", " 1", "1\n", "1Ki1")
_ODD_NUMBERS = ("-1", -1, "1e99", "9999999999999999", "\uff11", "1\u212ai")
_NO_TEXTS: tuple[Any, ...] = (True, [], {}, ["1"])


def _pod(view: Subject) -> Any:
    return view.dig(*view.pod_spec, "resources")


def _given(resources: Any, field: str) -> bool:
    return at(resources, field.split(".")) is not None


def _lacking(ground: Ground, own: Any, pod: Any) -> bool:
    """Say whether a required amount is given neither by a container nor by its pod, nor a limit in its place."""
    return any(
        not any(
            _given(place, field) for place in (own, pod) for field in (wanted, wanted.replace("requests", "limits"))
        )
        for wanted in ground.contract.required_resources
    )


def _missing(ground: Ground, before: Subject, after: JsonObject) -> tuple[set[Place], set[Place]]:
    """Give the containers that lack an amount now and did not before, and the other way about."""
    now = ground.view(after)
    plants: set[Place] = set()
    removes: set[Place] = set()
    for container in bounded_containers(before):
        path = (*container.path, "resources")
        lacked = _lacking(ground, container.body.get("resources"), _pod(before))
        lacks = _lacking(ground, at(after, path), _pod(now))
        if lacks != lacked:
            (plants if lacks else removes).add((_RULE, format_path(path)))
    return plants, removes


def _with_amount(view: Subject, field: str, where: int) -> tuple[Segment, ...] | None:
    """Choose a container that gives ``field`` while its pod gives nothing, and give the path of the field."""
    if _pod(view):
        return None
    keys = field.split(".")
    found = [c for c in bounded_containers(view) if _given(c.body.get("resources"), field)]
    chosen = one_of(found, where)
    return None if chosen is None else (*chosen.path, "resources", *keys)


def _at_field(path: tuple[Segment, ...]) -> frozenset[Place]:
    return placed(_RULE, *path)


@FAMILY.add("drop-quantity", Promise.PLANTS, judged_workload, _RULE, field=_FIELD, where=_WHERE)
def drop_quantity(view: Subject, ground: Ground, field: str, where: int) -> Mutated | None:
    """One request or limit of one container is dropped."""
    path = _with_amount(view, field, where)
    if path is None:
        return None
    obj = drop(view.obj, path)
    plants, removes = _missing(ground, view, obj)
    return Mutated(obj, Effect(plants=frozenset(plants), removes=frozenset(removes) | _at_field(path)))


@FAMILY.add("drop-resources", Promise.PLANTS, judged_workload, _RULE, where=_WHERE)
def drop_resources(view: Subject, ground: Ground, where: int) -> Mutated | None:
    """All requests and limits of one container are dropped."""
    chosen = one_of([c for c in bounded_containers(view) if c.body.get("resources")], where)
    if chosen is None or _pod(view):
        return None
    path = (*chosen.path, "resources")
    obj = drop(view.obj, path)
    plants, _ = _missing(ground, view, obj)
    gone = {(_RULE, format_path((*path, group))) for group in ("limits", "requests")}
    return Mutated(obj, Effect(plants=frozenset(plants), removes=frozenset(gone)))


def _spoiled(view: Subject, ground: Ground, field: str, where: int, value: Any) -> Mutated | None:
    path = _with_amount(view, field, where)
    if path is None:
        return None
    place = _at_field(path)
    required = field in ground.contract.required_resources
    return Mutated(put(view.obj, path, value), Effect(plants=place) if required else Effect(removes=place))


@FAMILY.add(
    "zero-quantity",
    Promise.PLANTS,
    judged_workload,
    _RULE,
    field=_FIELD,
    where=_WHERE,
    value=OneOf(("0", 0, "0m", "0Gi", "0.0", "0e3", ".0", 0.0, "+0")),
)
def zero_quantity(view: Subject, ground: Ground, field: str, where: int, value: Any) -> Mutated | None:
    """One request or limit becomes zero, in one of its spellings."""
    return _spoiled(view, ground, field, where, value)


@FAMILY.add(
    "unreadable-quantity",
    Promise.PLANTS,
    judged_workload,
    _RULE,
    field=_FIELD,
    where=_WHERE,
    value=OneOf((*_NO_NUMBERS, *_ODD_NUMBERS, *_NO_TEXTS)),
)
def unreadable_quantity(view: Subject, ground: Ground, field: str, where: int, value: Any) -> Mutated | None:
    """One request or limit becomes something that is no quantity."""
    return _spoiled(view, ground, field, where, value)


def _amount(view: Subject, field: str, where: int) -> tuple[tuple[Segment, ...], int] | None:
    path = _with_amount(view, field, where)
    value = None if path is None else milli(at(view.obj, path))
    return (path, value) if path is not None and value and value < _LARGEST_SPELLED else None


def _ceiling(view: Subject, path: tuple[Segment, ...]) -> int | None:
    container = next(c for c in view.containers if c.path == path[: len(c.path)])
    bound = view.ceiling(container, str(path[-1]))
    return None if bound is None else bound[1].milli


@FAMILY.add("shrink-quantity", Promise.NEUTRAL, judged_workload, field=_FIELD, where=_WHERE, by=OneOf((2, 3, 1000)))
def shrink_quantity(view: Subject, ground: Ground, field: str, where: int, by: int) -> Mutated | None:
    """One request or limit becomes smaller, and stays above zero."""
    del ground
    found = _amount(view, field, where)
    if found is None or found[1] < by:
        return None
    path, value = found
    bound = _ceiling(view, path)
    return None if bound is not None and value > bound else Mutated(put(view.obj, path, f"{value // by}m"))


@FAMILY.add("grow-quantity", Promise.EXACT, judged_workload, _RULE, field=_FIELD, where=_WHERE, by=OneOf((2, 10, 1000)))
def grow_quantity(view: Subject, ground: Ground, field: str, where: int, by: int) -> Mutated | None:
    """One request or limit grows, perhaps above the ceiling of its service."""
    del ground
    found = _amount(view, field, where)
    if found is None:
        return None
    path, value = found
    bound = _ceiling(view, path)
    plants = _at_field(path) if bound is not None and value * by > bound else frozenset()
    return Mutated(put(view.obj, path, f"{value * by}m"), Effect(plants=plants))


@FAMILY.add("raise-above-ceiling", Promise.PLANTS, judged_workload, _RULE, field=_FIELD, where=_WHERE, by=Whole(1, 3))
def raise_above_ceiling(view: Subject, ground: Ground, field: str, where: int, by: int) -> Mutated | None:
    """One request or limit goes to just above the ceiling of its service."""
    del ground
    path = _with_amount(view, field, where)
    bound = None if path is None else _ceiling(view, path)
    if path is None or bound is None or bound > _LARGEST_SPELLED:
        return None
    return Mutated(put(view.obj, path, f"{bound + by}m"), Effect(plants=_at_field(path)))


@FAMILY.add("meet-ceiling", Promise.EXACT, judged_workload, field=_FIELD, where=_WHERE)
def meet_ceiling(view: Subject, ground: Ground, field: str, where: int) -> Mutated | None:
    """One request or limit goes to the very ceiling of its service."""
    del ground
    path = _with_amount(view, field, where)
    bound = None if path is None else _ceiling(view, path)
    if path is None or not bound or bound > _LARGEST_SPELLED:
        return None
    return Mutated(put(view.obj, path, f"{bound}m"), Effect(removes=_at_field(path)))


def _spellings(thousandths: int) -> Iterator[Any]:
    """Give other ways to write an amount, from its thousandths alone."""
    yield f"{thousandths}m"
    yield f"+{thousandths}m"
    whole, rest = divmod(thousandths, 1000)
    yield f"{whole}.{rest:03}"
    if rest:
        return
    yield from (f"{whole}", f"{whole}.", f"{whole}e0", f"{whole}.000", f"0{whole}")
    if whole < 2**53:
        yield whole
        yield float(whole)
    for power, (decimal, binary) in enumerate((("k", "Ki"), ("M", "Mi"), ("G", "Gi")), 1):
        if whole % 1000**power == 0:
            yield f"{whole // 1000**power}{decimal}"
            yield f"{whole // 1000**power}e{3 * power}"
        if whole % 1024**power == 0:
            yield f"{whole // 1024**power}{binary}"


@FAMILY.add("respell-quantity", Promise.NEUTRAL, judged_workload, field=_FIELD, where=_WHERE, spelling=Whole(0, 31))
def respell_quantity(view: Subject, ground: Ground, field: str, where: int, spelling: int) -> Mutated | None:
    """One request or limit is written in another unit, as a number or with another exponent."""
    del ground
    found = _amount(view, field, where)
    if found is None:
        return None
    path, value = found
    return Mutated(put(view.obj, path, one_of(list(_spellings(value)), spelling)))


def _small(view: Subject, ground: Ground) -> dict[str, dict[str, str]]:
    services = tuple(view.contract.service[name] for name in view.services)
    amounts = ground.samples.amounts(services)
    return {"requests": dict(amounts), "limits": dict(amounts)}


@FAMILY.add("pod-level-resources", Promise.EXACT, judged_workload)
def pod_level_resources(view: Subject, ground: Ground) -> Mutated | None:
    """The pod gets requests and limits of its own, which count for containers that have none."""
    if view.dig(*view.pod_spec) is None or _pod(view):
        return None
    obj = put(view.obj, (*view.pod_spec, "resources"), _small(view, ground))
    _, removes = _missing(ground, view, obj)
    return Mutated(obj, Effect(removes=frozenset(removes)))


@FAMILY.add("pod-level-instead", Promise.EXACT, judged_workload)
def pod_level_instead(view: Subject, ground: Ground) -> Mutated | None:
    """Requests and limits move from the containers to the pod."""
    if not bounded_containers(view) or _pod(view):
        return None
    obj = put(view.obj, (*view.pod_spec, "resources"), _small(view, ground))
    removes = set()
    for container in bounded_containers(view):
        path = (*container.path, "resources")
        obj = drop(obj, path)
        removes.add((_RULE, format_path(path)))
    return Mutated(obj, Effect(removes=frozenset(removes)))


@FAMILY.add(
    "spoil-pod-level", Promise.PLANTS, judged_workload, _RULE, field=_FIELD, value=OneOf(("0", 0, "much", "-2", False))
)
def spoil_pod_level(view: Subject, ground: Ground, field: str, value: Any) -> Mutated | None:
    """The pod gets a request or limit of its own that bounds nothing."""
    if not bounded_containers(view) or _pod(view) or field not in ground.contract.required_resources:
        return None
    path = (*view.pod_spec, "resources", *field.split("."))
    obj = put(view.obj, path, value)
    plants, removes = _missing(ground, view, obj)
    return Mutated(obj, Effect(plants=frozenset(plants) | _at_field(path), removes=frozenset(removes)))
