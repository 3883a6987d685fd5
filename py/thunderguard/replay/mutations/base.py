"""What a mutation is: a small named change of one object, and what it does to the findings about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import orjson

from thunderguard.facts.subject import Subject
from thunderguard.facts.values import as_list
from thunderguard.facts.workloads import PARALLEL, Container, Role
from thunderguard.paths import format_path
from thunderguard.replay.domains import Domain
from thunderguard.replay.effects import NEUTRAL, OPEN, Effect, Mutated, Place, Promise

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from thunderguard.model import JsonObject
    from thunderguard.replay.ground import Ground

_Item = TypeVar("_Item")

Arguments: TypeAlias = Mapping[str, Any]
Apply: TypeAlias = Callable[..., Mutated | None]
Needs: TypeAlias = Callable[[Subject], bool]


@dataclass(frozen=True, eq=False)
class Mutation:
    """One mutation. ``doc`` is its line in the list, ``rules`` are those it plants violations of, if it does.

    ``domains`` gives for each argument the values it may have. ``needs`` says whether an object is of a kind that it
    changes; some arguments may still lead nowhere.
    """

    name: str
    family: str
    doc: str
    promise: Promise
    rules: tuple[str, ...]
    domains: Mapping[str, Domain]
    needs: Needs
    function: Apply

    def arguments(self) -> SearchStrategy[Arguments]:
        """Give the Hypothesis strategy that draws its arguments."""
        from hypothesis import strategies

        return strategies.fixed_dictionaries({name: domain.strategy() for name, domain in self.domains.items()})

    def pick(self, random: Random) -> Arguments:
        """Draw its arguments from ``random``."""
        return {name: domain.pick(random) for name, domain in self.domains.items()}

    def apply(self, obj: JsonObject, ground: Ground, arguments: Arguments) -> Mutated | None:
        """Give the changed copy of ``obj``; None when these arguments change nothing of it."""
        view = ground.view(obj)
        if not self.needs(view):
            return None
        mutated = self.function(view, ground, **arguments)
        if mutated is None or (not mutated.stands_beside and orjson.dumps(mutated.obj) == orjson.dumps(obj)):
            return None
        return mutated if ground.careful else Mutated(mutated.obj, OPEN, mutated.stands_beside)


class Family:
    """The mutations of one module, in the order in which they are written."""

    def __init__(self, name: str) -> None:
        """Take the name of the family."""
        self.name = name
        self.mutations: list[Mutation] = []

    def add(
        self, name: str, promise: Promise, needs: Needs, /, *rules: str, **domains: Domain
    ) -> Callable[[Apply], Apply]:
        """Make the decorated function a mutation; its docstring is its line in the list."""

        def register(function: Apply) -> Apply:
            doc = (function.__doc__ or "").strip().splitlines()[0]
            self.mutations.append(Mutation(name, self.name, doc, promise, rules, domains, needs, function))
            return function

        return register


def running_the_same(view: Subject, ground: Ground, obj: JsonObject, effect: Effect = NEUTRAL) -> Mutated | None:
    """Give a changed object with ``effect``; None when it runs other services than before."""
    return Mutated(obj, effect) if ground.runs_the_same(view, obj) else None


def any_object(view: Subject) -> bool:
    """Say whether it is an object with metadata, not a Chart.yaml."""
    return isinstance(view.obj.get("metadata"), dict) and isinstance(view.obj.get("kind"), str)


def workload(view: Subject) -> bool:
    """Say whether it is a workload."""
    return view.is_workload and any_object(view)


def judged_workload(view: Subject) -> bool:
    """Say whether it is a workload on no exempt ground, where every rule looks."""
    return workload(view) and not view.is_exempt


def has_template(view: Subject) -> bool:
    """Say whether it is a workload whose pods have a template of their own."""
    return workload(view) and bool(view.template)


def bounded_containers(view: Subject) -> list[Container]:
    """Give the containers that have resources: all but ephemeral ones."""
    return [container for container in view.containers if container.role is not Role.EPHEMERAL]


def one_of(items: Sequence[_Item], where: int) -> _Item | None:
    """Give one of ``items``, None when there is none; ``where`` may be any number."""
    return items[where % len(items)] if items else None


def listed(view: Subject, field: str) -> list[Any] | None:
    """Give a list of the pod spec, an absent one as empty; None when something else stands there."""
    value = view.dig(*view.pod_spec, field)
    if value is None:
        return []
    return as_list(value) if isinstance(value, list) and all(isinstance(item, dict) for item in value) else None


def at_home(view: Subject) -> bool:
    """Say whether the object is the home of a service it runs."""
    services = [view.contract.service[name] for name in view.services]
    address = (view.type, view.namespace, view.name)
    return any(s.home and address == (s.home.type, s.home.namespace, s.home.name) for s in services)


def singleton_places(view: Subject) -> frozenset[Place]:
    """Give where a workload breaks singleton-service, worked out anew and for whole numbers only."""
    found: set[str] = set()
    for name in view.services:
        service = view.contract.service[name]
        home = service.home
        if home is None:
            continue
        if (view.type, view.name) == (home.type, home.name) and view.namespace in ("", home.namespace):
            field = PARALLEL.get(view.type)
            count = 1 if field is None or view.dig(*field) is None else view.dig(*field)
            if field and service.maximum is not None and count > service.maximum:
                found.add(format_path(field))
        else:
            found.add(format_path(view.containers_running(name)[0].path))
    return frozenset(("singleton-service", path) for path in found)


def countable(view: Subject) -> bool:
    """Say whether it is a workload whose number of pods, if it gives one, is a whole number from 0 up."""
    field = PARALLEL.get(view.type)
    count = view.dig(*field) if field else None
    return workload(view) and (count is None or (type(count) is int and count >= 0))
