"""Files by their names: written so that a name stands for all of it or for what was there before, and shown."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from thunderguard.cleanup import on_failure


@contextmanager
def replacing(path: Path, *, mode: int | None = None) -> Iterator[BinaryIO]:
    """Give a file to write to that takes the place of ``path`` when all went well, and vanishes otherwise.

    It is a temporary file beside ``path``, for its owner alone unless ``mode`` says more, on the disk before it is
    renamed. Raises OSError.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    with on_failure(Path(name).unlink):
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def seen_from_here(path: Path) -> str:
    """Give a path as seen from here, so that a result does not tell where a checkout happens to be."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
