"""The kinds that a plane serves: those of the API server itself, and any other as soon as somebody asks about one."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from thunderguard.controlplane.api import Api, path_of
from thunderguard.controlplane.processes import eventually
from thunderguard.engines.askable import InexpressibleError
from thunderguard.engines.definitions import definition
from thunderguard.engines.webhook.way import DoorError
from thunderguard.facts.values import as_list, as_object, as_text, dig

if TYPE_CHECKING:
    from thunderguard.model import JsonObject

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_DEFINITIONS = "customresourcedefinitions"
_SECONDS = 30.0
_INTERVAL = 0.02
# Anything may stand in such an object, and it can be scaled where the kinds of workloads are.
_OPEN: JsonObject = {
    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    "subresources": {
        "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
    },
}


#: (group, version, kind)
_Type: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Served:
    """One kind: its version, the name of its resource, where its objects live, and its subresources."""

    api_version: str
    kind: str
    resource: str
    namespaced: bool
    subresources: frozenset[str]

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Give the path of the collection, or of an object or subresource in it."""
        return path_of(
            self.resource,
            api_version=self.api_version,
            namespace=namespace if self.namespaced else "",
            name=name,
            subresource=subresource,
        )


@dataclass(frozen=True, slots=True)
class _Defined:
    """A kind that was defined, by the definition at ``path``, and is not seen to be served yet."""

    path: str
    served: Served


class Kinds:
    """The kinds of both API servers of a plane."""

    def __init__(self, door: Api, back: Api) -> None:
        """Ask what is built in. Raises ControlPlaneError."""
        self._door, self._back = door, back
        self._lock = threading.Lock()
        self._served: dict[_Type, Served | str | _Defined] = {
            (group, version, served.kind): served
            for path in ("/api", "/apis")
            for group, version, served in _discovered(back.request("GET", path, headers=[("Accept", _DISCOVERY)]).body)
        }
        self._groups = {group for group, _, _ in self._served}
        self._versions: dict[tuple[str, str], list[str]] = {}

    def expect(self, types: Iterable[_Type]) -> None:
        """Make definitions for those of ``types`` that need one, so that none has to be waited for alone.

        Raises ControlPlaneError.
        """
        for group, version, kind in sorted(set(types)):
            if kind:
                self._find(group, version, kind)

    def kind(self, group: str, version: str, kind: str) -> Served:
        """Give the kind, after having made a definition of it if need be.

        Raises InexpressibleError when there can be none, and ControlPlaneError.
        """
        found = self._find(group, version, kind)
        if isinstance(found, _Defined):
            found = self._awaited(found)
            with self._lock:
                self._served[group, version, kind] = found
        if isinstance(found, str):
            raise InexpressibleError(found)
        return found

    def resource(self, group: str, version: str, resource: str) -> Served | None:
        """Give the kind whose resource is called so; None when none is known."""
        with self._lock:
            for (other, at, _), served in self._served.items():
                if isinstance(served, Served) and (other, at, served.resource) == (group, version, resource):
                    return served
        return None

    def _find(self, group: str, version: str, kind: str) -> Served | str | _Defined:
        """Give what is known of a kind: what it is, why it cannot be, or that it was defined and is still to come."""
        with self._lock:
            known = self._served.get((group, version, kind))
            if known is None:
                known = self._served[group, version, kind] = self._define(group, version, kind)
        return known

    def _define(self, group: str, version: str, kind: str) -> Served | str | _Defined:
        lead = f"{group}/{version}" if group else version
        if group in self._groups:
            return f"the API server knows no {kind} of {lead}"
        versions = [*self._versions.get((group, kind), []), version]
        wanted = definition(group, versions, kind, served_with=_OPEN)
        if group.endswith((".k8s.io", ".kubernetes.io")) or group in {"k8s.io", "kubernetes.io"}:
            wanted["metadata"]["annotations"] = {"api-approved.kubernetes.io": "unapproved, a stand-in"}
        path = path_of(_DEFINITIONS, api_version="apiextensions.k8s.io/v1", name=wanted["metadata"]["name"])
        if (group, kind) not in self._versions and (there := self._back.get(path)) is not None:
            return _served_by(there, version) or f"the API server knows no {kind} of {lead}"
        query = "?fieldManager=thunderguard&force=true"
        answer = self._back.request("PATCH", f"{path}{query}", wanted, content="application/apply-patch+yaml")
        if 400 <= answer.status < 500:
            return f"no definition of {kind} of {lead} is valid: {' '.join(answer.message.split())[:300]}"
        if not answer.is_good:
            raise DoorError(f"the API server does not take the definition of {kind} of {lead}: {answer.message:.300}")
        self._versions[group, kind] = versions
        resource = as_text(wanted["spec"]["names"]["plural"])
        return _Defined(path, Served(lead, kind, resource, True, frozenset({"scale"})))

    def _awaited(self, defined: _Defined) -> Served | str:
        """Wait until both doors serve what was defined, and give it, or why they never will."""
        served = defined.served
        refusals: list[str] = []

        def decided() -> bool:
            if refusal := _refusal(self._back.get(defined.path)):
                refusals.append(refusal)
                return True
            return all(api.request("GET", served.path()).is_good for api in (self._back, self._door))

        what = f"{served.kind} of {served.api_version}"
        if not eventually(decided, seconds=_SECONDS, interval=_INTERVAL):
            raise DoorError(f"the API server does not serve {what} within {_SECONDS:g} s")
        return f"no definition of {what} can stand beside the others: {refusals[0]}" if refusals else served


def _served_by(there: Mapping[str, Any], version: str) -> Served | None:
    """Give the kind of a definition that somebody else made, None when it has no such version."""
    spec = as_object(there.get("spec"))
    for one in as_list(spec.get("versions")):
        if as_object(one).get("name") == version and one.get("served"):
            names = as_object(spec.get("names"))
            return Served(
                f"{spec['group']}/{version}",
                as_text(names.get("kind")),
                as_text(names.get("plural")),
                spec.get("scope") == "Namespaced",
                frozenset(as_object(one.get("subresources"))),
            )
    return None


def _refusal(wanted: Mapping[str, Any] | None) -> str:
    for condition in as_list(dig(wanted, ("status", "conditions"))):
        if as_object(condition).get("type") == "NamesAccepted" and condition.get("status") == "False":
            return as_text(condition.get("message"))
    return ""


def _discovered(body: Any) -> Iterator[tuple[str, str, Served]]:
    for group in as_list(dig(body, ("items",))):
        name = as_text(dig(group, ("metadata", "name")))
        for version in as_list(dig(group, ("versions",))):
            said = as_text(dig(version, ("version",)))
            for resource in as_list(dig(version, ("resources",))):
                kind = as_text(dig(resource, ("responseKind", "kind")))
                subresources = frozenset(
                    as_text(dig(one, ("subresource",))) for one in as_list(dig(resource, ("subresources",)))
                )
                lead = f"{name}/{said}" if name else said
                namespaced = dig(resource, ("scope",)) == "Namespaced"
                yield name, said, Served(lead, kind, as_text(dig(resource, ("resource",))), namespaced, subresources)
