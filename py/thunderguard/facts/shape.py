"""What Kubernetes would refuse to decode in a built-in workload, said in sentences.

Rules judge such an object all the same, counting what is broken as absent; a sentence here says that the verdict is
about something the API server will not take. The source is the Kubernetes API reference (types of PodSpec, Container
and the workload kinds) and the validation of k8s.io/kubernetes/pkg/apis/core/validation. Only shapes are looked at:
a name or an image that is missing is for the rules and the API server.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from thunderguard.facts.resources import type_of
from thunderguard.facts.values import as_integer, as_list, as_object, dig
from thunderguard.facts.workloads import PARALLEL, TEMPLATES
from thunderguard.paths import Segment, format_path

if TYPE_CHECKING:
    from thunderguard.model import JsonObject

_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxlist, _SHORT.maxstring = 2, 3, 3, 60
_CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")

_Path = tuple[Segment, ...]


def shape_problems(obj: JsonObject) -> list[str]:
    """Give a sentence, with path and value, for everything of ``obj`` that Kubernetes would refuse to read.

    Empty for a sound object, and for any kind but the built-in workloads.
    """
    template = TEMPLATES.get(type_of(obj))
    return [] if template is None else list(_problems(obj, template))


def _problems(obj: JsonObject, template: tuple[str, ...]) -> Iterator[str]:
    yield from _metadata(obj, ())
    count = PARALLEL.get(type_of(obj))
    if count:
        yield from _check(dig(obj, count), count, _is_integer, "an integer")
    for depth in range(1, len(template) + 2):
        path = (*template, "spec")[:depth]
        if path[-1] == "template":
            yield from _metadata(as_object(dig(obj, path)), path)
        value = dig(obj, path)
        if not isinstance(value, dict):
            yield _sentence(path, value, "an object")
            return
    yield from _pod_spec(dig(obj, (*template, "spec")), (*template, "spec"))


def _metadata(obj: JsonObject, at: _Path) -> Iterator[str]:
    metadata, at = obj.get("metadata"), (*at, "metadata")
    yield from _check(metadata, at, _is_object, "an object")
    for field in ("name", "generateName", "namespace", "uid"):
        yield from _check(dig(metadata, (field,)), (*at, field), _is_string, "a string")
    for field in ("labels", "annotations"):
        yield from _string_map(dig(metadata, (field,)), (*at, field))
    yield from _list_of_objects(dig(metadata, ("ownerReferences",)), (*at, "ownerReferences"))


def _pod_spec(spec: JsonObject, at: _Path) -> Iterator[str]:
    if spec.get("containers") in (None, []):
        yield _sentence((*at, "containers"), spec.get("containers"), "a list of at least one container")
    for field in _CONTAINER_LISTS:
        yield from _list_of_objects(spec.get(field), (*at, field))
        for place, container in enumerate(as_list(spec.get(field))):
            if isinstance(container, dict):
                yield from _container(container, (*at, field, place))
    yield from _resources(spec.get("resources"), (*at, "resources"))
    yield from _list_of_objects(spec.get("volumes"), (*at, "volumes"))


def _container(container: JsonObject, at: _Path) -> Iterator[str]:
    for field in ("name", "image", "restartPolicy"):
        yield from _check(container.get(field), (*at, field), _is_string, "a string")
    for field in ("command", "args"):
        yield from _check(container.get(field), (*at, field), _is_list, "a list of strings")
        for place, word in enumerate(as_list(container.get(field))):
            yield from _check(word, (*at, field, place), _is_string, "a string")
    for field in ("env", "ports", "volumeMounts"):
        yield from _list_of_objects(container.get(field), (*at, field))
    for field in ("livenessProbe", "readinessProbe", "startupProbe", "securityContext", "lifecycle"):
        yield from _check(container.get(field), (*at, field), _is_object, "an object")
    yield from _resources(container.get("resources"), (*at, "resources"))


def _resources(resources: Any, at: _Path) -> Iterator[str]:
    yield from _check(resources, at, _is_object, "an object")
    for field in ("requests", "limits"):
        amounts = dig(resources, (field,))
        yield from _check(amounts, (*at, field), _is_object, "an object")
        for name, amount in as_object(amounts).items():
            yield from _check(amount, (*at, field, name), _is_scalar, "a quantity")


def _string_map(value: Any, at: _Path) -> Iterator[str]:
    yield from _check(value, at, _is_object, "a map of strings")
    for key, item in as_object(value).items():
        yield from _check(item, (*at, key), _is_string, "a string")


def _list_of_objects(value: Any, at: _Path) -> Iterator[str]:
    yield from _check(value, at, _is_list, "a list")
    for place, item in enumerate(as_list(value)):
        if not isinstance(item, dict):
            yield _sentence((*at, place), item, "an object")


def _check(value: Any, at: _Path, fits: Callable[[Any], bool], wanted: str) -> Iterator[str]:
    # To Kubernetes null is the same as absent, except where something is required.
    if value is not None and not fits(value):
        yield _sentence(at, value, wanted)


def _sentence(at: _Path, value: Any, wanted: str) -> str:
    shown = "missing or null" if value is None else _SHORT.repr(value)
    return f"{format_path(at)} is {shown}, where Kubernetes wants {wanted}"


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_string(value: Any) -> bool:
    return isinstance(value, str)


def _is_integer(value: Any) -> bool:
    return as_integer(value) is not None


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
