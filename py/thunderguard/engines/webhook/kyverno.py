"""The way of Kyverno: its real admission controller beside the API server, with the policies that are shipped.

Each policy is a webhook of its own, and a denial names one of them; all say what they find in warnings, too. Whether
one speaks about an object that breaks nothing only a copy of it says, whose warning is one word. In the plane the
clock of the policies can be told a day: it stands with the Estate, which they read anew for each request.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from thunderguard.controlplane.api import path_of
from thunderguard.controlplane.certificates import kubeconfig
from thunderguard.controlplane.processes import end, eventually, tail, wait
from thunderguard.engines.kyvernocli.policies import Kind, Policy, load_policies
from thunderguard.engines.pins import find_program, pinned
from thunderguard.engines.webhook.engine import WebhookEngine
from thunderguard.engines.webhook.estates import install_estates, put_estate
from thunderguard.engines.webhook.kyvernoserver import (
    ACCOUNT,
    CONFIG,
    NAMESPACE,
    KyvernoServer,
    installation,
    readiness,
)
from thunderguard.engines.webhook.way import DoorError, Said, Verdict
from thunderguard.errors import ControlPlaneError, PolicyError, ToolMissingError
from thunderguard.facts.resources import OWN_GROUP
from thunderguard.facts.values import as_list, as_text, dig
from thunderguard.model import OutcomeKind
from thunderguard.render.bodies import ESTATE
from thunderguard.render.waivers import NOW, noon

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.engines.base import EngineOptions
    from thunderguard.engines.webhook.plane import Plane
    from thunderguard.model import JsonObject

KIND = Kind("policies.kyverno.io", "ValidatingPolicy", None)
FILE = "kyverno.yaml"

_API = "policies.kyverno.io/v1"
_INSTALL = ("share", "kyverno", "install.yaml")
_COPY = "told-"
_MOMENT = f"{OWN_GROUP}/moment"
_FOUND, _NOTHING = "found", "nothing"
# In a plane nothing of the cluster's own has to be spared, and each rule is to be seen wherever it speaks.
# One filter there has to be, and a filter is about kinds of any group by their names: this is nobody else's.
_SPARES_NOTHING = {"resourceFilters": "[SelfSubjectRulesReview,*,*]", "excludeGroups": "", "webhooks": "{}"}
# A kind that Kyverno has not heard of yet is denied; how long that takes is nothing that a policy says.
_UNKNOWN_KIND = re.compile(r"denied the request: resource \S+ not found in group \S+$")
_FLAGS = (
    "--crdWatcher=true",
    "--resyncPeriod=5s",
    "--clientRateLimitQPS=2000",
    "--clientRateLimitBurst=4000",
    "--omitEvents=PolicyApplied,PolicySkipped,PolicyViolation,PolicyError",
)
_COLLECTIONS = {
    "ConfigMap": "configmaps",
    "CustomResourceDefinition": "customresourcedefinitions",
    "Namespace": "namespaces",
    "ServiceAccount": "serviceaccounts",
}
_SAID = re.compile(r"Policy (?P<policy>\S+) (?P<how>failed|error): (?P<text>.*)", re.DOTALL)
_DENIAL = re.compile(
    r'admission webhook "vpol[.]validate[.]kyverno[.]svc-fail[^"]*" denied the request: (?P<text>.*)', re.DOTALL
)
_SECONDS = 90.0
_POLL = 0.1


class KyvernoWay:
    """Kyverno's policies, as ``policies/<rule>/kyverno.yaml`` has them, but for a clock that can be told a day."""

    name: ClassVar[str] = "kyverno"
    flags: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.version = self.policy_sha256 = ""
        self._server: KyvernoServer | None = None

    def open(self, plane: Plane, catalogue: Catalogue, options: EngineOptions) -> None:
        """Start the controller and install the policies.

        Raises PolicyError when Kyverno takes one for wrong, ToolMissingError and EngineError.
        """
        self._plane = plane
        program = find_program("kyverno", options)
        install = program.parent.parent.joinpath(*_INSTALL)
        if not install.is_file():
            raise ToolMissingError(f"{install} is not there", hint="run `make tools`")
        # The program does not tell its version but to a log, and is built from this one.
        self.version = f"Kyverno {pinned('kyverno') or '(of unknown version)'} behind {plane.version}"
        policies = load_policies(options, tuple(catalogue.object_rules), FILE, KIND)
        self.policy_sha256 = policies.sha256
        self._by_name = {policy.name: policy for policy in policies.by_rule.values()}
        self._estates = {name for policy in self._by_name.values() for name in policy.estates}
        self._actions = {
            policy.rule: frozenset(as_list(policy.policy["spec"].get("validationActions")))
            for policy in self._by_name.values()
        }
        for rule, actions in self._actions.items():
            if "Deny" in actions and "Warn" not in actions:
                raise PolicyError(f"{policies.by_rule[rule].path} denies and does not warn: a denial names one rule")
        install_estates(plane, options.policies_dir)
        self._install(installation(install))
        self._start(program)
        for policy in self._by_name.values():
            told = _told(policy)
            self._put(told, told.policy)
            self._put(told, _copied(told))
        for policy in self._by_name.values():
            self._await(policy)

    def use(self, estate: JsonObject, at: date | None = None) -> None:
        """Put the Estate into the plane, with the day."""
        put_estate(self._plane, estate, self._estates, {_MOMENT: noon(at)} if at is not None else {})

    def verdict(self, said: Said) -> Verdict:
        """Read the warnings of the policies and of their copies, and hold the denial against them. Raises DoorError."""
        if said.is_denied and _UNKNOWN_KIND.search(said.answer.message):
            raise DoorError(f"Kyverno does not know the kind: {said.answer.message:.300}", is_passing=True)
        lines: dict[str, str] = {}
        spoken: dict[str, str] = {}
        for warning in said.answer.warnings:
            if (found := _SAID.fullmatch(warning)) is not None:
                self._take(found, lines, spoken)
        for rule, word in spoken.items():
            if (word == _FOUND) != (rule in lines):
                raise DoorError(
                    f"the policy of {rule} finds {word}, and {'says' if rule in lines else 'tells'} otherwise"
                )
        if silent := lines.keys() - spoken.keys():
            raise DoorError(f"the policies of {', '.join(sorted(silent))} are not all in force")
        self._check_denial(said, lines)
        return Verdict(lines, frozenset(spoken))

    def close(self) -> None:
        """End the controller."""
        server, self._server = self._server, None
        if server is not None:
            end([server.process])

    # ------------------------------------------------------------------------------------------ what it says

    def _take(self, found: re.Match[str], lines: dict[str, str], spoken: dict[str, str]) -> None:
        name, text = found["policy"], found["text"]
        policy = self._by_name.get(name.removeprefix(_COPY))
        if policy is None:
            return
        if found["how"] == "error":
            raise DoorError(f"{name} cannot be evaluated: {' '.join(text.split())[:400]}")
        if name.startswith(_COPY):
            spoken[policy.rule] = text.strip()
        else:
            lines[policy.rule] = text

    def _check_denial(self, said: Said, lines: dict[str, str]) -> None:
        denying = {rule for rule in lines if "Deny" in self._actions[rule]}
        if not said.is_denied:
            if denying:
                raise DoorError(f"it is admitted, though {', '.join(sorted(denying))} finds something")
            return
        message = " ".join(said.answer.message.split())
        denial = _DENIAL.search(said.answer.message)
        told = _SAID.match(denial["text"]) if denial is not None else None
        policy = self._by_name.get(told["policy"]) if told is not None else None
        if policy is None or told is None:
            raise DoorError(f"the API server answers {said.answer.status} {message[:400]}")
        if policy.rule not in denying or told["how"] == "error":
            uncompiled = "compil" in message
            kind = OutcomeKind.POLICY_DOES_NOT_COMPILE if uncompiled else OutcomeKind.ENGINE_FAILED
            raise DoorError(f"it is denied by {policy.name}: {message[:400]}", kind)

    # ------------------------------------------------------------------------------------------ how it is installed

    def _install(self, objects: list[JsonObject]) -> None:
        for obj in objects:
            # Who may do what is asked of nobody in a plane.
            if (collection := _COLLECTIONS.get(obj["kind"])) is None:
                continue
            metadata = obj["metadata"]
            is_config = (obj["kind"], metadata["name"]) == ("ConfigMap", CONFIG)
            made = {**obj, "data": {**obj["data"], **_SPARES_NOTHING}} if is_config else obj
            where = {"namespace": metadata.get("namespace", ""), "name": metadata["name"]}
            self._plane.back.apply(path_of(collection, api_version=obj["apiVersion"], **where), made)
        listed = path_of("validatingpolicies", api_version=_API)

        def is_served() -> bool:
            return all(api.request("GET", listed).is_good for api in (self._plane.back, self._plane.door))

        wait("Kyverno's kinds", is_served, seconds=_SECONDS)

    def _start(self, program: Path) -> None:
        file = self._plane.folder / "kyverno.kubeconfig"
        kubeconfig(
            file,
            server=self._plane.server,
            authority=self._plane.authority.pair.certificate,
            client=self._plane.authority.service_account(NAMESPACE, ACCOUNT),
            name="plane",
        )
        server = self._server = KyvernoServer(self._plane.launch, program, file, _FLAGS)
        wait("Kyverno", server.is_ready, seconds=_SECONDS, alive=[server.process])

    def _put(self, read: Policy, policy: JsonObject) -> None:
        path = path_of("validatingpolicies", api_version=_API, name=policy["metadata"]["name"])
        try:
            # At the door, where Kyverno looks at it.
            self._plane.door.apply(path, policy)
        except ControlPlaneError as error:
            raise PolicyError(f"the policy does not compile: {read.path}: {error.message}") from None

    def _await(self, read: Policy) -> None:
        """Wait until Kyverno calls a policy and its copy ready. Raises PolicyError."""
        server = self._server
        assert server is not None  # noqa: S101 - it was started
        for name in (read.name, f"{_COPY}{read.name}"):
            path = path_of("validatingpolicies", api_version=_API, name=name)
            seen = ""

            def is_ready(path: str = path) -> bool:
                nonlocal seen
                ready, seen = readiness(self._plane.back.get(path))
                return ready or server.process.process() is None

            if not eventually(is_ready, seconds=_SECONDS, interval=_POLL) or server.process.process() is None:
                words = seen or tail(server.process.log)
                raise PolicyError(f"the policy does not compile: {read.path}: Kyverno does not call it ready: {words}")


class KyvernoWebhookEngine(WebhookEngine):
    """Judges by Kyverno's admission controller behind a real API server."""

    name = "kyverno-webhook"
    way = KyvernoWay


def _told(read: Policy) -> Policy:
    """Give a policy whose clock stands still at the moment that stands with its Estate, and else goes on."""
    variables = [dict(one) for one in as_list(read.policy["spec"].get("variables"))]
    annotations = f"variables.{ESTATE}.metadata.annotations"
    has_moment = f'has({annotations}) && "{_MOMENT}" in {annotations}'
    for one in variables:
        if one.get("name") == NOW:
            one["expression"] = f'{has_moment} ? timestamp({annotations}["{_MOMENT}"]) : {one["expression"]}'
    return replace(read, policy={**read.policy, "spec": {**read.policy["spec"], "variables": variables}})


def _copied(read: Policy) -> JsonObject:
    """Give the copy of a policy that warns, with one word, whenever the rule speaks about the object."""
    (validation,) = as_list(read.policy["spec"]["validations"])
    names = {as_text(dig(one, ("name",))) for one in as_list(read.policy["spec"].get("variables"))}
    subject = "variables.subject" if "subject" in names else "true"
    word = f'({validation["expression"]}) ? "{_NOTHING}" : "{_FOUND}"'
    spec = {
        **read.policy["spec"],
        "validationActions": ["Warn"],
        "validations": [{"expression": f"!({subject})", "messageExpression": word}],
    }
    return {**read.policy, "metadata": {"name": f"{_COPY}{read.name}"}, "spec": spec}
