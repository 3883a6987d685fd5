"""etcd and an API server: how they are started, and when they are ready. Whoever starts them ends them."""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from thunderguard.controlplane.certificates import Authority, Pair, keep, signing_key
from thunderguard.controlplane.processes import Running

#: The user and the group of an administrator.
ADMIN = ("admin", "system:masters")
#: The seconds after which a server that is not ready counts as one that does not start.
START = 90.0
#: Starts a program: its name, and the arguments.
Launch: TypeAlias = Callable[[str, Sequence[str]], Running]

_PROBE = "probe"


class Certificates:
    """The certificates of an API server, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing has to be there yet."""
        self.folder = folder

    def make(self) -> Authority:
        """Make all that a server needs, and an administrator's to ask it by; give the authority that signed them."""
        self.folder.mkdir(mode=0o700, parents=True)
        authority = Authority.make()
        authority.pair.write(self.folder, "authority")
        authority.server("kubernetes", "kubernetes.default.svc").write(self.folder, "server")
        authority.client(*ADMIN).write(self.folder, _PROBE)
        for file, data in zip(("tokens.key", "tokens.pub"), signing_key(), strict=True):
            keep(self.folder / file, data)
        return authority

    @property
    def authority(self) -> Authority:
        """The authority, which was made."""
        return Authority(
            Pair((self.folder / "authority.crt").read_bytes(), (self.folder / "authority.key").read_bytes())
        )

    def context(self) -> ssl.SSLContext:
        """Give what a client of the server needs: whom to trust, and the certificate of an administrator."""
        trusted = ssl.create_default_context(cafile=self.folder / "authority.crt")
        trusted.load_cert_chain(self.folder / f"{_PROBE}.crt", self.folder / f"{_PROBE}.key")
        return trusted


def address(port: int) -> str:
    """Give the address of the API server at ``port``."""
    return f"https://127.0.0.1:{port}"


def start_etcd(launch: Launch, data: Path, *, client: int, peer: int) -> Running:
    """Start etcd with its data in the folder ``data``, which it makes, and give its process."""
    here, there = (f"http://127.0.0.1:{port}" for port in (client, peer))
    return launch(
        "etcd",
        [
            f"--data-dir={data}",
            *(f"--{name}={here}" for name in ("listen-client-urls", "advertise-client-urls")),
            *(f"--{name}={there}" for name in ("listen-peer-urls", "initial-advertise-peer-urls")),
            f"--initial-cluster=default={there}",
            # Nothing in it outlives the machine.
            "--unsafe-no-fsync",
        ],
    )


def start_apiserver(
    launch: Launch, certificates: Certificates, *, etcd: int, port: int, flags: Sequence[str] = ()
) -> Running:
    """Start an API server on ``port`` with etcd at the port ``etcd``, and give its process, which is not ready yet.

    ``flags`` say what is particular to it: who may do what, and how requests are admitted.
    """
    folder = certificates.folder
    return launch(
        "kube-apiserver",
        [
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={port}",
            "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--anonymous-auth=false",
            f"--cert-dir={folder}",
            f"--tls-cert-file={folder / 'server.crt'}",
            f"--tls-private-key-file={folder / 'server.key'}",
            f"--client-ca-file={folder / 'authority.crt'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={folder / 'tokens.pub'}",
            f"--service-account-signing-key-file={folder / 'tokens.key'}",
            *flags,
        ],
    )


def is_ready(port: int, certificates: Certificates) -> bool:
    """Say whether the API server at ``port`` calls itself ready."""
    try:
        opener = urllib.request.build_opener(
            # A proxy that is set for the internet must not see loopback traffic.
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=certificates.context()),
        )
        with opener.open(f"{address(port)}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
