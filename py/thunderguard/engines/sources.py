"""The Rego sources that engines load: policies, and the data files among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import ryaml

from thunderguard import assets
from thunderguard.engines.base import digest
from thunderguard.errors import PolicyError
from thunderguard.facts.waivers import today

if TYPE_CHECKING:
    from thunderguard.engines.base import EngineOptions
    from thunderguard.model import JsonObject

_DATA = {".json", ".yaml", ".yml"}


@dataclass(frozen=True, slots=True)
class RegoSources:
    """A folder of Rego: ``policies`` is text by path below ``root`` (tests left out), ``data`` the merged data files.

    As OPA does it, a data file's content stands at the path of its folder: ``thunderguard/catalogue/data.yaml`` is
    ``data.thunderguard.catalogue``. ``sha256`` is over the bytes of all of them.
    """

    root: Path
    policies: Mapping[str, str]
    data: JsonObject
    sha256: str

    def stage(self, folder: Path) -> None:
        """Write the sources below ``folder``, so that a program judges exactly what was hashed."""
        for name, text in self.policies.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        (folder / "data.json").write_bytes(orjson.dumps(self.data))

    def real_paths(self, message: str, folder: Path) -> str:
        """Put the true paths into ``message``, which names files staged below ``folder``."""
        return message.replace(str(folder), str(self.root)).replace(f"{str(folder).lstrip('/')}/", f"{self.root}/")


def rego_root(options: EngineOptions) -> Path:
    """Give the folder of the Rego sources that ``options`` ask for, by default the project's own."""
    if options.rego_dir is not None:
        return options.rego_dir
    return assets.root("rego")


def data_of(sources: RegoSources, estate: JsonObject, at: date | None) -> JsonObject:
    """Give all data that policies read: those of ``sources``, the Estate, and ``at``, the day of judgement."""
    return {**sources.data, "estate": estate, "clock": clock(at or today())}


def clock(at: date) -> JsonObject:
    """Give what policies read as ``data.clock``: ``at``, the day of judgement."""
    return {"at": at.isoformat()}


def load_sources(root: Path) -> RegoSources:
    """Read the policies and data files below ``root``. Raises PolicyError when there are none, or one is unreadable."""
    policies: dict[str, str] = {}
    contents: dict[str, bytes] = {}
    data: JsonObject = {}
    for path in sorted(root.rglob("*")):
        if not path.is_file() or path.name.endswith("_test.rego"):
            continue
        name = path.relative_to(root).as_posix()
        if path.suffix == ".rego":
            contents[name] = path.read_bytes()
            try:
                policies[name] = contents[name].decode()
            except UnicodeDecodeError:
                raise PolicyError(f"{path} is not UTF-8 text") from None
        elif path.suffix in _DATA:
            contents[name] = path.read_bytes()
            _merge(data, path.relative_to(root).parts[:-1], _read_data(path, contents[name]), path)
    if not policies:
        raise PolicyError(f"no Rego policy below {root}", hint="the folder is named by --rego, by default rego/")
    return RegoSources(root=root, policies=policies, data=data, sha256=digest(contents))


def _read_data(path: Path, content: bytes) -> Any:
    try:
        if path.suffix == ".json":
            return orjson.loads(content)
        return ryaml.loads(content.decode())  # type: ignore[attr-defined]  # it has types, but exports no name
    except ValueError as error:
        raise PolicyError(f"{path} cannot be read as data: {error}") from None


def _merge(data: JsonObject, folders: tuple[str, ...], content: Any, path: Path) -> None:
    if not isinstance(content, dict):
        raise PolicyError(f"{path} holds no mapping", hint="a data file beside policies is a mapping")
    at = data
    for folder in folders:
        at = at.setdefault(folder, {})
    for key, value in content.items():
        if key in at:
            raise PolicyError(f"{path} gives {'.'.join((*folders, key))} a second time")
        at[key] = value
