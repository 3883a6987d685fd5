"""Moving an instance of a service to its home: when that can be commanded, and what else it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from thunderguard.facts.charts import LABEL
from thunderguard.facts.ownership import identity_of
from thunderguard.facts.resources import namespace_of, resource_of, type_of
from thunderguard.facts.values import as_list, as_object, as_text, dig
from thunderguard.facts.workloads import replicas_of
from thunderguard.model import Resource
from thunderguard.plan.apply import merged
from thunderguard.plan.steps import Change, Move
from thunderguard.replay.edit import at

if TYPE_CHECKING:
    from thunderguard.facts.services import Home
    from thunderguard.facts.subject import Subject
    from thunderguard.model import JsonObject
    from thunderguard.plan.mending import Mending

_ANNOTATIONS = ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration")
_HELM_ANNOTATIONS = ("meta.helm.sh/release-name", "meta.helm.sh/release-namespace")
_HELM_LABELS = ("app.kubernetes.io/managed-by", LABEL)
_MOVABLE = {("apps", "Deployment"), ("apps", "DaemonSet")}
_REPLICAS = ("spec", "replicas")
# Fields of a pod that name something in its own namespace.
_NAMING = frozenset({"configMap", "secret", "configMapKeyRef", "secretKeyRef", "configMapRef", "secretRef"})


def hindrance(subject: Subject, home: Home, objects: Sequence[JsonObject]) -> str | None:
    """Say why an instance cannot be moved to ``home`` by a command; None when it can."""
    if subject.type != home.type:
        return f"it is a {subject.resource.kind}, and the home is a {home.kind}: write the manifest of the home"
    if subject.type not in _MOVABLE:
        return f"what a {home.kind} keeps does not come along: copy its data, then make the home by hand"
    if subject.type != ("apps", "Deployment") and claims(subject):
        return f"it mounts {', '.join(claims(subject))} and cannot be stopped first"
    if identity_of(subject.obj).controller is not None:
        return "something outside of what was read owns it: change that"
    if not as_object(subject.dig("spec", "selector", "matchLabels")) and subject.dig("spec", "selector") is None:
        return "it has no selector"
    taken = (home.kind, home.namespace, home.name)
    if any((type_of(obj)[1], namespace_of(obj), resource_of(obj).name) == taken for obj in objects):
        return f"{home} is there already and runs something else"
    if subject.namespace == home.namespace:
        return None
    needed = sorted({*_needs(subject), *_selected_by(subject, objects)})
    if needed:
        return f"it needs {', '.join(needed)} of namespace {subject.namespace}: bring them to {home.namespace} first"
    return None


def moved(subject: Subject, home: Home, mending: Mending, pods: Sequence[JsonObject]) -> Move:
    """Give the move of an instance to ``home``, with all mended that can be."""
    source = subject.resource
    target = Resource(source.apiVersion, source.kind, home.namespace, home.name)
    merge = _merge(subject, home)
    changes = mending.whole(merged(subject.obj, merge), pods)
    if claims(subject) and all(change.path != _REPLICAS for change in changes):
        # The old one is stopped before the new one is made of it.
        changes = (*changes, Change(_REPLICAS, replicas_of(subject.obj)))
    return Move(source, target, merge, changes)


def _merge(subject: Subject, home: Home) -> JsonObject:
    stays = subject.namespace == home.namespace
    # The API server gives the rest of what belongs to one object alone anew.
    metadata: dict[str, Any] = {"name": home.name, "namespace": home.namespace, "uid": None}
    # In its namespace it stays the release's, so that an upgrade of the chart to that name takes it over.
    annotations = (*_ANNOTATIONS, *(() if stays else _HELM_ANNOTATIONS))
    metadata["annotations"] = dict.fromkeys(annotations)
    patch: JsonObject = {"metadata": metadata}
    if not stays:
        labels = dict.fromkeys(_HELM_LABELS)
        metadata["labels"] = labels
        patch["spec"] = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}
    return patch


def scaled_by(subject: Subject, objects: Sequence[JsonObject]) -> list[str]:
    """Name the autoscalers of a workload, sorted."""
    address = (subject.resource.kind, subject.resource.name)
    return sorted(
        resource_of(obj).name
        for obj in objects
        if type_of(obj) == ("autoscaling", "HorizontalPodAutoscaler")
        and namespace_of(obj) == subject.namespace
        and tuple(dig(obj, ("spec", "scaleTargetRef", key)) for key in ("kind", "name")) == address
    )


def claims(subject: Subject) -> list[str]:
    """Name the volume claims that a workload mounts, sorted."""
    volumes = as_list(subject.dig(*subject.pod_spec, "volumes"))
    return sorted({name for one in volumes if (name := as_text(dig(one, ("persistentVolumeClaim", "claimName"))))})


def _needs(subject: Subject) -> Iterator[str]:
    """Name what the pods of a workload need of their own namespace."""
    spec = at(subject.obj, subject.pod_spec)
    for name in claims(subject):
        yield f"PersistentVolumeClaim {name}"
    account = as_text(dig(spec, ("serviceAccountName",)))
    if account not in ("", "default"):
        yield f"ServiceAccount {account}"
    for one in as_list(dig(spec, ("imagePullSecrets",))):
        yield f"Secret {as_text(dig(one, ('name',)))}"
    yield from _named(spec)


def _named(value: Any) -> Iterator[str]:
    left = [value]
    while left:
        now = left.pop()
        if isinstance(now, list):
            left += now
        elif isinstance(now, dict):
            for key, part in now.items():
                if key in _NAMING and isinstance(part, dict):
                    kind = "Secret" if key.startswith("secret") else "ConfigMap"
                    yield f"{kind} {as_text(part.get('name') or part.get('secretName'))}"
                left.append(part)


def _selected_by(subject: Subject, objects: Sequence[JsonObject]) -> Iterator[str]:
    """Name the Services that lead to the pods of a workload."""
    labels = as_object(subject.dig(*(subject.template or ()), "metadata", "labels"))
    for obj in objects:
        selector = as_object(dig(obj, ("spec", "selector")))
        is_near = type_of(obj) == ("", "Service") and namespace_of(obj) == subject.namespace
        if is_near and selector and all(labels.get(key) == value for key, value in selector.items()):
            yield f"Service {resource_of(obj).name}"
