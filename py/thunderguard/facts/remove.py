"""The command that takes an object away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from thunderguard.facts.resources import namespace_of, resource_of
from thunderguard.facts.values import as_object, as_text, dig

if TYPE_CHECKING:
    from thunderguard.facts.namespaces import Namespaces
    from thunderguard.model import JsonObject


@dataclass(frozen=True, slots=True)
class HelmRelease:
    """The Helm release an object belongs to; ``namespace`` is empty when it is not known."""

    name: str
    namespace: str

    @property
    def uninstall(self) -> str:
        """The command that removes the release."""
        return f"helm uninstall {self.name} -n {self.namespace}"


def helm_release(obj: JsonObject) -> HelmRelease | None:
    """Name the Helm release that made ``obj``: by the annotations Helm sets, else by the labels charts set."""
    annotations = as_object(dig(obj, ("metadata", "annotations")))
    name = as_text(annotations.get("meta.helm.sh/release-name"))
    if name:
        return HelmRelease(name, as_text(annotations.get("meta.helm.sh/release-namespace")) or namespace_of(obj))
    labels = as_object(dig(obj, ("metadata", "labels")))
    name = as_text(labels.get("app.kubernetes.io/instance"))
    if name and labels.get("app.kubernetes.io/managed-by") == "Helm":
        return HelmRelease(name, namespace_of(obj))
    return None


def uninstall_command(obj: JsonObject) -> str | None:
    """Give the command that removes the release of ``obj``, when both its name and its namespace are known."""
    release = helm_release(obj)
    return release.uninstall if release and release.namespace else None


def remove_command(obj: JsonObject, namespaces: Namespaces) -> str:
    """Give the command that removes ``obj``.

    Outside the allowed namespaces that is the whole release; inside them a release holds wanted things as well.
    """
    namespace = namespace_of(obj)
    uninstall = uninstall_command(obj)
    if uninstall and namespace and namespace not in namespaces.allowed:
        return uninstall
    resource = resource_of(obj)
    where = f" -n {namespace}" if namespace else ""
    return f"kubectl delete {_typed(resource.kind)} {resource.name}{where}"


def _typed(kind: str) -> str:
    """Spell a kind as people type it. Outside ASCII, where engines do not agree on small letters, it stays as it is."""
    return kind.lower() if kind.isascii() and kind.isalnum() else kind
