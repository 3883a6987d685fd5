"""Which kinds are captured, and how each is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from thunderguard.capture.requests import JSON
from thunderguard.helmrelease import RELEASE_TYPE

METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_PAGE = 250
# A release takes up to a megabyte.
_RELEASES_PAGE = 20


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
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None) -> str:
        """Give the path of its list, in one namespace or in all."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/namespaces/{namespace}/{self.resource}" if namespace else f"{root}/{self.resource}"


@dataclass(frozen=True, slots=True)
class Reading:
    """One list to read: ``what`` names it, ``releases`` says that Helm keeps releases there."""

    kind: Kind
    what: str
    accept: str = JSON
    query: Mapping[str, str] = field(default_factory=dict)
    page: int = _PAGE
    releases: bool = False

    @property
    def metadata_only(self) -> bool:
        """Whether the server is asked for no more than metadata."""
        return self.accept == METADATA


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
# Rules read no more of these than their metadata, so that the rest need not leave the server at all.
_METADATA_ONLY = frozenset((("apiextensions.k8s.io", "customresourcedefinitions"), ("", "configmaps"), ("", "secrets")))
_SECRETS, _CONFIG_MAPS = ("", "secrets"), ("", "configmaps")


def left_out(kind: Kind) -> str | None:
    """Say why a kind is not captured, None when it is."""
    reasons = _LEFT_OUT.get(kind.group, {})
    return reasons.get(None) or reasons.get(kind.resource)


def readings(kind: Kind, *, helm_secrets: bool) -> Iterator[Reading]:
    """Give the lists by which a kind is read: those where Helm keeps releases in two parts.

    Without ``helm_secrets`` no Secret is asked for.
    """
    address = (kind.group, kind.resource)
    if address == _SECRETS and not helm_secrets:
        return
    if address == _SECRETS:
        yield _releases(kind, {"fieldSelector": f"type={RELEASE_TYPE}"})
        yield Reading(kind, str(kind), METADATA, {"fieldSelector": f"type!={RELEASE_TYPE}"})
    elif address == _CONFIG_MAPS:
        yield _releases(kind, {"labelSelector": "owner=helm"})
        yield Reading(kind, str(kind), METADATA, {"labelSelector": "owner!=helm"})
    else:
        yield Reading(kind, str(kind), METADATA if address in _METADATA_ONLY else JSON)


def _releases(kind: Kind, query: Mapping[str, str]) -> Reading:
    return Reading(kind, f"Helm releases in {kind}", JSON, query, _RELEASES_PAGE, releases=True)
