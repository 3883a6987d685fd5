"""Where external programs are found, and which versions of them are right.

The versions stand in ``tools/<folder>/go.mod``, from which ``make tools`` builds the programs; they are written
nowhere else. An installed package has no such files and takes the programs that it finds.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from thunderguard.errors import EngineError, ToolMissingError

if TYPE_CHECKING:
    from thunderguard.engines.base import EngineOptions

_REPOSITORY = Path(__file__).resolve().parents[3]
_REQUIRE = re.compile(
    r"^\s*(?:require\s+)?(?P<module>[\w./~-]+)\s+v(?P<version>[0-9][^\s]*)\s*(?://.*)?$", re.MULTILINE
)

MODULES = {
    "conftest": "github.com/open-policy-agent/conftest",
    "etcd": "go.etcd.io/etcd/server/v3",
    "helm": "helm.sh/helm/v4",
    "kube-apiserver": "k8s.io/kubernetes",
    "kube-controller-manager": "k8s.io/kubernetes",
    "kube-scheduler": "k8s.io/kubernetes",
    "kubectl": "k8s.io/kubernetes",
    "kubectl-kyverno": "github.com/kyverno/kyverno",
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5",
    "kwok": "sigs.k8s.io/kwok",
    "kyverno": "github.com/kyverno/kyverno",
    "opa": "github.com/open-policy-agent/opa",
    "promtool": "github.com/prometheus/prometheus",
}

# Where the folder has another name than the program.
_FOLDERS = {
    "kube-apiserver": "kubernetes",
    "kube-controller-manager": "kubernetes",
    "kube-scheduler": "kubernetes",
    "kubectl": "kubernetes",
    "kubectl-kyverno": "kyverno",
    "promtool": "prometheus",
}


def pinned(program: str, module: str | None = None) -> str | None:
    """Give the version of ``module`` in the go.mod that makes ``program``, without the v; None when there is none.

    ``module`` is by default the program's own.
    """
    go_mod = _REPOSITORY / "tools" / _FOLDERS.get(program, program) / "go.mod"
    if not go_mod.is_file():
        return None
    wanted = module or MODULES[program]
    for match in _REQUIRE.finditer(go_mod.read_text(encoding="utf-8")):
        if match["module"] == wanted:
            return match["version"]
    return None


def find_program(program: str, options: EngineOptions) -> Path:
    """Find a program in the tools folder, else on ``PATH``. Raises ToolMissingError."""
    folder = options.tools_dir or _REPOSITORY / ".tools" / "bin"
    built = folder / program
    if built.is_file():
        return built
    found = shutil.which(program)
    if found is None:
        raise ToolMissingError(f"{program} is neither in {folder} nor on PATH", hint="run `make tools`")
    return Path(found)


def check_version(program: Path, arguments: list[str], line: str, wanted: str | None, deadline: float) -> str:
    """Ask a program for its version and give it.

    ``line`` is the label in its answer (``Version`` in ``Version: 1.2.3``). Raises ToolMissingError when the version
    is not the ``wanted`` one, EngineError when the program gives none.
    """
    text = program_output(program, arguments, deadline)
    match = re.search(rf"^{re.escape(line)}:\s*v?(\S+)", text, re.MULTILINE)
    if match is None:
        raise EngineError(f"{program} does not tell its version: {text.strip()!r:.120}", hint="run `make tools`")
    if wanted is not None and match[1] != wanted:
        raise ToolMissingError(f"{program} is {line} {match[1]}, not the pinned {wanted}", hint="run `make tools`")
    return match[1]


def program_output(program: Path, arguments: list[str], deadline: float) -> str:
    """Run a program that only prints, and give what it prints. Raises EngineError when it does not."""
    try:
        done = subprocess.run(
            [str(program), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=deadline,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineError(f"{program} {' '.join(arguments)} gives no answer within {deadline:g} s") from None
    except OSError as error:
        raise EngineError(f"{program} does not start: {error}", hint="run `make tools`") from None
    return done.stdout.decode(errors="replace")
