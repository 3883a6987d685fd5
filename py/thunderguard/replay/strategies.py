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
from thunderguard.model import JsonObject
from thunderguard.replay.cases import Case, Played, Step, address_of, described, play
from thunderguard.replay.corpus import Corpus, read_objects
from thunderguard.replay.ground import Ground
from thunderguard.replay.mutations import FAMILIES, MUTATIONS, Mutation

_MOST = 3


def estate_objects(
    snapshot: str | Path | None = None,
    estate: str | Path | None = None,
    *,
    mutations: Sequence[str] | None = None,
    most: int = _MOST,
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
    most: int = _MOST,
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
    corpus: Corpus, *, wanted: Callable[[Mutation], bool] = lambda _: True, least: int = 0, most: int = _MOST
) -> st.SearchStrategy[Played]:
    """Draw objects of ``corpus`` with their history, changed by mutations that ``wanted`` accepts."""

    @st.composite
    def cases(draw: st.DrawFn) -> Played:
        base = draw(st.sampled_from(corpus.by_size))
        known = [one for family in corpus.mutations(base) for one in family if wanted(one)]
        steps: list[Step] = []
        if known and most:
            for _ in range(draw(st.integers(least, most))):
                mutation = draw(st.sampled_from(known))
                arguments = draw(mutation.arguments())
                if play(Case(base, (*steps, Step(mutation.name, arguments))), corpus.ground) is not None:
                    steps.append(Step(mutation.name, arguments))
        played = play(Case(base, tuple(steps)), corpus.ground)
        if played is None:  # What was played step by step plays as a whole.
            raise AssertionError(f"{steps} cannot be played again")
        if steps and currently_in_test_context():
            note(f"{address_of(base)}, after {described(steps)}")
        return played

    strategy = cases()
    return strategy if not least else strategy.filter(lambda played: len(played.effects) >= least)


def mutation_names() -> list[str]:
    """Give the names of all mutations, in the order of their list."""
    return [mutation.name for family in FAMILIES for mutation in family.mutations]
