"""A throw-away API server with two doors: at one, requests are admitted by policies; at the other, by nobody."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thunderguard.cleanup import on_failure
from thunderguard.controlplane.api import Answer, Api, Caller
from thunderguard.controlplane.certificates import Authority
from thunderguard.controlplane.processes import Running, Watch, end, free_ports, start, wait
from thunderguard.controlplane.server import (
    START,
    Certificates,
    address,
    is_ready,
    start_apiserver,
    start_etcd,
)
from thunderguard.engines.pins import find_program
from thunderguard.engines.webhook.audit import AuditLog, flags
from thunderguard.engines.webhook.way import Said
from thunderguard.errors import ControlPlaneError

if TYPE_CHECKING:
    from thunderguard.engines.base import EngineOptions

PROGRAMS = ("etcd", "kube-apiserver")

# What would answer before, or besides, what is to be asked.
_UNASKED = (
    "CertificateApproval",
    "CertificateSigning",
    "CertificateSubjectRestriction",
    "ClusterTrustBundleAttest",
    "DefaultIngressClass",
    "DefaultStorageClass",
    "DefaultTolerationSeconds",
    "LimitRanger",
    "NamespaceLifecycle",
    "NodeDeclaredFeatureValidator",
    "PersistentVolumeClaimResize",
    "PodGroupProtection",
    "PodResizeValidator",
    "PodSecurity",
    "PodTopologyLabels",
    "Priority",
    "ResourceQuota",
    "RuntimeClass",
    "ServiceAccount",
    "StorageObjectInUseProtection",
    "TaintNodesByCondition",
)
_POLICIES = (
    "MutatingAdmissionPolicy",
    "MutatingAdmissionWebhook",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook",
)
_ALIKE = (
    "--authorization-mode=AlwaysAllow",
    "--enable-priority-and-fairness=false",
    "--max-requests-inflight=0",
    "--max-mutating-requests-inflight=0",
)
_ATTEMPTS = 3
_EVENT_DEADLINE = 10.0


class Plane:
    """etcd and two API servers on it, which end with this process, however it ends.

    ``door`` is a client of the one that admits by policies, as an administrator; :meth:`ask` asks it as anybody, and
    brings what was noted down. ``back`` is a client of the other one: what is done there is judged by nobody.
    ``authority`` signed the certificates of both; a webhook at this machine may be given one by it. ``folder`` may be
    used for files, and is removed at the end.
    """

    def __init__(self, options: EngineOptions, *, door_flags: Sequence[str] = ()) -> None:
        """Start it, with ``door_flags`` for the API server at the door.

        Raises ToolMissingError when a program is missing, and ControlPlaneError when one does not start.
        """
        self._programs = {name: str(find_program(name, options).absolute()) for name in PROGRAMS}
        self.folder = Path(tempfile.mkdtemp(prefix="thunderguard-door-"))
        self._deadline = options.deadline
        self._running: list[Running] = []
        self._lock = threading.RLock()
        self.closed = False
        self._held: list[Api | AuditLog] = []
        self._watch = Watch(self.folder)
        atexit.register(self.close)
        with on_failure(self.close):
            self._certificates = Certificates(self.folder / "certificates")
            self.authority: Authority = self._certificates.make()
            self._audit = AuditLog(self.folder)
            self._held.append(self._audit)
            self._start(door_flags)
            self.door = self._client(self._ports[2])
            self.back = self._client(self._ports[3])

    @property
    def version(self) -> str:
        """The program that asks the policies, and its version."""
        body: Any = self.door.request("GET", "/version").body
        return f"kube-apiserver {str(body['gitVersion']).removeprefix('v')}"

    @property
    def server(self) -> str:
        """The address of the door."""
        return address(self._ports[2])

    @property
    def back_server(self) -> str:
        """The address of the other one."""
        return address(self._ports[3])

    @property
    def running(self) -> tuple[Running, ...]:
        """The processes it consists of."""
        return tuple(self._running)

    @property
    def certificates(self) -> Certificates:
        """The folder with its certificates, from which a client is made."""
        return self._certificates

    def launch(self, name: str, command: Sequence[str], environment: dict[str, str] | None = None) -> Running:
        """Start a program that ends with the plane; what it says is in ``<name>.log`` of the folder."""
        with self._lock:
            started = start(name, command, log=self.folder / f"{name}.log", environment=environment)
            self._running.append(started)
            self._watch.add(started)
            return started

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        caller: Caller | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> Said:
        """Ask the door and give what it says, with the annotations of its audit event.

        Raises ControlPlaneError when it does not answer, DoorError when it notes down nothing, and ValueError when HTTP
        cannot carry the question.
        """
        said = [("Audit-ID", audit_id := str(uuid.uuid4())), *headers, *(caller.headers() if caller else ())]
        answer: Answer = self.door.request(method, path, body, headers=said)
        return Said(answer, self._audit.annotations(audit_id, deadline=_EVENT_DEADLINE))

    def ended(self) -> str | None:
        """Say which of its processes has ended, None while all run."""
        return next((f"{one.name} has ended" for one in self._running if one.process() is None), None)

    def close(self) -> None:
        """End every process and remove every file. Closing twice is harmless."""
        with self._lock:
            if self.closed:
                return
            self.closed = True
            for held in self._held:
                held.close()
            end(self._running)
            shutil.rmtree(self.folder, ignore_errors=True)
            self._watch.close()
            atexit.unregister(self.close)

    def _client(self, port: int) -> Api:
        client = Api(port, self._certificates, deadline=self._deadline)
        self._held.append(client)
        return client

    def _start(self, door_flags: Sequence[str]) -> None:
        for attempt in range(_ATTEMPTS):
            # Somebody else may take a port before it is listened on.
            self._ports = free_ports(4)
            try:
                self._start_servers(door_flags)
            except ControlPlaneError as error:
                end(self._running)
                self._running.clear()
                shutil.rmtree(self.folder / "etcd", ignore_errors=True)
                if attempt + 1 == _ATTEMPTS or "address already in use" not in str(error):
                    raise
            else:
                return

    def _start_servers(self, door_flags: Sequence[str]) -> None:
        client, peer, door, back = self._ports
        # They live for minutes, and a tenth of the time would go into keeping them small.
        environment = {"GOGC": "400", **os.environ}

        def launch(name: str) -> Any:
            return lambda program, words: self.launch(name, [self._programs[program], *words], environment)

        started = [start_etcd(launch("etcd"), self.folder / "etcd", client=client, peer=peer)]
        plain = f"--disable-admission-plugins={','.join((*_UNASKED, *_POLICIES))}"
        asking = f"--disable-admission-plugins={','.join(_UNASKED)}"
        for name, port, words in (
            ("back", back, [plain]),
            ("door", door, [asking, *flags(self.folder), *door_flags]),
        ):
            more = (*_ALIKE, *words)
            started.append(start_apiserver(launch(name), self._certificates, etcd=client, port=port, flags=more))
        for name, port in (("back", back), ("door", door)):
            wait(
                f"a ready API server ({name})",
                partial(is_ready, port, self._certificates),
                seconds=START,
                alive=started,
            )
