"""What the tools that make one file share: a mode that writes it, and one that checks it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def run(tool: str, root: Path, target: Path, make: Callable[[], bytes], argv: Sequence[str] | None = None) -> int:
    """Write ``target``, which is below ``root``, or check that it holds what ``make`` gives, as ``argv`` says.

    ``tool`` is the name of the tool; without ``argv`` the command line is read. Give 0, or 1 when the file is stale.
    """
    shown = target.relative_to(root)
    parser = argparse.ArgumentParser(prog=f"{tool}.py", description=f"Make {shown}.")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write it")
    mode.add_argument("--check", action="store_true", help="exit 1 when it is not what it should be")
    write = parser.parse_args(argv).write
    made = make()
    if write:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(made)
    elif not target.is_file() or target.read_bytes() != made:
        print(f"error: {shown} is stale", file=sys.stderr)
        print(f"hint: run `make generate` or `python tools/{tool}.py --write`, and look at the change", file=sys.stderr)
        return 1
    return 0
