"""What has to change in an object so that a finding about it goes, where the Estate or the cluster gives the value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from thunderguard.facts.subject import Subject
from thunderguard.facts.values import dig
from thunderguard.plan.amounts import bounded, digest_of, probe
from thunderguard.plan.apply import changed
from thunderguard.plan.names import is_image
from thunderguard.plan.steps import Change

if TYPE_CHECKING:
    from thunderguard.facts.workloads import Container
    from thunderguard.model import JsonObject
    from thunderguard.paths import Segment
    from thunderguard.plan.judging import Judging
    from thunderguard.plan.steps import Found

#: What is set when a rule is satisfied by a change.
HOW = {
    "resource-limits": "resources",
    "image-reference": "image",
    "health-probes": "probes",
    "singleton-service": "replicas",
}
_ROUNDS = 8


class Mending:
    """Finds values for one Estate."""

    def __init__(self, judging: Judging, estate: JsonObject) -> None:
        """Take the judge of objects, and the Estate object it judges by."""
        self._judging = judging
        self._estate = estate

    def changes(self, found: Iterable[Found], obj: JsonObject, pods: Sequence[JsonObject]) -> list[Change]:
        """Give the changes of ``obj`` for those of ``found`` that can be mended; later ones fit earlier ones.

        ``pods`` are those that run it.
        """
        subject = Subject(obj, self._judging.contract)
        given: dict[tuple[Segment, ...], Change] = {}
        for container, fields in _amounts(found, subject):
            for change in bounded(subject, container, fields) or ():
                given[change.path] = change
        for one in found:
            for change in self._change(one, subject, pods):
                given[change.path] = change
        return list(given.values())

    def whole(self, obj: JsonObject, pods: Sequence[JsonObject]) -> tuple[Change, ...]:
        """Give the changes that mend all that can be mended in ``obj``."""
        changes: list[Change] = []
        now = obj
        for _ in range(_ROUNDS):
            more = self.changes(self._judging.of_object(now), now, pods)
            if not more:
                break
            changes += more
            now = changed(now, more)
        return tuple({change.path: change for change in changes}.values())

    def _change(self, one: Found, subject: Subject, pods: Sequence[JsonObject]) -> list[Change]:
        match one.rule, one.violation:
            case "singleton-service", "replicas":
                return [Change(one.path, int(one.args["maximum"])), *_minimum(one, subject)]
            case "resource-limits", "ceiling":
                return [Change(one.path, one.args["ceiling"])]
            case "image-reference", "untagged" | "forbidden-tag" | "version":
                container = _container(subject, one.path)
                image = digest_of(container, pods) if container else None
                return [Change(one.path, image)] if image and is_image(image) else []
            case "health-probes", "probe":
                container = _container(subject, one.path)
                made = probe(subject, container, one.service, self._estate) if container and one.service else None
                return [Change(one.path, made)] if made else []
        return []


def _minimum(one: Found, subject: Subject) -> list[Change]:
    """An autoscaler's minimum cannot be above its maximum."""
    least = dig(subject.obj, ("spec", "minReplicas"))
    if one.path != ("spec", "maxReplicas") or not isinstance(least, int) or least <= int(one.args["maximum"]):
        return []
    return [Change(("spec", "minReplicas"), int(one.args["maximum"]))]


def _amounts(found: Iterable[Found], subject: Subject) -> list[tuple[Container, list[str]]]:
    """Give the amounts that containers lack or that bound nothing."""
    wanted: dict[tuple[Segment, ...], tuple[Container, list[str]]] = {}
    for one in found:
        container = _container(subject, one.path)
        if one.rule != "resource-limits" or container is None:
            continue
        fields = wanted.setdefault(container.path, (container, []))[1]
        if one.violation == "missing":
            fields += one.args["missing"].split(", ")
        elif one.violation in ("zero", "unreadable"):
            fields.append(".".join(str(segment) for segment in one.path[-2:]))
    return [(container, fields) for container, fields in wanted.values() if fields]


def _container(subject: Subject, path: Sequence[Segment]) -> Container | None:
    return next((one for one in subject.containers if tuple(path[: len(one.path)]) == one.path), None)
