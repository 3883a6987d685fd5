"""etcd, an API server, its controllers, a scheduler and a fake node, in a folder of their own."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from thunderguard.cleanup import on_failure
from thunderguard.controlplane import server
from thunderguard.controlplane.certificates import Authority, Pair, keep, kubeconfig
from thunderguard.controlplane.processes import Running, end, free_ports, start, wait
from thunderguard.controlplane.server import ADMIN, START, Certificates
from thunderguard.errors import ControlPlaneError

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".tools" / "bin"
STAGES = ROOT / ".tools" / "share" / "kwok"
CONTEXT = "thunderguard"
NODE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": "node",
        "annotations": {"kwok.x-k8s.io/node": "fake"},
        "labels": {"kubernetes.io/hostname": "node", "kubernetes.io/os": "linux", "type": "kwok"},
    },
    "status": {
        "allocatable": {"cpu": "64", "memory": "256Gi", "pods": "500"},
        "capacity": {"cpu": "64", "memory": "256Gi", "pods": "500"},
        # Born ready, so that nothing has to wait for the taint of an unready node to go.
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "it is a fake"}],
    },
}


class Cluster:
    """The cluster in ``folder``, whether it runs or not.

    ``kubeconfig`` is its administrator's, ``logs`` the folder with what its programs say.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.kubeconfig = self.folder / "kubeconfig"
        self.logs = self.folder / "logs"
        self._certificates = Certificates(self.folder / "certificates")
        self._state = self.folder / "state.json"

    # ------------------------------------------------------------------------------------------ from start to end

    def up(self) -> bool:
        """Start the cluster and wait until it is of use; False when it already runs.

        What is left of one that only half runs goes first, and one that does not come up is taken down again. Raises
        ControlPlaneError.
        """
        with self._locked():
            if self.is_running():
                return False
            self._remove()
            with on_failure(self._end):
                self._start()
            return True

    def down(self) -> bool:
        """End every process of the cluster and remove its folder; False when there was none."""
        if not self.folder.exists():
            return False
        with self._locked():
            there = self._state.exists()
            self._remove()
        shutil.rmtree(self.folder, ignore_errors=True)
        return there

    def is_running(self) -> bool:
        """Say whether every process of the cluster runs and its API server is ready."""
        running = self._running()
        return bool(running) and all(one.process() is not None for one in running) and self._is_ready()

    # ------------------------------------------------------------------------------------------ what tests do with it

    @property
    def server(self) -> str:
        """The address of the API server."""
        return server.address(self._read()["port"])

    @property
    def authority(self) -> Authority:
        """The authority that the API server trusts, and that signed its certificate."""
        return self._certificates.authority

    def run(
        self, program: str, *arguments: str | Path, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run ``kubectl`` or ``helm`` as the administrator. With ``check``, raises ControlPlaneError when it fails."""
        done = subprocess.run(
            [BIN / program, *arguments],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=self.environment(),
            check=False,
        )
        if check and done.returncode:
            raise ControlPlaneError(
                f"{program} {' '.join(map(str, arguments))}: {done.stderr.strip() or done.stdout.strip()}"
            )
        return done

    def kubectl(self, *arguments: str | Path, stdin: str | None = None, check: bool = True) -> str:
        """Run ``kubectl`` and give what it prints."""
        return self.run("kubectl", *arguments, stdin=stdin, check=check).stdout

    def helm(self, *arguments: str | Path, check: bool = True) -> str:
        """Run ``helm`` and give what it prints."""
        return self.run("helm", *arguments, check=check).stdout

    def get(self, *arguments: str) -> list[dict[str, Any]]:
        """Give the objects that ``kubectl get`` finds."""
        value: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        items: list[dict[str, Any]] = value["items"] if value["kind"] == "List" else [value]
        return items

    def apply(self, *objects: dict[str, Any]) -> None:
        """Create or change ``objects``."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(listed))

    def kubeconfig_of(self, file: Path, client: Pair) -> Path:
        """Write a kubeconfig for ``client``, which :attr:`authority` signed, to ``file``."""
        kubeconfig(file, server=self.server, authority=self.authority.pair.certificate, client=client, name=CONTEXT)
        return file

    def environment(self) -> dict[str, str]:
        """Give an environment in which ``kubectl``, ``helm`` and ``thunderguard`` mean this cluster."""
        own = {"KUBECONFIG": str(self.kubeconfig), "HELM_PLUGINS": str(self.folder / "helm")}
        for name in ("cache", "config", "data"):
            own[f"HELM_{name.upper()}_HOME"] = str(self.folder / "helm" / name)
        return {**os.environ, **own}

    # ------------------------------------------------------------------------------------------ how it starts

    def _start(self) -> None:
        missing = [name for name in ("etcd", "kube-apiserver", "kubectl", "kwok") if not (BIN / name).is_file()]
        if missing:
            raise ControlPlaneError(f"{', '.join(missing)} not found in {BIN}; run `make tools`")
        authority = self._certificates.make()
        ports = free_ports(4)
        self._write({"port": ports[2], "processes": []})
        clients: dict[str, tuple[str, ...]] = {"kubeconfig": ADMIN}
        clients |= {f"{name}.kubeconfig": (f"system:{name}",) for name in ("kube-controller-manager", "kube-scheduler")}
        for file, who in clients.items():
            self.kubeconfig_of(self.folder / file, authority.client(*who))
        self._start_server(ports)
        for name, arguments in self._helpers(self._certificates.folder, ports[3]).items():
            self._launch(name, arguments)
        self._settle()

    def _start_server(self, ports: Sequence[int]) -> None:
        client, peer, port = ports[:3]
        etcd = server.start_etcd(self._launch, self.folder / "etcd", client=client, peer=peer)
        # There is one node, and it is born ready.
        flags = ("--authorization-mode=RBAC", "--disable-admission-plugins=TaintNodesByCondition")
        apiserver = server.start_apiserver(self._launch, self._certificates, etcd=client, port=port, flags=flags)
        wait("a ready API server", self._is_ready, seconds=START, alive=(etcd, apiserver))

    def _helpers(self, certificates: Path, port: int) -> dict[str, list[str]]:
        return {
            "kube-controller-manager": [
                f"--kubeconfig={self.folder / 'kube-controller-manager.kubeconfig'}",
                "--use-service-account-credentials=true",
                f"--service-account-private-key-file={certificates / 'tokens.key'}",
                f"--root-ca-file={certificates / 'authority.crt'}",
                "--leader-elect=false",
                "--secure-port=0",
                "--kube-api-qps=200",
                "--kube-api-burst=400",
            ],
            "kube-scheduler": [
                f"--kubeconfig={self.folder / 'kube-scheduler.kubeconfig'}",
                "--leader-elect=false",
                "--secure-port=0",
            ],
            "kwok": [
                f"--kubeconfig={self.kubeconfig}",
                "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
                *(f"--config={stage}" for stage in sorted(STAGES.glob("*.yaml"))),
                f"--server-address=127.0.0.1:{port}",
            ],
        }

    def _settle(self) -> None:
        """Make the node, and wait until controllers and scheduler do their work."""
        self.kubectl("create", "-f", "-", stdin=json.dumps(NODE))
        account = ("get", "serviceaccount", "default", "--namespace", "default", "--ignore-not-found", "-o", "name")
        wait("a service account", lambda: self.kubectl(*account) != "", seconds=START, alive=self._running())

    def _launch(self, name: str, arguments: Sequence[str]) -> Running:
        started = start(name, [str(BIN / name), *arguments], log=self.logs / f"{name}.log")
        state = self._read()
        self._write({**state, "processes": [*state["processes"], asdict(started)]})
        return started

    # ------------------------------------------------------------------------------------------ how it ends

    def _end(self) -> None:
        end(self._running())
        # The logs stay, for whoever wants to know why it did not come up.
        self._state.unlink(missing_ok=True)

    def _remove(self) -> None:
        self._end()
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "lock":
                path.unlink()

    # ------------------------------------------------------------------------------------------ what is known of it

    def _is_ready(self) -> bool:
        return server.is_ready(self._read()["port"], self._certificates)

    def _running(self) -> list[Running]:
        return [Running(**one) for one in self._read()["processes"]] if self._state.exists() else []

    def _read(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self._state.read_text(encoding="utf-8"))
        return state

    def _write(self, state: dict[str, Any]) -> None:
        # In one step: whoever ends the cluster has to know every process that was started.
        keep(self._state, json.dumps(state).encode())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time start or end the cluster; the others wait."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.folder / "lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
