"""From a kubeconfig and a context to a client, or to one line that says why there is none."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from thunderguard.capture.certificate import expiry
from thunderguard.errors import ClusterError

_DEFAULT = "~/.kube/config"
_IN_CLUSTER = "KUBERNETES_SERVICE_HOST"


@dataclass(frozen=True, slots=True)
class Connection:
    """A way to a cluster.

    ``client`` is the ApiClient of the Kubernetes client. ``context`` and ``kubeconfig`` are names for people, and
    ``server`` is the address.
    """

    client: Any
    context: str
    kubeconfig: str
    server: str

    def __str__(self) -> str:
        """Name the context and the file it stands in."""
        return f"context {self.context} of {self.kubeconfig}"


def connect(*, kubeconfig: Path | None = None, context: str | None = None) -> Connection:
    """Read ``kubeconfig`` (else KUBECONFIG, else ~/.kube/config) and choose ``context`` (else its current one).

    Without any of these files, but in a pod, it is the pod's own cluster. No request is sent. Raises ClusterError.
    """
    files = _files(kubeconfig)
    there = [file for file in files if file.is_file()]
    named = os.pathsep.join(map(str, there or files))
    if not there:
        if kubeconfig is None and context is None and os.environ.get(_IN_CLUSTER):
            return _in_cluster()
        raise ClusterError(
            f"there is no kubeconfig {named}", hint="name one with --kubeconfig or KUBECONFIG, or audit a file instead"
        )
    from kubernetes import client

    chosen = _context(named, context)
    settings = client.Configuration()
    with _told(f"context {chosen} of {named}"):
        _config().load_kube_config(
            config_file=named, context=chosen, client_configuration=settings, persist_config=False
        )
    return _connection(settings, chosen, named)


def _files(kubeconfig: Path | None) -> list[Path]:
    if kubeconfig is not None:
        return [kubeconfig]
    listed = [name for name in os.environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    return [Path(name).expanduser() for name in listed or [_DEFAULT]]


def _in_cluster() -> Connection:
    from kubernetes import client

    named = "the service account of this pod"
    settings = client.Configuration()
    with _told(named):
        _config().load_incluster_config(client_configuration=settings)
    return _connection(settings, "in-cluster", named)


def _context(named: str, wanted: str | None) -> str:
    with _told(named):
        contexts, current = _config().list_kube_config_contexts(config_file=named)
        names = sorted(context["name"] for context in contexts)
        chosen: str = wanted or current["name"]
    if chosen not in names:
        raise ClusterError(f"{named} has no context {chosen}", hint=f"it has {', '.join(names) or 'none'}")
    return chosen


def _connection(settings: Any, context: str, named: str) -> Connection:
    from kubernetes import client

    ends = expiry(settings.cert_file) if settings.cert_file else None
    if ends is not None and ends < datetime.now(UTC):
        raise ClusterError(
            f"context {context} of {named}: the client certificate expired on {ends:%Y-%m-%d}",
            hint="renew it, or log in to the cluster again",
        )
    with _told(f"context {context} of {named}"):
        return Connection(client.ApiClient(settings), context, named, settings.host)


def _config() -> Any:
    # Its functions have no types, so that they cannot be called by name.
    from kubernetes import config

    return config


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Turn whatever the client finds wrong in a kubeconfig into one line; what it logs besides is dropped."""
    silenced = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    except Exception as error:  # noqa: BLE001 - its readers of YAML, base64 and files and login helpers raise anything
        # What they say may quote the file, which holds credentials; what the client itself says does not.
        from kubernetes.config import ConfigException

        reason = " ".join(str(error).split()) if isinstance(error, ConfigException) else type(error).__name__
        raise ClusterError(f"{where} cannot be used: {reason}", hint="kubectl config view shows it") from None
    finally:
        logging.disable(silenced)
