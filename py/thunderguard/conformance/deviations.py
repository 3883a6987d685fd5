"""Where an engine is known to differ: each such case with its reason and a link to whoever has to mend it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from thunderguard.conformance.yamlfile import YamlFile, read_yaml
from thunderguard.errors import UsageError
from thunderguard.paths import Segment

#: The name of the file among the cases.
FILE = "deviations.yaml"

_KEY = "deviations"
_FIELDS = {"reason", "link"}


@dataclass(frozen=True, slots=True)
class Deviation:
    """Why an engine differs on a case, and where that is known upstream."""

    reason: str
    link: str


#: engine → id of the case → why
Deviations = Mapping[str, Mapping[str, Deviation]]

NONE: Deviations = MappingProxyType({})


def load_deviations(directory: Path, *, engines: Collection[str], cases: Collection[str]) -> Deviations:
    """Read ``deviations.yaml`` of ``directory``; without the file there are none.

    ``engines`` and ``cases`` are the names that may occur. Raises UsageError with file and line for anything else.
    """
    path = directory / FILE
    if not path.exists():
        return NONE
    file = read_yaml(path)
    if not isinstance(file.value, dict) or set(file.value) != {_KEY} or not isinstance(file.value[_KEY], dict):
        raise UsageError(f"{file.name}:1: the one key is {_KEY}, a mapping of engines")
    found: dict[str, dict[str, Deviation]] = {}
    for engine, listed in file.value[_KEY].items():
        _known(file, engine, engines, (_KEY, engine), "engine")
        if not isinstance(listed, dict):
            raise _error(file, (_KEY, engine), f"the deviations of {engine} are a mapping of cases")
        for case, entry in listed.items():
            _known(file, case, cases, (_KEY, engine, case), "case")
            found.setdefault(engine, {})[case] = _deviation(file, (_KEY, engine, case), entry)
    return found


def _deviation(file: YamlFile, at: tuple[Segment, ...], entry: Any) -> Deviation:
    if not isinstance(entry, dict) or set(entry) != _FIELDS or not all(_is_text(value) for value in entry.values()):
        raise _error(file, at, "a deviation has a reason and a link, and nothing else")
    if not entry["link"].startswith("https://"):
        raise _error(file, (*at, "link"), "the link begins with https://")
    return Deviation(" ".join(entry["reason"].split()), entry["link"])


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _known(file: YamlFile, name: Any, known: Collection[str], at: tuple[Segment, ...], what: str) -> None:
    if name not in known:
        raise _error(file, at, f"no {what} is called {name!r}")


def _error(file: YamlFile, at: tuple[Segment, ...], message: str) -> UsageError:
    return UsageError(f"{file.name}:{file.line(at)}: {message}")
