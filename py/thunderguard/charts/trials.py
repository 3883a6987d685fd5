"""Trying values: a chart rendered with changed values and judged, many times, in parallel, each question asked once."""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import orjson

from thunderguard.audit.judging import prepared
from thunderguard.audit.workers import cores
from thunderguard.charts.program import Bounds
from thunderguard.charts.render import RenderedObject, render
from thunderguard.charts.values import stacked
from thunderguard.documents.errors import Unreadable
from thunderguard.documents.objects import is_list
from thunderguard.documents.texts import Part, load
from thunderguard.errors import ChartError
from thunderguard.facts.resources import resource_of
from thunderguard.model import Document, EstateRequest, JsonObject, RawFinding, Resource
from thunderguard.paths import lookup, parse_path

if TYPE_CHECKING:
    from pathlib import Path

    from thunderguard.charts.chartfile import ChartSource
    from thunderguard.engines.base import Engine

# Values that make a template loop are an answer, and must not cost a minute.
_BOUNDS = Bounds(seconds=15.0)

#: What a finding is when names may change from one trial to the next: its rule, template, kind and path.
Signature: TypeAlias = tuple[str, str, str, str]
#: A signature, and the name of the container that it is about (empty for none).
Fault: TypeAlias = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Item:
    """One rendered object, the template that gave it, and its text in what was rendered from that template.

    ``place`` is its number among the documents of the template, ``text`` the YAML of its document, where it was kept.
    """

    template: str
    place: int
    obj: JsonObject
    text: str = ""

    @property
    def resource(self) -> Resource:
        """Its address, as rendered."""
        return resource_of(self.obj)


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and the place of its object in ``Trial.items``."""

    raw: RawFinding
    item: int
    signature: Signature
    container: str = ""

    @property
    def fault(self) -> Fault:
        """Its signature with its container: what tells the components of one template apart."""
        return (*self.signature, self.container)

    @property
    def template(self) -> str:
        """The template that gave the object."""
        return self.signature[1]


@dataclass(frozen=True)
class Trial:
    """What came of some values. ``error`` says, in Helm's words, why nothing was rendered; None when it was."""

    values: JsonObject
    items: tuple[Item, ...] = ()
    findings: tuple[Found, ...] = ()
    error: str | None = None

    @property
    def signatures(self) -> Counter[Signature]:
        """What was found, counted; names left out."""
        return Counter(found.signature for found in self.findings)


#: Renders a chart with a values file laid over the others. Raises ChartError.
Render: TypeAlias = Callable[[JsonObject], Sequence[Item]]


@dataclass(frozen=True)
class Setup:
    """How a chart is to be installed: what is given beside the chart.

    Values that are tried go over the files ``values`` and below the values ``over`` and the ``sets``.
    """

    release: str
    namespace: str
    values: Sequence[Path] = ()
    sets: Sequence[str] = ()
    over: JsonObject = field(default_factory=dict)

    def rendering(self, chart: ChartSource, *, texts: bool = False) -> Render:
        """Give what renders ``chart`` with values that are tried.

        The items have their texts if asked for.
        """

        def rendered(tried: JsonObject) -> list[Item]:
            made = render(
                chart,
                values=self.values,
                sets=self.sets,
                value_overrides=stacked(tried, self.over),
                release=self.release,
                namespace=self.namespace,
                bounds=_BOUNDS,
            )
            return [replace(item, text=one.text if texts else "") for one in made.objects for item in items_of(one)]

        return rendered


def items_of(one: RenderedObject) -> list[Item]:
    """Read what a template rendered, a List as its items. Raises ChartError when it is no YAML."""
    try:
        value = load(Part(one.text, 1, 0))[0]
    except Unreadable as error:
        raise ChartError(f"{one.template} renders to what cannot be read: {error.told()}") from None
    objects = value["items"] if is_list(value) else [value]
    return [Item(one.template, one.index, obj) for obj in objects if isinstance(obj, dict) and "kind" in obj]


class Trials:
    """Trials of one chart. ``renders`` counts how often it was rendered.

    Rendering is done by threads, which wait for Helm; judging in the caller's thread, many objects at a time.
    """

    def __init__(
        self,
        render: Render,
        engine: Engine,
        *,
        namespace: str | None,
        rules: Iterable[str] | None = None,
        workers: int | None = None,
        keep_items: bool = True,
        of_the_set: Collection[str] = (),
        most: int | None = None,
        seconds: float | None = None,
    ) -> None:
        """Take what renders and judges; ``rules`` (None: all) are the ids whose findings count.

        Without ``keep_items`` trials forget the objects once they are judged, which take most of the memory. The rules
        ``of_the_set`` are asked about all objects together, and count where they speak about one of them. After
        ``most`` renders, or ``seconds``, they are ``spent``, which is for those who ask to mind.
        """
        self._most = most
        self._until = None if seconds is None else time.monotonic() + seconds
        self._keep_items = keep_items
        self._of_the_set = of_the_set
        self._render = render
        self._engine = engine
        self._namespace = namespace
        self._rules = None if rules is None else frozenset(rules)
        self._workers = workers or cores()
        self._known: dict[str, Trial] = {}
        self.renders = 0

    @property
    def spent(self) -> bool:
        """Whether as much was tried as was wanted."""
        late = self._until is not None and time.monotonic() > self._until
        return late or (self._most is not None and self.renders >= self._most)

    def one(self, values: Mapping[str, object]) -> Trial:
        """Try ``values``."""
        return self.many([values])[0]

    def many(self, all_values: Sequence[Mapping[str, object]]) -> list[Trial]:
        """Try each of ``all_values``, in parallel; raises what is no fault of the chart (ToolMissingError, ...)."""
        # Numbers may be larger than orjson writes.
        keys = [json.dumps(values) for values in all_values]
        missing = {key: dict(values) for key, values in zip(keys, all_values, strict=True) if key not in self._known}
        if missing:
            rendered = self._rendered(list(missing.values()))
            self.renders += len(missing)
            for key, trial in zip(missing, self._judged(rendered), strict=True):
                self._known[key] = trial
        return [self._known[key] for key in keys]

    def _rendered(self, asked: list[JsonObject]) -> list[Trial]:
        if len(asked) == 1:
            return [self._tried(asked[0])]
        with ThreadPoolExecutor(min(self._workers, len(asked)), thread_name_prefix="thunderguard-render") as pool:
            return list(pool.map(self._tried, asked))

    def _tried(self, values: JsonObject) -> Trial:
        try:
            return Trial(values, tuple(self._render(values)))
        except ChartError as error:
            return Trial(values, error=error.message)

    def _judged(self, trials: list[Trial]) -> list[Trial]:
        places = [(number, place) for number, trial in enumerate(trials) for place in range(len(trial.items))]
        documents = [
            Document(index, orjson.dumps(trials[number].items[place].obj))
            for index, (number, place) in enumerate(places)
        ]
        found: list[list[Found]] = [[] for _ in trials]
        records: list[list[bytes]] = [[] for _ in trials]
        errors: dict[int, str] = {}
        waiting = deque(places)
        for outcome in self._engine.judge(prepared(documents, self._namespace)):
            number, place = waiting.popleft()
            item = trials[number].items[place]
            if not outcome.kind.is_verdict:
                errors.setdefault(number, f"{item.resource} could not be judged: {outcome.told}")
            if outcome.record is not None:
                records[number].append(orjson.dumps(outcome.record))
            found[number] += self._found(outcome.findings, item, place)
        if self._of_the_set:
            for number, trial in enumerate(trials):
                if trial.error is None and number not in errors:
                    outcome = self._engine.judge_estate(EstateRequest(records[number], tuple))
                    if not outcome.kind.is_verdict:
                        errors[number] = f"the whole set could not be judged: {outcome.told}"
                    asked = (raw for raw in outcome.findings if raw.rule in self._of_the_set)
                    found[number] += self._placed(asked, trial)
        return [
            Trial(trial.values, trial.items if self._keep_items else (), tuple(mine), trial.error or errors.get(number))
            for number, (trial, mine) in enumerate(zip(trials, found, strict=True))
        ]

    def _found(self, raws: Iterable[RawFinding], item: Item, place: int) -> Iterator[Found]:
        for raw in raws:
            if self._rules is None or raw.rule in self._rules:
                signature = (raw.rule, item.template, raw.resource.kind, raw.path)
                yield Found(raw, place, signature, _container(item.obj, raw.path))

    def _placed(self, raws: Iterable[RawFinding], trial: Trial) -> Iterator[Found]:
        """Give the findings that speak about objects of ``trial``, of which some name no namespace."""
        places = {item.resource: place for place, item in enumerate(trial.items)}
        for raw in raws:
            place = places.get(raw.resource, places.get(replace(raw.resource, namespace="")))
            if place is not None:
                yield from self._found([raw], trial.items[place], place)


def _container(obj: JsonObject, path: str) -> str:
    """Give the name of the container that ``path`` leads to or into, empty for none."""
    segments = parse_path(path)
    for end in range(len(segments), 0, -1):
        if isinstance(segments[end - 1], int) and str(segments[end - 2]).lower().endswith("containers"):
            value, depth = lookup(obj, segments[:end])
            name = value.get("name") if depth == end and isinstance(value, dict) else None
            return name if isinstance(name, str) else ""
    return ""
