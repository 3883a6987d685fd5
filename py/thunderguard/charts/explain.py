"""Following findings back to a chart: the template and its line, the values key that decides, and a verified patch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from thunderguard.charts.instrument import Named, TemplateLines, coalesced, named
from thunderguard.charts.patch import Evidence, Proposal, Proposer
from thunderguard.charts.provenance import Hit, absent, block_candidates, scalars, traced
from thunderguard.charts.search import Search
from thunderguard.charts.shipped import allowed_by, schema_of
from thunderguard.charts.trials import Found, Item, Trial, Trials
from thunderguard.charts.values import setting, spelled
from thunderguard.errors import ChartError
from thunderguard.paths import parse_path

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.charts.chartfile import ChartSource
    from thunderguard.charts.trials import Setup
    from thunderguard.facts.contract import Contract
    from thunderguard.model import JsonObject, RawFinding
    from thunderguard.model import Key as Identity

# Rules that one obeys by running nothing.
_OFF = frozenset({"deprecated-chart", "deprecated-service"})
# Rules that ask where something is installed.
_PLACES = frozenset({"namespace-boundary", "singleton-service"})


@dataclass(frozen=True)
class Explanation:
    """Where a finding comes from and what mends it.

    ``line`` is that of the template, None when unknown. ``keys`` are the values keys shown to decide, the one to change
    first. ``patch`` is the values file that mends it, None when no values do; ``option`` is what it takes beside
    that, such as ``--namespace thunderline``. ``note`` is what to know about the patch, which may turn something off.
    """

    finding: Found
    template: str
    line: int | None
    keys: tuple[str, ...] = ()
    patch: JsonObject | None = None
    option: str | None = None
    note: str = ""
    turns_off: bool = False


@dataclass(frozen=True)
class Explained:
    """The explanations in the order of the findings, and one values file for all that can be mended.

    ``mended`` are the findings that are gone with ``patch``, verified together.
    """

    explanations: tuple[Explanation, ...] = ()
    patch: JsonObject = field(default_factory=dict)
    mended: tuple[Found, ...] = ()


@dataclass
class Explainer:
    """Explains the findings of one chart, installed in one way.

    ``trials_in`` gives trials in another namespace, and ``moving`` is what installing there takes, with ``{}`` for its
    name (None: it is not to be tried); ``others`` are the values of the chart's other values files.
    """

    chart: ChartSource
    setup: Setup
    trials_in: Callable[[str], Trials]
    contract: Contract
    catalogue: Catalogue
    others: Sequence[JsonObject] = ()
    moving: str | None = "--namespace {}"

    def explain(
        self, wanted: Callable[[Identity], bool] = lambda _: True, beside: Sequence[RawFinding] = ()
    ) -> Explained:
        """Explain the findings that are ``wanted``, and those ``beside`` them.

        The latter are findings on what the chart renders that it has not alone: they have lines and keys, and no
        patches. Raises ChartError when the chart does not render.
        """
        trials = self.trials_in(self.setup.namespace)
        base = trials.one({})
        if base.error is not None:
            raise ChartError(base.error)
        findings = [found for found in base.findings if wanted(found.raw.key)]
        others = list(_beside(base, beside))
        if not findings and not others:
            return Explained()
        values = coalesced(self.chart, self.setup)
        proposer = Proposer(
            base, values, self.contract, self.catalogue, others=self.others, versions=_versions(self.chart)
        )
        allows = allowed_by(schema_of(self.chart))
        evidence = _evidence(trials, base, values, named(self.chart), [*findings, *others], proposer, allows)
        search = Search(trials, base, values, self.contract)
        proposals = {one.finding: proposer.proposals(one) for one in evidence if one.finding in findings}
        patches = search.verified(proposals)
        options, moved = self._elsewhere(search, {f: some for f, some in proposals.items() if f not in patches})
        patches |= moved
        switched = search.switched([f for f in findings if f not in patches and f not in options], self.others)
        patches |= switched
        lines = TemplateLines(self.chart, self.setup)
        told = tuple(
            replace(
                _told(one, base.items[one.finding.item], patches.get(one.finding), values, lines),
                option=options.get(one.finding),
            )
            for one in evidence
        )
        # What is turned off is for a person to decide, unless it is deprecated.
        written = [
            (one.finding, one.patch)
            for one in told
            if one.patch and not one.option and (not one.turns_off or one.finding.raw.rule in _OFF)
        ]
        patch, mended = search.together(written)
        return Explained(told, patch, mended)

    def _elsewhere(
        self, search: Search, proposals: Mapping[Found, Sequence[Proposal]]
    ) -> tuple[dict[Found, str], dict[Found, Proposal]]:
        """Find out which findings go away in an allowed namespace, with a proposal that helps or with none."""
        options: dict[Found, str] = {}
        moved: dict[Found, Proposal] = {}
        if self.moving is None or not any(found.raw.rule in _PLACES for found in proposals):
            return options, moved
        for namespace in sorted(self.contract.namespaces.allowed - {self.setup.namespace}):
            there = replace(search, trials=self.trials_in(namespace))
            option = self.moving.format(namespace)
            alone = there.trials.one({})
            gone = {found for found in proposals if found not in options and there.mends(alone, found)}
            options |= dict.fromkeys(gone, option)
            found = there.verified(
                {f: some for f, some in proposals.items() if f.raw.rule in _PLACES and f not in options}
            )
            options |= dict.fromkeys(found, option)
            moved |= found
        return options, moved


def _evidence(
    trials: Trials,
    base: Trial,
    values: JsonObject,
    said: Named,
    findings: Sequence[Found],
    proposer: Proposer,
    allows: Callable[[JsonObject], bool],
) -> list[Evidence]:
    fields = {found: proposer.fields(found) for found in findings}
    keys = list(said.references)
    if any(path[:1] == ("metadata",) for paths in fields.values() for path in paths):
        keys += absent(values, [name for name in said.fields if "name" in name.lower()])
    direct = traced(
        trials, base, values, scalars(values, keys, allows), {f: paths for f, paths in fields.items() if paths}
    )
    missing: dict[str, list[Found]] = {}
    for found in findings:
        name = proposer.block(found)
        if name is not None:
            missing.setdefault(name, []).append(found)
    held: dict[Found, list[Hit]] = {}
    for name, some in missing.items():
        candidates = block_candidates(values, name, said.references, allows)
        held |= traced(trials, base, values, candidates, {found: fields[found] for found in some})
    return [Evidence(found, proposer.told(found), direct.get(found, []), held.get(found, [])) for found in findings]


def _told(
    evidence: Evidence,
    item: Item,
    proposal: Proposal | None,
    values: JsonObject,
    lines: TemplateLines,
) -> Explanation:
    line = lines.line(item, parse_path(evidence.finding.raw.path))
    hits = [hit.key for hit in (*evidence.blocks, *evidence.scalars)]
    if proposal is None:
        return Explanation(evidence.finding, item.template, line, tuple(map(spelled, dict.fromkeys(hits))))
    keys = tuple(map(spelled, proposal.changes))
    if not proposal.helps:
        return Explanation(evidence.finding, item.template, line, keys, note=proposal.note)
    patch = setting(values, proposal.changes)
    return Explanation(
        evidence.finding, item.template, line, keys, patch, note=proposal.note, turns_off=proposal.turns_off
    )


def _beside(base: Trial, findings: Sequence[RawFinding]) -> Iterator[Found]:
    """Give findings of other rules their objects, as far as the chart rendered them."""
    # What names no namespace has been given one meanwhile.
    places = {replace(item.resource, namespace=""): place for place, item in enumerate(base.items)}
    known = {found.raw.key for found in base.findings}
    for raw in findings:
        place = places.get(replace(raw.resource, namespace=""))
        if place is not None and raw.key not in known:
            yield Found(raw, place, (raw.rule, base.items[place].template, raw.resource.kind, raw.path))


def _versions(chart: ChartSource) -> list[str]:
    version = chart.metadata.get("appVersion")
    return [] if version is None else [str(version)]
