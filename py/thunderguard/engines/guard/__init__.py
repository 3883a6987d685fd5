"""The guard of the embedded engine: which policies it may judge by.

The embedded engine is fast and nearly OPA. Where it is not, it mostly says so; ten constructs differ in silence.
A policy that uses one is refused when it is loaded ("cannot decide"), and never judged by.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from thunderguard.engines._regorus import new_regorus, one_line
from thunderguard.engines.guard.rules import RULES, GuardRule, Violation, check_modules
from thunderguard.engines.guard.syntax import read_module
from thunderguard.errors import PolicyError, SourceError

if TYPE_CHECKING:
    from regorus import Engine as Regorus

__all__ = ["RULES", "GuardRule", "Violation", "guard_engine", "guard_paths", "guard_sources"]


def guard_engine(engine: Regorus) -> list[Violation]:
    """Judge the policies loaded into a regorus engine. Gives what breaks a rule, sorted by file and line."""
    modules = [read_module(tree) for tree in json.loads(engine.get_ast_as_json())]
    return check_modules({module.file: module for module in modules})


def guard_sources(files: Mapping[str, str]) -> list[Violation]:
    """Judge Rego sources, given as text by file name.

    Raises PolicyError when a file does not parse.
    """
    engine = new_regorus()
    for file in sorted(files):
        try:
            engine.add_policy(file, files[file])
        except RuntimeError as error:
            raise PolicyError(f"{file} does not compile: {one_line(error)}") from None
    return guard_engine(engine)


def guard_paths(paths: Iterable[Path]) -> list[Violation]:
    """Judge the Rego files named by ``paths`` or below them.

    Raises SourceError when a path does not exist or holds no Rego, PolicyError when a file does not parse.
    """
    files: dict[str, str] = {}
    for path in paths:
        found = sorted(path.rglob("*.rego")) if path.is_dir() else [path]
        if not found:
            raise SourceError(f"no .rego file below {path}")
        for file in found:
            try:
                files[str(file)] = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise SourceError(f"{file} cannot be read: {error}") from None
    if not files:
        raise SourceError("no path was given", hint="name Rego files or folders")
    return guard_sources(files)
