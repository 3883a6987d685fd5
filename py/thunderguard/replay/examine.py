"""Examining examples: drawn, judged in whole batches, and compared."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from thunderguard.model import Outcome
from thunderguard.replay.cases import Case, Played
from thunderguard.replay.deck import Deck
from thunderguard.replay.judges import Judge
from thunderguard.replay.properties.base import Mismatch, ObjectPart
from thunderguard.replay.result import Cell


@dataclass(frozen=True, slots=True)
class Trial:
    """A played case, and what engines are asked about it."""

    played: Played
    texts: tuple[bytes, ...]


@dataclass
class Examined:
    """What came of some trials on one engine: the counts, and the numbers of the cases that failed."""

    cell: Cell = field(default_factory=Cell)
    failed: list[int] = field(default_factory=list)


def drawn(part: ObjectPart, deck: Deck, numbers: Iterable[int]) -> list[Trial]:
    """Draw the examples of ``numbers``; a number for which there is none is left out."""
    trials = []
    for number in numbers:
        played = part.draw(deck, number)
        trial = None if played is None else _trial(part, played)
        if trial is not None:
            trials.append(trial)
    return trials


def _trial(part: ObjectPart, played: Played) -> Trial | None:
    texts = tuple(part.texts(played))
    return Trial(played, texts) if texts else None


def examine(part: ObjectPart, trials: Sequence[Trial], judge: Judge, arbiter: Judge) -> Examined:
    """Judge ``trials`` by one engine, all at once, and count what came of it."""
    started = time.monotonic()
    examined = Examined()
    cell = examined.cell
    asked = []
    judge.ask_ahead(text for trial in trials for text in trial.texts)
    for trial in trials:
        why = next((said for text in trial.texts if (said := judge.cannot_express(text))), None)
        if why is None:
            asked.append(trial)
        else:
            cell.inexpressible += 1
            cell.why_inexpressible = cell.why_inexpressible or why
    for trial, mismatch, why in _judged(part, asked, judge, arbiter):
        if why:
            cell.trouble(why)
            continue
        cell.examples += 1
        if mismatch is not None:
            cell.failures += 1
            examined.failed.append(trial.played.case.number)
    cell.seconds = time.monotonic() - started
    return examined


def mismatches(
    part: ObjectPart, cases: Sequence[Case], deck: Deck, judge: Judge, arbiter: Judge
) -> list[tuple[Played | None, Mismatch | None]]:
    """Play ``cases`` and give what is wrong with each; None for one that cannot be played or judged."""
    played = [deck.replayed(case, careful=part.careful) for case in cases]
    trials = [None if one is None else _trial(part, one) for one in played]
    known = [trial for trial in trials if trial is not None]
    found = {id(trial): mismatch for trial, mismatch, _ in _judged(part, known, judge, arbiter)}
    return [(one, None if trial is None else found[id(trial)]) for one, trial in zip(played, trials, strict=True)]


def _judged(
    part: ObjectPart, trials: Sequence[Trial], judge: Judge, arbiter: Judge
) -> list[tuple[Trial, Mismatch | None, str]]:
    """Give for each trial what is wrong, and why it could not be judged, "" when it was."""
    texts = [text for trial in trials for text in trial.texts]
    mine = judge.outcomes(texts)
    theirs = mine if judge is arbiter else arbiter.outcomes(texts)
    results, at = [], 0
    for trial in trials:
        end = at + len(trial.texts)
        results.append((trial, *_checked(part, trial, mine[at:end], theirs[at:end])))
        at = end
    return results


def _checked(
    part: ObjectPart, trial: Trial, mine: Sequence[Outcome], theirs: Sequence[Outcome]
) -> tuple[Mismatch | None, str]:
    if not part.undecided:
        why = next((outcome.told for outcome in mine if not outcome.kind.is_verdict), "")
        if why:
            return None, why
    return part.check(trial.played, mine, theirs), ""
