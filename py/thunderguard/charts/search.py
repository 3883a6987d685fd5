"""Searching for values with which a finding is gone and nothing new is found: each is rendered and judged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from thunderguard.charts.patch import MAY_GO, Proposal
from thunderguard.charts.provenance import counterpart
from thunderguard.charts.values import Key, at, leaves, setting, settings, spelled, stacked
from thunderguard.facts.subject import Subject

if TYPE_CHECKING:
    from thunderguard.charts.trials import Found, Item, Trial, Trials
    from thunderguard.facts.contract import Contract
    from thunderguard.model import JsonObject

# Rules that are obeyed by running less of a service, and not by running none of it.
_ONE_STAYS = frozenset({"duplicate-service"})
_MOST_SWITCHES = 60
_AT_ONCE = 8
_MAY_NOT_GO = "it turns the object on and off; the rest is written in the template"
_WORD = re.compile(r"[a-z0-9]+")
_NO_WORD = frozenset({"enabled", "templates", "yaml", "yml", "deployment", "charts"})


@dataclass
class Search:
    """Looks for values with which a finding is gone and nothing is new."""

    trials: Trials
    base: Trial
    values: JsonObject
    contract: Contract

    def verified(self, proposals: Mapping[Found, Sequence[Proposal]]) -> dict[Found, Proposal]:
        """Give for each finding the first of its proposals that mends it."""
        found: dict[Found, Proposal] = {}
        for turn in range(max(map(len, proposals.values()), default=0)):
            asked = [(one, some[turn]) for one, some in proposals.items() if one not in found and turn < len(some)]
            if self.trials.spent:
                break
            trials = self.trials.many([setting(self.values, proposal.changes) for _, proposal in asked])
            for (one, proposal), trial in zip(asked, trials, strict=True):
                if self.mends(trial, one):
                    found[one] = proposal
        return found

    def mends(self, trial: Trial, found: Found, *, may_go: bool = False) -> bool:
        """Say whether ``found`` is gone in ``trial``, nothing is new, and its object is there unless it ``may_go``."""
        if trial.error is not None or trial.signatures - self.base.signatures:
            return False
        if trial.signatures[found.signature] >= self.base.signatures[found.signature]:
            return False
        other = counterpart(self.base, found.item, trial)
        if other is None:
            return may_go or (found.raw.rule in MAY_GO and not self._is_missed(trial, found))
        place = next(number for number, item in enumerate(trial.items) if item is other)
        return not any(one.item == place and one.signature == found.signature for one in trial.findings)

    def _is_missed(self, trial: Trial, found: Found) -> bool:
        """Say whether the service of ``found`` is needed and not in ``trial``: of two, one has to stay."""
        service = self.contract.service.get(found.raw.service or "")
        if service is None or not (service.required or found.raw.rule in _ONE_STAYS):
            return False
        subjects = (Subject(item.obj, self.contract) for item in trial.items)
        return not any(
            service.name in subject.services_of(container) for subject in subjects for container in subject.containers
        )

    def switched(self, findings: Sequence[Found], others: Sequence[JsonObject]) -> dict[Found, Proposal]:
        """Look for one switch, or one value of another values file, that mends a finding; the likely ones first.

        A switch that takes away what may not go decides as well, and does not help.
        """
        mended: dict[Found, Proposal] = {}
        decides: dict[Found, Proposal] = {}
        for found in findings:
            changes = _switches(self.values, others, self.base.items[found.item], found)
            for start in range(0, len(changes), _AT_ONCE):
                if self.trials.spent or found in mended:
                    break
                some = changes[start : start + _AT_ONCE]
                trials = self.trials.many([setting(self.values, {key: value}) for key, value in some])
                # Of several, the one after which most is still there.
                helps = [(-len(trial.items), number) for number, trial in enumerate(trials) if self.mends(trial, found)]
                if helps:
                    key, value = some[min(helps)[1]]
                    gone = self._gone(trials[min(helps)[1]])
                    mended[found] = Proposal({key: value}, f"turns off {gone}" if gone else "", turns_off=bool(gone))
                for (key, value), trial in zip(some, trials, strict=True):
                    if self.mends(trial, found, may_go=True):
                        decides.setdefault(found, Proposal({key: value}, _MAY_NOT_GO, helps=False))
        return decides | mended

    def _gone(self, trial: Trial) -> str:
        left = Counter((item.resource.kind, item.resource.name) for item in trial.items)
        gone = Counter((item.resource.kind, item.resource.name) for item in self.base.items) - left
        names = ", ".join(f"{kind}/{name}" for kind, name in list(gone)[:3])
        more = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
        return f"{names}{more}"

    def together(self, patches: Sequence[tuple[Found, JsonObject]]) -> tuple[JsonObject, tuple[Found, ...]]:
        """Give one values file for all ``patches``, as far as they agree, and what it mends, verified."""
        patch: JsonObject = {}
        for _, one in patches:
            patch = stacked(patch, one)
        mended = self._mended(patch, patches)
        if len(mended) == len(patches):
            return patch, mended
        # They stand in each other's way: take each that adds to what the others mend.
        patch, mended = {}, ()
        for _, one in patches:
            more = stacked(patch, one)
            now = self._mended(more, patches)
            if len(now) > len(mended):
                patch, mended = more, now
        return patch, mended

    def _mended(self, patch: JsonObject, patches: Sequence[tuple[Found, JsonObject]]) -> tuple[Found, ...]:
        trial = self.trials.one(patch)
        # What one patch turns off takes the findings of another with it.
        return tuple(found for found, _ in patches if self.mends(trial, found, may_go=True))


def _switches(values: JsonObject, others: Sequence[JsonObject], item: Item, found: Found) -> list[tuple[Key, Any]]:
    """Give switches turned, and what other values files say, those that share words with the object first."""
    changes: list[tuple[Key, Any]] = [(key, not value) for key, value in leaves(values) if isinstance(value, bool)]
    for other in others:
        changes += [
            (key, value) for key, value in settings(other) if not isinstance(value, bool) and at(values, key) != value
        ]
    about = _words(
        f"{item.template} {item.resource.kind} {item.resource.name} {found.raw.service or ''} {found.raw.message}"
    )
    unique = {(key, repr(value)): (key, value) for key, value in changes}
    ranked = sorted(unique.values(), key=lambda change: -len(about & _words(spelled(change[0]))))
    return ranked[:_MOST_SWITCHES]


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower())) - _NO_WORD
