"""Loading an Estate that may be judged by: only one without mistakes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from thunderguard import assets
from thunderguard.errors import EstateError
from thunderguard.estate.check import mistakes_in
from thunderguard.estate.rules import by_twin
from thunderguard.estate.source import read_estate
from thunderguard.estate.text import printable
from thunderguard.model import JsonObject

DEFAULT_ESTATE = assets.root("examples") / "thunderline" / "estate.yaml"


@dataclass(frozen=True, slots=True)
class Estate:
    """A valid Estate. ``data`` is the whole object as the file has it, ``sha256`` the hash of the file."""

    path: Path
    name: str
    data: JsonObject
    sha256: str


def load_estate(path: Path) -> Estate:
    """Read and validate the Estate in ``path``. Raises EstateError with the first mistake and the number of others."""
    text = read_estate(path)
    mistakes = mistakes_in(text, by_twin)
    if mistakes:
        more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        raise EstateError(
            f"{mistakes[0]}{more}", hint=f"thunderguard estate check {printable(str(path))} lists them all"
        )
    return Estate(path, text.data["metadata"]["name"], text.data, hashlib.sha256(text.content).hexdigest())
