"""Taking credentials out of objects, without changing what any rule says about them.

Rules read kinds, names, labels, images, commands, resources, replicas, owners and status: none of it is changed, except
that the secret part of a command gives way to ``***``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from thunderguard.helmrelease import ReleaseUnreadableError, is_release, release_record
from thunderguard.masking import CREDENTIAL_NAME, MASK, mask_known, mask_text, mask_tokens
from thunderguard.model import JsonObject

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# What rules compare as it stands; no credential belongs there, and changing it could change a verdict.
_UNTOUCHED_TEXT = frozenset(
    ("apiVersion", "kind", "name", "generateName", "namespace", "uid", "image", "imageID", "reason", "type")
)
_UNTOUCHED = frozenset(("labels", "matchLabels", "ownerReferences"))
_QUANTITIES = frozenset(("requests", "limits", "claims"))


def redact(value: JsonObject) -> JsonObject:
    """Give ``value`` without credentials. It is not changed; redacting twice is redacting once.

    A Helm release becomes a small record of it, or its bare metadata when it cannot be decoded.
    """
    return redact_with_reason(value)[0]


def redact_with_reason(value: JsonObject) -> tuple[JsonObject, str | None]:
    """Redact, and say why a Helm release could not be decoded (None when all is well)."""
    reason = None
    if is_release(value):
        try:
            return release_record(value), None
        except ReleaseUnreadableError as error:
            reason = f"the Helm release cannot be decoded: {error.message}"
    kind, version = value.get("kind"), value.get("apiVersion")
    if kind == "Secret" and version == "v1":
        return _secret(value), reason
    cleaned = _mapping(value)
    if kind == "ConfigMap" and version == "v1":
        for key in ("data", "binaryData"):
            if key in value:
                cleaned[key] = _masked_values(value[key])
    more = _MORE.get((str(version).split("/", 1)[0], str(kind)))
    if more is not None:
        more(cleaned)
    return cleaned, reason


def _secret(value: JsonObject) -> JsonObject:
    kept: JsonObject = {key: value[key] for key in ("apiVersion", "kind", "type") if key in value}
    if isinstance(value.get("metadata"), dict):
        kept["metadata"] = _mapping(value["metadata"])
    return kept


def _mapping(value: JsonObject) -> JsonObject:
    cleaned: JsonObject = {}
    for key, item in value.items():
        if key == "managedFields" and isinstance(item, list):
            continue
        special = _SPECIAL.get(key)
        if special is not None and isinstance(item, dict | list):
            cleaned[key] = special(item)
        elif (
            key in _UNTOUCHED
            or (key == "resources" and isinstance(item, dict) and item.keys() <= _QUANTITIES)
            or (isinstance(item, str) and key in _UNTOUCHED_TEXT)
        ):
            cleaned[key] = item
        elif isinstance(item, str) and key in ("command", "args"):
            cleaned[key] = mask_text(item)
        elif isinstance(item, str):
            cleaned[key] = (MASK if item else item) if CREDENTIAL_NAME.match(key) else mask_known(item)
        else:
            cleaned[key] = _anything(item)
    return cleaned


def _anything(value: Any) -> Any:
    if isinstance(value, dict):
        # Some kinds carry whole objects, Secrets among them.
        carried = "kind" in value and "apiVersion" in value and isinstance(value.get("metadata"), dict)
        return redact(value) if carried else _mapping(value)
    if isinstance(value, list):
        return [_anything(item) for item in value]
    return mask_known(value) if isinstance(value, str) else value


def _annotations(value: Any) -> Any:
    if not isinstance(value, dict):
        return _anything(value)
    cleaned: JsonObject = {}
    for key, item in value.items():
        if key == _LAST_APPLIED:
            continue
        if not isinstance(item, str) or key.startswith("meta.helm.sh/"):
            cleaned[key] = item
        else:
            cleaned[key] = MASK if item and CREDENTIAL_NAME.match(key.rsplit("/", 1)[-1]) else mask_text(item)
    return cleaned


def _named_values(value: Any) -> Any:
    """Mask ``value`` in a list of {name, value}, or all values of a mapping: environments, headers."""
    if isinstance(value, dict):
        return {key: _mask(item) if isinstance(item, str) else _anything(item) for key, item in value.items()}
    if not isinstance(value, list):
        return _anything(value)
    return [
        {**_mapping(item), "value": _mask(item["value"])}
        if isinstance(item, dict) and "value" in item
        else _anything(item)
        for item in value
    ]


def _command(value: Any) -> Any:
    return mask_tokens(value) if isinstance(value, list) else _anything(value)


def _mask(value: Any) -> Any:
    return value if value is None or value == "" else MASK


def _masked_values(value: Any) -> Any:
    return {key: _mask(item) for key, item in value.items()} if isinstance(value, dict) else _mask(value)


def _mask_under(*keys: str) -> Callable[[JsonObject], None]:
    """Mask these keys of ``spec``: values files, where anything may stand."""

    def mask(value: JsonObject) -> None:
        spec = value.get("spec")
        if isinstance(spec, dict):
            spec.update({key: _mask(spec[key]) for key in keys if key in spec})

    return mask


def _application(value: JsonObject) -> None:
    """Mask the Helm values, and whatever else configures the source, of an Argo CD Application."""
    spec = value.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    for place in (spec, template.get("spec") if isinstance(template, dict) else None):
        if not isinstance(place, dict):
            continue
        sources = place.get("sources")
        for source in [place.get("source"), *(sources if isinstance(sources, list) else [])]:
            if isinstance(source, dict):
                source.update({key: _mask(source[key]) for key in ("helm", "plugin", "kustomize") if key in source})


_SPECIAL: dict[str, Callable[[Any], Any]] = {
    "annotations": _annotations,
    "env": _named_values,
    "httpHeaders": _named_values,
    "command": _command,
    "args": _command,
}
_MORE: dict[tuple[str, str], Callable[[JsonObject], None]] = {
    ("argoproj.io", "Application"): _application,
    ("argoproj.io", "ApplicationSet"): _application,
    ("helm.toolkit.fluxcd.io", "HelmRelease"): _mask_under("values", "postRenderers"),
    ("helm.cattle.io", "HelmChart"): _mask_under("valuesContent", "set", "authSecret", "repoCA"),
    ("helm.cattle.io", "HelmChartConfig"): _mask_under("valuesContent"),
}
