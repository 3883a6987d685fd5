"""What decided about a finding: which facts the rule read, and which of them missed.

Nothing is read out of a message. The facts are those of the Python reference, told by rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from thunderguard.engines.reference.inventory import Inventory, is_active, is_uninstalled, pods_wanted
from thunderguard.facts.image import parse_image
from thunderguard.facts.ownership import roots_of
from thunderguard.facts.quantity import milli
from thunderguard.facts.remove import helm_release
from thunderguard.facts.resources import resource_of
from thunderguard.facts.services import command_line
from thunderguard.facts.values import as_list, dig, has_label, value_text
from thunderguard.facts.workloads import PARALLEL, replicas_of
from thunderguard.paths import format_path, lookup

if TYPE_CHECKING:
    from thunderguard.facts.contract import Contract
    from thunderguard.facts.services import Criteria, Recognisable, Service
    from thunderguard.facts.subject import Subject
    from thunderguard.facts.workloads import Container
    from thunderguard.model import JsonObject
    from thunderguard.paths import Segment
    from thunderguard.plan.judging import Judging
    from thunderguard.plan.steps import Found

_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Clue:
    """One thing that decided: ``topic`` says what it is about, ``text`` what was read and how it compares."""

    topic: str
    text: str


@dataclass
class Trace:
    """All that can be told about one finding in the set it was found in."""

    found: Found
    objects: Sequence[JsonObject]
    judging: Judging
    _clues: list[Clue] = field(default_factory=list)

    def clues(self) -> tuple[Clue, ...]:
        """Tell who the finding is about, as what it was recognised, and what the rule read."""
        about = self._subject
        if about is not None:
            self._owners(about)
            self._recognition(about)
        teller = _TELLERS.get(self.found.rule)
        if teller is not None:
            self._clues += teller(self)
        return tuple(self._clues)

    @property
    def contract(self) -> Contract:
        """What the Estate says."""
        return self.judging.contract

    @cached_property
    def _subject(self) -> Subject | None:
        there = (obj for obj in self.objects if resource_of(obj) == self.found.resource)
        return next((self.judging.subject(obj) for obj in there), None)

    @cached_property
    def _inventory(self) -> Inventory:
        return Inventory(self.objects, self.contract)

    @property
    def _service(self) -> Service | None:
        return self.contract.service.get(self.found.service or "")

    # ------------------------------------------------------------------------------------------ who it is

    def _owners(self, about: Subject) -> None:
        roots = roots_of(self.objects)
        owned = [
            resource_of(obj)
            for place, obj in enumerate(self.objects)
            if self.objects[roots[place]] is about.obj and obj is not about.obj
        ]
        if owned:
            self._add("owner", f"{about.resource} speaks for {', '.join(map(str, owned))}, which it owns")
        for reference in as_list(about.dig("metadata", "ownerReferences")):
            if dig(reference, ("controller",)) is True:
                owner = f"{value_text(dig(reference, ('kind',)))}/{value_text(dig(reference, ('name',)))}"
                self._add("owner", f"its controller {owner} is not in the set, so it is judged itself")
        release = helm_release(about.obj)
        if release is not None:
            self._add("owner", f"the Helm release {release.name} of namespace {release.namespace} made it")

    def _recognition(self, about: Subject) -> None:
        known: tuple[tuple[str, Sequence[Recognisable]], ...] = (
            ("", self.contract.services),
            ("the deprecated service ", self.contract.deprecated_services),
        )
        for container in about.containers:
            for kind, services in known:
                for service in services:
                    self._recognised(about, container, kind, service)

    def _recognised(self, about: Subject, container: Container, kind: str, service: Recognisable) -> None:
        if not container.serves:
            return
        for number, criteria in enumerate(service.recognise, 1):
            if criteria.match(about.obj, about.template or (), container):
                which = f"alternative {number} of {len(service.recognise)}"
                how = "; ".join(_matches(criteria, about, container))
                where = f"container {container.label} at {format_path(container.path)}"
                self._add("recognised", f"{where} is {kind}{service.name}, by {which}: {how}")
                return

    def _add(self, topic: str, text: str) -> None:
        self._clues.append(Clue(topic, text))

    # ------------------------------------------------------------------------------------------ what the rules read

    def _container(self, about: Subject) -> Container | None:
        path = self.found.path
        return next((one for one in about.containers if tuple(path[: len(one.path)]) == one.path), None)

    def _value(self, path: Sequence[Segment]) -> Any:
        about = self._subject
        value, depth = lookup(about.obj, path) if about is not None else (None, -1)
        return value if depth == len(path) else None

    def resource_limits(self) -> Iterator[Clue]:
        """Where each required amount was looked for, or what the value is against the ceiling."""
        about, found = self._subject, self.found
        container = None if about is None else self._container(about)
        if about is None or found.violation == "containers":
            yield Clue("value", f"{format_path(found.path)} is {value_text(self._value(found.path))}, and no list")
        elif found.violation == "missing" and container is not None:
            for wanted in found.args["missing"].split(", "):
                group, _, name = wanted.partition(".")
                places = [f"{wanted} of the container", f"{wanted} of the pod"]
                if group == "requests":
                    places += [f"limits.{name} of the container", f"limits.{name} of the pod"]
                yield Clue("value", f"the Estate requires {wanted}; not set is {', '.join(places)}")
        else:
            yield self._amount(about, container)

    def _amount(self, about: Subject, container: Container | None) -> Clue:
        found = self.found
        value, name = self._value(found.path), str(found.path[-1])
        amount = milli(value)
        told = f"{format_path(found.path)} is {value_text(value)}"
        if found.violation != "ceiling":
            return Clue("value", f"{told}: {'no quantity' if amount is None else 'a quantity of zero'}")
        ceilings = [
            f"{service} {bound.text}"
            for service in (about.services_of(container) if container else about.services)
            if (bound := self.contract.service[service].ceiling.get(name)) is not None
        ]
        limit = milli(found.args["ceiling"]) or 0
        compared = f"{(amount or 0) / 1000:g} > {limit / 1000:g}"
        return Clue(
            "value", f"{told}, above the ceiling {found.args['ceiling']} ({compared}); ceilings: {_list(ceilings)}"
        )

    def singleton_service(self) -> Iterator[Clue]:
        """How the address differs from the home, or the number of replicas from the maximum."""
        about, service = self._subject, self._service
        if about is None or service is None:
            return
        if self.found.violation == "replicas":
            asked = self._value(self.found.path)
            field_ = format_path(self.found.path)
            default = ", which counts as 1" if asked is None and about.type in PARALLEL else ""
            yield Clue("value", f"{field_} is {value_text(asked)}{default}; the maximum is {service.maximum}")
        elif service.home is not None:
            home, own = service.home, about.resource
            for part, mine, its in (
                ("kind", own.kind, home.kind),
                ("namespace", own.namespace, home.namespace),
                ("name", own.name, home.name),
            ):
                yield Clue("home", f"its {part} is {mine or 'not known'}; the home's is {its}: {_same(mine == its)}")

    def namespace_boundary(self) -> Iterator[Clue]:
        """Which namespaces are allowed and exempt."""
        spaces = self.contract.namespaces
        mine = self.found.resource.namespace or self.found.resource.name
        yield Clue("value", f"namespace {mine} is none of the allowed ({_list(sorted(spaces.allowed))})")
        yield Clue("value", f"and none of the exempt ({_list(sorted(spaces.exempt))})")

    def deprecated_chart(self) -> Iterator[Clue]:
        """Which value names which chart."""
        value = self._value(self.found.path)
        chart = self.found.args["chart"]
        yield Clue("value", f"{format_path(self.found.path)} is {value_text(value)}, which names the chart {chart}")

    def job_only_service(self) -> Iterator[Clue]:
        """As what the service runs, and as what it may."""
        service = self._service
        yield Clue("value", f"it runs as {self.found.args['execution']}")
        if service is not None:
            yield Clue("value", f"{service.name} may run as {_list(service.execution)}")
        about = self._subject
        if about is not None and about.services:
            others = [one for one in about.services if one != self.found.service]
            yield Clue("value", f"other services of the pod, beside which it would be a sidecar: {_list(others)}")

    def image_reference(self) -> Iterator[Clue]:
        """The parts of the image, and what each was held against."""
        value = self._value(self.found.path)
        if not isinstance(value, str):
            yield Clue("value", f"{format_path(self.found.path)} is {value_text(value)}")
            return
        image = parse_image(value)
        yield Clue(
            "value", f"repository {image.repository}, tag {image.tag or 'none'}, digest {image.digest or 'none'}"
        )
        yield Clue("value", f"tags that the Estate forbids: {_list(sorted(self.contract.forbidden_tags))}")
        about = self._subject
        container = None if about is None else self._container(about)
        for name in about.services_of(container) if about is not None and container is not None else ():
            service = self.contract.service[name]
            if service.repositories:
                near = _same(image.normalised in service.repositories)
                yield Clue("value", f"{name} comes from {_list(service.repositories)}: {near}")
            if service.tag is not None:
                fits = _same(service.tag.found_in(image.tag))
                yield Clue("value", f"the tag of {name} matches /{service.tag.text}/: {fits}")

    def health_probes(self) -> Iterator[Clue]:
        """Which probes each container of the service has."""
        about, service = self._subject, self._service
        if about is None or service is None:
            return
        yield Clue("value", f"the Estate declares for {service.name}: {_list(service.probes)}")
        for container in about.containers_running(service.name):
            given = [one for one in ("readinessProbe", "livenessProbe") if isinstance(container.body.get(one), dict)]
            yield Clue("value", f"container {container.label} has {_list(given)}")

    def duplicate_service(self) -> Iterator[Clue]:
        """All instances, and which is the one to keep."""
        service = self._service
        for root in self._inventory.roots():
            if service is None or service.name not in root.services:
                continue
            home = service.home
            at_home = home is not None and (root.type, root.namespace, root.name) == (
                home.type,
                home.namespace,
                home.name,
            )
            kept = " (to keep)" if str(root.resource) == self.found.args["keep"] else ""
            where = "at home" if at_home else "in an allowed namespace" if root.is_in_allowed else "elsewhere"
            runs = where if is_active(root) else f"{where}, scaled to 0 and not counted"
            yield Clue("instance", f"{root.resource}: {runs}{kept}")

    def duplicate_release(self) -> Iterator[Clue]:
        """All releases of the chart, and which is the one to keep."""
        for record in self._inventory.releases():
            if record.dig("spec", "chart", "name") != self.found.args["chart"] or is_uninstalled(record):
                continue
            named = f"{record.resource.name} in {record.namespace}"
            kept = " (to keep)" if named == self.found.args["keep"] else ""
            where = (
                "allowed" if record.is_in_allowed else "exempt" if record.is_exempt else "neither allowed nor exempt"
            )
            yield Clue("release", f"{named}, which is {where}{kept}")

    def missing_service(self) -> Iterator[Clue]:
        """All instances with how many pods each is to run."""
        service = self._service
        if service is None:
            return
        yield Clue("value", f"{service.name} is required, with {service.minimum or 1} replicas or more")
        known = [root for root in self._inventory.roots() if service.name in root.services]
        for root in known:
            counts = "counts" if root.is_in_allowed else "does not count, it is in no allowed namespace"
            yield Clue("instance", f"{root.resource}: {pods_wanted(root)} replicas; {counts}")
        if not known:
            yield Clue("instance", f"no workload of the set is recognised as {service.name}")

    def parked_workload(self) -> Iterator[Clue]:
        """How many replicas are asked for."""
        about = self._subject
        if about is not None:
            value = value_text(self._value(self.found.path))
            yield Clue("value", f"{format_path(self.found.path)} is {value}: {replicas_of(about.obj)} pods are to run")

    def failing_workload(self) -> Iterator[Clue]:
        """What each of its pods says of its containers."""
        yield Clue("value", f"restarts from which on a container fails: {self.contract.restarts}")
        for pod, root in self._inventory.pods():
            if root.resource != self.found.resource:
                continue
            for status in (
                *as_list(pod.dig("status", "initContainerStatuses")),
                *as_list(pod.dig("status", "containerStatuses")),
            ):
                name, restarts = (value_text(dig(status, (key,))) for key in ("name", "restartCount"))
                waiting = dig(status, ("state", "waiting", "reason"))
                ended = [dig(status, (state, "terminated", "reason")) for state in ("state", "lastState")]
                reasons = [str(one) for one in (waiting, *ended) if one is not None]
                said = f"{restarts} restarts, reasons {_list(reasons)}"
                yield Clue("pod", f"{pod.resource.name}, container {name}: {said}")

    def namespace_quota(self) -> Iterator[Clue]:
        """Which of the two kinds are there."""
        for kind in ("LimitRange", "ResourceQuota"):
            there = [
                one.resource.name
                for one in self._inventory.of_type("", kind)
                if one.namespace == self.found.resource.name
            ]
            yield Clue("value", f"{kind} in namespace {self.found.resource.name}: {_list(there)}")

    def runaway_usage(self) -> Iterator[Clue]:
        """What was measured, and what each container may use."""
        pods = {(pod.namespace, pod.resource.name): (pod, root) for pod, root in self._inventory.pods()}
        for metrics in self._inventory.of_type("metrics.k8s.io", "PodMetrics"):
            pod, root = pods.get((metrics.namespace, metrics.resource.name), (None, None))
            if pod is None or root is None or root.resource != self.found.resource:
                continue
            for measured in as_list(metrics.dig("containers")):
                name = dig(measured, ("name",))
                container = next((one for one in pod.containers if one.body.get("name") == name), None)
                for resource in ("cpu", "memory"):
                    used = value_text(dig(measured, ("usage", resource)))
                    ceiling = pod.ceiling(container, resource) if container is not None else None
                    threshold = self.contract.unlimited_usage.get(resource)
                    limit = dig(container.body, ("resources", "limits", resource)) if container is not None else None
                    bounds = [f"limit {value_text(limit)}" if limit is not None else "no limit"]
                    bounds += [f"ceiling {ceiling[1].text} of {ceiling[0]}"] if ceiling else []
                    bounds += [f"without a limit at most {threshold.text}"] if threshold else []
                    yield Clue(
                        "usage", f"{pod.resource.name}/{value_text(name)}: {resource} {used}; {', '.join(bounds)}"
                    )

    def undeclared_workload(self) -> Iterator[Clue]:
        """What was held against the alternatives of all services."""
        about = self._subject
        for container in about.containers if about is not None else ():
            if container.serves:
                image = parse_image(str(container.body.get("image"))).name
                told = f"image {image}, command {_cut(command_line(container)) or 'none'}"
                known = f"none of the alternatives of {len(self.contract.services)} services"
                yield Clue("recognised", f"container {container.label} is no service: {told}; it meets {known}")


def _matches(criteria: Criteria, about: Subject, container: Container) -> Iterator[str]:
    """Say which value met each part of an alternative."""
    if criteria.image is not None:
        name = parse_image(str(container.body.get("image"))).name
        yield f"image /{criteria.image.text}/ found in {_cut(name)}"
    if criteria.command is not None:
        yield f"command /{criteria.command.text}/ found in {_cut(command_line(container)) or 'an empty command'}"
    if criteria.name is not None:
        yield f"name /{criteria.name.text}/ found in {_cut(about.resource.name)}"
    own = about.dig("metadata", "labels")
    for key, value in criteria.labels.items():
        where = "the object" if has_label(own, key, value) else "its pod template"
        yield f"label {key}={value} on {where}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _list(values: Sequence[Any]) -> str:
    told = ", ".join(value if isinstance(value, str) else value_text(value) for value in values if value is not None)
    return told or "none"


def _same(holds: bool) -> str:
    return "yes" if holds else "no"


_TELLERS: Mapping[str, Callable[[Trace], Iterator[Clue]]] = {
    "deprecated-chart": Trace.deprecated_chart,
    "duplicate-release": Trace.duplicate_release,
    "duplicate-service": Trace.duplicate_service,
    "failing-workload": Trace.failing_workload,
    "health-probes": Trace.health_probes,
    "image-reference": Trace.image_reference,
    "job-only-service": Trace.job_only_service,
    "missing-service": Trace.missing_service,
    "namespace-boundary": Trace.namespace_boundary,
    "namespace-quota": Trace.namespace_quota,
    "parked-workload": Trace.parked_workload,
    "resource-limits": Trace.resource_limits,
    "runaway-usage": Trace.runaway_usage,
    "singleton-service": Trace.singleton_service,
    "undeclared-workload": Trace.undeclared_workload,
}
