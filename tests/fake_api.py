"""A small API server on loopback: discovery, lists, and every bad habit that a real one may show."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

Object = dict[str, Any]

CORE = ("pods", "secrets", "configmaps", "services", "namespaces", "events", "nodes")
KINDS = {
    "pods": "Pod",
    "secrets": "Secret",
    "configmaps": "ConfigMap",
    "services": "Service",
    "namespaces": "Namespace",
    "events": "Event",
    "nodes": "Node",
    "deployments": "Deployment",
}
CLUSTER_SCOPED = {"namespaces", "nodes"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in."""

    path: str
    query: Mapping[str, str]
    accept: str
    authorization: str | None

    @property
    def resource(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: ``body`` is sent as it is when it is bytes, ``pause`` is waited before each of its bytes."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0


# Gives the answer to a request in place of the server, or None to let it answer itself.
Habit = Callable[[Asked], Said | None]


class FakeAPI:
    """Serves ``objects``, each of which says its apiVersion and kind.

    ``groups`` are {"group/version": {resource: kind}} beside the core. ``allowed`` are the (group, resource) that may
    be listed (None: all). ``habit`` may answer in its place, and ``asked`` is what it was asked.
    """

    def __init__(
        self,
        objects: Sequence[Object] = (),
        *,
        groups: Mapping[str, Mapping[str, str]] | None = None,
        allowed: set[tuple[str, str]] | None = None,
        habit: Habit | None = None,
    ) -> None:
        self.objects = list(objects)
        self.groups = {"apps/v1": {"deployments": "Deployment"}} if groups is None else groups
        self.allowed = allowed
        self.habit = habit
        self.asked: list[Asked] = []
        self.url = ""
        self.stopped = threading.Event()

    def answer(self, asked: Asked) -> Said:
        """Answer as the API server does."""
        if asked.path == "/version":
            return Said(body={"gitVersion": "v1.37.2"})
        if asked.path == "/apis":
            return Said(body={"kind": "APIGroupList", "groups": self._groups()})
        group, version, rest = _split(asked.path)
        known = self._resources(group, version)
        if known is None:
            return Said(404)
        if not rest:
            return Said(body={"kind": "APIResourceList", "resources": _listed(known)})
        resource = rest[-1]
        if resource not in known:
            return Said(404)
        if self.allowed is not None and (group, resource) not in self.allowed:
            return Said(403, {"kind": "Status", "code": 403, "message": "canary: forbidden"})
        return self._list(asked, group, known[resource], rest[1] if rest[0] == "namespaces" and len(rest) > 2 else None)

    def _groups(self) -> list[Object]:
        versions: dict[str, list[Object]] = {}
        for name in self.groups:
            group, _, version = name.partition("/")
            versions.setdefault(group, []).append({"groupVersion": name, "version": version})
        return [
            {"name": group, "versions": listed, "preferredVersion": listed[0]} for group, listed in versions.items()
        ]

    def _resources(self, group: str, version: str) -> Mapping[str, str] | None:
        if not group:
            return {name: KINDS[name] for name in CORE} if version == "v1" else None
        return self.groups.get(f"{group}/{version}")

    def _list(self, asked: Asked, group: str, kind: str, namespace: str | None) -> Said:
        found = [one for one in self.objects if (_group(one), one["kind"]) == (group, kind)]
        if namespace is not None:
            found = [one for one in found if one["metadata"].get("namespace") == namespace]
        found = [one for one in found if _selected(one, asked.query)]
        start = int(asked.query.get("continue", "0"))
        end = start + int(asked.query.get("limit", len(found) or 1))
        items = [{key: value for key, value in one.items() if key not in ("apiVersion", "kind")} for one in found]
        if "as=PartialObjectMetadataList" in asked.accept:
            bare = {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata"}
            items = [{**bare, "metadata": one["metadata"]} for one in items]
        metadata = {"resourceVersion": "1", **({"continue": str(end)} if end < len(found) else {})}
        return Said(body={"kind": f"{kind}List", "metadata": metadata, "items": items[start:end]})


def kubeconfig(file: Path, url: str, **cluster: str) -> Path:
    """Write a kubeconfig with the contexts ``here`` (the current one) and ``elsewhere``."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "fake", "cluster": {"server": url, **cluster}}],
        "users": [{"name": "user", "user": {"token": "a-token"}}],
        "contexts": [{"name": name, "context": {"cluster": "fake", "user": "user"}} for name in ("here", "elsewhere")],
        "current-context": "here",
    }
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


@contextmanager
def serving(api: FakeAPI, tls: ssl.SSLContext | None = None) -> Iterator[FakeAPI]:
    """Serve ``api`` on a free port of loopback, at ``api.url``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = Asked(
                parts.path,
                dict(parse_qsl(parts.query)),
                self.headers.get("Accept", ""),
                self.headers.get("Authorization"),
            )
            api.asked.append(asked)
            said = (api.habit(asked) if api.habit else None) or api.answer(asked)
            body = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
            self.send_response(said.status)
            for name, value in {"Content-Length": str(len(body)), **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in [body] if not said.pause else [body[at : at + 1] for at in range(len(body))]:
                if said.pause and api.stopped.wait(said.pause):
                    return
                try:
                    self.wfile.write(piece)
                except OSError:
                    return

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Say nothing about clients that went away."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    api.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Ticking:
    """A clock that moves only when somebody sleeps, and remembers for how long."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._start = time.monotonic()

    def now(self) -> float:
        """Give the time."""
        return self._start + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.slept.append(seconds)


def _split(path: str) -> tuple[str, str, list[str]]:
    parts = path.strip("/").split("/")
    if parts[0] == "api":
        return "", parts[1], parts[2:]
    return parts[1], parts[2], parts[3:]


def _listed(known: Mapping[str, str]) -> list[Object]:
    listed: list[Object] = [
        {"name": name, "kind": kind, "namespaced": name not in CLUSTER_SCOPED, "verbs": ["get", "list", "watch"]}
        for name, kind in known.items()
    ]
    # As a real one: things that are no kinds of their own, and a kind that can only be created.
    listed.append({"name": "pods/log", "kind": "Pod", "namespaced": True, "verbs": ["get", "list"]})
    listed.append({"name": "bindings", "kind": "Binding", "namespaced": True, "verbs": ["create"]})
    return listed


def _group(value: Object) -> str:
    return str(value["apiVersion"]).rpartition("/")[0]


def _selected(value: Object, query: Mapping[str, str]) -> bool:
    labels = value["metadata"].get("labels", {})
    conditions: dict[str, Callable[[str], Any]] = {
        "fieldSelector": lambda name: value.get(name, "Opaque"),
        "labelSelector": lambda name: labels.get(name, ""),
    }
    for parameter, get in conditions.items():
        text = query.get(parameter, "")
        if "!=" in text:
            name, _, wanted = text.partition("!=")
            if get(name) == wanted:
                return False
        elif text:
            name, _, wanted = text.partition("=")
            if get(name) != wanted:
                return False
    return True
