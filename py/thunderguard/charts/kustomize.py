"""Kustomizations built by the real ``kustomize build``, without a network."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from thunderguard.charts.chartfile import mapping_file
from thunderguard.charts.program import DEFAULT_BOUNDS, Bounds, FailedRunError, run
from thunderguard.documents.errors import Unreadable
from thunderguard.documents.texts import decode, load, split
from thunderguard.errors import ChartError
from thunderguard.model import JsonObject

# kustomize takes the first of these that is there (api/konfig, RecognizedKustomizationFileNames).
NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_DEEPEST = 16
_ORIGIN = "config.kubernetes.io/origin"
_FOLDERS = ("resources", "bases", "components")
# What reads files, and so would read a URL.
_READING = (
    *_FOLDERS,
    "configurations",
    "crds",
    "generators",
    "openapi",
    "patches",
    "patchesJson6902",
    "patchesStrategicMerge",
    "replacements",
    "transformers",
    "validators",
)
# A URL, a git address, or the short forms of a Git host (api/internal/git, NewRepoSpecFromURL).
_REMOTE = re.compile(
    r"\A(?:[a-z][a-z0-9+.-]*://|[a-z][a-z0-9+.-]*::|[^/\s]+@[^/\s]+:|(?:www[.])?git(?:hub|lab)[.]com[/:])|[?&]ref="
)


@dataclass(frozen=True, slots=True)
class Built:
    """An object of a kustomization, and the file that it comes from, as the user would write it."""

    file: str
    obj: JsonObject


def is_kustomization(path: str | Path) -> bool:
    """Say whether ``path`` is a folder that ``kustomize build`` takes."""
    return kustomization_file(Path(path)) is not None


def kustomization_file(folder: Path) -> Path | None:
    """Give the kustomization of ``folder``, None when it has none."""
    return next((folder / name for name in NAMES if os.path.isfile(folder / name)), None)


def build(folder: Path, *, label: str | None = None, bounds: Bounds = DEFAULT_BOUNDS) -> list[Built]:
    """Build the kustomization in ``folder``; ``label`` is its name as the user wrote it.

    Raises ChartError when it does not build, in kustomize's own words, when it needs something from elsewhere, or more
    than ``bounds``; ToolMissingError without kustomize.
    """
    name = label or str(folder)
    _refuse_remote(folder.resolve(), name, ())
    with tempfile.TemporaryDirectory(prefix="thunderguard-kustomize-") as above:
        # One more layer has kustomize say which file each object is from; it changes nothing else.
        top = Path(above).resolve()
        where = os.path.relpath(folder.resolve(), top)
        layer = {"resources": [where], "buildMetadata": ["originAnnotations"]}
        (top / NAMES[0]).write_bytes(orjson.dumps(layer))
        try:
            printed = run("kustomize", ["build", str(top)], folder=top, bounds=bounds, what=name)
        except FailedRunError as error:
            said = " ".join(error.said.split()).removeprefix("Error: ").replace(f"{where}/", "").replace(where, name)
            said = said.replace(str(folder.resolve()), name)
            raise ChartError(
                f"{name} does not build: {said[:2000] or 'kustomize did not say why'}", file=name
            ) from None
        return list(_objects(printed, name, folder.resolve(), top))


def _objects(printed: bytes, name: str, folder: Path, top: Path) -> Iterator[Built]:
    try:
        values: list[Any] = [load(part)[0] for part in split(decode(printed))]
    except Unreadable as error:
        raise ChartError(f"{name} builds to what cannot be read: {error.told()}", file=name) from None
    own = kustomization_file(folder)
    fallback = Path(name, own.name if own else NAMES[0])
    for value in values:
        if isinstance(value, dict):
            origin = _take_origin(value)
            yield Built(str(_file(origin, name, folder, top) or fallback), value)


def _take_origin(value: JsonObject) -> str | None:
    """Take the annotation that was asked for out of an object, and give the path that it tells."""
    metadata = value.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(annotations, dict):
        return None
    told = annotations.pop(_ORIGIN, None)
    if not annotations:
        del metadata["annotations"]
    found = re.search(r"^(?:path|configuredIn): (.+)$", str(told), re.MULTILINE)
    return found[1] if found else None


def _file(origin: str | None, name: str, folder: Path, top: Path) -> str | None:
    if origin is None:
        return None
    path = Path(os.path.normpath(top / origin))
    return os.path.normpath(os.path.join(name, os.path.relpath(path, folder))) if path.is_file() else None


def _refuse_remote(folder: Path, name: str, above: tuple[Path, ...]) -> None:
    """Raise ChartError when the kustomization in ``folder``, or one that it builds on, names something elsewhere."""
    path = kustomization_file(folder)
    if path is None or folder in above:
        return
    if len(above) >= _DEEPEST:
        raise ChartError(f"{name}: kustomizations are nested more than {_DEEPEST} deep", file=name)
    file = f"{name}/{path.name}"
    value = mapping_file(path, file)
    for key in _READING:
        for text in _texts(value.get(key)):
            if _REMOTE.search(text) and not (folder / text).exists():
                raise ChartError(
                    f"{file}: {key} names {text}, which is not here",
                    hint="nothing is fetched from a network: keep a copy in the repository",
                    file=file,
                )
    for key in _FOLDERS:
        for text in _texts(value.get(key)):
            below = (folder / text).resolve()
            if below.is_dir():
                _refuse_remote(below, os.path.normpath(os.path.join(name, text)), (*above, folder))


def _texts(value: Any) -> Iterator[str]:
    """Give the names of files in a list of names, and in a list of mappings that name a ``path``."""
    for one in value if isinstance(value, list) else [value]:
        text = one.get("path") if isinstance(one, dict) else one
        if isinstance(text, str) and "\n" not in text:
            yield text
