"""Values as property-based tests: whatever values a chart renders with, what it renders obeys the object rules.

Switches come first, every two of them in every combination; then values are drawn by a seed. What breaks a rule is made
small: the fewest keys that it takes.
"""

from __future__ import annotations

import re
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from thunderguard.charts.generate import Ground, smallest
from thunderguard.charts.pairwise import covered, covering, pairs
from thunderguard.charts.shipped import Shipped
from thunderguard.charts.shrink import fewest
from thunderguard.charts.values import Key, leaves, setting, written
from thunderguard.errors import ChartError
from thunderguard.model import ExitCode, Level

if TYPE_CHECKING:
    from thunderguard.charts.shrink import Changes
    from thunderguard.charts.trials import Fault, Found, Setup, Trial, Trials
    from thunderguard.model import JsonObject

#: What is being done, how much of it is done, how much there is.
Progress: TypeAlias = Callable[[str, int, int | None], None]

EXAMPLES = 100
SECONDS = 60.0
_AT_ONCE = 8
_LONGEST_REASON = 400


@dataclass(frozen=True)
class Settings:
    """How values are tried. After ``seconds`` no new values are begun; what was found by then is made small."""

    seed: int
    examples: int = EXAMPLES
    seconds: float = SECONDS
    fail_on: Level | None = Level.DENY


@dataclass(frozen=True)
class Broken:
    """Values with which what is rendered breaks rules, the fewest keys that it takes.

    ``shipped`` names the values file that breaks the same without them, None when none does. ``examples`` counts those
    that broke it.
    """

    values: JsonObject
    findings: tuple[Found, ...]
    shipped: str | None
    examples: int

    @property
    def is_new(self) -> bool:
        """Whether no values file of the chart shows it."""
        return self.shipped is None


@dataclass(frozen=True)
class NotRendered:
    """Why some examples did not render, in Helm's words: how many, and the values of the first."""

    reason: str
    examples: int
    values: JsonObject


@dataclass(frozen=True)
class PropertyRun:
    """What came of one run. ``pairs`` are those of the values of two switches, ``covered`` those that were rendered."""

    chart: str
    setup: Setup
    settings: Settings
    switches: int
    pairs: int
    covered: int
    tried: int
    planned: int
    rendered: int
    renders: int
    seconds: float
    broken: tuple[Broken, ...] = ()
    not_rendered: tuple[NotRendered, ...] = ()
    stopped: bool = False

    def to_json(self) -> JsonObject:
        """Give the value that ``schemas/chartproperty.schema.json`` describes."""
        limit = self.settings.fail_on
        return {
            "formatVersion": "1",
            "chart": self.chart,
            "release": self.setup.release,
            "namespace": self.setup.namespace,
            "seed": self.settings.seed,
            "examples": self.settings.examples,
            "deadline": self.settings.seconds,
            "failOn": "never" if limit is None else str(limit),
            "seconds": round(self.seconds, 3),
            "stopped": self.stopped,
            "switches": {"number": self.switches, "pairs": self.pairs, "covered": self.covered},
            "tried": self.tried,
            "planned": self.planned,
            "rendered": self.rendered,
            "renders": self.renders,
            "broken": [_broken_json(one) for one in self.broken],
            "notRendered": [
                {"reason": one.reason, "examples": one.examples, "values": written(one.values)}
                for one in self.not_rendered
            ],
            "exitCode": self.exit_code,
        }

    @property
    def exit_code(self) -> int:
        """The exit code: findings at or above the level that fails."""
        limit = self.settings.fail_on
        fails = limit is not None and any(
            found.raw.level.reaches(limit) for broken in self.broken for found in broken.findings
        )
        return ExitCode.FINDINGS if fails else ExitCode.CLEAN


@dataclass
class Property:
    """A run over the values of one chart."""

    chart: str
    setup: Setup
    trials: Trials
    ground: Ground
    shipped: Sequence[Shipped]
    settings: Settings
    clock: Callable[[], float] = time.monotonic
    progress: Progress | None = None
    _seen: list[Trial] = field(default_factory=list, init=False)

    def run(self) -> PropertyRun:
        """Try values and give what came of it. Raises ChartError when the chart renders with none of them."""
        began = self.clock()
        known = self._known()
        rows = covering(self.ground.switches)
        first = [setting(self.ground.values, self._changed(row)) for row in rows]
        planned = len(first) + self.settings.examples
        tried = self._try(first, began, planned)
        done = rows[:tried]
        if tried == len(first):
            # Drawing takes a while itself, so that it is left until something is to be drawn.
            drawn = list(self._drawn())
            planned = len(first) + len(drawn)
            self._try(drawn, began, planned)
        rendered = [trial for trial in self._seen if trial.error is None]
        if not rendered:
            raise ChartError(
                self._seen[0].error if self._seen and self._seen[0].error else f"{self.chart}: no values to try"
            )
        stopped = len(self._seen) < planned
        # The new ones first, and of those the small ones.
        broken = tuple(sorted(self._broken(known), key=lambda one: (not one.is_new, len(list(leaves(one.values))))))
        switches = self.ground.switches
        return PropertyRun(
            chart=self.chart,
            setup=self.setup,
            settings=self.settings,
            switches=len(switches),
            pairs=pairs(switches),
            covered=covered(
                switches, [row for row, trial in zip(done, self._seen, strict=False) if trial.error is None]
            ),
            tried=len(self._seen),
            planned=planned,
            rendered=len(rendered),
            renders=self.trials.renders,
            seconds=self.clock() - began,
            broken=broken,
            not_rendered=tuple(self._failures()),
            stopped=stopped,
        )

    def _known(self) -> dict[Fault, str]:
        """Give what the chart's own values files break, with the first that does."""
        known: dict[Fault, str] = {}
        files = [Shipped("the default values", {}), *self.shipped]
        for file, trial in zip(files, self.trials.many([file.values for file in files]), strict=True):
            for found in trial.findings:
                known.setdefault(found.fault, file.name)
        return known

    def _changed(self, row: Mapping[Key, Any]) -> dict[Key, Any]:
        return smallest(self.ground.values, setting(self.ground.values, row))

    def _drawn(self) -> Iterator[JsonObject]:
        from hypothesis import HealthCheck, Phase, given, seed, settings
        from hypothesis.configuration import set_hypothesis_home_dir
        from hypothesis.errors import Unsatisfiable

        files: list[JsonObject] = []

        def collect(file: JsonObject) -> None:
            files.append(file)

        chosen = settings(
            max_examples=self.settings.examples,
            database=None,
            deadline=None,
            derandomize=False,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        # Hypothesis keeps notes beside what it tests, and warns about schemas; nothing of the user's is tested here.
        with tempfile.TemporaryDirectory(prefix="thunderguard-values-") as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            set_hypothesis_home_dir(folder)
            try:
                seed(self.settings.seed)(chosen(given(self.ground.drawn())(collect)))()
            except Unsatisfiable:
                # A schema may ask for what can hardly be drawn; what was drawn so far is tried.
                pass
            finally:
                set_hypothesis_home_dir(None)
        yield from files

    def _try(self, files: Sequence[JsonObject], began: float, planned: int) -> int:
        """Try ``files`` in turn until the time is up; give how many were."""
        for start in range(0, len(files), _AT_ONCE):
            # A few are tried however little time there is.
            if self._seen and self.clock() - began >= self.settings.seconds:
                return start
            self._seen += self.trials.many(files[start : start + _AT_ONCE])
            if self.progress is not None:
                self.progress("rendering values", len(self._seen), planned)
        return len(files)

    def _broken(self, known: Mapping[Fault, str]) -> Iterator[Broken]:
        showing: dict[Fault, list[Trial]] = {}
        for trial in self._seen:
            for fault in {found.fault: None for found in trial.findings}:
                showing.setdefault(fault, []).append(trial)
        together: dict[str, list[Broken]] = {}
        for fault, trials in sorted(showing.items()):
            least = min(trials, key=lambda trial: len(smallest(self.ground.values, trial.values)))
            values = {} if fault in known else self._smallest(least, fault)
            shown = self.trials.one(values) if fault not in known else least
            found = next(found for found in shown.findings if found.fault == fault)
            one = Broken(values, (found,), known.get(fault), len(trials))
            together.setdefault(f"{one.shipped}\0{values!r}", []).append(one)
        for several in together.values():
            findings = tuple(found for one in several for found in one.findings)
            yield Broken(several[0].values, findings, several[0].shipped, max(one.examples for one in several))

    def _smallest(self, trial: Trial, fault: Fault) -> JsonObject:
        def fails(sets: Sequence[Changes]) -> list[bool]:
            tried = self.trials.many([setting(self.ground.values, one) for one in sets])
            return [any(found.fault == fault for found in one.findings) for one in tried]

        few = fewest(smallest(self.ground.values, trial.values), fails)
        return setting(self.ground.values, {key: few[key] for key in sorted(few, key=str)})

    def _failures(self) -> Iterator[NotRendered]:
        grouped: dict[str, list[Trial]] = {}
        for trial in self._seen:
            if trial.error is not None:
                grouped.setdefault(_alike(trial.error), []).append(trial)
        for trials in sorted(grouped.values(), key=lambda some: (-len(some), some[0].error)):
            first = min(trials, key=lambda trial: len(smallest(self.ground.values, trial.values)))
            yield NotRendered((first.error or "")[:_LONGEST_REASON], len(trials), first.values)


def _broken_json(broken: Broken) -> JsonObject:
    return {
        "values": written(broken.values),
        "shipped": broken.shipped,
        "examples": broken.examples,
        "findings": [
            {
                "rule": found.raw.rule,
                "level": str(found.raw.level),
                "template": found.template,
                "resource": str(found.raw.resource),
                "path": found.raw.path,
                "message": found.raw.message,
                "remedy": found.raw.remedy,
            }
            for found in broken.findings
        ],
    }


def _alike(error: str) -> str:
    """Give what errors for the same reason have in common: numbers and quoted values left out."""
    return re.sub(r"'[^']*'|\"[^\"]*\"|[0-9]+", "?", error)
