"""Which kinds are captured, and how each is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from thunderguard.capture.requests import JSON
from thunderguard.helmrelease import RELEASE_TYPE

_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_PAGE = 250
# A release takes up to a megabyte.
_RELEASES_PAGE = 20


def api_version(group: str, version: str) -> str:
    """Spell group and version as an object states them; the core group has no name."""
    return f"{group}/{version}" if group else version


def root(group: str, version: str) -> str:
    """Give the path below which the kinds of a group are."""
    return f"/{'apis' if group else 'api'}/{api_version(group, version)}"


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """A kind that the server lists; ``resource`` is its name in the address, such as ``deployments``."""

    group: str
    resource: str
    version: str
    kind: str
    namespaced: bool

    def __str__(self) -> str:
        """Give its name as kubectl spells it: ``deployments.apps``."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def api_version(self) -> str:
        """Give group and version as an object states them."""
        return api_version(self.group, self.version)

    def path(self, namespace: str | None) -> str:
        """Give the path of its list, in one namespace or in all."""
        where = f"/namespaces/{namespace}" if namespace else ""
        return f"{root(self.group, self.version)}{where}/{self.resource}"


@dataclass(frozen=True, slots=True)
class Reading:
    """One list to read.

    ``metadata_only`` asks the server for no more than metadata, ``releases`` says that Helm keeps releases there.
    """

    kind: Kind
    query: Mapping[str, str] = field(default_factory=dict)
    metadata_only: bool = False
    releases: bool = False

    @property
    def what(self) -> str:
        """Name the list for people."""
        return f"Helm releases in {self.kind}" if self.releases else str(self.kind)

    @property
    def accept(self) -> str:
        """Give the form in which the server is asked to answer."""
        return _METADATA if self.metadata_only else JSON

    @property
    def page(self) -> int:
        """Give the most objects of one answer."""
        return _RELEASES_PAGE if self.releases else _PAGE


# What no rule says anything about, and controllers make a lot of. None: the whole group.
_MADE_BY_CONTROLLERS = "controllers make it of other objects, which are captured"
_OF_THE_PLATFORM = "it belongs to the platform"
_LEFT_OUT: Mapping[str, Mapping[str | None, str]] = {
    "": {"componentstatuses": _OF_THE_PLATFORM, "events": _MADE_BY_CONTROLLERS, "nodes": _OF_THE_PLATFORM},
    "apps": {"controllerrevisions": _MADE_BY_CONTROLLERS},
    "certificates.k8s.io": {None: _OF_THE_PLATFORM},
    "coordination.k8s.io": {None: _OF_THE_PLATFORM},
    "custom.metrics.k8s.io": {None: _OF_THE_PLATFORM},
    "discovery.k8s.io": {"endpointslices": _MADE_BY_CONTROLLERS},
    "events.k8s.io": {None: _MADE_BY_CONTROLLERS},
    "external.metrics.k8s.io": {None: _OF_THE_PLATFORM},
    "flowcontrol.apiserver.k8s.io": {None: _OF_THE_PLATFORM},
    "internal.apiserver.k8s.io": {None: _OF_THE_PLATFORM},
    "metrics.k8s.io": {"nodes": _OF_THE_PLATFORM},
    "networking.k8s.io": {"ipaddresses": _MADE_BY_CONTROLLERS, "servicecidrs": _OF_THE_PLATFORM},
    "openreports.io": {None: _MADE_BY_CONTROLLERS},
    "reports.kyverno.io": {None: _MADE_BY_CONTROLLERS},
    "resource.k8s.io": {"devicetaintrules": _OF_THE_PLATFORM, "resourceslices": _MADE_BY_CONTROLLERS},
    "storage.k8s.io": {
        "csinodes": _OF_THE_PLATFORM,
        "csistoragecapacities": _MADE_BY_CONTROLLERS,
        "volumeattachments": _MADE_BY_CONTROLLERS,
    },
    "storagemigration.k8s.io": {None: _OF_THE_PLATFORM},
    "wgpolicyk8s.io": {None: _MADE_BY_CONTROLLERS},
}
# Where Helm keeps releases: how a list is limited to them, or to the rest, of which rules read no more than metadata.
_HELM = {
    ("", "secrets"): ("fieldSelector", "type", RELEASE_TYPE),
    ("", "configmaps"): ("labelSelector", "owner", "helm"),
}
# Rules read no more than the metadata of these either, so that the rest need not leave the server at all.
_METADATA_ONLY = {("apiextensions.k8s.io", "customresourcedefinitions")}


def left_out(kind: Kind) -> str | None:
    """Say why a kind is not captured, None when it is."""
    reasons = _LEFT_OUT.get(kind.group, {})
    return reasons.get(None) or reasons.get(kind.resource)


def readings(kind: Kind, *, helm_secrets: bool) -> Iterator[Reading]:
    """Give the lists by which a kind is read: those where Helm keeps releases in two parts.

    Without ``helm_secrets`` no Secret is asked for.
    """
    address = (kind.group, kind.resource)
    if address == ("", "secrets") and not helm_secrets:
        return
    if address not in _HELM:
        yield Reading(kind, metadata_only=address in _METADATA_ONLY)
        return
    selector, key, value = _HELM[address]
    yield Reading(kind, {selector: f"{key}={value}"}, releases=True)
    yield Reading(kind, {selector: f"{key}!={value}"}, metadata_only=True)
