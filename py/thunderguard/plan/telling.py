"""How a step is told: its words, what it waits for, and what may be lost with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thunderguard.facts.ownership import identity_of
from thunderguard.facts.remove import helm_release
from thunderguard.facts.resources import resource_of
from thunderguard.facts.values import as_list, dig
from thunderguard.facts.workloads import replicas_of
from thunderguard.model import Resource
from thunderguard.plan.commands import rollout, told
from thunderguard.plan.moving import claims, scaled_by
from thunderguard.plan.names import is_addressable, is_name
from thunderguard.plan.steps import Command, Create, Delete, DeleteNamespace, Edit, Move, Step, Uninstall

if TYPE_CHECKING:
    from thunderguard.facts.services import Home
    from thunderguard.facts.subject import Subject
    from thunderguard.model import Finding
    from thunderguard.plan.judging import Judging
    from thunderguard.plan.state import State
    from thunderguard.plan.steps import Action


@dataclass(frozen=True)
class Telling:
    """Tells the steps of one plan; ``failing`` are the workloads whose pods fail, which nobody waits for."""

    judging: Judging
    failing: frozenset[Resource]

    def step(self, action: Action, reason: str, claimed: Sequence[Finding], before: State, after: State) -> Step:
        """Give the step that does ``action`` for ``reason`` and resolves what is ``claimed``."""
        left = {resource_of(obj) for obj in after.objects}
        gone = [self.judging.subject(obj) for obj in before.objects if resource_of(obj) not in left]
        there = before.at(about(action))
        commands = told(action, there, serves=about(action) not in self.failing)
        return Step(
            kind=_KINDS[type(action)] if not isinstance(action, Edit) else f"set-{action.how}",
            title=words(action),
            reason=reason,
            action=action,
            findings=tuple(claimed),
            guards=tuple(self._guards(action, gone, before)),
            backups=commands.backups,
            commands=commands.commands,
            checks=commands.checks,
            back=commands.back,
            warnings=tuple(dict.fromkeys(self._warnings(action, gone, before))),
        )

    def _guards(self, action: Action, gone: Sequence[Subject], before: State) -> Iterator[Command]:
        """Wait for the home of each service of which an instance that serves goes."""
        if isinstance(action, Move):
            return
        names = {
            name
            for one in gone
            if one.resource not in self.failing and replicas_of(one.obj) != 0
            for name in one.services
        }
        for name in sorted(names):
            home = self.judging.contract.service[name].home
            there = [one for obj in before.objects if home and is_at(one := self.judging.subject(obj), home)]
            for one in there:
                waiting = rollout(one.resource) if name in one.services else None
                if waiting is not None and all(other.resource != one.resource for other in gone):
                    yield waiting

    def _warnings(self, action: Action, gone: Sequence[Subject], before: State) -> Iterator[str]:
        for one in gone:
            if not one.is_workload or identity_of(one.obj).controller is not None:
                if one.type == ("", "PersistentVolumeClaim"):
                    yield f"{one.resource} goes, and the data in it"
                continue
            if isinstance(action, Move):
                yield from self._of_a_move(one, before)
            else:
                yield from self._of_data(one)
            release = helm_release(one.obj)
            if release is not None and not isinstance(action, Uninstall):
                made = f"the Helm release {release.name} of {release.namespace} made {one.resource}"
                yield f"{made}: say so in its values, too"

    @staticmethod
    def _of_a_move(one: Subject, before: State) -> Iterator[str]:
        for claim in claims(one):
            yield f"the claim {claim} can have one writer: {one.resource} is stopped before its successor starts"
        for scaler in scaled_by(one, before.objects):
            yield f"the HorizontalPodAutoscaler {scaler} scales {one.resource}: let it name the new one"

    def _of_data(self, one: Subject) -> Iterator[str]:
        name = str(one.resource)
        services = ", ".join((*one.services, *one.deprecated_services)) or "what it runs"
        for claim in claims(one):
            yield f"{name} keeps the data of {services} in the claim {claim}: copy it, or it may be lost"
        for template in as_list(one.dig("spec", "volumeClaimTemplates")):
            claim = dig(template, ("metadata", "name"))
            yield f"{name} has claims of its own ({claim}) with the data of {services}: they stay behind unused"
        serves = one.resource not in self.failing and replicas_of(one.obj) != 0
        if serves and self._keeps_inside(one):
            yield f"{name} mounts no claim: what {services} keeps in its pods is lost"

    @staticmethod
    def _keeps_inside(one: Subject) -> bool:
        """Say whether a workload runs a service that must not be there twice, and has no claim to keep data in."""
        homed = [name for name in one.services if one.contract.service[name].home]
        return bool(homed) and not claims(one) and not one.dig("spec", "volumeClaimTemplates")


_KINDS = {
    Uninstall: "uninstall",
    Delete: "delete",
    DeleteNamespace: "delete-namespace",
    Move: "move",
    Create: "create",
}


def words(action: Action) -> str:
    """Give an action in words."""
    match action:
        case Uninstall(name, namespace):
            return f"uninstall the Helm release {name} of namespace {namespace}"
        case Delete(resource):
            return f"delete {resource}"
        case DeleteNamespace(name):
            return f"delete the empty namespace {name}"
        case Edit(resource, _, how):
            return f"set the {how} of {resource}"
        case Move(source, target):
            return f"move {source} to {target}"
        case Create(made):
            return f"create {', '.join(str(resource_of(obj)) for obj in made)}"


def about(action: Action) -> Resource:
    """Give the address of the object that an action is about."""
    match action:
        case Uninstall(name, namespace):
            return Resource("thunderguard.dev/v1alpha1", "Release", namespace, name)
        case Delete(resource) | Edit(resource):
            return resource
        case Move(source):
            return source
        case DeleteNamespace(name):
            return Resource("v1", "Namespace", "", name)
        case Create(made):
            return resource_of(made[0])


def is_sayable(action: Action) -> bool:
    """Say whether every name in an action is one that a command may have."""
    match action:
        case Uninstall(name, namespace):
            return is_name(name) and is_name(namespace)
        case Move(source, target):
            return is_addressable(source) and is_addressable(target)
        case Create(made):
            return all(is_addressable(resource_of(obj)) for obj in made)
        case _:
            return is_addressable(about(action))


def is_at(subject: Subject, home: Home) -> bool:
    """Say whether an object stands at ``home``."""
    return (subject.type, subject.namespace, subject.name) == (home.type, home.namespace, home.name)
