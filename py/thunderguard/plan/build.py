"""Making a plan: every step is tried on a model of the estate, and kept only when it helps and nothing gets worse.

The order is the audit's: what is deprecated goes first, then what is there twice; what stays is put in its place and
given limits; empty namespaces go, and the others get a quota. An instance that serves is taken away only after the
home of its service does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from thunderguard.facts.contract import Contract
from thunderguard.facts.remove import helm_release
from thunderguard.facts.resources import is_chart_file, namespace_of, resource_of, type_of
from thunderguard.facts.workloads import REPLICAS, replicas_of
from thunderguard.model import Resource
from thunderguard.plan.amounts import EDITABLE, default_limits, quota
from thunderguard.plan.apply import apply
from thunderguard.plan.judging import Judging
from thunderguard.plan.mending import HOW, Mending
from thunderguard.plan.moving import hindrance, moved
from thunderguard.plan.state import State
from thunderguard.plan.steps import (
    Change,
    Create,
    Delete,
    DeleteNamespace,
    Edit,
    Found,
    Plan,
    Step,
    Uninstall,
)
from thunderguard.plan.telling import Telling, is_at, is_sayable, words

if TYPE_CHECKING:
    from thunderguard.model import Finding, JsonObject
    from thunderguard.plan.steps import Action

#: What only a look at the running pods can tell: a plan never claims it but for what it takes away.
MEASURED = frozenset({"failing-workload", "runaway-usage"})
#: What a person has to decide first.
_DECIDED = {
    "failing-workload": "what makes it fail is not in the snapshot",
    "runaway-usage": "what it should use is not in the snapshot",
    "undeclared-workload": "only a person knows whether it is wanted",
    "image-reference": "only a person knows the version that is meant",
    "missing-service": "what it is configured with is not in the snapshot",
    "waiver": "it stands in the Estate, and its owner decides",
}
_GONE_FIRST = ("deprecated-chart", "deprecated-service")
_TWICE = ("duplicate-release", "duplicate-service", "namespace-boundary", "singleton-service")
_STRAY = ("job-only-service", "parked-workload", "singleton-service")
_ENDED = ("persistentvolumeclaim",)


@dataclass(frozen=True)
class _Phase:
    """One part of the order: which findings it is about, and what may be done about each, the best first."""

    wants: Callable[[Found, State], bool]
    actions: Callable[[Found, State], Iterator[Action]]
    tried: set[str] = field(default_factory=set)


def make_plan(
    objects: Sequence[JsonObject], findings: Sequence[Finding], estate: JsonObject, *, source: str, shown: JsonObject
) -> Plan:
    """Make the plan that cleans ``objects`` up by ``estate``, the Estate object.

    ``findings`` are those of an audit of the same objects, which the steps refer to; ``source`` and ``shown`` say in
    the plan where the objects came from and which Estate it was. Raises EstateError for a pattern that RE2 refuses.
    """
    return _Builder(objects, findings, estate).plan(source, shown)


class _Builder:
    def __init__(self, objects: Sequence[JsonObject], findings: Sequence[Finding], estate: JsonObject) -> None:
        self._contract = Contract.of(estate)
        self._judging = Judging(self._contract, estate)
        self._mending = Mending(self._judging, estate)
        self._known: Mapping[str, Finding] = {one.fingerprint: one for one in findings if one.waived is None}
        # What the Estate waives is let be.
        self._waived = frozenset(one.fingerprint for one in findings if one.waived is not None)
        self._state = self._judged(list(objects))
        self._failing = {one.resource for one in self._state.found.values() if one.rule == "failing-workload"}
        self._telling = Telling(self._judging, frozenset(self._failing))
        self._served: dict[int, tuple[JsonObject, tuple[str, ...]]] = {}
        self._steps: list[Step] = []
        self._reasons: dict[str, str] = {}

    def plan(self, source: str, shown: JsonObject) -> Plan:
        for phase in self._phases():
            while (one := self._next(phase)) is not None:
                phase.tried.add(one.fingerprint)
                for action in phase.actions(one, self._state):
                    if self._accepted(action, one):
                        break
        claimed = {finding.fingerprint for step in self._steps for finding in step.findings}
        left = [one for mark, one in self._known.items() if mark not in claimed]
        return Plan(source, shown, tuple(self._steps), tuple(self._by_hand(left)), tuple(self._known.values()))

    # ------------------------------------------------------------------------------------------ the order

    def _phases(self) -> tuple[_Phase, ...]:
        return (
            _Phase(lambda one, now: self._is_source(one, now) and self._is_awaited(one, now), self._moves),
            _Phase(lambda one, _: one.rule in _GONE_FIRST, self._removals),
            _Phase(lambda one, now: one.rule in _TWICE and not self._is_source(one, now), self._removals),
            _Phase(self._is_source, self._moves),
            _Phase(lambda one, now: one.rule in _STRAY and not self._is_source(one, now), self._strays),
            _Phase(lambda one, _: one.rule in HOW or one.violation == "minimum", self._edits),
            _Phase(lambda one, _: one.violation == "namespace", self._namespaces),
            _Phase(lambda one, _: one.rule == "namespace-quota", self._quotas),
        )

    def _next(self, phase: _Phase) -> Found | None:
        now = self._state
        done = phase.tried | self._waived
        waiting = [one for one in now.found.values() if one.fingerprint not in done and phase.wants(one, now)]
        return min(waiting, key=self._rank, default=None)

    @staticmethod
    def _rank(one: Found) -> tuple[object, ...]:
        rules = (*_GONE_FIRST, *_TWICE)
        place = rules.index(one.rule) if one.rule in rules else len(rules)
        # The record of a release stands for all that it brought.
        return (place, one.resource.kind != "Release", one.rule, one.resource, tuple(map(str, one.path)))

    def _is_source(self, one: Found, now: State) -> bool:
        """Say whether an instance away from home is the one to be moved there: nothing runs at home, none is better."""
        if (one.rule, one.violation) != ("singleton-service", "away"):
            return False
        there = now.at(one.resource)
        if there is None or replicas_of(there) == 0:
            return False
        return (one.resource, one.service) not in now.duplicates

    def _is_awaited(self, one: Found, now: State) -> bool:
        """Say whether another instance that serves waits for the home of this one's service."""
        return any(
            (other.rule, other.violation, other.service) == ("singleton-service", "away", one.service)
            and other.resource != one.resource
            and other.resource not in self._failing
            for other in now.found.values()
        )

    # ------------------------------------------------------------------------------------------ what may be done

    def _moves(self, one: Found, now: State) -> Iterator[Action]:
        obj, home = now.at(one.resource), self._contract.service[one.service or ""].home
        if obj is None or home is None:
            return
        subject = self._judging.subject(obj)
        reason = hindrance(subject, home, now.objects)
        if reason is None:
            yield moved(subject, home, self._mending, self._pods(obj, now))
        else:
            self._reasons[one.fingerprint] = reason

    def _removals(self, one: Found, now: State) -> Iterator[Action]:
        """Uninstall the release of an object, else delete the object itself."""
        resource = one.resource
        if one.rule == "duplicate-release" or resource.kind == "Release":
            yield Uninstall(resource.name, resource.namespace)
            return
        obj = now.at(resource)
        if obj is None or one.violation in ("namespace", "replicas"):
            return
        if is_chart_file(obj):
            self._reasons[one.fingerprint] = "it is a file: take the chart out of it"
            return
        release = helm_release(obj)
        if release is not None and release.namespace and self._takes_release(one, obj):
            yield Uninstall(release.name, release.namespace)
        if resource.kind.lower() in _ENDED:
            self._reasons[one.fingerprint] = "what is stored in it would be lost: copy it first"
            return
        yield Delete(resource)

    def _takes_release(self, one: Found, obj: JsonObject) -> bool:
        return one.rule in _GONE_FIRST or namespace_of(obj) not in self._contract.namespaces.allowed

    def _strays(self, one: Found, now: State) -> Iterator[Action]:
        if one.violation == "replicas":
            return
        obj = now.at(one.resource)
        if obj is not None and one.rule == "parked-workload" and (scaled := self._woken(obj)) is not None:
            yield scaled
            return
        yield from self._removals(one, now)

    def _woken(self, obj: JsonObject) -> Edit | None:
        """A required service that is parked at its home is to run, and not to go."""
        subject = self._judging.subject(obj)
        field_ = REPLICAS.get(subject.type)
        for name in subject.services:
            service = self._contract.service[name]
            if field_ and service.required and service.home and is_at(subject, service.home):
                return Edit(subject.resource, (Change(field_, max(service.minimum or 1, 1)),), "replicas")
        return None

    def _edits(self, one: Found, now: State) -> Iterator[Action]:
        if one.violation == "minimum":
            yield from self._scaled_up(one, now)
            return
        obj = now.at(one.resource)
        if obj is None or one.violation == "away":
            return
        how = HOW[one.rule]
        if how != "replicas" and type_of(obj) not in EDITABLE and type_of(obj)[0] in {"", "apps", "batch"}:
            kind = one.resource.kind
            self._reasons[one.fingerprint] = f"the pod template of a {kind} cannot be changed: make it anew"
            return
        together = [
            other
            for other in now.found.values()
            if (other.rule, other.resource) == (one.rule, one.resource) and other.violation != "away"
        ]
        pods = self._pods(obj, now)
        for group in (together, [one]):
            if changes := self._mending.changes(group, obj, pods):
                yield Edit(one.resource, tuple(changes), how)

    def _scaled_up(self, one: Found, now: State) -> Iterator[Action]:
        for obj in now.objects:
            subject = self._judging.subject(obj)
            field_ = REPLICAS.get(subject.type)
            if field_ and subject.is_in_allowed and one.service in subject.services:
                yield Edit(subject.resource, (Change(field_, int(one.args["minimum"])),), "replicas")

    def _namespaces(self, one: Found, now: State) -> Iterator[Action]:
        name = one.resource.name
        if any(namespace_of(obj) == name and not _is_kept_everywhere(obj) for obj in now.objects):
            self._reasons[one.fingerprint] = "it is not empty"
            return
        yield DeleteNamespace(name)

    def _quotas(self, one: Found, now: State) -> Iterator[Action]:
        namespace = one.resource.name
        hard, limits = quota(self._contract, namespace, now.objects), default_limits(self._contract)
        if hard is None or limits is None:
            self._reasons[one.fingerprint] = "the Estate gives no amounts to bound it with"
            return
        metadata = {"name": namespace, "namespace": namespace}
        spec = {"ResourceQuota": {"hard": hard}, "LimitRange": {"limits": [limits]}}
        kinds = one.args["missing"].split(", ")
        # The default limits come first: what has none would not be let in under a quota.
        made = [{"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec[kind]} for kind in sorted(kinds)]
        yield Create(tuple(made))

    # ------------------------------------------------------------------------------------------ whether it is done

    def _accepted(self, action: Action, wanted: Found) -> bool:
        """Keep a step that resolves what it is for, adds no finding, and leaves every service an instance."""
        before = self._state
        if not is_sayable(action):
            self._reasons[wanted.fingerprint] = "its name is none that an API server accepts"
            return False
        after = self._judged(apply(action, before.objects))
        added = after.found.keys() - before.found.keys()
        if added or wanted.fingerprint in after.found:
            if added:
                worse = sorted({after.found[mark].rule for mark in added})
                self._reasons[wanted.fingerprint] = f"{words(action)} would break {', '.join(worse)}"
            return False
        if lost := self._running(before.objects) - self._running(after.objects):
            said = f"{words(action)} would end the only {', '.join(sorted(lost))}: give it its home first"
            self._reasons[wanted.fingerprint] = said
            return False
        gone = before.found.keys() - after.found.keys()
        removes = isinstance(action, Uninstall | Delete | DeleteNamespace)
        claimed = [
            finding
            for mark, finding in self._known.items()
            if mark in gone and (removes or finding.rule not in MEASURED)
        ]
        if not claimed:
            return False
        self._steps.append(self._telling.step(action, self._reason(wanted, claimed), claimed, before, after))
        self._state = after
        return True

    def _running(self, objects: Sequence[JsonObject]) -> set[str]:
        """Name the services with a home of which an instance is meant to run."""
        return {name for obj in objects for name in self._needed(obj)}

    def _needed(self, obj: JsonObject) -> tuple[str, ...]:
        known = self._served.get(id(obj))
        if known is None:
            names = self._judging.subject(obj).services if replicas_of(obj) != 0 else ()
            homed = tuple(name for name in names if self._contract.service[name].home is not None)
            known = self._served[id(obj)] = (obj, homed)
        return known[1]

    def _reason(self, wanted: Found, claimed: Sequence[Finding]) -> str:
        known = self._known.get(wanted.fingerprint)
        return claimed[0].message if known is None else known.message

    def _judged(self, objects: list[JsonObject]) -> State:
        return State(objects, self._judging.of_set(objects))

    def _pods(self, obj: JsonObject, now: State) -> list[JsonObject]:
        roots = self._judging.roots(now.objects)
        return [one for place, one in enumerate(now.objects) if now.objects[roots[place]] is obj]

    def _by_hand(self, left: Sequence[Finding]) -> Iterator[Step]:
        groups: dict[tuple[str, Resource], list[Finding]] = {}
        for finding in left:
            groups.setdefault((finding.rule, finding.resource), []).append(finding)
        for (rule, _), findings in groups.items():
            given = [self._reasons[one.fingerprint] for one in findings if one.fingerprint in self._reasons]
            reason = given[0] if given else _DECIDED.get(rule, "no command was found that resolves it")
            yield Step(
                kind="by-hand",
                title=f"{findings[0].remedy}",
                reason=f"{self._named(findings[0])}; {reason}",
                action=None,
                findings=tuple(findings),
            )

    @staticmethod
    def _named(finding: Finding) -> str:
        """Give the message of a finding, with the object it is about in front unless it says so itself."""
        said = str(finding.resource) in finding.message
        return finding.message if said else f"{finding.resource}: {finding.message}"


def _is_kept_everywhere(obj: JsonObject) -> bool:
    """Say whether Kubernetes keeps or makes such an object in every namespace by itself."""
    return (*type_of(obj), resource_of(obj).name) in {
        ("", "ServiceAccount", "default"),
        ("", "ConfigMap", "kube-root-ca.crt"),
    } or type_of(obj) in {
        ("", "Event"),
        ("events.k8s.io", "Event"),
        ("coordination.k8s.io", "Lease"),
        ("discovery.k8s.io", "EndpointSlice"),
        ("", "Endpoints"),
        ("metrics.k8s.io", "PodMetrics"),
        ("apps", "ControllerRevision"),
    }
