"""One object with everything the rules ask about it, each fact worked out when it is first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from thunderguard.facts import namespaces, remove, resources, services, workloads
from thunderguard.facts.values import as_object, dig

if TYPE_CHECKING:
    from thunderguard.facts.contract import Contract
    from thunderguard.facts.services import Bound
    from thunderguard.facts.workloads import Container
    from thunderguard.model import JsonObject, Resource


class Subject:
    """An object under the eyes of a contract. ``obj`` may be any JSON value; what is no object is an empty one."""

    def __init__(self, obj: Any, contract: Contract) -> None:
        """Take the object and the contract; nothing is read yet."""
        self.obj: JsonObject = as_object(obj)
        self.contract = contract

    @cached_property
    def type(self) -> tuple[str, str]:
        """(group, kind)."""
        return resources.type_of(self.obj)

    @cached_property
    def resource(self) -> Resource:
        """The address by which findings name it."""
        return resources.resource_of(self.obj)

    @cached_property
    def namespace(self) -> str:
        """Its namespace, empty when not known."""
        return resources.namespace_of(self.obj)

    @cached_property
    def name(self) -> Any:
        """Its own ``metadata.name``, whatever that is: a generated name is no address."""
        return dig(self.obj, ("metadata", "name"))

    @cached_property
    def template(self) -> tuple[str, ...] | None:
        """Where its pod template stands, None when it is no workload."""
        return workloads.template_path(self.obj)

    @property
    def is_workload(self) -> bool:
        """Whether it runs containers."""
        return self.template is not None

    @property
    def pod_spec(self) -> tuple[str, ...]:
        """Where its pod spec stands, for a workload."""
        return (*(self.template or ()), "spec")

    @cached_property
    def containers(self) -> list[Container]:
        """All its containers."""
        return [] if self.template is None else workloads.containers_of(self.obj, self.template)

    @cached_property
    def _services(self) -> list[tuple[Container, tuple[str, ...]]]:
        return self._recognise(self.contract.services)

    @cached_property
    def _deprecated(self) -> list[tuple[Container, tuple[str, ...]]]:
        return self._recognise(self.contract.deprecated_services)

    def _recognise(self, known: Sequence[services.Recognisable]) -> list[tuple[Container, tuple[str, ...]]]:
        template = self.template or ()
        return [(c, services.recognised(known, self.obj, template, c)) for c in self.containers]

    def services_of(self, container: Container) -> tuple[str, ...]:
        """Name the services that ``container``, one of :attr:`containers`, is recognised as, sorted."""
        return next((names for c, names in self._services if c is container), ())

    @property
    def services(self) -> list[str]:
        """The services it runs, sorted."""
        return sorted({name for _, names in self._services for name in names})

    @property
    def deprecated_services(self) -> list[str]:
        """The deprecated services it runs, sorted."""
        return sorted({name for _, names in self._deprecated for name in names})

    def containers_running(self, service: str) -> list[Container]:
        """Give the containers recognised as ``service``, declared or deprecated."""
        return [c for c, names in (*self._services, *self._deprecated) if service in names]

    def ceiling(self, container: Container, resource: str) -> tuple[str, Bound] | None:
        """Give the smallest ceiling for ``resource`` of the services of ``container``, with the service's name."""
        bounds = [
            (bound.milli, name, bound)
            for name in self.services_of(container)
            if (bound := self.contract.service[name].ceiling.get(resource)) is not None
        ]
        if not bounds:
            return None
        _, name, bound = min(bounds, key=lambda entry: entry[:2])
        return name, bound

    @property
    def is_exempt(self) -> bool:
        """Whether it stands in an exempt namespace."""
        return self.contract.namespaces.exempts(self.obj)

    @property
    def is_in_allowed(self) -> bool:
        """Whether it stands in an allowed namespace."""
        return self.namespace in self.contract.namespaces.allowed

    @property
    def is_unknown(self) -> bool:
        """Whether it lives in a namespace that it does not name."""
        return namespaces.is_unknown(self.obj)

    @property
    def remove(self) -> str:
        """The command that takes it away."""
        return remove.remove_command(self.obj, self.contract.namespaces)

    @property
    def uninstall(self) -> str | None:
        """The command that takes its Helm release away, when it has one in a known namespace."""
        return remove.uninstall_command(self.obj)

    def dig(self, *path: str) -> Any:
        """Follow ``path`` into the object; None where it leads nowhere."""
        return dig(self.obj, path)
