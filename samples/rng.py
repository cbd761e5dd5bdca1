"""Seeded choices that come out the same on every Python version.

Only `Random.random()` and seeding from text are used: of the `random` module these alone are
promised to stay reproducible. Nothing here calls a maths library whose last digit differs between
platforms.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Rng:
    """A seeded stream of choices named by a path, such as `Rng(7, "habit", "payments")`.

    Every routine has its own, so that a change in one leaves the others as they were.
    """

    def __init__(self, *path: str | int) -> None:
        self._path = path
        self._random = random.Random("/".join(str(part) for part in path))

    def for_part(self, *path: str | int) -> Rng:
        """The generator of a part; it does not depend on the choices so far."""
        return Rng(*self._path, *path)

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with the given probability (0 to 1)."""
        return self._random.random() < probability

    def pick(self, choices: Sequence[T]) -> T:
        """One of `choices`, each as likely as the others."""
        return choices[self.between(0, len(choices) - 1)]

    def weighted(self, choices: Sequence[tuple[T, int]]) -> T:
        """One of `choices`, in proportion to its weight (a whole number above 0)."""
        rest = self.between(1, sum(weight for _, weight in choices))
        for choice, weight in choices:
            rest -= weight
            if rest <= 0:
                return choice
        raise ValueError("weighted() needs at least one choice with a weight above 0")

    def text(self, alphabet: str, length: int) -> str:
        """`length` characters of `alphabet`."""
        return "".join(self.pick(alphabet) for _ in range(length))
