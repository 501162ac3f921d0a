"""Choices that come out the same on every machine and every Python release."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """A seeded stream of choices.

    It stands on ``Random.random()`` alone: Python promises that sequence for a given seed, while ``choice``,
    ``sample`` and ``shuffle`` may change the numbers they consume from one release to the next.
    """

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  # nosec B311 - demo data, nothing secret

    def below(self, limit: int) -> int:
        """A whole number from 0 up to, not including, ``limit``."""
        return int(self._random.random() * limit)

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1)

    def chance(self, probability: float) -> bool:
        """True with the given probability (0 to 1)."""
        return self._random.random() < probability

    def one(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.below(len(options))]

    def some(self, options: Sequence[T], count: int) -> list[T]:
        """``count`` different positions of the options (all, when there are fewer), shuffled."""
        left = list(options)
        return [left.pop(self.below(len(left))) for _ in range(min(count, len(left)))]

    def digits(self, count: int) -> str:
        """A text of ``count`` decimal digits; it may begin with zeros."""
        return "".join(str(self.below(10)) for _ in range(count))
