"""What to write into a values file so that a finding goes away, each proposal verified by rendering and judging again.

A proposal is kept when the finding is gone and nothing new is found. What a template writes itself, no values file
changes; then nothing is proposed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from thunderguard.charts.provenance import Hit
from thunderguard.charts.values import Key, at
from thunderguard.facts.image import parse_image
from thunderguard.facts.quantity import milli
from thunderguard.facts.subject import Subject
from thunderguard.paths import parse_path
from thunderguard.replay.remedies import Told, understood
from thunderguard.replay.samples import Samples

if TYPE_CHECKING:
    from thunderguard.catalogue import Catalogue
    from thunderguard.charts.trials import Found, Trial
    from thunderguard.facts.contract import Contract
    from thunderguard.facts.workloads import Container
    from thunderguard.model import JsonObject

#: What a container gets that has nothing: enough to start, little enough to notice.
AMOUNTS: Mapping[tuple[str, str], str] = {
    ("requests", "cpu"): "100m",
    ("requests", "memory"): "128Mi",
    ("limits", "cpu"): "500m",
    ("limits", "memory"): "512Mi",
}
#: The rules that may be obeyed by not running what breaks them.
MAY_GO = frozenset(
    {
        "deprecated-chart",
        "deprecated-service",
        "duplicate-service",
        "job-only-service",
        "namespace-boundary",
        "singleton-service",
    }
)

_MOST_TAGS = 6
_EXAMPLE_TAG = "1.2.3"
EXAMPLE = "an example: name the version that you run"
APP_VERSION = "the chart's own version of what it runs: see that the image has it"
PROBE = "a probe of the port; ask for the application's own health where it has one"


@dataclass(frozen=True)
class Proposal:
    """Keys and their new values, and what a person should know about them: one that does not help only explains."""

    changes: Mapping[Key, Any]
    note: str = ""
    turns_off: bool = False
    helps: bool = True


@dataclass(frozen=True)
class Evidence:
    """What rendering again has told about one finding: the keys whose values came out in its fields."""

    finding: Found
    told: Told | None
    scalars: Sequence[Hit] = ()
    blocks: Sequence[Hit] = ()


@dataclass
class Proposer:
    """Makes proposals for the findings of a chart under one contract.

    ``values`` is what the chart and its values files say together; ``others`` are the values of its other values files,
    which show what people really set, the chart's own first; ``versions`` are versions that the chart itself names.
    """

    base: Trial
    values: JsonObject
    contract: Contract
    catalogue: Catalogue
    others: Sequence[JsonObject] = ()
    versions: Sequence[str] = ()
    _samples: Samples | None = field(default=None, init=False)

    def told(self, finding: Found) -> Told | None:
        """Give what the words of a finding say; None when no template of the catalogue gave them."""
        return understood(finding.raw, self.catalogue)

    def fields(self, finding: Found) -> list[Key]:
        """Give the paths in its object that decide ``finding``."""
        told = self.told(finding)
        if told is not None and (finding.raw.rule, told.violation) == ("singleton-service", "away"):
            return [("metadata", "name"), ("metadata", "namespace")]
        if finding.raw.rule in ("deprecated-service", "job-only-service"):
            # Any part of the container may be what tells the service, so that none of them decides.
            return []
        if not finding.raw.path:
            # It is about the object as a whole, whatever stands in it.
            return []
        return [parse_path(finding.raw.path)]

    def block(self, finding: Found) -> str | None:
        """Give the name of the map that ``finding`` misses as a whole; None when it misses none."""
        told = self.told(finding)
        if told is None:
            return None
        kinds = {("resource-limits", "missing"), ("health-probes", "probe")}
        return str(parse_path(finding.raw.path)[-1]) if (finding.raw.rule, told.violation) in kinds else None

    def proposals(self, evidence: Evidence) -> list[Proposal]:
        """Give what may help, the smallest first."""
        if evidence.told is None:
            return []
        make = {
            ("resource-limits", "missing"): self._amounts,
            ("resource-limits", "zero"): self._amount,
            ("resource-limits", "unreadable"): self._amount,
            ("resource-limits", "ceiling"): self._amount,
            ("image-reference", "missing"): self._images,
            ("image-reference", "untagged"): self._images,
            ("image-reference", "forbidden-tag"): self._images,
            ("image-reference", "repository"): self._images,
            ("image-reference", "version"): self._images,
            ("health-probes", "probe"): self._probes,
            ("singleton-service", "replicas"): self._replicas,
            ("singleton-service", "away"): self._home,
            ("namespace-boundary", "object"): self._namespace,
            ("namespace-boundary", "namespace"): self._namespace,
        }.get((evidence.finding.raw.rule, evidence.told.violation))
        return [] if make is None else [proposal for proposal in make(evidence) if proposal.changes]

    def _amounts(self, evidence: Evidence) -> Iterator[Proposal]:
        told, path = evidence.told, parse_path(evidence.finding.raw.path)
        if told is None:
            return
        missing = [tuple(name.split(".", 1)) for name in told.words["missing"].split(", ")]
        amounts = {(group, name): self._bounded(evidence.finding, group, name) for group, name in missing}
        block: JsonObject = {}
        # Requests first, as people write them.
        for group, name in sorted(amounts, reverse=True):
            block.setdefault(group, {})[name] = amounts[group, name]
        block = {group: dict(sorted(entries.items())) for group, entries in block.items()}
        keys = dict.fromkeys(hit.key for hit in evidence.blocks if hit.path[: len(path)] == path)
        for key in sorted(keys, key=len, reverse=True):
            yield Proposal({key: block})
        single = {hit.path[len(path) :]: hit.key for hit in evidence.scalars if hit.is_whole}
        # A limit stands in for a request that has no key.
        spare = {
            ("requests", name) for group, name in amounts if group == "limits" and ("requests", name) not in single
        }
        if single and all(name in single or name in spare for name in amounts):
            yield Proposal({single[name]: amount for name, amount in amounts.items() if name in single})

    def _amount(self, evidence: Evidence) -> Iterator[Proposal]:
        path = parse_path(evidence.finding.raw.path)
        if len(path) < 2:
            return
        amount = self._bounded(evidence.finding, str(path[-2]), str(path[-1]))
        if evidence.told is not None and "ceiling" in evidence.told.words:
            amount = evidence.told.words["ceiling"]
        for hit in evidence.scalars:
            if hit.path == path and hit.is_whole:
                yield Proposal({hit.key: amount})

    def _bounded(self, finding: Found, group: str, name: str) -> str:
        """Give an amount that is below the container's ceiling, and of requests below its limit."""
        amount = AMOUNTS.get((group, name)) or AMOUNTS["limits", name]
        subject, container = self._container(finding)
        bounds = []
        if container is not None:
            ceiling = subject.ceiling(container, name)
            bounds.append(ceiling[1].text if ceiling is not None else None)
            if group == "requests":
                bounds.append(at(container.body, ("resources", "limits", name)))
        for bound in bounds:
            limit = milli(bound)
            if limit and limit < (milli(amount) or 0):
                amount = str(bound)
        return amount

    def _container(self, finding: Found) -> tuple[Subject, Container | None]:
        subject = Subject(self.base.items[finding.item].obj, self.contract)
        path = parse_path(finding.raw.path)
        return subject, next((one for one in subject.containers if tuple(path[: len(one.path)]) == one.path), None)

    def _images(self, evidence: Evidence) -> Iterator[Proposal]:
        subject, container = self._container(evidence.finding)
        image = parse_image(str(at(self.base.items[evidence.finding.item].obj, parse_path(evidence.finding.raw.path))))
        known = [] if container is None else [self.contract.service[name] for name in subject.services_of(container)]
        allowed = [repository for service in known for repository in service.repositories]
        repositories = [image.repository, *(one for one in allowed if one != image.repository)]
        place = _Places(evidence.scalars, self.values)
        seen = self._tags_seen(place, image.repository)
        versions = [tag for version in self.versions for tag in (version, f"v{version}")]
        examples = [tag for service in known if (tag := self._sample_tag(service.name))] or [_EXAMPLE_TAG]
        for repository in repositories if repositories[0] else repositories[1:]:
            shown = [tag for tag in (image.tag, *seen.get(repository, ())) if tag]
            notes = {
                **dict.fromkeys(examples, EXAMPLE),
                **dict.fromkeys(versions, APP_VERSION),
                **dict.fromkeys(shown, ""),
            }
            for tag in list(dict.fromkeys((*shown, *versions, *examples)))[:_MOST_TAGS]:
                if (repository, tag) != (image.repository, image.tag):
                    yield Proposal(place.changes(image.repository, repository, image.tag, tag), notes[tag])

    def _tags_seen(self, place: _Places, repository: str) -> dict[str, list[str]]:
        """Give the tags that other values files have, by their repositories: that of the image is ``repository``."""
        found: dict[str, list[str]] = {}
        for other in self.others:
            for key in place.whole:
                if isinstance(text := at(other, key), str):
                    found.setdefault(parse_image(text).repository, []).append(parse_image(text).tag)
            parts = [self._effective(other, key) for key in place.repository]
            same = all(part in (None, at(self.values, key)) for part, key in zip(parts, place.repository, strict=True))
            for key in place.tags:
                if isinstance(tag := at(other, key), str) and (same or len(parts) == 1):
                    found.setdefault(repository if same else str(parts[0]), []).append(tag)
        return found

    def _effective(self, other: JsonObject, key: Key) -> Any:
        """Give the value of ``key`` with a values file, which stands over the first: what the chart says itself."""
        value = at(other, key)
        return at(self.others[0], key) if value is None else value

    def _sample_tag(self, service: str) -> str | None:
        if self._samples is None:
            self._samples = Samples(self.contract)
        return self._samples.tag(self.contract.service[service])

    def _probes(self, evidence: Evidence) -> Iterator[Proposal]:
        path = parse_path(evidence.finding.raw.path)
        _, container = self._container(evidence.finding)
        ports = [] if container is None else container.body.get("ports")
        first = ports[0] if isinstance(ports, list) and ports and isinstance(ports[0], dict) else {}
        port = first.get("containerPort")
        if not isinstance(port, int):
            return
        for key in dict.fromkeys(hit.key for hit in evidence.blocks if hit.path[: len(path)] == path):
            yield Proposal({key: {"tcpSocket": {"port": port}}}, PROBE)

    def _replicas(self, evidence: Evidence) -> Iterator[Proposal]:
        if evidence.told is None or not evidence.told.words.get("maximum", "").isdigit():
            return
        for hit in evidence.scalars:
            if hit.is_whole:
                yield Proposal({hit.key: int(evidence.told.words["maximum"])})

    def _home(self, evidence: Evidence) -> Iterator[Proposal]:
        service = self.contract.service.get(evidence.finding.raw.service or "")
        if service is None or service.home is None:
            return
        wanted: dict[Key, str] = {
            ("metadata", "name"): service.home.name,
            ("metadata", "namespace"): service.home.namespace,
        }
        changes: dict[Key, Any] = {}
        for hit in evidence.scalars:
            value = _made(hit, wanted[hit.path])
            if value is not None:
                changes.setdefault(hit.key, value)
        yield from (Proposal({key: value}) for key, value in changes.items())
        if len(changes) > 1:
            yield Proposal(changes)

    def _namespace(self, evidence: Evidence) -> Iterator[Proposal]:
        for hit in evidence.scalars:
            if hit.is_whole:
                for namespace in sorted(self.contract.namespaces.allowed):
                    yield Proposal({hit.key: namespace})


class _Places:
    """The keys of an image: those that are its tag, its repository, or all of it."""

    def __init__(self, hits: Sequence[Hit], values: JsonObject) -> None:
        self.tags: list[Key] = []
        self.whole: list[Key] = []
        self.repository: list[Key] = []
        self._values = values
        for hit in sorted(hits, key=lambda hit: hit.shown.index(hit.mark)):
            if hit.is_whole:
                self.whole.append(hit.key)
            elif hit.mark in parse_image(hit.shown).tag:
                self.tags.append(hit.key)
            else:
                self.repository.append(hit.key)

    def changes(self, old: str, new: str, old_tag: str, tag: str) -> dict[Key, Any]:
        """Give what makes the image ``new:tag``; nothing when no key can."""
        if self.whole:
            return {self.whole[0]: f"{new}:{tag}"}
        changes: dict[Key, Any] = {}
        if new != old:
            changes.update(self._moved(new))
            if not changes:
                return {}
        if tag != old_tag:
            if self.tags:
                changes[self.tags[0]] = tag
            elif len(self.repository) == 1 and not old_tag:
                # The template prints no tag of its own.
                key = self.repository[0]
                changes[key] = f"{changes.get(key) or parse_image(str(at(self._values, key))).repository}:{tag}"
            else:
                return {}
        return changes

    def _moved(self, new: str) -> dict[Key, Any]:
        if len(self.repository) == 1:
            return {self.repository[0]: new}
        if len(self.repository) == 2:
            host, slash, rest = new.partition("/")
            return dict(
                zip(self.repository, (host, rest) if slash and "." in host else ("docker.io", new), strict=True)
            )
        return {}


def _made(hit: Hit, wanted: str) -> str | None:
    """Give the value of the key of ``hit`` that makes its field ``wanted``; None when none does."""
    before, _, after = hit.shown.partition(hit.mark)
    if hit.mark in after or len(wanted) <= len(before) + len(after):
        return None
    if not (wanted.startswith(before) and wanted.endswith(after)):
        return None
    return wanted[len(before) : len(wanted) - len(after)]
