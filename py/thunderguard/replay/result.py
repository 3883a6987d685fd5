"""What came of a replay: for every property and engine how many examples agreed, and what did not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from thunderguard.model import ExitCode, JsonObject
from thunderguard.replay.properties import PROPERTIES
from thunderguard.replay.properties.base import Mismatch

FORMAT_VERSION = "1"


class State(StrEnum):
    """What came of one property on one engine. Only ``AGREES`` is a pass."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    UNJUDGED = "could not judge"
    CHANGED = "policy changed"
    NOTHING = "nothing to judge"


@dataclass(frozen=True, slots=True)
class Counterexample:
    """One disagreement, made small. ``manifest`` is YAML, ``steps`` say how it came about, ``command`` repeats it."""

    manifest: str
    steps: str
    mismatch: Mismatch
    command: str
    kept: str | None = None


@dataclass
class Cell:
    """One property on one engine. ``failures`` is how many examples disagreed; the first was made small.

    ``unjudged`` counts examples that the engine did not decide, with the first ``reason``; ``inexpressible`` those that
    it cannot be asked, which are no examples. ``changed`` says that the policy is another than the one recorded.
    """

    examples: int = 0
    failures: int = 0
    unjudged: int = 0
    inexpressible: int = 0
    reason: str = ""
    why_inexpressible: str = ""
    changed: bool = False
    notes: list[str] = field(default_factory=list)
    counterexamples: list[Counterexample] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def state(self) -> State:
        """What it comes to."""
        if self.reason or self.unjudged:
            return State.UNJUDGED
        if self.failures:
            return State.DISAGREES
        if self.changed:
            return State.CHANGED
        return State.AGREES if self.examples else State.NOTHING

    def trouble(self, reason: str, examples: int = 1) -> None:
        """Count ``examples`` that were not judged, for ``reason``."""
        self.unjudged += examples
        self.reason = self.reason or reason

    def add(self, other: Cell) -> None:
        """Count what another process or part counted."""
        for name in ("examples", "failures", "unjudged", "inexpressible", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.reason = self.reason or other.reason
        self.why_inexpressible = self.why_inexpressible or other.why_inexpressible
        self.changed = self.changed or other.changed
        self.notes += [note for note in other.notes if note not in self.notes]
        self.counterexamples += other.counterexamples


@dataclass(frozen=True, slots=True)
class Replay:
    """The whole result. ``cells`` has for each property, by id, the cell of each engine, by name.

    ``versions`` says of each engine what judged. ``interrupted`` says that not all was done.
    """

    snapshots: tuple[str, ...]
    objects: int
    estate: str
    seed: int
    profile: str
    wanted: int
    versions: Mapping[str, str]
    cells: Mapping[str, Mapping[str, Cell]]
    unmade: Mapping[str, str]
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """130 when it was interrupted, else 3 when an engine could not judge, else 1 when one disagreed, else 0."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        states = {cell.state for _, _, cell in self.each()}
        if State.UNJUDGED in states:
            return ExitCode.INCOMPLETE
        return ExitCode.FINDINGS if State.DISAGREES in states else ExitCode.CLEAN

    def each(self) -> Iterator[tuple[str, str, Cell]]:
        """Give property, engine and cell."""
        for id_, engines in self.cells.items():
            for engine, cell in engines.items():
                yield id_, engine, cell

    def to_json(self) -> JsonObject:
        """Give the result as a JSON value (``replay.schema.json``), which report formats are made of."""
        return {
            "formatVersion": FORMAT_VERSION,
            "snapshots": list(self.snapshots),
            "objects": self.objects,
            "estate": self.estate,
            "seed": self.seed,
            "profile": self.profile,
            "examples": self.wanted,
            "engines": [{"name": name, "version": version or None} for name, version in self.versions.items()],
            "properties": [
                {
                    "id": id_,
                    "title": PROPERTIES[id_].title,
                    "statement": PROPERTIES[id_].text,
                    "engines": [_cell(name, cell) for name, cell in engines.items()],
                }
                for id_, engines in self.cells.items()
            ],
            "withoutSample": [{"service": name, "reason": why} for name, why in sorted(self.unmade.items())],
            "interrupted": self.interrupted,
            "exitCode": self.exit_code,
        }


def _cell(name: str, cell: Cell) -> JsonObject:
    return {
        "engine": name,
        "state": str(cell.state),
        "examples": cell.examples,
        "failures": cell.failures,
        "unjudged": cell.unjudged,
        "notExpressible": cell.inexpressible,
        "whyNotExpressible": cell.why_inexpressible or None,
        "reason": cell.reason or None,
        "notes": list(cell.notes),
        "seconds": round(cell.seconds, 3),
        "counterexamples": [_counterexample(one) for one in cell.counterexamples],
    }


def _counterexample(one: Counterexample) -> JsonObject:
    sides: Sequence[tuple[str, tuple[str, ...]]] = (
        (one.mismatch.left, one.mismatch.left_lines),
        (one.mismatch.right, one.mismatch.right_lines),
    )
    return {
        "manifest": one.manifest,
        "steps": one.steps or None,
        "outcomes": [{"by": name, "says": list(lines)} for name, lines in sides],
        "command": one.command,
        "kept": one.kept,
    }
