"""Hypothesis strategies over a captured estate, for tests of one's own.

    from hypothesis import given
    from thunderguard.replay.strategies import estate_objects

    @given(estate_objects("estate.jsonl"))
    def test_my_policy_has_an_answer(estate_object): ...

An object is a real one of the snapshot, or one that the Estate gives, changed by up to so many mutations. A failing
example shrinks to the simplest object with the fewest mutations, and Hypothesis prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from hypothesis import currently_in_test_context, note
from hypothesis import strategies as st

from thunderguard.errors import UsageError
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.facts.resources import resource_of
from thunderguard.model import JsonObject
from thunderguard.replay.cases import Played, Step, described
from thunderguard.replay.corpus import Corpus, read_objects
from thunderguard.replay.ground import Ground
from thunderguard.replay.mutations import MUTATIONS, Mutation

#: How many mutations change one object at most, unless another number is asked for.
MOST = 3


def estate_objects(
    snapshot: str | Path | None = None,
    estate: str | Path | None = None,
    *,
    mutations: Sequence[str] | None = None,
    most: int = MOST,
) -> st.SearchStrategy[JsonObject]:
    """Draw objects of an estate, changed by up to ``most`` mutations.

    ``snapshot`` is whatever an audit reads (None: only objects that the Estate gives), ``estate`` the Estate (None: the
    default one), ``mutations`` the names of those that may be used (None: all; ``()``: objects as they are). Raises
    SourceError when there is no object, EstateError, and UsageError for a mutation that there is not.
    """
    return played_cases(snapshot, estate, mutations=mutations, most=most).map(lambda played: played.after)


def played_cases(
    snapshot: str | Path | None = None,
    estate: str | Path | None = None,
    *,
    mutations: Sequence[str] | None = None,
    least: int = 0,
    most: int = MOST,
) -> st.SearchStrategy[Played]:
    """Draw objects with their history: as they were, as they are, and what each mutation said it would do.

    Between ``least`` and ``most`` mutations are applied; for the rest see :func:`estate_objects`.
    """
    for name in mutations or ():
        if name not in MUTATIONS:
            raise UsageError(f"no mutation is called {name!r}", hint="thunderguard replay --list names all of them")
    corpus = corpus_of(None if snapshot is None else str(snapshot), None if estate is None else str(estate))
    wanted = None if mutations is None else frozenset(mutations)
    return drawn_from(corpus, wanted=lambda mutation: wanted is None or mutation.name in wanted, least=least, most=most)


@cache
def corpus_of(snapshot: str | None, estate: str | None) -> Corpus:
    """Read a snapshot and an Estate, once each; see :func:`estate_objects`."""
    ground = Ground.of(load_estate(DEFAULT_ESTATE if estate is None else Path(estate)).data)
    return Corpus.of(ground, () if snapshot is None else read_objects([snapshot]))


def drawn_from(
    corpus: Corpus, *, wanted: Callable[[Mutation], bool] = lambda _: True, least: int = 0, most: int = MOST
) -> st.SearchStrategy[Played]:
    """Draw objects of ``corpus`` with their history, changed by mutations that ``wanted`` accepts."""

    @st.composite
    def cases(draw: st.DrawFn) -> Played:
        base = draw(st.sampled_from(corpus.by_size))
        known = [one for family in corpus.mutations(base) for one in family if wanted(one)]
        played = Played.of(base)
        for _ in range(draw(st.integers(least, most)) if known and most else 0):
            mutation = draw(st.sampled_from(known))
            played = played.then(Step(mutation.name, draw(mutation.arguments())), corpus.ground) or played
        if played.effects and currently_in_test_context():
            note(f"{resource_of(base)}, after {described(played.case.steps)}")
        return played

    strategy = cases()
    return strategy if not least else strategy.filter(lambda played: len(played.effects) >= least)
