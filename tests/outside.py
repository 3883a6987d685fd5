"""The environment as a shell outside of the make that may run the tests has it."""

from __future__ import annotations

import os


def outside_make() -> dict[str, str]:
    """Give the environment without what make leaves in it, the options of its user among them."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}
