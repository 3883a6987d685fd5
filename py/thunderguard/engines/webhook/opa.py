"""The way of OPA: a real OPA server with the project's Rego, and the webhook configuration that is shipped.

A denial has every finding of every rule, a line each; the warnings are the findings of level warn, and the audit event
has the rules that speak about the object.
"""

from __future__ import annotations

import os
import re
import shutil
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from thunderguard import assets
from thunderguard.controlplane.api import path_of
from thunderguard.controlplane.processes import end, eventually, free_ports, tail
from thunderguard.engines.base import digest
from thunderguard.engines.pins import check_version, find_program, pinned
from thunderguard.engines.sources import load_sources, rego_root
from thunderguard.engines.webhook.engine import WebhookEngine
from thunderguard.engines.webhook.opaserver import ENVIRONMENT, WEBHOOK, OpaFiles, configuration
from thunderguard.engines.webhook.way import DoorError, Said, Verdict
from thunderguard.errors import EngineError, PolicyError
from thunderguard.render.policies import SEPARATOR

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.controlplane.processes import Running
    from thunderguard.engines.base import EngineOptions
    from thunderguard.engines.webhook.plane import Plane
    from thunderguard.model import JsonObject

_API = "admissionregistration.k8s.io/v1"
_DENIAL = re.compile(r'^admission webhook "(?P<webhook>[^"]+)" denied the request: (?P<text>.*)$', re.DOTALL)
# The API server notes down that a webhook that may be left out was left out.
_LEFT_OUT = "failed-open.validating.webhook.admission.k8s.io/"
_ATTEMPTS = 5
_SECONDS = 30.0
_POLL = 0.05


class OpaWay:
    """OPA, as ``examples/webhook/opa`` has it."""

    name: ClassVar[str] = "opa"
    flags: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self._server: Running | None = None
        self.version = self.policy_sha256 = ""

    def open(self, plane: Plane, catalogue: Catalogue, options: EngineOptions) -> None:
        """Start the server and have the API server ask it.

        Raises PolicyError with OPA's own words, ToolMissingError and EngineError.
        """
        self._plane = plane
        self._rules = re.compile(rf"^({'|'.join(map(re.escape, catalogue.object_rules))}): ", re.MULTILINE)
        program = find_program("opa", options)
        version = check_version(program, ["version"], "Version", pinned("opa"), options.deadline)
        self.version = f"OPA {version} behind {plane.version}"
        self._sources = load_sources(rego_root(options))
        own = options.policies_dir / "opa" / "webhook.yaml" if options.policies_dir is not None else None
        # Copies of policies for a test may have none of their own.
        file = own if own is not None and own.is_file() else assets.root(WEBHOOK)
        self.policy_sha256 = digest({"rego": self._sources.sha256.encode(), WEBHOOK: file.read_bytes()})
        self._files = OpaFiles(plane.folder / "opa", self._sources, plane.authority)
        for attempt in range(_ATTEMPTS):
            port, health = free_ports(2)
            server = plane.launch("opa", self._files.command(program, port, health), {**os.environ, **ENVIRONMENT})
            if self._is_up(server, health):
                break
            self._give_up(server, last=attempt + 1 == _ATTEMPTS)
        self._server = server
        wanted = configuration(port, plane.authority, file)
        self._webhooks = frozenset(one["name"] for one in wanted["webhooks"])
        name = wanted["metadata"]["name"]
        plane.back.apply(path_of("validatingwebhookconfigurations", api_version=_API, name=name), wanted)

    def use(self, estate: JsonObject, at: date | None = None) -> None:
        """Put the Estate, and the day, where the server watches."""
        self._files.use(estate, at)

    def verdict(self, said: Said) -> Verdict:
        """Read the denial and the warnings, line by line. Raises DoorError."""
        if any(key.startswith(_LEFT_OUT) for key in said.annotations):
            raise DoorError("a webhook gives no answer, and the API server goes on without")
        told = [*said.answer.warnings]
        if said.is_denied:
            denial = _DENIAL.match(said.answer.message)
            if denial is None or denial["webhook"] not in self._webhooks:
                raise DoorError(f"the API server answers {' '.join(said.answer.message.split())[:400]}")
            if not self._rules.match(denial["text"]):
                raise DoorError(f"OPA answers {' '.join(denial['text'].split())[:400]}")
            told.append(denial["text"])
        lines: dict[str, list[str]] = {}
        for text in told:
            for rule, line in self._apart(text):
                lines.setdefault(rule, []).append(line)
        spoken = {
            rule
            for webhook in self._webhooks
            for rule in said.annotations.get(f"{webhook}/rules", "").split(",")
            if rule
        }
        if silent := lines.keys() - spoken:
            raise DoorError(f"{', '.join(sorted(silent))} finds something, and speaks about nothing")
        return Verdict({rule: SEPARATOR.join(found) for rule, found in lines.items()}, frozenset(spoken))

    def close(self) -> None:
        """End the server, and remove its files, so that one may be opened in the same plane again."""
        server, self._server = self._server, None
        if server is not None:
            end([server])
            shutil.rmtree(self._files.folder, ignore_errors=True)

    def _apart(self, text: str) -> list[tuple[str, str]]:
        """Give the lines of a text by their rules; a line that begins with no rule goes on with the one before."""
        begins = [found.start() for found in self._rules.finditer(text)]
        if not begins or begins[0]:
            # What others warn of is no word of a rule.
            return []
        parts = [text[at:to].rstrip("\n") for at, to in zip(begins, [*begins[1:], len(text)], strict=True)]
        return [(part.partition(": ")[0], part) for part in parts]

    def _is_up(self, server: Running, health: int) -> bool:
        eventually(
            lambda: server.process() is None or self._files.is_ready(health),
            seconds=_SECONDS,
            interval=_POLL,
        )
        return server.process() is not None and self._files.is_ready(health)

    def _give_up(self, server: Running, *, last: bool) -> None:
        """Say why the server did not start, unless another port may help. Raises PolicyError and EngineError."""
        words = self._sources.real_paths(tail(server.log, 600), self._files.folder / "policy")
        end([server])
        if "rego_" in words or "merge error" in words:
            raise PolicyError(f"the policy does not compile: {words}")
        if last or "address already in use" not in words:
            raise EngineError(f"OPA does not start: {words}")


class OpaWebhookEngine(WebhookEngine):
    """Judges by OPA behind a webhook of a real API server."""

    name = "opa-webhook"
    way = OpaWay
