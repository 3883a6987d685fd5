"""The native way: ValidatingAdmissionPolicies, which the API server asks itself.

A denial and a warning have what the rules of one policy find, as far as there is room, and nothing says which rules
speak about an object that breaks none. So one more policy in the plane, a copy of all of them, denies nothing and
writes down what each rule says: to the audit event of the request, under the name of the rule. The originals are what
denies and warns, and an answer in which the two do not fit is no verdict.

The API server has no clock. Where a waiver of the Estate is in force, the policies are rendered with it, as by
`thunderguard render`, and exchanged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import yaml
from yaml.cyaml import CSafeLoader

from thunderguard import assets
from thunderguard.controlplane.api import path_of
from thunderguard.controlplane.processes import eventually
from thunderguard.engines.base import digest
from thunderguard.engines.webhook import probe
from thunderguard.engines.webhook.engine import WebhookEngine
from thunderguard.engines.webhook.estates import install_estates, put_estate
from thunderguard.engines.webhook.way import DoorError, Said, Verdict
from thunderguard.errors import ControlPlaneError, EngineError, PolicyError
from thunderguard.facts.values import as_list, as_text, dig
from thunderguard.facts.waivers import Waiver, Waivers, today
from thunderguard.model import OutcomeKind
from thunderguard.render import DEFAULT_ESTATE, rendered
from thunderguard.render.bodies import ESTATE, Variable, needed
from thunderguard.render.policies import LINES, MORE, SEPARATOR, SUBJECT, fitting, is_of
from thunderguard.render.together import own
from thunderguard.render.union import Union

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.engines.base import EngineOptions
    from thunderguard.engines.webhook.plane import Plane
    from thunderguard.model import JsonObject

FILE = "native/policies.yaml"
POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"

#: The name of the policy that writes down what the others say.
COPY = "thunderguard-told"

_API = "admissionregistration.k8s.io/v1"
# What the copy writes of a rule that speaks about the object and finds nothing.
_NOTHING = "nothing"
# And the key under which it writes that it was asked at all, and of which policies it is the copy.
_ASKED = "asked"
_HINT = "thunderguard render writes the policies anew"
_DENIAL = re.compile(
    r"ValidatingAdmissionPolicy '(?P<policy>[^']+)' with binding '[^']+' denied request: (?P<text>.*)", re.DOTALL
)
_WARNING = re.compile(
    r"Validation failed for ValidatingAdmissionPolicy '(?P<policy>[^']+)' with binding '[^']+': (?P<text>.*)", re.DOTALL
)
_SECONDS = 60.0
_POLL = 0.05


@dataclass(frozen=True, slots=True)
class Bound:
    """A policy in the plane: its name, its rules in the order in which it tells them, and what its binding does."""

    name: str
    rules: tuple[str, ...]
    actions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Read:
    """A policy of the file, with its binding and its rules."""

    policy: JsonObject
    binding: JsonObject
    rules: tuple[str, ...]

    @property
    def bound(self) -> Bound:
        """What an answer is held against."""
        actions = as_list(dig(self.binding, ("spec", "validationActions")))
        return Bound(self.policy["metadata"]["name"], self.rules, frozenset(actions))

    @property
    def matched(self) -> list[JsonObject]:
        """The kinds of requests that it is asked about."""
        return as_list(dig(self.policy, ("spec", "matchConstraints", "resourceRules")))


class NativeWay:
    """Native policies, as ``policies/native`` has them, and with the waivers of the Estate that are in force."""

    name: ClassVar[str] = "native"
    flags: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.version = self.policy_sha256 = ""
        self.bound: tuple[Bound, ...] = ()
        self._waivers: tuple[Waiver, ...] | None = None
        self._told = ""

    def open(self, plane: Plane, catalogue: Catalogue, options: EngineOptions) -> None:
        """Install the definition of the Estate, the policies, and then the copy of them.

        Raises PolicyError when the API server refuses one, and EngineError.
        """
        self._plane, self._catalogue = plane, catalogue
        self.version = plane.version
        root = options.policies_dir if options.policies_dir is not None else assets.root("policies")
        self._path = root / FILE
        self._shipped, self.policy_sha256 = load(self._path, catalogue.object_rules)
        self._names = {as_text(dig(one.binding, ("spec", "paramRef", "name"))) for one in self._shipped} - {""}
        install_estates(plane, options.policies_dir)
        self._install(self._shipped, self.policy_sha256)

    def use(self, estate: JsonObject, at: date | None = None) -> None:
        """Put the Estate into the plane, and see that every policy is asked, with the waivers of that day.

        Raises PolicyError when they cannot be written into the policies, and EngineError.
        """
        put_estate(self._plane, estate, self._names)
        day = at or today()
        waivers = tuple(waiver for waiver in Waivers.of(estate).all if waiver.is_in_force(day))
        if waivers == self._waivers:
            return
        self._waivers = None
        policies, sha256 = self._waiving(waivers)
        if sha256 != self._told:
            self._install(policies, sha256)
        self._await_policies()
        self._waivers = waivers

    def verdict(self, said: Said) -> Verdict:
        """Read what the copy wrote down, and hold the answer against it. Raises DoorError."""
        told = {
            rule: text for one in self.bound for rule in one.rules if (text := said.annotations.get(f"{COPY}/{rule}"))
        }
        lines = {rule: text for rule, text in told.items() if text != _NOTHING}
        self._check_denial(said, lines)
        warnings = {found["policy"]: found["text"] for one in said.answer.warnings if (found := _WARNING.match(one))}
        for one in self.bound:
            if "Warn" in one.actions and not fits(warnings.get(one.name, ""), lines, one.rules):
                raise DoorError(f"{one.name} warns of another thing than it finds: {warnings.get(one.name, ''):.400}")
        return Verdict(lines, frozenset(told))

    def close(self) -> None:
        """Do nothing: all that it made is in the plane."""

    def _check_denial(self, said: Said, lines: Mapping[str, str]) -> None:
        denying = {
            one.name: one for one in self.bound if "Deny" in one.actions and not lines.keys().isdisjoint(one.rules)
        }
        if not said.is_denied:
            if denying:
                raise DoorError(f"it is admitted, though {', '.join(sorted(denying))} fails")
            return
        message = said.answer.message
        denial = _DENIAL.search(message)
        if denial is None:
            raise DoorError(f"the API server answers {said.answer.status} {' '.join(message.split())[:400]}")
        by = denying.get(denial["policy"])
        if by is None or not fits(denial["text"], lines, by.rules):
            uncompiled = "compilation error" in message
            kind = OutcomeKind.POLICY_DOES_NOT_COMPILE if uncompiled else OutcomeKind.ENGINE_FAILED
            raise DoorError(f"it is denied by {denial['policy']}: {' '.join(denial['text'].split())[:400]}", kind)

    def _waiving(self, waivers: Sequence[Waiver]) -> tuple[list[Read], str]:
        """Give the policies with ``waivers`` written into them, and the hash over them.

        Raises PolicyError when those of the file are others than what is rendered.
        """
        if not waivers:
            return self._shipped, self.policy_sha256
        name = min(self._names, default=DEFAULT_ESTATE)
        without, made = (
            rendered(self._path.parents[1], self._catalogue, estate=name, waivers=written)[FILE].encode()
            for written in ((), waivers)
        )
        if self.policy_sha256 not in {digest({FILE: content}) for content in (without, made)}:
            raise PolicyError(f"no waiver can be written into {self._path}: it is not what is rendered", hint=_HINT)
        return parsed(made, self._path, self._catalogue.object_rules)

    def _install(self, policies: Sequence[Read], sha256: str) -> None:
        """Put ``policies`` in the place of any others, and then the copy of them, which tells their hash."""
        self._told = ""
        copy = copied(policies, sha256)
        for one in policies:
            self._apply(one.policy, one.binding)
        # The server learns of objects of one kind in their order: when it asks the copy, it asks every original.
        self._apply(*copy)
        self.bound = tuple(one.bound for one in policies)
        self._told = sha256

    def _apply(self, policy: JsonObject, binding: JsonObject) -> None:
        for obj, plural in (
            (policy, "validatingadmissionpolicies"),
            (binding, "validatingadmissionpolicybindings"),
        ):
            where = path_of(plural, api_version=_API, name=obj["metadata"]["name"])
            try:
                self._plane.back.apply(where, obj)
            except ControlPlaneError as error:
                raise PolicyError(f"the policy does not compile: {self._path}: {error.message}") from None

    def _await_policies(self) -> None:
        """Wait until the copy is asked about an object, and so every original. Raises EngineError."""
        seen = ""

        def is_asked() -> bool:
            nonlocal seen
            said = self._plane.ask("POST", probe.PATH, probe.workload("thunderguard-canary"))
            seen = said.answer.message or seen
            return said.annotations.get(f"{COPY}/{_ASKED}") == self._told

        if not eventually(is_asked, seconds=_SECONDS, interval=_POLL):
            raise EngineError(f"no policy is in force within {_SECONDS:g} s: {' '.join(seen.split())[:400]}")


class NativeWebhookEngine(WebhookEngine):
    """Judges by the native policies at a real API server."""

    name = "native-webhook"
    way = NativeWay


def load(path: Path, rules: Collection[str]) -> tuple[list[Read], str]:
    """Give the policies of the file at ``path``, in which each of ``rules`` is once, and the hash over it.

    Raises PolicyError.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PolicyError(f"the policies {path} cannot be read: {error.strerror}", hint=_HINT) from None
    return parsed(content, path, rules)


def parsed(content: bytes, path: Path, rules: Collection[str]) -> tuple[list[Read], str]:
    """Give what :func:`load` gives of the file at ``path`` when it holds ``content``. Raises PolicyError."""
    try:
        documents = [one for one in yaml.load_all(content, Loader=CSafeLoader) if isinstance(one, dict)]
    except (yaml.YAMLError, ValueError) as error:
        words = " ".join(str(error).split())
        raise PolicyError(f"the policy does not compile: {path} is not YAML: {words}", hint=_HINT) from None
    bindings = {dig(one, ("spec", "policyName")): one for one in documents if one.get("kind") == BINDING}
    policies = [
        Read(one, bindings.pop(dig(one, ("metadata", "name")), {}), _rules(one, rules))
        for one in documents
        if one.get("kind") == POLICY
    ]
    held = [rule for one in policies for rule in one.rules]
    if sorted(held) != sorted(rules) or bindings or not all(one.binding for one in policies):
        raise PolicyError(f"{path} does not hold each rule once, each policy with its binding", hint=_HINT)
    return policies, digest({FILE: content})


def copied(policies: Sequence[Read], asked: str) -> tuple[JsonObject, JsonObject]:
    """Give the policy that writes down what each rule of ``policies`` says, and ``asked``, and its binding.

    It has their variables, and is asked about whatever one of them is asked about. Raises PolicyError for policies that
    differ in more than their rules.
    """
    first = policies[0]
    if any(_shared(one) != _shared(first) for one in policies):
        raise PolicyError(f"the policies of {FILE} differ in what they exclude, or in their parameters", hint=_HINT)
    matched = [rule for one in policies for rule in one.matched]
    subresources = _subresources(matched)
    union = Union()
    said = {rule: text for one in policies for rule, text in _said(one, subresources, union).items()}
    spec = {key: value for key, value in first.policy["spec"].items() if key not in {"matchConditions", "validations"}}
    spec["matchConstraints"] = {**spec["matchConstraints"], "resourceRules": matched}
    spec["variables"] = [asdict(variable) for variable in union.variables]
    spec["auditAnnotations"] = [
        {"key": _ASKED, "valueExpression": json.dumps(asked)},
        *({"key": rule, "valueExpression": text} for rule, text in said.items()),
    ]
    bound = {**first.binding["spec"], "policyName": COPY, "validationActions": ["Audit"]}
    return (
        {**first.policy, "metadata": {"name": COPY}, "spec": spec},
        {"apiVersion": _API, "kind": BINDING, "metadata": {"name": COPY}, "spec": bound},
    )


def fits(text: str, lines: Mapping[str, str], rules: Sequence[str]) -> bool:
    """Say whether ``text`` is what a policy of ``rules`` tells of ``lines``, or as much of it as there is room for."""
    whole = " ".join(SEPARATOR.join(lines[rule] for rule in rules if rule in lines).split())
    said = " ".join(text.split())
    # A warning that is too long the server cuts anywhere.
    return said == whole or (bool(said) and whole.startswith(said.removesuffix(MORE)))


def _shared(read: Read) -> list[object]:
    spec = read.policy["spec"]
    constraints = {key: value for key, value in spec["matchConstraints"].items() if key != "resourceRules"}
    return [constraints, spec.get("paramKind"), spec.get("failurePolicy"), read.binding["spec"].get("paramRef")]


def _said(read: Read, subresources: set[str], union: Union) -> dict[str, str]:
    """Give the CEL of what the copy writes of each rule of a policy, whose variables are put into ``union``.

    That is what the rule finds, that it finds nothing, or "" when it does not speak.
    """
    spec = read.policy["spec"]
    variables = [Variable(one["name"], one["expression"]) for one in spec["variables"]]
    conditions = [f"({one['expression']})" for one in as_list(spec.get("matchConditions"))]
    mine = _subresources(read.matched)
    if subresources - mine:
        conditions.append(is_of(mine))
    known = [one for one in variables if one.name != ESTATE]
    texts = {}
    names = union.add(
        [
            *(one for one in variables if one.name == ESTATE),
            *needed([f"variables.{own(name, rule)}" for rule in read.rules for name in (SUBJECT, LINES)], known),
        ]
    )
    met = union.share("met", " && ".join(conditions) or "true")
    for rule in read.rules:
        subject, lines = (names[own(name, rule)] for name in (SUBJECT, LINES))
        text = fitting(lines, f"variables.{lines}.join({json.dumps(SEPARATOR)})")
        found = f"size(variables.{lines}) == 0 ? {json.dumps(_NOTHING)} : {text}"
        texts[rule] = f'!(variables.{met} && variables.{subject}) ? "" : {found}'
    return texts


def _subresources(matched: Sequence[JsonObject]) -> set[str]:
    named = (as_text(name) for rule in matched for name in as_list(rule.get("resources")))
    return {name.partition("/")[2] for name in named} - {""}


def _rules(policy: JsonObject, rules: Collection[str]) -> tuple[str, ...]:
    names = {as_text(dig(one, ("name",))) for one in as_list(dig(policy, ("spec", "variables")))}
    return tuple(rule for rule in rules if own(LINES, rule) in names)
