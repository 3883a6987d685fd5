"""What an API server notes down about each request: its audit log, read while it is written."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import orjson

from thunderguard.controlplane.processes import eventually
from thunderguard.engines.webhook.way import DoorError
from thunderguard.facts.values import as_object

_POLL = 0.001
_MOST_KEPT = 50_000
_MEGABYTES = 200

#: The file that :func:`flags` makes the server write, and what it is told to write there.
_LOG = "audit.log"
_POLICY = "audit-policy.json"


def flags(folder: Path) -> list[str]:
    """Give the flags by which an API server writes into ``folder``; the file that they name is written here."""
    policy = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitManagedFields": True,
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [
            {"level": "None", "users": ["system:apiserver"]},
            {"level": "Metadata", "verbs": ["create", "update", "patch", "delete"]},
            {"level": "None"},
        ],
    }
    (folder / _POLICY).write_bytes(orjson.dumps(policy))
    return [
        f"--audit-policy-file={folder / _POLICY}",
        f"--audit-log-path={folder / _LOG}",
        "--audit-log-mode=blocking",
        f"--audit-log-maxsize={_MEGABYTES}",
        "--audit-log-maxbackup=1",
    ]


class AuditLog:
    """Finds the event of a request by the id that the request was sent with; for any number of threads."""

    def __init__(self, folder: Path) -> None:
        """Take the folder that the server writes into; the file need not be there yet."""
        self._path = folder / _LOG
        self._file: BinaryIO | None = None
        self._rest = b""
        self._events: OrderedDict[str, Mapping[str, str]] = OrderedDict()
        self._lock = threading.Lock()

    def annotations(self, audit_id: str, *, deadline: float) -> Mapping[str, str]:
        """Give the annotations of the event ``audit_id``, which may be written a little after the answer is given.

        Raises DoorError when there is none within ``deadline`` seconds.
        """
        found: Mapping[str, str] | None = None

        def is_noted() -> bool:
            nonlocal found
            with self._lock:
                if audit_id not in self._events:
                    self._read()
                found = self._events.pop(audit_id, None)
            return found is not None

        if not eventually(is_noted, seconds=deadline, interval=_POLL) or found is None:
            raise DoorError("the API server notes down nothing about the request")
        return found

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _read(self) -> None:
        """Take in what was written since."""
        if self._file is None:
            try:
                self._file = self._path.open("rb")
            except FileNotFoundError:
                return
        is_old = self._is_replaced(self._file)
        data = self._rest + self._file.read()
        *lines, self._rest = data.split(b"\n")
        for line in lines:
            event = orjson.loads(line)
            self._events[event["auditID"]] = as_object(event.get("annotations"))
        while len(self._events) > _MOST_KEPT:
            self._events.popitem(last=False)
        if is_old:
            self._file.close()
            self._file = None

    def _is_replaced(self, file: BinaryIO) -> bool:
        """Say whether the server goes on in another file; what it wrote into this one is complete then."""
        try:
            return os.fstat(file.fileno()).st_ino != self._path.stat().st_ino
        except FileNotFoundError:
            return False
