"""OPA on loopback, as ``examples/webhook/opa`` runs it in a cluster: the same files, flags and webhook."""

from __future__ import annotations

import base64
import copy
import shutil
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import requests
import yaml
from yaml.cyaml import CSafeLoader

from thunderguard import assets
from thunderguard.controlplane.certificates import Authority
from thunderguard.engines.sources import RegoSources, clock
from thunderguard.model import JsonObject

#: Who may ask the server what, in Rego; it is part of the shipped example and of no rule.
AUTHORIZATION = "examples/webhook/opa/authz.rego"
WEBHOOK = "policies/opa/webhook.yaml"
#: What a server finds in its environment besides, as the shipped Deployment has it.
ENVIRONMENT = {"GOGC": "800", "GOMEMLIMIT": "192MiB", "GOMAXPROCS": "8"}
_ESTATE = "estate.yaml"
_CURRENT = "..data"
# A server reads files in the order of their names: having read an Estate, it has yet to read the day that came with it.
_DAY = "today.yaml"


class OpaFiles:
    """The folders that a server loads and watches, below ``folder``: policy, data, tls."""

    def __init__(self, folder: Path, sources: RegoSources, authority: Authority) -> None:
        """Write what the server needs but for an Estate, without which it denies everything that it is asked."""
        self.folder = folder
        self._authority = authority
        policy = folder / "policy"
        policy.mkdir(mode=0o700, parents=True)
        for name, text in sources.policies.items():
            (policy / name.replace("/", ".")).write_text(text, encoding="utf-8")
        (policy / "authz.rego").write_bytes(assets.root(AUTHORIZATION).read_bytes())
        for name in ("data/estate", "tls"):
            (folder / name).mkdir(parents=True)
        (folder / "data" / "data.json").write_bytes(orjson.dumps(sources.data))
        self._exchange({_DAY: {}})
        _link(folder / "data" / _DAY, f"estate/{_CURRENT}/{_DAY}")
        authority.server().write(folder / "tls", "tls")

    def use(self, estate: JsonObject | None, at: date | None = None) -> None:
        """Put ``estate`` in the place of any other, in one step; None takes it away.

        ``at`` is the day that the server is told it is, None for its own clock.

        It is done as a kubelet brings a changed ConfigMap: the names that are listed are links that stay, and what they
        lead to is exchanged. A folder that is listed while a file in it is renamed may be seen without the file.
        """
        file = self.folder / "data" / "estate" / _ESTATE
        day = {"clock": clock(at)} if at is not None else {}
        if estate is None:
            file.unlink(missing_ok=True)
            self._exchange({_DAY: day})
            return
        self._exchange({_DAY: day, _ESTATE: estate})
        if not file.is_symlink():
            _link(file, f"{_CURRENT}/{_ESTATE}")

    def _exchange(self, files: Mapping[str, JsonObject]) -> None:
        """Have the links lead to ``files``."""
        folder = self.folder / "data" / "estate"
        current = folder / _CURRENT
        before = current.resolve() if current.exists() else None
        version = Path(tempfile.mkdtemp(prefix="..", dir=folder))
        for name, content in files.items():
            (version / name).write_bytes(orjson.dumps(content))
        _link(current, version.name)
        if before is not None:
            shutil.rmtree(before)

    def command(self, program: Path, port: int, health: int) -> list[str]:
        """Give the command that serves the folders on two ports of this machine."""
        return [str(program), *arguments(str(self.folder), f"127.0.0.1:{port}", f"127.0.0.1:{health}")]

    def is_ready(self, health: int) -> bool:
        """Say whether the server whose health is told at the port ``health`` answers."""
        trusted = self.folder / "tls" / "authority.crt"
        if not trusted.exists():
            trusted.write_bytes(self._authority.pair.certificate)
        with requests.Session() as session:
            session.trust_env = False
            try:
                return session.get(f"https://127.0.0.1:{health}/health", verify=str(trusted), timeout=5).ok
            except requests.exceptions.RequestException:
                return False


def arguments(root: str, address: str, health: str) -> list[str]:
    """Give the arguments of a server that finds its folders below ``root``, as the shipped Deployment has them."""
    return [
        "run",
        "--server",
        f"--addr={address}",
        f"--diagnostic-addr={health}",
        f"--tls-cert-file={root}/tls/tls.crt",
        f"--tls-private-key-file={root}/tls/tls.key",
        "--tls-cert-refresh-period=10s",
        "--authorization=basic",
        "--skip-version-check",
        "--log-level=info",
        "--log-level-request=debug",
        "--optimize-store-for-read-speed",
        "--shutdown-wait-period=10",
        "--watch",
        "--ignore=.*",
        f"{root}/policy",
        f"{root}/data",
    ]


def configuration(port: int, authority: Authority, path: Path | None = None) -> JsonObject:
    """Give the shipped webhook configuration with the server at ``port`` of this machine in the place of the Service.

    ``path`` is another file than the shipped one.
    """
    text = (path or assets.root(WEBHOOK)).read_text(encoding="utf-8")
    made: JsonObject = yaml.load(text, Loader=CSafeLoader)
    return redirected(made, port, authority)


def redirected(shipped: JsonObject, port: int, authority: Authority) -> JsonObject:
    """Give a copy of a webhook configuration that calls the server at ``port`` of this machine instead."""
    made = copy.deepcopy(shipped)
    for webhook in made["webhooks"]:
        client: dict[str, Any] = webhook["clientConfig"]
        where = client.pop("service")
        client["url"] = f"https://127.0.0.1:{port}{where['path']}"
        client["caBundle"] = base64.b64encode(authority.pair.certificate).decode()
    return made


def _link(path: Path, target: str) -> None:
    """Have ``path`` lead to ``target`` from one moment to the next."""
    made = path.with_name(f"..new{path.name}")
    made.symlink_to(target)
    made.replace(path)
