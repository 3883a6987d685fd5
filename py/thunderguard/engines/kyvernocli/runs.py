"""Which documents are asked about in one run of the program.

A run has one user and one operation, and an address may occur in it once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from thunderguard.engines.external import RunError
from thunderguard.engines.kyvernocli.policies import Variant
from thunderguard.engines.kyvernocli.program import Row
from thunderguard.engines.kyvernocli.questions import Question

# Larger runs save little more, and each has to end in time; in smaller ones the start costs more than it gains.
_MOST = 75
_LEAST = 15


@dataclass(frozen=True, slots=True)
class Run:
    """Questions for one run, by their places in the batch."""

    variant: Variant
    operation: str
    user: bytes
    questions: Mapping[int, Question]

    def sorted_out(self, rows: Iterable[Row]) -> dict[int, dict[str, list[Row]]]:
        """Give ``rows`` by the place of the question they answer, and by policy. Raises RunError for a stray one."""
        answers: dict[int, dict[str, list[Row]]] = {place: {} for place in self.questions}
        tags = {str(place) if asked.can_be_tagged else "": place for place, asked in self.questions.items()}
        for row in rows:
            if row.tag not in tags:
                raise RunError(f"kubectl-kyverno answers about an object that it was not asked about: {row!r:.200}")
            answers[tags[row.tag]].setdefault(row.policy, []).append(row)
        return answers


def first_places(questions: Mapping[int, Question]) -> dict[int, int]:
    """Give for the place of each question the first one where the same is asked, such as for a CREATE of a manifest."""
    firsts: dict[Hashable, int] = {}
    return {place: firsts.setdefault(asked.words, place) for place, asked in questions.items()}


def planned(questions: Mapping[int, Question], processes: int) -> list[Run]:
    """Put ``questions``, by their place, into runs for as many processes; the largest runs come first."""
    layers: dict[tuple[Variant, str, bytes, Hashable], list[tuple[int, Question]]] = defaultdict(list)
    times: Counter[Hashable] = Counter()
    for place, asked in questions.items():
        setting = (Variant.PLACED if asked.is_placed else Variant.UNPLACED, asked.operation, asked.user)
        layer: Hashable = ("alone", place)
        if asked.can_be_tagged:
            # The second object of an address goes with the second ones of others.
            layer = times[setting, asked.address]
            times[setting, asked.address] += 1
        layers[*setting, layer].append((place, asked))
    size = max(_LEAST, min(_MOST, ceil(len(questions) / processes)))
    runs = [
        Run(variant, operation, user, dict(part))
        for (variant, operation, user, _), members in layers.items()
        for part in _parts(members, size)
    ]
    return sorted(runs, key=lambda run: -len(run.questions))


def _parts(members: Sequence[tuple[int, Question]], size: int) -> Iterable[Sequence[tuple[int, Question]]]:
    return (members[start : start + size] for start in range(0, len(members), size))
