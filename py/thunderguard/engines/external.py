"""What engines on external programs share: what becomes of a run that fails."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from thunderguard.errors import EngineError, PolicyError

Place = TypeVar("Place")
Asked = TypeVar("Asked")
Said = TypeVar("Said")


class RunError(Exception):
    """One run of a program gave nothing usable; the message says why."""


class HangError(RunError):
    """One run did not end in time."""


@contextmanager
def trying_out(policy_trouble: Collection[str]) -> Iterator[None]:
    """Run a program for the first time within: a RunError becomes an EngineError.

    It becomes a PolicyError when the program says one of ``policy_trouble``.
    """
    try:
        yield
    except RunError as error:
        if not isinstance(error, HangError) and any(sign in str(error) for sign in policy_trouble):
            raise PolicyError(f"the policy does not compile: {error}") from None
        raise EngineError(str(error)) from None


def in_halves(
    asked: Mapping[Place, Asked],
    ask: Callable[[Mapping[Place, Asked]], Mapping[Place, Said]],
    still_works: Callable[[], bool],
) -> dict[Place, Said | str]:
    """Give what ``ask`` says about each of ``asked``, or why it says nothing.

    One object that ends the program must not cost the others their answers: halve until it is alone.
    """
    if not asked:
        return {}
    try:
        return dict(ask(asked))
    except RunError as error:
        if len(asked) == 1 or isinstance(error, HangError) or not still_works():
            return dict.fromkeys(asked, str(error))
    places = list(asked)
    middle = len(places) // 2
    halves = ({place: asked[place] for place in part} for part in (places[:middle], places[middle:]))
    return {place: said for half in halves for place, said in in_halves(half, ask, still_works).items()}
