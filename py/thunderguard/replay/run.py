"""A replay from beginning to end."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from thunderguard.audit.run import Progress
from thunderguard.audit.workers import cores
from thunderguard.catalogue import load_catalogue
from thunderguard.cleanup import on_failure
from thunderguard.engines import ENGINE_NAMES, USUAL_ENGINES, EngineOptions
from thunderguard.errors import UsageError
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.facts.waivers import without_waivers
from thunderguard.files import seen_from_here
from thunderguard.model import JsonObject
from thunderguard.replay.cases import Case, Played, described, texts_of
from thunderguard.replay.corpus import Corpus, read_objects
from thunderguard.replay.deck import Deck
from thunderguard.replay.examine import Examined, drawn, examine, mismatches
from thunderguard.replay.ground import Ground
from thunderguard.replay.judges import IN_PROCESS, Bench, Judge
from thunderguard.replay.manifests import keep, manifest
from thunderguard.replay.properties import PROPERTIES, a_agreement
from thunderguard.replay.properties.base import Mismatch, ObjectPart, SetExample, SetPart, World, Written
from thunderguard.replay.result import Cell, Counterexample, Replay
from thunderguard.replay.shrink import fewer, shrunk
from thunderguard.replay.workers import Workers

#: The examples of each profile.
PROFILES: Mapping[str, int] = {"dev": 100, "ci": 200, "deep": 5000}

# The property that compares one object's verdict with the arbiter's.
_AGREEMENT: ObjectPart = a_agreement.OBJECTS

_EXTERNAL_AT_ONCE = 2
# Programs that start anew for each set get fewer of them.
_PRICE_OF_A_START = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a replay is to do.

    ``properties`` are ids (none: all), ``keep`` writes counterexamples into the suite, ``options`` go to the engines.
    ``words`` are the words of the command line that says the same, but for seed, examples, engines and properties.
    """

    engines: tuple[str, ...] = USUAL_ENGINES
    properties: tuple[str, ...] = ()
    examples: int = 100
    seed: int = 0
    profile: str = "dev"
    estate: Path | None = None
    keep: bool = False
    workers: int | None = None
    options: EngineOptions = field(default_factory=EngineOptions)
    words: tuple[str, ...] = ()


def run_replay(
    snapshots: Sequence[str], settings: Settings, *, written: Written, progress: Progress | None = None
) -> Replay:
    """Judge examples drawn from ``snapshots`` by every engine, and give what came of each property.

    ``written`` gives a report as JSON. An engine that cannot judge is in the result. Raises SourceError when there is
    no object, EstateError, and UsageError for engines and properties that there are not. Ctrl-C ends it, with what was
    done until then.
    """
    _check(settings)
    # A waiver is an exception to what rules promise, and made for an address that mutations change.
    contract, catalogue = load_estate(settings.estate or DEFAULT_ESTATE), load_catalogue()
    estate = replace(contract, data=without_waivers(contract.data))
    captured = tuple((path, tuple(read_objects([path]))) for path in snapshots)
    ground = Ground.of(estate.data)
    corpus = Corpus.of(ground, (obj for _, objects in captured for obj in objects))
    deck = Deck(corpus, settings.seed)
    world = World(deck, captured, estate, catalogue, settings.options, written)
    with closing(Bench(settings.engines, estate=estate, catalogue=catalogue, options=settings.options)) as bench:
        run = _Run(world, settings, bench, progress or _silent)
        interrupted = run.all()
        return Replay(
            snapshots=tuple(snapshots),
            objects=corpus.seen,
            estate=seen_from_here(estate.path),
            seed=settings.seed,
            profile=settings.profile,
            wanted=settings.examples,
            versions={
                name: judge.engine.version if judge.engine is not None else "" for name, judge in bench.judges.items()
            },
            cells=run.cells,
            unmade=ground.samples.missing,
            interrupted=interrupted,
        )


def _check(settings: Settings) -> None:
    for kind, asked, known in (
        ("engine", settings.engines, ENGINE_NAMES),
        ("property", settings.properties, tuple(PROPERTIES)),
    ):
        for name in asked:
            if name not in known:
                raise UsageError(f"no {kind} is called {name!r}", hint=f"choose among {', '.join(known)}")


def _silent(what: str, done: int, total: int | None) -> None:
    del what, done, total


class _Run:
    """One replay under way."""

    def __init__(self, world: World, settings: Settings, bench: Bench, progress: Progress) -> None:
        self._world = world
        self._settings = settings
        self._bench = bench
        self._progress = progress
        self.cells: dict[str, dict[str, Cell]] = {}

    def all(self) -> bool:
        """Try every property; say whether Ctrl-C ended it."""
        world, settings = self._world, self._settings
        inside = [name for name in settings.engines if name in IN_PROCESS]
        number = (settings.workers or cores()) if inside else 1
        opening = partial(Bench, inside, estate=world.estate, catalogue=world.catalogue, options=settings.options)
        try:
            with closing(Workers(world.deck, self._bench, opening, settings.examples, number)) as workers:
                for id_ in sorted(set(settings.properties or PROPERTIES)):
                    self.cells[id_] = {name: Cell() for name in self._bench.judges}
                    self._property(id_, workers)
        except KeyboardInterrupt:
            return True
        return False

    def _property(self, id_: str, workers: Workers) -> None:
        cells = self.cells[id_]
        usable = []
        for name, judge in self._bench.judges.items():
            if judge.engine is None:
                cells[name].trouble(judge.trouble, self._settings.examples)
            else:
                usable.append(name)
        for place, part in enumerate(PROPERTIES[id_].parts):
            if isinstance(part, ObjectPart):
                self._objects(id_, place, part, usable, workers)
            else:
                self._sets(id_, part, usable)

    def _objects(self, id_: str, place: int, part: ObjectPart, engines: Sequence[str], workers: Workers) -> None:
        count, done = self._settings.examples, 0
        inside = [name for name in engines if name in IN_PROCESS]
        outside = [name for name in engines if name not in IN_PROCESS]
        total = count * (bool(inside) + len(outside))
        failed: dict[str, list[int]] = {name: [] for name in engines}

        def told(found: Mapping[str, Examined], size: int) -> None:
            nonlocal done
            for name, one in found.items():
                self.cells[id_][name].add(one.cell)
                failed[name] += one.failed
            done += size
            self._progress(f"{id_}  {PROPERTIES[id_].title}", done, total)

        if inside:
            for size, found in workers.examine(id_, place, inside):
                told(found, size)
        if outside:
            trials = drawn(part, self._world.deck, range(count))
            # Asked once, before several threads want it.
            self._bench.arbiter.outcomes([text for trial in trials for text in trial.texts])
            with ThreadPoolExecutor(_EXTERNAL_AT_ONCE) as threads, on_failure(partial(self._give_up, threads)):
                waiting = {
                    threads.submit(examine, part, trials, self._bench.judges[name], self._bench.arbiter): name
                    for name in outside
                }
                for future in as_completed(waiting):
                    told({waiting[future]: future.result()}, count)
        for name in engines:
            if failed[name]:
                self._explain(id_, part, name, min(failed[name]))

    def _give_up(self, threads: ThreadPoolExecutor) -> None:
        """End the engines, since leaving the pool waits for what they are asked."""
        threads.shutdown(wait=False, cancel_futures=True)
        self._bench.close()

    def _explain(self, id_: str, part: ObjectPart, name: str, number: int) -> None:
        """Make the first failed example of an engine small, and tell it."""
        judge, arbiter, deck = self._bench.judges[name], self._bench.arbiter, self._world.deck
        self._progress(f"{id_}  making a counterexample of {name} small", 0, None)
        played = part.draw(deck, number)
        if played is None:
            return
        if part.undecided and not self._decides(judge):
            # Nothing is wrong with the input when the engine decides about no other either.
            cell = self.cells[id_][name]
            cell.failures, examples = 0, cell.failures
            cell.examples -= examples
            found = mismatches(part, [played.case], deck, judge, arbiter)[0][1]
            cell.trouble(found.right_lines[0] if found else "it stopped deciding", examples)
            return
        case, again, mismatch = self._small(part, played, judge)
        if mismatch is None or again is None:
            return
        steps = described(case.steps) or described(played.case.steps)
        if part.careful and (alone := self._alone(again, mismatch, judge)) is not None:
            part, (case, again, mismatch) = _AGREEMENT, alone
        shown = [again.before, again.after] if part.shows_before and case.steps else [again.after]
        self.cells[id_][name].counterexamples.append(
            Counterexample(
                manifest=manifest(shown),
                steps=steps,
                mismatch=_named(mismatch, name),
                command=self._command(id_, name, number),
                kept=self._kept(part, again, mismatch) if self._settings.keep else None,
            )
        )

    def _alone(self, played: Played, mismatch: Mismatch, judge: Judge) -> tuple[Case, Played, Mismatch] | None:
        """Show the fault by the last object alone, where the arbiter says something else of it; None when it does not.

        What a mutation adds would never become smaller, and one object is easier to look at than two.
        """
        rules = _rules(mismatch)
        found = mismatches(_AGREEMENT, [Case(played.after)], self._world.deck, judge, self._bench.arbiter)[0][1]
        if found is None or not _rules(found) & rules:
            return None
        case, again, small = self._small(_AGREEMENT, Played.of(played.after), judge)
        return None if again is None or small is None or not _rules(small) & rules else (case, again, small)

    def _decides(self, judge: Judge) -> bool:
        return judge.is_alive(texts_of(self._world.ground.samples.loose[0])[0])

    def _small(self, part: ObjectPart, played: Played, judge: Judge) -> tuple[Case, Played | None, Mismatch | None]:
        arbiter, deck = self._bench.arbiter, self._world.deck
        (_, wanted), *_ = mismatches(part, [played.case], deck, judge, arbiter)
        if wanted is None:
            return played.case, None, None

        def fails(cases: Sequence[Case]) -> list[bool]:
            found = mismatches(part, cases, deck, judge, arbiter)
            return [one is not None and bool(one.signature & wanted.signature) for _, one in found]

        case = played.case
        if part.forgets_steps:
            alone = Case(played.after, (), case.number)
            case = alone if fails([alone])[0] else case
        case = shrunk(case, fails)
        (again, mismatch), *_ = mismatches(part, [case], deck, judge, arbiter)
        return case, again, mismatch

    def _kept(self, part: ObjectPart, played: Played, mismatch: Mismatch) -> str | None:
        old = played.before if part.is_update else None
        texts = part.texts(played) if part.is_update else texts_of(played.after)
        outcome = self._bench.arbiter.outcomes(texts)[0]
        rule = next((rule for rule in sorted(_rules(mismatch)) if rule in outcome.statuses), None)
        return None if rule is None else str(keep(played.after, rule, outcome, old=old))

    def _command(self, id_: str, engine: str, number: int) -> str:
        words = ["thunderguard", "replay", *self._settings.words, "--engines", engine, "--property", id_]
        return shlex.join([*words, "--seed", str(self._settings.seed), "--examples", str(number + 1)])

    def _sets(self, id_: str, part: SetPart, engines: Sequence[str]) -> None:
        title = f"{id_}  {PROPERTIES[id_].title}, whole sets"
        for name in engines:
            judge, cell = self._bench.judges[name], self.cells[id_][name]
            price = part.price * (1 if name in IN_PROCESS else _PRICE_OF_A_START)
            count = max(self._settings.examples // price, 1)
            started = time.monotonic()
            for done, example in enumerate(part.examples(self._world, judge, self._bench.arbiter, count), 1):
                self._set_example(id_, name, cell, example)
                self._progress(f"{title}, {name}", done, None)
            cell.seconds += time.monotonic() - started

    def _set_example(self, id_: str, name: str, cell: Cell, example: SetExample) -> None:
        if example.trouble:
            cell.trouble(example.trouble)
            return
        if example.note and example.note not in cell.notes:
            cell.notes.append(example.note)
        if not example.counts:
            return
        cell.changed = cell.changed or example.changed
        cell.examples += 1
        if example.mismatch is None:
            return
        cell.failures += 1
        if cell.counterexamples:
            return
        objects, mismatch = self._smaller_set(example)
        self.cells[id_][name].counterexamples.append(
            Counterexample(
                manifest=manifest(objects),
                steps=example.steps,
                mismatch=mismatch,
                command=self._command(id_, name, self._settings.examples - 1),
            )
        )

    def _smaller_set(self, example: SetExample) -> tuple[Sequence[JsonObject], Mismatch]:
        wanted, again = example.mismatch, example.again
        if wanted is None:
            raise ValueError("nothing is wrong with it")
        if again is None:
            return example.objects, wanted

        def mismatch(objects: Sequence[JsonObject]) -> Mismatch | None:
            found = again(objects)
            return found if found is not None and found.signature & wanted.signature else None

        objects = fewer(example.objects, lambda some: mismatch(some) is not None)
        for place in range(len(objects)):

            def fails(cases: Sequence[Case], place: int = place) -> list[bool]:
                return [mismatch([*objects[:place], case.base, *objects[place + 1 :]]) is not None for case in cases]

            objects[place] = shrunk(Case(objects[place]), fails).base
        return objects, mismatch(objects) or wanted


def _rules(mismatch: Mismatch) -> set[str]:
    return {sign.lstrip("+-").partition(":")[0] for sign in mismatch.signature} - {"outcome"}


def _named(mismatch: Mismatch, engine: str) -> Mismatch:
    """Put the name of the engine where a property that knows none says just that."""
    left, right = (engine if side == "engine" else side for side in (mismatch.left, mismatch.right))
    return replace(mismatch, left=left, right=right)
