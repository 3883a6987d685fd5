"""Following a remedy: what a person would do who reads it, done to a set of objects.

The words of a remedy are taken apart by the template that the catalogue has for it, so that what is followed is what
was told. A command that the Estate gives for something deprecated is trusted to take away what it was told about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from thunderguard.facts.image import parse_image
from thunderguard.facts.ownership import roots_of
from thunderguard.facts.remove import HelmRelease, helm_release
from thunderguard.facts.resources import is_release, namespace_of, resource_of
from thunderguard.facts.subject import Subject
from thunderguard.facts.workloads import REPLICAS
from thunderguard.paths import Segment, parse_path
from thunderguard.replay.edit import at, drop, put
from thunderguard.replay.samples import API_VERSIONS, PLAIN_IMAGE, PROBE

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue, Rule
    from thunderguard.facts.workloads import Container
    from thunderguard.model import JsonObject, RawFinding
    from thunderguard.replay.ground import Ground

Words: TypeAlias = Mapping[str, str]

_HELM = re.compile(r"helm uninstall (?P<name>\S+) -n (?P<namespace>\S+)")
_DELETE = re.compile(r"kubectl delete (?P<kind>\S+) (?P<name>.*?)(?: -n (?P<namespace>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Told:
    """A finding with the violation it is one of, and the words of its message and remedy."""

    finding: RawFinding
    violation: str
    words: Words


def understood(finding: RawFinding, catalogue: Catalogue) -> Told | None:
    """Find the violation whose templates gave a finding its message and remedy; None when none did."""
    rule = catalogue.rules[finding.rule]
    for key in rule.violations:
        message, remedy = (pattern.fullmatch(text) for pattern, text in _read(rule, key, finding))
        if message and remedy:
            return Told(finding, key, {**message.groupdict(), **remedy.groupdict()})
    return None


def _read(rule: Rule, key: str, finding: RawFinding) -> Iterable[tuple[re.Pattern[str], str]]:
    message, remedy = rule.violations[key]
    return ((_pattern(message), finding.message), (_pattern(remedy), finding.remedy))


@cache
def _pattern(template: str) -> re.Pattern[str]:
    known: set[str] = set()
    parts = []
    for part in re.split(r"(\{[a-z]+\})", template):
        if part.startswith("{"):
            word = part[1:-1]
            parts.append(f"(?P={word})" if word in known else f"(?P<{word}>.*?)")
            known.add(word)
        else:
            parts.append(re.escape(part))
    return re.compile("".join(parts), re.DOTALL)


@dataclass(frozen=True)
class Remedies:
    """What following remedies does under one Estate."""

    ground: Ground
    catalogue: Catalogue

    def given(self, finding: RawFinding, objects: Sequence[JsonObject]) -> list[JsonObject]:
        """Give ``objects`` as they are when the remedy is to be followed: "once the home serves", it serves."""
        told = understood(finding, self.catalogue)
        if told is None or (finding.rule, told.violation) != ("singleton-service", "away"):
            return list(objects)
        return self.deploy(told.words["service"], list(objects)) or list(objects)

    def follow(self, finding: RawFinding, objects: Sequence[JsonObject]) -> list[JsonObject] | None:
        """Give ``objects`` after the remedy of ``finding`` was followed; None when it cannot be modelled."""
        told = understood(finding, self.catalogue)
        act = None if told is None else _ACTIONS.get((finding.rule, told.violation))
        if told is None or act is None:
            return None
        return act(self, told, list(objects))

    def run(self, command: str, objects: list[JsonObject], about: RawFinding) -> list[JsonObject]:
        """Run a command that removes something. One that is not Helm's or kubectl's removes what it is ``about``."""
        return without(objects, _removed_by(command) or (lambda obj: resource_of(obj) == about.resource))

    def deploy(self, service: str, objects: list[JsonObject]) -> list[JsonObject] | None:
        """Make sure that a service is at its home; None when no sample of it could be made."""
        home = self.ground.samples.home(service)
        if home is None:
            return None
        address = resource_of(home)
        present = [obj for obj in objects if resource_of(obj) == address]
        runs = any(service in self.ground.view(obj).services for obj in present)
        if runs and all(at(obj, ("spec", "replicas")) != 0 for obj in present):
            return objects
        return [*(obj for obj in objects if resource_of(obj) != address), home]


def _removed_by(command: str) -> Callable[[JsonObject], bool] | None:
    """Say what a command of Helm or kubectl removes, what is owned left out; None for any other command."""
    if found := _HELM.fullmatch(command):
        release = HelmRelease(found["name"], found["namespace"])
        return lambda obj: _is_of(release, obj)
    found = _DELETE.fullmatch(command)
    if found is None:
        return None
    kind, name, namespace = found["kind"], found["name"], found["namespace"] or ""
    if kind == "namespace":
        return lambda obj: name in (namespace_of(obj), _namespace_name(obj))
    return lambda obj: _named(obj) == (kind, name, namespace)


def without(objects: Sequence[JsonObject], gone: Callable[[JsonObject], bool]) -> list[JsonObject]:
    """Give ``objects`` without those that are ``gone``, what they own, and the endpoints of Services among them."""
    roots = roots_of(objects)
    removed = [gone(obj) for obj in objects]
    services = {
        (namespace_of(obj), obj["metadata"].get("name"))
        for obj, is_removed in zip(objects, removed, strict=True)
        if is_removed and obj.get("kind") == "Service"
    }
    return [
        obj
        for place, obj in enumerate(objects)
        if not removed[place]
        and not removed[roots[place]]
        and not (obj.get("kind") == "Endpoints" and (namespace_of(obj), obj["metadata"].get("name")) in services)
    ]


def _is_of(release: HelmRelease, obj: JsonObject) -> bool:
    if is_release(obj):
        return (resource_of(obj).name, namespace_of(obj)) == (release.name, release.namespace)
    return helm_release(obj) == release


def _named(obj: JsonObject) -> tuple[str, str, str]:
    resource = resource_of(obj)
    return resource.kind.lower(), resource.name, resource.namespace


def _namespace_name(obj: JsonObject) -> str | None:
    return resource_of(obj).name if (obj.get("apiVersion"), obj.get("kind")) == ("v1", "Namespace") else None


def _changed(
    told: Told, objects: list[JsonObject], change: Callable[[JsonObject], JsonObject]
) -> list[JsonObject] | None:
    """Change the object that a finding is about, and its pods and ReplicaSets with it."""
    places = [place for place, obj in enumerate(objects) if resource_of(obj) == told.finding.resource]
    if not places:
        return None
    roots = roots_of(objects)
    # Controllers make the pods of a changed workload anew.
    owned = {place for place, root in enumerate(roots) if root in places and place not in places}
    return [change(obj) if place in places else obj for place, obj in enumerate(objects) if place not in owned]


def _set(told: Told, objects: list[JsonObject], field: str, value: Any) -> list[JsonObject] | None:
    return _changed(told, objects, lambda obj: put(obj, parse_path(field), value))


def _removal(word: str) -> _Action:
    """Give the action that runs the command that a word of the remedy is."""

    def act(remedies: Remedies, told: Told, objects: list[JsonObject]) -> list[JsonObject]:
        return remedies.run(told.words[word], objects, told.finding)

    return act


def _setting(value: Callable[[Words], Any]) -> _Action:
    """Give the action that sets the field that a remedy names to a value that its words may tell."""

    def act(remedies: Remedies, told: Told, objects: list[JsonObject]) -> list[JsonObject] | None:
        del remedies
        return _set(told, objects, told.words["field"], value(told.words))

    return act


def _chart(remedies: Remedies, told: Told, objects: list[JsonObject]) -> list[JsonObject] | None:
    """Run the command; what is no part of that release names the chart no more."""
    left = remedies.run(told.words["command"], objects, told.finding)
    path = parse_path(told.finding.path)
    if path[0] == "dependencies":
        path = path[:-1]
    return _changed(told, left, lambda obj: drop(obj, path)) or left


def _deprecated(remedies: Remedies, told: Told, objects: list[JsonObject]) -> list[JsonObject] | None:
    """Run the command; what is no part of that release runs the service no more, and is gone when it runs no other."""
    left = remedies.run(told.words["command"], objects, told.finding)
    path = parse_path(told.finding.path)
    found = next((obj for obj in left if resource_of(obj) == told.finding.resource), None)
    if found is not None and len(remedies.ground.view(found).containers) > 1:
        return _changed(told, left, lambda obj: drop(obj, path))
    return without(left, lambda obj: resource_of(obj) == told.finding.resource)


def _container(view: Subject, path: Sequence[Segment]) -> Container | None:
    return next((c for c in view.containers if tuple(path[: len(c.path)]) == c.path), None)


def _amounts(remedies: Remedies, view: Subject, path: Sequence[Segment]) -> dict[str, str]:
    container = _container(view, path)
    named = view.services if container is None else view.services_of(container)
    return remedies.ground.samples.amounts(tuple(view.contract.service[name] for name in named))


def _give_amounts(remedies: Remedies, told: Told, objects: list[JsonObject]) -> list[JsonObject] | None:
    path = parse_path(told.finding.path)

    def change(obj: JsonObject) -> JsonObject:
        amounts = _amounts(remedies, remedies.ground.view(obj), path)
        for field in told.words["missing"].split(", "):
            group, _, resource = field.partition(".")
            obj = put(obj, (*path, group, resource), amounts[resource])
        return obj

    return _changed(told, objects, change)


def _mend_amount(remedies: Remedies, told: Told, objects: list[JsonObject]) -> list[JsonObject] | None:
    path = parse_path(told.words["field"])
    return _changed(
        told,
        objects,
        lambda obj: put(obj, path, _amounts(remedies, remedies.ground.view(obj), path)[str(path[-1])]),
    )


def _list_containers(remedies: Remedies, told: Told, objects: list[JsonObject]) -> list[JsonObject] | None:
    path = parse_path(told.words["field"])
    plain = remedies.ground.samples.plain()
    return _set(told, objects, told.words["field"], plain if isinstance(path[-1], int) else [plain])


def _run_as(remedies: Remedies, told: Told, objects: list[JsonObject]) -> list[JsonObject] | None:
    """Run the service as one of the kinds it may be, and remove what runs it otherwise."""
    name = told.words["service"]
    home = remedies.ground.samples.home(name)
    kinds = [kind for kind in told.words["allowed"].split(", ") if kind in API_VERSIONS]
    if home is None or not kinds:
        return None
    left = remedies.run(told.words["remove"], objects, told.finding)
    return [*(obj for obj in left if resource_of(obj) != resource_of(home)), home]


def _name_version(remedies: Remedies, told: Told, objects: list[JsonObject]) -> list[JsonObject] | None:
    """Name a version: the example of the remedy, or one that the service's own rule accepts."""
    field = parse_path(told.words["field"])

    def change(obj: JsonObject) -> JsonObject:
        view = remedies.ground.view(obj)
        container = _container(view, field)
        repository = parse_image(str(at(obj, field))).repository
        for name in view.services_of(container) if container else ():
            service = view.contract.service[name]
            if service.tag and (tag := remedies.ground.samples.tag(service)):
                return put(obj, field, f"{repository}:{tag}")
        return put(obj, field, f"{repository}:1.2.3")

    return _changed(told, objects, change)


def _take_image_from(remedies: Remedies, told: Told, objects: list[JsonObject]) -> list[JsonObject] | None:
    service = remedies.ground.contract.service[told.words["service"]]
    repository, tag = told.words["allowed"].split(", ")[0], remedies.ground.samples.tag(service)
    return _set(told, objects, told.finding.path, f"{repository}:{tag}")


def _deploy(remedies: Remedies, told: Told, objects: list[JsonObject]) -> list[JsonObject] | None:
    return remedies.deploy(told.words["service"], objects)


def _scale_up(remedies: Remedies, told: Told, objects: list[JsonObject]) -> list[JsonObject] | None:
    service, minimum = told.words["service"], int(told.words["minimum"])
    for place, obj in enumerate(objects):
        view = remedies.ground.view(obj)
        field = REPLICAS.get(view.type)
        if field and view.is_in_allowed and service in view.services:
            return [*objects[:place], put(obj, field, minimum), *objects[place + 1 :]]
    return None


def _mend_pods(remedies: Remedies, told: Told, objects: list[JsonObject]) -> list[JsonObject]:
    """Mend what fails: the pods of the workload run, and have not been restarted."""
    del remedies
    roots = roots_of(objects)
    ours = {place for place, obj in enumerate(objects) if resource_of(obj) == told.finding.resource}
    return [
        put(obj, ("status",), {"phase": "Running"}) if obj.get("kind") == "Pod" and roots[place] in ours else obj
        for place, obj in enumerate(objects)
    ]


def _apply_bounds(remedies: Remedies, told: Told, objects: list[JsonObject]) -> list[JsonObject]:
    del remedies
    where = {"name": "bounds", "namespace": told.words["name"]}
    kinds = told.words["missing"].split(", ")
    return [*objects, *({"apiVersion": "v1", "kind": kind, "metadata": where, "spec": {}} for kind in kinds)]


def _calm(remedies: Remedies, told: Told, objects: list[JsonObject]) -> list[JsonObject]:
    """Set limits or scale down: what is measured afterwards is little."""
    del remedies
    namespace = told.finding.resource.namespace
    return [
        put(obj, ("containers",), []) if obj.get("kind") == "PodMetrics" and namespace_of(obj) == namespace else obj
        for obj in objects
    ]


_Action: TypeAlias = Callable[[Remedies, Told, list["JsonObject"]], "list[JsonObject] | None"]

_ACTIONS: Mapping[tuple[str, str], _Action] = {
    ("singleton-service", "away"): _removal("remove"),
    ("singleton-service", "replicas"): _setting(lambda words: int(words["maximum"])),
    ("deprecated-chart", "chart"): _chart,
    ("deprecated-service", "service"): _deprecated,
    ("namespace-boundary", "object"): _removal("remove"),
    ("namespace-boundary", "namespace"): lambda remedies, told, objects: remedies.run(
        f"kubectl delete namespace {told.words['name']}", objects, told.finding
    ),
    ("resource-limits", "missing"): _give_amounts,
    ("resource-limits", "zero"): _mend_amount,
    ("resource-limits", "unreadable"): _mend_amount,
    ("resource-limits", "ceiling"): _setting(lambda words: words["ceiling"]),
    ("resource-limits", "containers"): _list_containers,
    ("job-only-service", "execution"): _run_as,
    ("image-reference", "missing"): _setting(lambda _: PLAIN_IMAGE),
    ("image-reference", "untagged"): _name_version,
    ("image-reference", "forbidden-tag"): _name_version,
    ("image-reference", "repository"): _take_image_from,
    ("image-reference", "version"): _name_version,
    ("health-probes", "probe"): _setting(lambda _: PROBE),
    ("duplicate-service", "duplicate"): _removal("remove"),
    ("duplicate-release", "duplicate"): lambda remedies, told, objects: remedies.run(
        told.finding.remedy, objects, told.finding
    ),
    ("missing-service", "absent"): _deploy,
    ("missing-service", "minimum"): _scale_up,
    ("parked-workload", "parked"): _removal("remove"),
    ("failing-workload", "failing"): _mend_pods,
    ("namespace-quota", "absent"): _apply_bounds,
    ("runaway-usage", "usage"): _calm,
    ("undeclared-workload", "undeclared"): _removal("remove"),
}

#: The violations for which following the remedy is modelled.
MODELLED = frozenset(_ACTIONS)
