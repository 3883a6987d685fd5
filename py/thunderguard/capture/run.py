"""One capture from beginning to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from thunderguard.capture.connect import Connection
from thunderguard.capture.discovery import discover
from thunderguard.capture.kinds import Kind, Reading, left_out, readings
from thunderguard.capture.paging import items
from thunderguard.capture.releases import Releases
from thunderguard.capture.requests import Clock, Requests, UnreachableError, UnreadError
from thunderguard.documents.objects import describe
from thunderguard.errors import ClusterError
from thunderguard.helmrelease import is_release
from thunderguard.model import JsonObject
from thunderguard.redaction import redact
from thunderguard.snapshot import write_snapshot

# What is being done, how much of it is done, how much there is.
Progress = Callable[[str, int, int | None], None]

_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class Options:
    """What to capture.

    ``namespaces`` limits the capture to these (none: the whole cluster). Without ``helm_secrets`` no Secret is read.
    ``timeout`` is how many seconds the list of one kind may take, with all its pages and repetitions.
    """

    namespaces: Sequence[str] = ()
    helm_secrets: bool = True
    timeout: float = 60.0


def capture(
    path: Path,
    connection: Connection,
    options: Options,
    *,
    progress: Progress | None = None,
    clock: Clock | None = None,
) -> JsonObject:
    """Capture a cluster into the snapshot ``path`` and give its header.

    What could not be read stands in the header under ``unread``, what was passed over on purpose under ``leftOut``.
    Objects are redacted before they are written anywhere. Raises ClusterError when there is no cluster to read or it
    gives nothing, and SourceError when the file cannot be written.
    """
    began = datetime.now(UTC)
    run = _Capture(connection, options, Requests(connection.client, clock), progress)
    version = run.version()
    return write_snapshot(
        path,
        run.objects(),
        captured_at=began.strftime("%Y-%m-%dT%H:%M:%SZ"),
        cluster_version=version,
        context=connection.context,
        unread=run.unread,
        left_out=run.left_out,
        redact=False,  # it is done as objects come in
    )


@dataclass
class _Capture:
    connection: Connection
    options: Options
    requests: Requests
    progress: Progress | None
    unread: list[dict[str, str]] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)

    def version(self) -> str | None:
        """Ask for the version, the first question of all. Raises ClusterError when it shows that there is no use."""
        where, server = str(self.connection), self.connection.server
        try:
            answer = self.requests.get("/version", deadline=self._deadline(), insist=False)
        except UnreachableError as error:
            raise ClusterError(
                f"{where}: {server} cannot be reached: {error.reason}", hint="is the cluster up, and the context right?"
            ) from None
        except UnreadError as error:
            if error.status == _FORBIDDEN:
                return None
            if error.status == 401:
                raise ClusterError(
                    f"{where}: {server} does not accept the credentials ({error.reason})",
                    hint="a token or certificate may have expired; log in to the cluster again",
                ) from None
            raise ClusterError(
                f"{where}: {server} does not answer as a Kubernetes API server: {error.reason}"
            ) from None
        version = answer.get("gitVersion")
        return version if isinstance(version, str) else None

    def objects(self) -> Iterator[JsonObject]:
        """Give every object to keep, redacted. Raises ClusterError when there is none."""
        objects = self._objects()
        first = next(objects, None)
        if first is None:
            gap = self.unread[-1] if self.unread else {"what": "the cluster", "reason": "it is empty"}
            raise ClusterError(
                f"{self.connection}: nothing could be read from {self.connection.server}: "
                f"{gap['what']}: {gap['reason']}",
                hint="examples/live/rbac.yaml has the permissions that are needed",
            )
        yield first
        yield from objects

    def _objects(self) -> Iterator[JsonObject]:
        # Releases come last: only then is it known which of their revisions is the newest.
        kinds = discover(lambda path: self.requests.get(path, deadline=self._deadline()), self._tell)
        plan = self._plan(kinds)
        releases = Releases()
        for number, reading in enumerate(plan):
            self._show(number, len(plan))
            for namespace in self.options.namespaces or (None,):
                yield from self._read(reading, namespace, releases)
        self._show(len(plan), len(plan))
        yield from releases.records()
        for bare, reason in releases.damaged():
            self._tell(describe(bare), reason)
            yield bare

    def _plan(self, kinds: Sequence[Kind]) -> list[Reading]:
        if self.options.namespaces:
            names = ", ".join(sorted(self.options.namespaces))
            self._tell(f"everything outside the namespaces {names}", "the capture was limited to these")
        plan: list[Reading] = []
        for kind in kinds:
            reason = left_out(kind)
            if reason is None and self.options.namespaces and not kind.namespaced:
                continue
            wanted = [] if reason else list(readings(kind, helm_secrets=self.options.helm_secrets))
            plan += wanted
            if not wanted:
                self.left_out.append({"what": str(kind), "reason": reason or "asked for: no Secret is read"})
        return plan

    def _read(self, reading: Reading, namespace: str | None, releases: Releases) -> Iterator[JsonObject]:
        number = 0
        try:
            for value in items(self.requests, reading, namespace, deadline=self._deadline()):
                number += 1
                if reading.releases and is_release(value):
                    releases.add(value)
                else:
                    yield redact(value)
        except UnreadError as error:
            read = f" after {number} objects" if number else ""
            where = f" in namespace {namespace}" if namespace else ""
            self._tell(f"{reading.what}{where}", f"{error.reason}{read}")

    def _deadline(self) -> float:
        return self.requests.clock.now() + self.options.timeout

    def _tell(self, what: str, reason: str) -> None:
        self.unread.append({"what": what, "reason": reason})

    def _show(self, number: int, total: int) -> None:
        if self.progress is not None:
            self.progress("reading the cluster", number, total)
