"""Charts that manifests have installed: Argo CD, Flux and k3s, with the values that stand in the manifest.

What a manifest names in a registry is judged by its name, by the rules; here is what lies beside it: a folder of the
same repository, or the chart itself, packed into the manifest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from thunderguard.documents.errors import Unreadable
from thunderguard.documents.texts import load, split
from thunderguard.errors import ChartError
from thunderguard.facts.resources import name_of, namespace_of, type_of
from thunderguard.facts.values import as_list, as_object, as_text, dig
from thunderguard.model import JsonObject

#: One of these stands in every manifest that delivers a chart.
MARKS = (b"argoproj.io", b"helm.toolkit.fluxcd.io", b"helm.cattle.io")

_MOST_DIRECTORIES = 200
_PLACEHOLDER = re.compile(r"\{\{\s*\.?([A-Za-z0-9_.-]+)\s*\}\}")
_TYPED = frozenset({"true", "false", "null"})
_SIMPLE = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A chart, or a kustomization, that a manifest delivers, and how.

    Either ``path`` names it, relative to the repository, or ``packed`` holds it in base64. ``files`` are values files,
    relative to the chart; those that begin with ``/`` are relative to the repository. ``values`` go over them in this
    order, then ``over``, and ``sets`` over all. ``lenient`` says that a values file may be missing. ``namespace`` is
    empty when it is unknown.

    ``place`` is the field whose values are the uppermost of ``values``, or would be: of the manifest, or of ``holder``.
    ``moving`` is the field that names the namespace and nothing else. ``note`` is what to know about changing either.
    """

    what: str
    release: str
    namespace: str
    path: str | None = None
    packed: str | None = None
    files: tuple[str, ...] = ()
    values: tuple[JsonObject, ...] = ()
    over: JsonObject = field(default_factory=dict)
    sets: tuple[str, ...] = ()
    lenient: bool = False
    place: str = ""
    holder: str | None = None
    moving: str | None = None
    note: str = ""


#: The values of the HelmChartConfigs of k3s, by (namespace, name) of the HelmChart that they are for.
Configs: TypeAlias = Mapping[tuple[str, str], Sequence[JsonObject]]


def is_delivering(obj: JsonObject) -> bool:
    """Say whether ``obj`` is of a kind that delivers charts, or changes how one is delivered."""
    return type_of(obj) in _READERS or type_of(obj) in (_CONFIG, _APPLICATION_SET)


def configs_of(objects: Sequence[JsonObject]) -> dict[tuple[str, str], list[JsonObject]]:
    """Gather the values of the HelmChartConfigs among ``objects``. Raises ChartError for values that are none."""
    found: dict[tuple[str, str], list[JsonObject]] = {}
    for obj in objects:
        if type_of(obj) == _CONFIG:
            text = dig(obj, ("spec", "valuesContent"))
            found.setdefault((namespace_of(obj), name_of(obj)), []).append(_inline(text, _what(obj), "valuesContent"))
    return found


def deliveries(obj: JsonObject, configs: Configs, root: Path | None = None) -> list[Delivery]:
    """Give what ``obj`` delivers that can be had without a network. Raises ChartError for values that are none.

    ``root`` is the repository, in which an ApplicationSet may look for directories.
    """
    if type_of(obj) == _APPLICATION_SET:
        return _application_set(obj, root)
    reader = _READERS.get(type_of(obj))
    return list(reader(obj, configs)) if reader is not None else []


def _application(obj: JsonObject, configs: Configs) -> Iterator[Delivery]:
    del configs
    yield from _argo(as_object(obj.get("spec")), name_of(obj), _what(obj), "spec")


def _application_set(obj: JsonObject, root: Path | None) -> list[Delivery]:
    template = as_object(dig(obj, ("spec", "template")))
    elements: list[JsonObject] = []
    for generator in as_list(dig(obj, ("spec", "generators"))):
        elements += [one for one in as_list(dig(generator, ("list", "elements"))) if isinstance(one, dict)]
        if root is not None:
            elements += _directories(as_list(dig(generator, ("git", "directories"))), root, _what(obj))
    found: list[list[Delivery]] = []
    for element in elements or [{}]:
        filled = as_object(_filled(template, element))
        if _PLACEHOLDER.search(str(dig(filled, ("spec",)))):
            # Other generators ask a cluster or a repository.
            continue
        name = as_text(dig(filled, ("metadata", "name"))) or name_of(obj)
        found.append(list(_argo(as_object(filled.get("spec")), name, _what(obj), "spec.template.spec")))
    note = f"it changes every Application of {_what(obj)}, and was tried on one of {len(found)}"
    return [replace(one, note=note if len(found) > 1 else "") for some in found for one in some]


def _directories(patterns: Sequence[Any], root: Path, what: str) -> list[JsonObject]:
    """Give the parameters for each directory of the repository that a generator names, as Argo CD calls them."""
    found: dict[bool, set[Path]] = {True: set(), False: set()}
    for one in patterns:
        pattern = as_text(dig(one, ("path",)))
        # Beyond these, a pattern can only lead elsewhere; and Argo CD knows no hidden directories either.
        if pattern and not pattern.startswith("/") and ".." not in pattern.split("/") and "\0" not in pattern:
            matches = (path for path in root.glob(pattern) if path.is_dir() and not path.is_symlink())
            try:
                found[dig(one, ("exclude",)) is True].update(islice(matches, _MOST_DIRECTORIES))
            except (OSError, ValueError) as error:
                raise ChartError(f"{what}: {pattern[:200]!r} names no directories: {error}") from None
    paths = [path.relative_to(root) for path in sorted(found[False] - found[True])]
    return [
        # The first spelling is that of plain templates, the second that of Go templates.
        {"path.basename": path.name, "path.path": path.as_posix(), "path": path.as_posix()}
        for path in paths
        if not any(part.startswith(".") for part in path.parts)
    ]


def _argo(spec: JsonObject, name: str, what: str, above: str) -> Iterator[Delivery]:
    namespace = as_text(dig(spec, ("destination", "namespace")))
    sources = as_list(spec.get("sources"))
    # Where there are several, Argo CD does not look at the one.
    named = [(f"sources[{number}]", one) for number, one in enumerate(sources)] or [("source", spec.get("source"))]
    for at, source in named:
        path = dig(source, ("path",))
        if not isinstance(path, str) or not isinstance(source, dict) or source.get("chart"):
            continue
        helm = as_object(source.get("helm"))
        sets, strings = _parameters(helm)
        # Of the two Argo CD takes the object.
        is_text = bool(as_text(helm.get("values"))) and not isinstance(helm.get("valuesObject"), dict)
        inline = _inline(helm.get("values"), what, "helm.values") if is_text else as_object(helm.get("valuesObject"))
        yield Delivery(
            what,
            as_text(helm.get("releaseName")) or name,
            namespace,
            path=path,
            # `$name/…` is a file of another source, which is taken to be this repository, too.
            files=tuple(
                re.sub(r"\A\$[^/]+/", "/", one) for one in as_list(helm.get("valueFiles")) if isinstance(one, str)
            ),
            values=(inline,) if inline else (),
            over=strings,
            sets=sets,
            lenient=helm.get("ignoreMissingValueFiles") is True,
            place=f"{above}.{at}.helm.{'values' if is_text else 'valuesObject'}",
            moving=f"{above}.destination.namespace",
        )


def _parameters(helm: JsonObject) -> tuple[tuple[str, ...], JsonObject]:
    """Give the parameters as for ``helm --set``, and those that have to stay text as values."""
    sets = []
    strings: JsonObject = {}
    for one in as_list(helm.get("parameters")):
        name, value = dig(one, ("name",)), dig(one, ("value",))
        if not isinstance(name, str) or not isinstance(value, str):
            continue
        if dig(one, ("forceString",)) is True and _SIMPLE.match(name):
            _put(strings, name, value)
        else:
            sets.append(f"{name}={_escaped(value)}")
    return tuple(sets), strings


def _put(values: JsonObject, name: str, value: str) -> None:
    """Put a text into ``values`` at the key that ``name`` spells with dots."""
    *above, last = name.split(".")
    for key in above:
        below = values.setdefault(key, {})
        values = below if isinstance(below, dict) else {}
    values[last] = value


def _escaped(value: str) -> str:
    # Helm parts the values of one --set at commas.
    return re.sub(r"(?<!\\),", r"\\,", value)


def _helm_release(obj: JsonObject, configs: Configs) -> Iterator[Delivery]:
    del configs
    spec = as_object(obj.get("spec"))
    chart = as_object(dig(spec, ("chart", "spec")))
    path = chart.get("chart")
    if not isinstance(path, str) or dig(chart, ("sourceRef", "kind")) not in ("GitRepository", "Bucket"):
        return
    target = as_text(spec.get("targetNamespace"))
    name = f"{target}-{name_of(obj)}" if target else name_of(obj)
    yield Delivery(
        _what(obj),
        as_text(spec.get("releaseName")) or name,
        target or namespace_of(obj),
        path=path,
        files=tuple(f"/{one}" for one in as_list(chart.get("valuesFiles")) if isinstance(one, str)),
        values=tuple(one for one in [as_object(spec.get("values"))] if one),
        lenient=chart.get("ignoreMissingValuesFiles") is True,
        place="spec.values",
        # Without a name of its own the release is called after the namespace, too.
        moving="spec.targetNamespace" if spec.get("releaseName") else None,
    )


def _k3s_chart(obj: JsonObject, configs: Configs) -> Iterator[Delivery]:
    spec = as_object(obj.get("spec"))
    packed, path = spec.get("chartContent"), spec.get("chart")
    if not (isinstance(packed, str) and packed) and not (isinstance(path, str) and path):
        return
    inline, place = [_inline(spec.get("valuesContent"), _what(obj), "valuesContent")], "spec.valuesContent"
    if isinstance(spec.get("values"), dict):
        inline, place = [*inline, spec["values"]], "spec.values"
    configured = configs.get((namespace_of(obj), name_of(obj)), [])
    sets, strings = _set_by_k3s(as_object(spec.get("set")))
    yield Delivery(
        _what(obj),
        name_of(obj),
        as_text(spec.get("targetNamespace")) or namespace_of(obj),
        path=None if packed else path,
        packed=packed or None,
        values=tuple(one for one in [*inline, *configured] if one),
        over=strings,
        sets=sets,
        place="spec.valuesContent" if configured else place,
        holder=f"HelmChartConfig/{name_of(obj)}" if configured else None,
        moving="spec.targetNamespace",
    )


def _set_by_k3s(given: JsonObject) -> tuple[tuple[str, ...], JsonObject]:
    """Give what k3s takes for ``helm --set``, and what stays text as values: all but numbers, booleans and null."""
    sets = []
    strings: JsonObject = {}
    for name, value in sorted(given.items()):
        if not isinstance(value, str | int):
            continue
        if isinstance(value, str) and value.lower() not in _TYPED and _SIMPLE.match(name):
            _put(strings, name, value)
        else:
            sets.append(f"{name}={_escaped(_spelled(value))}")
    return tuple(sets), strings


def _spelled(value: str | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_Reader: TypeAlias = Callable[[JsonObject, Configs], Iterator[Delivery]]
_CONFIG = ("helm.cattle.io", "HelmChartConfig")
_APPLICATION_SET = ("argoproj.io", "ApplicationSet")
_READERS: dict[tuple[str, str], _Reader] = {
    ("argoproj.io", "Application"): _application,
    ("helm.toolkit.fluxcd.io", "HelmRelease"): _helm_release,
    ("helm.cattle.io", "HelmChart"): _k3s_chart,
}


def _what(obj: JsonObject) -> str:
    return f"{as_text(obj.get('kind'))}/{name_of(obj)}"


def _inline(text: Any, what: str, field: str) -> JsonObject:
    """Read values that stand in a manifest as text."""
    if not isinstance(text, str) or not text.strip():
        return {}
    try:
        values = [load(part)[0] for part in split(text)]
    except Unreadable as error:
        raise ChartError(f"{what}: {field} is no YAML: {error.told()}") from None
    if len(values) > 1 or (values and not isinstance(values[0], dict | None)):
        raise ChartError(f"{what}: {field} is not a mapping", hint="write `key: value` lines")
    return values[0] or {} if values else {}


def _filled(value: Any, element: JsonObject) -> Any:
    """Put the parameters of a generator into a template; what is not among them stays."""
    if isinstance(value, dict):
        return {key: _filled(one, element) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, element) for one in value]
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: str(_at(element, found[1], found[0])), value)
    return value


def _at(element: JsonObject, name: str, missing: str) -> Any:
    if name in element:
        return element[name]
    value = dig(element, tuple(name.split(".")))
    return missing if value is None else value


def repository_of(file: str) -> Path:
    """Give the folder that paths in the manifest ``file`` are relative to.

    It is the nearest one above with a ``.git``; without one the working directory, if the file is below it, or the
    file's own folder.
    """
    folder = Path(file).resolve().parent
    for one in (folder, *folder.parents):
        if (one / ".git").exists():
            return one
    here = Path.cwd().resolve()
    return here if folder.is_relative_to(here) else folder


def inside(root: Path, path: str, what: str) -> Path:
    """Give the file or folder ``path`` of the repository ``root``. Raises ChartError when it leads out of it."""
    found = resolved(root, path, f"{what} names")
    if not found.is_relative_to(root):
        raise ChartError(f"{what} names {path}, which leads out of the repository", hint="name a path inside it")
    return found


def resolved(folder: Path, path: str, what: str) -> Path:
    """Give ``path`` below ``folder``, links followed. Raises ChartError when it cannot be one; ``what`` begins it."""
    try:
        found = (folder / path.lstrip("/")).resolve()
        found.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise ChartError(f"{what} {path[:200]!r}, which cannot be a path: {error}") from None
    return found
