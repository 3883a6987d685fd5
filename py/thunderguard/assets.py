"""Where the files stand that are not Python: policies, the schema of the Estate, the default Estate.

A wheel carries a copy of them below ``thunderguard/_assets``; in a checkout they are read where people edit them.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from thunderguard.errors import UsageError

_PACKAGED = Path(__file__).resolve().parent / "_assets"
_REPOSITORY = Path(__file__).resolve().parents[2]


def root(name: str) -> Path:
    """Give the path of the asset ``name``: ``rego``, ``policies``, ``examples`` or a path below one of them.

    Raises UsageError when it is neither packaged nor in the repository, that is, when the installation is damaged.
    """
    base = _PACKAGED if _PACKAGED.is_dir() else _REPOSITORY
    path = base / name
    if not path.exists():
        raise UsageError(f"{path} is missing", hint="the installation is damaged: install thunderguard again")
    return path


def version(missing: str = "0") -> str:
    """Give the version of the installed package; ``missing`` when it runs from its sources, not installed."""
    try:
        return metadata.version("thunderguard")
    except metadata.PackageNotFoundError:
        return missing
