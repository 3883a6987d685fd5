"""Kyverno's admission controller, outside a cluster: as an installation in one has it, on loopback.

https://github.com/kyverno/kyverno/blob/v1.19.1/config/install-latest-testing.yaml
"""

from __future__ import annotations

import os
import re
import ssl
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import ryaml

from thunderguard.controlplane.processes import Running, free_ports
from thunderguard.facts.values import as_list, as_text, dig
from thunderguard.model import JsonObject

#: Starts a program: its name, the command, and its environment.
Launch: TypeAlias = Callable[[str, Sequence[str], dict[str, str]], Running]

NAMESPACE = "kyverno"
#: The service account by which the controller asks the API server.
ACCOUNT = "kyverno-admission-controller"
#: The ConfigMap with what Kyverno leaves out.
CONFIG = "kyverno"

_GROUPS = ("kyverno.io", "openreports.io", "policies.kyverno.io", "reports.kyverno.io", "wgpolicyk8s.io")
_ROLES = {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
_PLAIN = {"ConfigMap", "Namespace"}
_HEAD = re.compile(r"^(?:|  )(kind|name): *(\S+)$", re.MULTILINE)
_ENVIRONMENT = {
    "INIT_CONFIG": CONFIG,
    "METRICS_CONFIG": "kyverno-metrics",
    "KYVERNO_NAMESPACE": NAMESPACE,
    "KYVERNO_SERVICEACCOUNT_NAME": ACCOUNT,
    "KYVERNO_ROLE_NAME": "kyverno:admission-controller",
    "KYVERNO_DEPLOYMENT": ACCOUNT,
    "KYVERNO_POD_NAME": ACCOUNT,
    "KYVERNO_SVC": "kyverno-svc",
}


def installation(install: Path) -> list[JsonObject]:
    """Give the objects of Kyverno's own installation file that its admission controller needs, in their order."""
    objects = []
    for text in re.split(r"^---\n", install.read_text(encoding="utf-8"), flags=re.MULTILINE):
        # Most of the file are definitions, and reading it whole takes seconds.
        head = dict(reversed([(found[1], found[2]) for found in _HEAD.finditer(text)]))
        if _is_needed(head.get("kind", ""), head.get("name", "")):
            objects.append(ryaml.loads(text))  # type: ignore[attr-defined]  # it has types, but exports no name
    return objects


def _is_needed(kind: str, name: str) -> bool:
    if kind == "CustomResourceDefinition":
        return name.partition(".")[2] in _GROUPS
    return (
        kind in _PLAIN
        or (kind in _ROLES and "admission-controller" in name)
        or (kind == "ServiceAccount" and name == ACCOUNT)
    )


class KyvernoServer:
    """The controller as a process of ours, which asks the API server by ``kubeconfig``."""

    def __init__(self, launch: Launch, program: Path, kubeconfig: Path, flags: Sequence[str] = ()) -> None:
        """Start it by ``launch``, with ``flags`` besides those that it needs at this place."""
        self._port, metrics = free_ports(2)
        command = [
            str(program),
            f"--kubeconfig={kubeconfig}",
            f"--serverIP=127.0.0.1:{self._port}",
            "--webhookServerHost=127.0.0.1",
            f"--webhookServerPort={self._port}",
            f"--caSecretName=kyverno-svc.{NAMESPACE}.svc.kyverno-tls-ca",
            f"--tlsSecretName=kyverno-svc.{NAMESPACE}.svc.kyverno-tls-pair",
            "--metricsHost=127.0.0.1",
            f"--metricsPort={metrics}",
            "--controllerRuntimeMetricsAddress=0",
            "--admissionReports=false",
            "--registryCredentialHelpers=",
            "--disableLogColor",
            *flags,
        ]
        self.process: Running = launch("kyverno", command, {**os.environ, **_ENVIRONMENT})

    def is_ready(self) -> bool:
        """Say whether it answers."""
        # It makes its certificate by itself, and nothing is told to it here.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with opener.open(f"https://127.0.0.1:{self._port}/health/readiness", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def readiness(policy: Mapping[str, Any] | None) -> tuple[bool, str]:
    """Say whether a ValidatingPolicy, as the API server gives it, is in force, and what Kyverno says against it."""
    status = dig(policy, ("status", "conditionStatus"))
    told = [one for one in as_list(dig(status, ("conditions",))) if dig(one, ("status",)) != "True"]
    reasons = [f"{as_text(dig(one, ('type',)))}: {as_text(dig(one, ('message',)))}" for one in told]
    return dig(status, ("ready",)) is True, "; ".join(reasons)
