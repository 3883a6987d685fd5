"""Drawing examples: the same ones for the same seed, each for itself, so that any process may draw any of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from thunderguard.replay.cases import Case, Played, Step, play
from thunderguard.replay.corpus import Corpus
from thunderguard.replay.domains import randomness
from thunderguard.replay.mutations import Mutation

if TYPE_CHECKING:
    from thunderguard.replay.ground import Ground

_TRIES = 40
_TRIES_FOR_A_STEP = 6


@dataclass(frozen=True)
class Deck:
    """What examples are drawn from: a corpus, by a seed."""

    corpus: Corpus
    seed: int

    def draw(
        self,
        pile: str,
        number: int,
        *,
        steps: tuple[int, int],
        wanted: Callable[[Mutation], bool] = lambda _: True,
        fits: Callable[[Played], bool] = lambda _: True,
        careful: bool = True,
    ) -> Played | None:
        """Draw example ``number`` of the ``pile`` of a property, with from ``steps[0]`` to ``steps[1]`` steps.

        ``wanted`` chooses among the mutations, ``fits`` among what comes of them; unless ``careful`` their effects are
        not known. None when nothing is found.
        """
        random, ground = randomness(self.seed, pile, number), self._ground(careful)
        for _ in range(_TRIES):
            played = self._attempt(random, number, random.randint(*steps), wanted, ground)
            if len(played.effects) >= steps[0] and fits(played):
                return played
        return None

    def _ground(self, careful: bool) -> Ground:
        return self.corpus.ground if careful else self.corpus.ground.careless

    def _attempt(
        self, random: Random, number: int, steps: int, wanted: Callable[[Mutation], bool], ground: Ground
    ) -> Played:
        base = self.corpus.pick(random)
        families = [chosen for family in self.corpus.mutations(base) if (chosen := [m for m in family if wanted(m)])]
        played = Played.of(base, number)
        for _ in range(_TRIES_FOR_A_STEP * steps if families else 0):
            if len(played.effects) == steps:
                break
            family = families[int(random.random() * len(families))]
            mutation = family[int(random.random() * len(family))]
            played = played.then(Step(mutation.name, mutation.pick(random)), ground) or played
        return played

    def replayed(self, case: Case, *, careful: bool = True) -> Played | None:
        """Take the steps of a case again; None when one of them leads nowhere."""
        return play(case, self._ground(careful))
