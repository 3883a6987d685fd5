"""The objects that examples start from: those of a snapshot, and those that the Estate gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING

import orjson

from thunderguard.documents import open_source
from thunderguard.errors import SourceError
from thunderguard.facts.workloads import template_path
from thunderguard.model import Document, JsonObject
from thunderguard.replay.mutations import Mutation, fitting

if TYPE_CHECKING:
    from thunderguard.replay.ground import Ground

#: So many workloads, and so many objects of each other kind, are kept of a snapshot: examples need no more.
_MOST_WORKLOADS = 2000
_MOST_OF_A_KIND = 50


@dataclass(frozen=True)
class Corpus:
    """What examples start from. ``seen`` is how many objects there were in the snapshots, ``objects`` those kept."""

    ground: Ground
    objects: tuple[JsonObject, ...]
    seen: int
    _groups: tuple[tuple[float, tuple[JsonObject, ...]], ...] = ()
    _applicable: dict[int, tuple[tuple[Mutation, ...], ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, ground: Ground, objects: Iterable[JsonObject]) -> Corpus:
        """Take the objects of a snapshot, and make those of the Estate."""
        kept, seen = _kept(objects)
        workloads, others = _parted(kept)
        made_workloads, made_others = _parted((*ground.samples.whole, *ground.samples.loose))
        groups = ((0.5, workloads), (0.15, others), (0.25, made_workloads), (0.1, made_others))
        return cls(ground, kept, seen, tuple((weight, group) for weight, group in groups if group))

    @property
    def everything(self) -> tuple[JsonObject, ...]:
        """All objects that examples start from."""
        return tuple(obj for _, group in self._groups for obj in group)

    @cached_property
    def by_size(self) -> tuple[JsonObject, ...]:
        """All objects that examples start from, the smallest first."""
        return tuple(sorted(self.everything, key=lambda obj: len(orjson.dumps(obj))))

    def pick(self, random: Random) -> JsonObject:
        """Choose an object; workloads more often than others."""
        weights, groups = zip(*self._groups, strict=True)
        (group,) = random.choices(groups, weights)
        chosen: JsonObject = group[int(random.random() * len(group))]
        return chosen

    def mutations(self, obj: JsonObject) -> tuple[tuple[Mutation, ...], ...]:
        """Give the mutations that change ``obj``, an object of this corpus, by family."""
        key = id(obj)
        if key not in self._applicable:
            self._applicable[key] = fitting(self.ground.view(obj))
        return self._applicable[key]


def read_objects(paths: Sequence[str]) -> list[JsonObject]:
    """Read all objects of ``paths``. Raises SourceError when there are none, or when something cannot be read."""
    with open_source(paths) as source:
        objects = []
        for item in source:
            if not isinstance(item, Document):
                place = f"{item.file}:{item.line}" if item.line else str(item.file)
                raise SourceError(f"{place}: {item.message}", hint="a replay needs a source that is read whole")
            objects.append(orjson.loads(item.text))
    if not objects:
        raise SourceError(f"no Kubernetes object in {' '.join(paths)}", hint="name a snapshot that holds some")
    return objects


def _kept(objects: Iterable[JsonObject]) -> tuple[tuple[JsonObject, ...], int]:
    counts: dict[str, int] = {}
    kept, seen = [], 0
    for obj in objects:
        seen += 1
        is_workload = template_path(obj) is not None
        kind = "" if is_workload else str(obj.get("kind"))
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] <= (_MOST_WORKLOADS if is_workload else _MOST_OF_A_KIND):
            kept.append(obj)
    return tuple(kept), seen


def _parted(objects: Iterable[JsonObject]) -> tuple[tuple[JsonObject, ...], tuple[JsonObject, ...]]:
    """Give the workloads among ``objects``, and the others."""
    known = [(obj, template_path(obj) is not None) for obj in objects]
    workloads = tuple(obj for obj, is_workload in known if is_workload)
    return workloads, tuple(obj for obj, is_workload in known if not is_workload)
