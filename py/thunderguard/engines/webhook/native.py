"""The native way: ValidatingAdmissionPolicies, which the API server asks itself.

A denial names one policy, whichever the API server comes to first. So each policy has a copy in the plane that denies
nothing and writes down what its original says: to the audit event of the request, under a key of its own. (What the
server itself writes there about failures has one key for all policies, and the first one wins.) The original is what
denies and warns, and an answer in which the two do not fit is no verdict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from thunderguard.controlplane.api import path_of
from thunderguard.controlplane.processes import eventually
from thunderguard.engines.kyvernocli.policies import Kind, Policy, load_policies
from thunderguard.engines.webhook import probe
from thunderguard.engines.webhook.engine import WebhookEngine
from thunderguard.engines.webhook.estates import install_estates, put_estate
from thunderguard.engines.webhook.way import DoorError, Said, Verdict
from thunderguard.errors import ControlPlaneError, EngineError, PolicyError
from thunderguard.facts.values import as_list, as_text, dig
from thunderguard.model import OutcomeKind

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.engines.base import EngineOptions
    from thunderguard.engines.webhook.plane import Plane
    from thunderguard.model import JsonObject

KIND = Kind("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
FILE = "native.yaml"

_API = "admissionregistration.k8s.io/v1"
_COPY = "-told"
_FOUND, _SPOKEN = "found", "spoken"
_DENIAL = re.compile(
    r"ValidatingAdmissionPolicy '(?P<policy>[^']+)' with binding '[^']+' denied request: (?P<text>.*)", re.DOTALL
)
_WARNING = "Validation failed for ValidatingAdmissionPolicy '{}' with binding "
_SECONDS = 60.0
_POLL = 0.05


@dataclass(frozen=True, slots=True)
class Bound:
    """A policy in the plane: its rule, its name, and what its own binding does when it fails."""

    rule: str
    name: str
    actions: frozenset[str]


class NativeWay:
    """Native policies, as ``policies/<rule>/native.yaml`` has them."""

    name: ClassVar[str] = "native"
    flags: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.version = self.policy_sha256 = ""
        self.bound: tuple[Bound, ...] = ()
        self._is_in_force = False

    def open(self, plane: Plane, catalogue: Catalogue, options: EngineOptions) -> None:
        """Install the definition of the Estate, the policies, and then their copies.

        Raises PolicyError when the API server refuses one, and EngineError.
        """
        self._plane = plane
        self.version = plane.version
        loaded = load_policies(options, tuple(catalogue.object_rules), FILE, KIND)
        self.policy_sha256 = loaded.sha256
        policies = tuple(loaded.by_rule.values())
        self._names = {as_text(dig(one.binding, ("spec", "paramRef", "name"))) for one in policies} - {""}
        install_estates(plane, options.policies_dir)
        for one in policies:
            self._install(one, one.policy, one.binding or {})
        # The server learns of objects of one kind in their order: when it asks the last copy, it asks every original.
        for one in policies:
            self._install(one, *copied(one))
        self.bound = tuple(
            Bound(one.rule, one.name, frozenset(as_list(dig(one.binding, ("spec", "validationActions")))))
            for one in policies
        )

    def use(self, estate: JsonObject) -> None:
        """Put the Estate into the plane, and see once that every policy is asked. Raises EngineError."""
        put_estate(self._plane, estate, self._names)
        if not self._is_in_force:
            self._await_policies()
            self._is_in_force = True

    def verdict(self, said: Said) -> Verdict:
        """Read what the copies wrote down, and hold the answer against it. Raises DoorError."""
        lines, spoken = {}, set()
        for one in self.bound:
            lead = f"{one.name}{_COPY}/"
            if text := said.annotations.get(f"{lead}{_FOUND}"):
                lines[one.rule] = text
            if said.annotations.get(f"{lead}{_SPOKEN}") == "yes":
                spoken.add(one.rule)
        self._check_denial(said, lines)
        for one in self.bound:
            if one.rule in lines and "Warn" in one.actions:
                words = _WARNING.format(one.name)
                if not any(warning.startswith(words) for warning in said.answer.warnings):
                    raise DoorError(f"{one.name} fails, and nothing is told to whoever asks")
        return Verdict(lines, frozenset(spoken))

    def close(self) -> None:
        """Do nothing: all that it made is in the plane."""

    def _check_denial(self, said: Said, lines: dict[str, str]) -> None:
        denying = {one.name: lines[one.rule] for one in self.bound if one.rule in lines and "Deny" in one.actions}
        if not said.is_denied:
            if denying:
                raise DoorError(f"it is admitted, though {', '.join(sorted(denying))} fails")
            return
        message = said.answer.message
        denial = _DENIAL.search(message)
        if denial is None:
            raise DoorError(f"the API server answers {said.answer.status} {' '.join(message.split())[:400]}")
        if denial["policy"] not in denying or denial["text"].strip() != denying[denial["policy"]].strip():
            uncompiled = "compilation error" in message
            kind = OutcomeKind.POLICY_DOES_NOT_COMPILE if uncompiled else OutcomeKind.ENGINE_FAILED
            raise DoorError(f"it is denied by {denial['policy']}: {' '.join(denial['text'].split())[:400]}", kind)

    def _install(self, read: Policy, policy: JsonObject, binding: JsonObject) -> None:
        for obj, plural in (
            (policy, "validatingadmissionpolicies"),
            (binding, "validatingadmissionpolicybindings"),
        ):
            path = path_of(plural, api_version=_API, name=obj["metadata"]["name"])
            try:
                self._plane.back.apply(path, obj)
            except ControlPlaneError as error:
                raise PolicyError(f"the policy does not compile: {read.path}: {error.message}") from None

    def _await_policies(self) -> None:
        """Wait until each policy has answered for one object at least. Raises EngineError."""
        wanted = {f"{one.name}{_COPY}/{_SPOKEN}" for one in self.bound}
        seen = ""

        def all_spoke() -> bool:
            nonlocal seen
            for path, obj in _canaries():
                said = self._plane.ask("POST", path, obj)
                wanted.difference_update(said.annotations)
                seen = said.answer.message or seen
            return not wanted

        if not eventually(all_spoke, seconds=_SECONDS, interval=_POLL):
            names = ", ".join(sorted(key.partition(_COPY)[0] for key in wanted))
            raise EngineError(f"{names} is not in force within {_SECONDS:g} s: {' '.join(seen.split())[:400]}")


class NativeWebhookEngine(WebhookEngine):
    """Judges by the native policies at a real API server."""

    name = "native-webhook"
    way = NativeWay


def copied(read: Policy) -> tuple[JsonObject, JsonObject]:
    """Give the copy of a policy that writes down what it finds, and its binding. Raises PolicyError."""
    spec = dict(read.policy["spec"])
    validations = as_list(spec.pop("validations"))
    if len(validations) != 1 or not as_text(dig(validations[0], ("messageExpression",))):
        raise PolicyError(f"{read.path} has more than one validation, or one without a messageExpression")
    (validation,) = validations
    says_subject = any(as_text(dig(one, ("name",))) == "subject" for one in as_list(spec.get("variables")))
    spoken = 'variables.subject ? "yes" : "no"' if says_subject else '"yes"'
    spec["auditAnnotations"] = [
        {
            "key": _FOUND,
            "valueExpression": f'({validation["expression"]}) ? "" : ({validation["messageExpression"]})',
        },
        {"key": _SPOKEN, "valueExpression": spoken},
    ]
    name = f"{read.name}{_COPY}"
    bound = {**(read.binding or {}).get("spec", {}), "policyName": name, "validationActions": ["Audit"]}
    return (
        {**read.policy, "metadata": {"name": name}, "spec": spec},
        {"apiVersion": _API, "kind": KIND.binding, "metadata": {"name": name}, "spec": bound},
    )


def _canaries() -> list[tuple[str, JsonObject]]:
    """Give objects of which every policy is asked about one at least, and where they are created."""
    name, namespace = "thunderguard-canary", probe.NAMESPACE
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    scaler = {"maxReplicas": 1, "scaleTargetRef": target}
    labels = {"helm.sh/chart": f"{name}-0.1.0"}
    dry = "?dryRun=All"
    return [
        (probe.PATH, probe.workload(name)),
        (f"{path_of('namespaces', api_version='v1')}{dry}", {"metadata": {"name": name, "labels": labels}}),
        (
            f"{path_of('horizontalpodautoscalers', api_version='autoscaling/v2', namespace=namespace)}{dry}",
            {"metadata": {"name": name}, "spec": scaler},
        ),
    ]
