"""Scorers that compute the statistics of many examples at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from evalkit.scorers.base import Kind, Scorer, mean_of
from evalkit.stats.samples import FloatArray

CHARACTERS = 2**17
"""Texts of a batch have so many, or it is one example: what a batch takes of memory is bounded."""

Pair: TypeAlias = tuple[str, tuple[str, ...]]
"""A prediction and its references."""
Measure: TypeAlias = Callable[[Sequence[str], Sequence[Sequence[str]]], FloatArray]
"""`(n predictions, their references) -> values`, shape (n,)."""


class BatchScorer(Scorer):
    """A scorer that is quicker when it gets many examples at once; one is a batch of one."""

    @abstractmethod
    def table(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> FloatArray:
        """Statistics of n examples, shape (n, k).

        Args:
            predictions: n scored texts.
            references: accepted answers of each, at least one.
        """

    def stats(self, prediction: str, references: Sequence[str]) -> tuple[float, ...]:
        """Statistics of one example."""
        return tuple(self.table([prediction], [references])[0].tolist())


@dataclass(frozen=True)
class BatchMean(BatchScorer):
    """The mean of values that are computed for many examples at once.

    Attributes:
        measure: the values.
    """

    name: str
    signature: str
    measure: Measure
    binary: bool = False
    kind: Kind = field(default="mean", init=False)

    def table(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> FloatArray:
        """Each example's value and a count of one."""
        values = self.measure(predictions, references)
        return np.column_stack((values, np.ones(len(values))))

    def corpus(self, totals: FloatArray) -> FloatArray:
        """Sum of values over count; NaN where nothing was counted."""
        return mean_of(totals)


def batches(pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    """Pairs in their order, cut where a batch has characters enough."""
    start = characters = 0
    for at, (prediction, accepted) in enumerate(pairs):
        characters += len(prediction) + sum(map(len, accepted))
        if characters >= CHARACTERS:
            yield pairs[start : at + 1]
            start, characters = at + 1, 0
    if start < len(pairs):
        yield pairs[start:]
