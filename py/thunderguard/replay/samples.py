"""Objects made from nothing but the Estate: every service in its home, and all that a whole estate needs beside them.

They break no rule, because each is made from what the contract says of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from thunderguard.facts.image import parse_image
from thunderguard.facts.quantity import milli
from thunderguard.facts.resources import type_of
from thunderguard.facts.subject import Subject
from thunderguard.facts.workloads import REPLICAS
from thunderguard.replay.edit import put
from thunderguard.replay.patterns import texts

if TYPE_CHECKING:
    from thunderguard.facts.contract import Contract
    from thunderguard.facts.services import Criteria, DeprecatedService, Service
    from thunderguard.model import JsonObject

_Made = TypeVar("_Made")

#: What a container asks for where no ceiling is lower.
AMOUNTS = {"cpu": "100m", "memory": "64Mi"}
PLAIN_IMAGE = "registry.example.com/tools/helper:1.2.3"
_VERSION = "1.2.3"
_HOST = "registry.example.com/team"
_NAME = "abcdefghijklmnopqrstuvwxyz0123456789-._"
PROBE = {"tcpSocket": {"port": 8080}}
API_VERSIONS = {
    "Pod": "v1",
    "ReplicationController": "v1",
    "ReplicaSet": "apps/v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Rollout": "argoproj.io/v1alpha1",
}


class Samples:
    """The objects that one contract gives. ``missing`` names the services for which none could be made, with why."""

    def __init__(self, contract: Contract) -> None:
        """Take the contract; objects are made when they are asked for."""
        self._contract = contract
        self._homes: dict[str, JsonObject] = {}
        self._found: dict[tuple[str, str], Any] = {}
        self.missing: dict[str, str] = {}
        for service in contract.services:
            made = self._service(service)
            if made is None:
                self.missing[service.name] = "no text was found that all of one way to recognise it accepts"
            else:
                self._homes[service.name] = made

    def home(self, service: str) -> JsonObject | None:
        """Give the workload that runs ``service`` where and as it may be run; None when there is none."""
        return self._homes.get(service)

    @cached_property
    def whole(self) -> tuple[JsonObject, ...]:
        """A whole estate that breaks no rule of any scope."""
        return tuple(self._whole())

    @cached_property
    def loose(self) -> tuple[JsonObject, ...]:
        """Objects that break no rule of scope object and belong to no particular estate."""
        return tuple(self._loose())

    def portable(self, service: str) -> JsonObject | None:
        """Give a container that is ``service`` by image and command alone; None when there is none."""
        return self._once("portable", service, lambda: self._portable(service))

    def deprecated(self, service: DeprecatedService) -> JsonObject | None:
        """Give a container that is a deprecated service by image and command alone; None when there is none."""
        return self._once("deprecated", service.name, lambda: self._deprecated(service))

    def command(self, service: Service) -> str | None:
        """Give a command line by which ``service`` is recognised in any image; None when there is none."""
        return self._once("command", service.name, lambda: _command(service))

    def _once(self, what: str, name: str, make: Callable[[], _Made]) -> _Made:
        if (what, name) not in self._found:
            self._found[what, name] = make()
        found: _Made = self._found[what, name]
        return found

    def _portable(self, service: str) -> JsonObject | None:
        home = self._homes.get(service)
        if home is None:
            return None
        container = Subject(home, self._contract).containers[0].body
        stranger = self.workload("Deployment", "stranger", self._namespace, container)
        return container if Subject(stranger, self._contract).services == [service] else None

    def _deprecated(self, service: DeprecatedService) -> JsonObject | None:
        for criteria in service.recognise:
            for container in self._containers(criteria, (), None):
                whole = self.bounded(container, ())
                subject = Subject(self.workload("Deployment", "stranger", self._namespace, whole), self._contract)
                if subject.deprecated_services == [service.name] and not subject.services:
                    return whole
        return None

    def tag(self, service: Service) -> str | None:
        """Give a tag that ``service`` may have; None when none could be made."""
        forbidden = self._contract.forbidden_tags
        if service.tag is None:
            return next((tag for tag in (_VERSION, "v1", "stable") if tag not in forbidden), None)
        known = (_VERSION, f"v{_VERSION}")
        made = texts(service.tag, fits=lambda tag: bool(tag) and tag.isascii() and not set(tag) & set(" /:@"), wanted=5)
        return next((tag for tag in (*known, *made) if service.tag.found_in(tag) and tag not in forbidden), None)

    def workload(
        self,
        kind: str,
        name: str,
        namespace: str,
        *containers: JsonObject,
        labels: Mapping[str, str] | None = None,
        replicas: int | None = None,
        pod: Mapping[str, Any] | None = None,
    ) -> JsonObject:
        """Give a workload of ``kind``; ``pod`` adds to its pod spec."""
        ending = kind in ("Job", "CronJob")
        marked = {"app.kubernetes.io/name": name, **(labels or {})}
        pod_spec = {"containers": list(containers), "restartPolicy": "Never" if ending else "Always", **(pod or {})}
        metadata = {"name": name, "namespace": namespace, "labels": marked}
        template = {"metadata": {"labels": marked}, "spec": pod_spec}
        spec: JsonObject
        if kind == "Pod":
            spec = pod_spec
        elif kind == "CronJob":
            spec = {"schedule": "0 4 * * *", "jobTemplate": {"spec": {"template": template}}}
        elif kind == "Job":
            spec = {"template": template}
        else:
            spec = {"selector": {"matchLabels": marked}, "template": template}
        obj: JsonObject = {"apiVersion": API_VERSIONS[kind], "kind": kind, "metadata": metadata, "spec": spec}
        field = REPLICAS.get(type_of(obj))
        return obj if replicas is None or field is None else put(obj, field, replicas)

    def amounts(self, services: tuple[Service, ...] = ()) -> dict[str, str]:
        """Give for cpu and memory an amount above zero that no ceiling of ``services`` is below."""
        found = {}
        for resource, usual in AMOUNTS.items():
            bounds = [s.ceiling[resource] for s in services if resource in s.ceiling]
            lowest = min(bounds, key=lambda bound: bound.milli, default=None)
            found[resource] = usual if lowest is None or lowest.milli >= (milli(usual) or 0) else lowest.text
        return found

    def bounded(self, container: JsonObject, services: tuple[Service, ...]) -> JsonObject:
        """Give ``container`` with every request and limit that the Estate may require."""
        amounts = self.amounts(services)
        return {**container, "resources": {"requests": dict(amounts), "limits": dict(amounts)}}

    def plain(self, name: str = "helper") -> JsonObject:
        """Give a container that is no service and breaks no rule."""
        return self.bounded({"name": name, "image": PLAIN_IMAGE, "args": ["--serve"]}, ())

    @property
    def _namespace(self) -> str:
        return min(self._contract.namespaces.allowed)

    def _service(self, service: Service) -> JsonObject | None:
        tag = self.tag(service)
        kind, namespace, name = self._address(service)
        replicas = None if service.minimum is None else max(service.minimum, 1)
        if service.maximum is not None:
            replicas = min(replicas or 1, service.maximum)
        for criteria in service.recognise if tag is not None else ():
            for container in self._containers(criteria, service.repositories, tag):
                probes = {probe: dict(PROBE) for probe in service.probes}
                whole = self.bounded({**container, **probes}, (service,))
                others = [self.plain("main")] if kind == "Sidecar" else []
                obj = self.workload(
                    "Deployment" if kind == "Sidecar" else kind,
                    name,
                    namespace,
                    whole,
                    *others,
                    labels={key: value for key, value in criteria.labels.items() if isinstance(value, str)},
                    replicas=replicas,
                )
                subject = Subject(obj, self._contract)
                if subject.services == [service.name] and not subject.deprecated_services:
                    return obj
        return None

    def _address(self, service: Service) -> tuple[str, str, str]:
        if service.home:
            return service.home.kind, service.home.namespace, service.home.name
        kinds = [kind for kind in service.execution if kind in API_VERSIONS]
        return (kinds or list(service.execution) or ["Deployment"])[0], self._namespace, f"{service.name}-sample"

    def _containers(self, criteria: Criteria, repositories: tuple[str, ...], tag: str | None) -> Iterator[JsonObject]:
        commands = [""] if criteria.command is None else texts(criteria.command, wanted=3)
        for image in self._images(criteria, repositories):
            for command in commands:
                container: JsonObject = {"name": "main", "image": f"{image}:{tag or _VERSION}"}
                yield {**container, "args": [command]} if command else container

    def _images(self, criteria: Criteria, repositories: tuple[str, ...]) -> list[str]:
        if criteria.image is None:
            return list(repositories) or [f"{_HOST}/server"]
        if repositories:
            return [r for r in repositories if criteria.image.found_in(parse_image(r).name)]
        return [f"{_HOST}/{name}" for name in texts(criteria.image, fits=_is_image_name, wanted=3)]

    def _whole(self) -> Iterator[JsonObject]:
        for namespace in sorted(self._contract.namespaces.allowed):
            yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
            where = {"name": "bounds", "namespace": namespace}
            hard = {"limits.cpu": "32", "limits.memory": "64Gi"}
            yield {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": where, "spec": {"hard": hard}}
            limits = [{"type": "Container", "default": dict(AMOUNTS)}]
            yield {"apiVersion": "v1", "kind": "LimitRange", "metadata": where, "spec": {"limits": limits}}
        yield from self._homes.values()
        for service in self._contract.services:
            if service.home and service.maximum:
                yield autoscaler(service, service.maximum)
        release = {"name": "sample", "namespace": self._namespace}
        chart = {"name": "sample-chart", "version": "1.0.0"}
        yield {
            "apiVersion": "thunderguard.dev/v1alpha1",
            "kind": "Release",
            "metadata": release,
            "spec": {"chart": chart, "revision": 1, "status": "deployed"},
        }
        yield {"apiVersion": "v1", "kind": "Service", "metadata": release, "spec": {"ports": [{"port": 80}]}}
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": release, "data": {"a": "b"}}

    def _loose(self) -> Iterator[JsonObject]:
        initial = {"name": "prepare", "image": PLAIN_IMAGE, "command": ["prepare"]}
        for kind in API_VERSIONS:
            pod = {"initContainers": [self.bounded(initial, ()), {**self.plain("log"), "restartPolicy": "Always"}]}
            yield self.workload(
                kind, f"sample-{kind.lower()}", self._namespace, self.plain(), self.plain("second"), pod=pod
            )
        limits = {**self.plain(), "resources": {"limits": dict(AMOUNTS)}}
        ports = [{"name": "http", "containerPort": 80}, {"name": "metrics", "containerPort": 9090}]
        variables = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
        bare = {**limits, "ports": ports, "env": variables, "command": ["serve"], "args": ["--port", "80"]}
        yield self.workload("Deployment", "sample-limits", self._namespace, bare)
        for namespace in sorted(self._contract.namespaces.exempt)[:1]:
            yield self.workload("DaemonSet", "platform", namespace, {"name": "agent", "image": "agent"})
        where = {"name": "sample", "namespace": self._namespace}
        yield {"apiVersion": "v2", "name": "sample-chart", "version": "1.0.0", "dependencies": []}
        application = {"source": {"repoURL": "https://charts.example.com", "chart": "sample-chart"}}
        yield {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": where, "spec": application}
        flux = {"chart": {"spec": {"chart": "sample-chart", "version": "1.0.0"}}}
        yield {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": where, "spec": flux}
        yield {
            "apiVersion": "helm.cattle.io/v1",
            "kind": "HelmChart",
            "metadata": where,
            "spec": {"chart": "https://charts.example.com/sample-chart-1.0.0.tgz"},
        }


def autoscaler(service: Service, maximum: int) -> JsonObject:
    """Give an autoscaler of the home of ``service``, which has one."""
    home = service.home
    if home is None:
        raise ValueError(f"{service.name} has no home")
    target = {"apiVersion": API_VERSIONS[home.kind], "kind": home.kind, "name": home.name}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": home.name, "namespace": home.namespace},
        "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": maximum},
    }


def _command(service: Service) -> str | None:
    for criteria in service.recognise:
        if criteria.command and not (criteria.image or criteria.name or criteria.labels):
            return next(iter(texts(criteria.command)), None)
    return None


def _is_image_name(text: str) -> bool:
    return bool(text) and set(text) <= set(_NAME) and text[0].isalnum() and text[-1].isalnum()
