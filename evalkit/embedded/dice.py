"""Seeded choices that come out the same on every Python."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A seeded source of choices.

    Everything is derived from `random.Random.random`, the one method whose stream Python promises
    to keep; `choice` and `shuffle` may change between versions, and the suites with them.
    """

    def __init__(self, seed: str) -> None:
        """Start the stream that belongs to `seed`."""
        self._random = random.Random(seed)

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._random.random() < probability

    def number(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[int(self._random.random() * len(items))]

    def shuffled(self, items: Iterable[T]) -> list[T]:
        """The items in random order."""
        keyed = [(self._random.random(), item) for item in items]
        return [item for _, item in sorted(keyed, key=itemgetter(0))]

    def several(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different items in random order."""
        return self.shuffled(items)[:count]
