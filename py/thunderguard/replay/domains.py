"""What the arguments of a mutation may be: each domain is picked from at random, or is a Hypothesis strategy."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def randomness(*seed: object) -> Random:
    """Give a source of random choices that is the same for the same ``seed``."""
    return Random("/".join(map(str, seed)))  # noqa: S311 - examples are drawn, not secrets


class Domain(Protocol):
    """The values that one argument may have."""

    def pick(self, random: Random) -> Any:
        """Give one of them."""

    def strategy(self) -> SearchStrategy[Any]:
        """Give the strategy that draws them, the simplest first."""


@dataclass(frozen=True, eq=False)
class OneOf:
    """Any of ``values``; the first is the simplest."""

    values: tuple[Any, ...]

    def pick(self, random: Random) -> Any:
        """Give one of them."""
        return self.values[int(random.random() * len(self.values))]

    def strategy(self) -> SearchStrategy[Any]:
        """Give the strategy that draws them."""
        from hypothesis import strategies

        return strategies.sampled_from(self.values)


@dataclass(frozen=True)
class Whole:
    """A whole number from ``low`` to ``high``."""

    low: int = 0
    high: int = 63

    def pick(self, random: Random) -> int:
        """Give one of them."""
        return self.low + int(random.random() * (self.high - self.low + 1))

    def strategy(self) -> SearchStrategy[int]:
        """Give the strategy that draws them."""
        from hypothesis import strategies

        return strategies.integers(self.low, self.high)
